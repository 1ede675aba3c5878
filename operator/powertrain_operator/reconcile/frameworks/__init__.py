"""The launch environment of training workers: what each framework reads to find its peers.

`environment` gives one worker's variables. Each framework's module has `variables(launch, rank)`;
adding a framework is adding its module and its line here, and its word to the API's `Framework`.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from powertrain_operator.reconcile.frameworks import custom, jax, mindspore, pytorch
from powertrain_operator.reconcile.frameworks.launch import Launch

__all__ = ["FRAMEWORKS", "Launch", "environment"]

FRAMEWORKS: Final[Mapping[str, Callable[[Launch, int], dict[str, str]]]] = MappingProxyType(
    {
        "pytorch": pytorch.variables,
        "jax": jax.variables,
        "mindspore": mindspore.variables,
        "custom": custom.variables,
    }
)


def environment(framework: str, launch: Launch, rank: int) -> dict[str, str]:
    """Variables of the worker: Powertrain's own first, then its framework's."""
    return {**common(launch, rank), **FRAMEWORKS[framework](launch, rank)}


def common(launch: Launch, rank: int) -> dict[str, str]:
    """What every worker gets, whatever its framework."""
    return {
        "POWERTRAIN_JOB_NAME": launch.job,
        "POWERTRAIN_RANK": str(rank),
        "POWERTRAIN_WORLD_SIZE": str(launch.workers),
        "POWERTRAIN_ATTEMPT": str(launch.attempt),
        "POWERTRAIN_DEVICES_PER_WORKER": str(launch.devices_per_worker),
        "POWERTRAIN_COORDINATOR": launch.coordinator,
    }
