"""From a model of accelerator to what a pod has to ask for and where it may go."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from powertrain_operator.api import AcceleratorPool
from powertrain_operator.api.names import DEFAULT_QUEUE
from powertrain_operator.api.podtemplate import PodTemplate
from powertrain_operator.api.workload import Devices
from powertrain_operator.reconcile.children import digest
from powertrain_operator.reconcile.observed import Fleet
from powertrain_operator.reconcile.reasons import Problem, Reason

MOST_NAMES = 20
"""Names that a sentence lists before it breaks off."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Devices for each pod of a gang."""

    resource: str
    count: int
    nodes: tuple[tuple[tuple[str, str], ...], ...]
    """Labels a node must have, one set for each pool; any one set will do."""


def digest_of(grant: Grant | None) -> str:
    """Tells grants apart whose pods would differ."""
    return digest([grant.resource, grant.count, grant.nodes] if grant else None)


def grant_of(devices: Sequence[Devices], pools: Iterable[AcceleratorPool]) -> Grant | None:
    """What the pods ask for; None for work without devices. Problem where no pool offers it.

    A pod can name one resource only. Where pools offer the same accelerator under several names,
    the first pool by name decides, and the others are for work of a model of their own.
    """
    if not devices:
        return None
    wanted = devices[0]
    offering = _offering(wanted.accelerator, tuple(pools))
    resource = offering[0].spec.resource_name
    nodes = tuple(
        tuple(sorted(pool.spec.node_selector.items()))
        for pool in offering
        if pool.spec.resource_name == resource
    )
    return Grant(resource, wanted.per_worker, tuple(dict.fromkeys(nodes)))


def _offering(accelerator: str, pools: tuple[AcceleratorPool, ...]) -> tuple[AcceleratorPool, ...]:
    named = [pool for pool in pools if pool.spec.accelerator == accelerator]
    if not named:
        offered = sorted({pool.spec.accelerator for pool in pools})
        there = f"the pools offer {listed(offered)}" if offered else "there is no AcceleratorPool at all"
        raise Problem(
            Reason.ACCELERATOR_NOT_FOUND, f"no AcceleratorPool offers accelerator {accelerator}; {there}"
        )
    valid = tuple(pool for pool in named if pool.status is None or pool.status.phase != "Invalid")
    if not valid:
        why = named[0].status.message if named[0].status else None
        pool = f"AcceleratorPool {named[0].name}, which offers {accelerator}"
        raise Problem(Reason.POOL_INVALID, f"{pool}, is invalid itself: {why or 'see there'}")
    return valid


def check_queue(queue: str, fleet: Fleet) -> None:
    """Problem where the queue does not exist; the default one always does."""
    if queue == DEFAULT_QUEUE or queue in fleet.queues:
        return
    there = listed(sorted(fleet.queues | {DEFAULT_QUEUE}))
    raise Problem(Reason.QUEUE_NOT_FOUND, f"queue {queue} does not exist; there is {there}")


def check_template(template: PodTemplate | None, grant: Grant | None) -> None:
    """Problem where the template's first container asks for another number of the granted devices."""
    if template is None or grant is None:
        return
    first = template.spec.containers[0]
    asked = [first.resources.limits, first.resources.requests] if first.resources else []
    for amounts in asked:
        amount = (amounts or {}).get(grant.resource)
        if amount is not None and str(amount) != str(grant.count):
            raise Problem(
                Reason.DEVICES_CONTRADICT,
                f"container {first.name} asks for {amount} {grant.resource}, devices[0].perWorker for "
                f"{grant.count}; leave the devices out of the template",
            )


def listed(names: Sequence[str]) -> str:
    """Names for a sentence: `a, b and c`; after twenty it says how many more."""
    shown = list(names[:MOST_NAMES])
    if len(names) > MOST_NAMES:
        return f"{', '.join(shown)} and {len(names) - MOST_NAMES} more"
    return f"{', '.join(shown[:-1])} and {shown[-1]}" if len(shown) > 1 else "".join(shown)


def with_devices(container: Mapping[str, Any], grant: Grant) -> dict[str, Any]:
    """The container with the devices as request and limit: Kubernetes wants the two equal."""
    resources = dict(container.get("resources") or {})
    for part in ("limits", "requests"):
        resources[part] = {**(resources.get(part) or {}), grant.resource: str(grant.count)}
    return {**container, "resources": resources}


def with_node_affinity(spec: Mapping[str, Any], grant: Grant) -> dict[str, Any]:
    """The pod's spec held to the pools' nodes, and to what its author asked for as well."""
    affinity = dict(spec.get("affinity") or {})
    of_nodes = dict(affinity.get("nodeAffinity") or {})
    required = dict(of_nodes.get("requiredDuringSchedulingIgnoredDuringExecution") or {})
    required["nodeSelectorTerms"] = _both(required.get("nodeSelectorTerms") or [], _terms(grant))
    of_nodes["requiredDuringSchedulingIgnoredDuringExecution"] = required
    return {**spec, "affinity": {**affinity, "nodeAffinity": of_nodes}}


def _terms(grant: Grant) -> list[dict[str, Any]]:
    return [
        {"matchExpressions": [{"key": key, "operator": "In", "values": [value]} for key, value in labels]}
        for labels in grant.nodes
    ]


def _both(theirs: list[dict[str, Any]], ours: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Terms are alternatives, so both hold where some pair of them does. An empty term matches no node."""
    if not theirs:
        return ours
    return [_joined(their, our) for their in theirs if their for our in ours] or theirs


def _joined(their: dict[str, Any], our: dict[str, Any]) -> dict[str, Any]:
    rules = [*(their.get("matchExpressions") or []), *our["matchExpressions"]]
    return {**their, "matchExpressions": rules}
