"""What serves the model: each engine's module completes the first container of a replica's pods.

`ENGINES` maps the API's word to `complete(container, service, node)`; a pod of node 0 is the leader.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from powertrain_operator.reconcile.engines import custom, vllm
from powertrain_operator.reconcile.engines.serving import Serving

__all__ = ["ENGINES", "Complete", "Serving"]

Complete = Callable[[Mapping[str, Any], Serving, int], dict[str, Any]]

ENGINES: Final[Mapping[str, Complete]] = MappingProxyType({"vllm": vllm.complete, "custom": custom.complete})
