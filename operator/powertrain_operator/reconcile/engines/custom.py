"""Any server of the author's own: the template says everything, probes and command included."""

from collections.abc import Mapping
from typing import Any

from powertrain_operator.reconcile.engines.serving import Serving
from powertrain_operator.reconcile.podbuilder import with_environment


def complete(container: Mapping[str, Any], serving: Serving, node: int) -> dict[str, Any]:
    """The container with what it needs to know of its replica."""
    return with_environment(container, variables(serving, node))


def variables(serving: Serving, node: int) -> dict[str, str]:
    """What a pod of any engine is told."""
    return {
        "POWERTRAIN_SERVICE_NAME": serving.service.name,
        "POWERTRAIN_REPLICA": str(serving.replica),
        "POWERTRAIN_NODE_RANK": str(node),
        "POWERTRAIN_NODES": str(serving.nodes),
        "POWERTRAIN_PORT": str(serving.service.spec.port),
        "POWERTRAIN_COORDINATOR": serving.leader,
    }
