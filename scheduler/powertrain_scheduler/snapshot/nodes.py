"""Nodes as rows, their pools, and the whole moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from powertrain_scheduler.snapshot.groups import PodGroup
from powertrain_scheduler.snapshot.pods import HostPort, PodClass, PodSelector, PodTerm, Taint
from powertrain_scheduler.snapshot.queues import Queue


@dataclass(frozen=True, slots=True)
class Power:
    """Watts of a pool's parts. Sources: the catalogue, or the pool's own figures."""

    device_idle: float
    device_active: float
    """One device under load."""
    host: float
    """One node without its devices, awake."""
    speed: float = 1.0
    """Work per second of one device, relative to others in the fleet (BF16 TFLOPS by default)."""
    sleeps: bool = False
    """Empty nodes are put to sleep, so that waking one costs its idle watts."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Nodes that carry one model of accelerator."""

    name: str
    accelerator: str
    resource: str
    """Extended resource name its devices are advertised as."""
    power: Power
    levels: tuple[str, ...] = ()
    """Topology level keys, widest first, e.g. (block label, rack label)."""
    price: float = 0.0
    """Of one device for an hour, in whatever currency all pools share; 0: nobody said."""


@dataclass(frozen=True, slots=True)
class SharedDevice:
    """A device of a node of which pods have shares. It counts as one whole device in `Snapshot.used`,
    and in `Snapshot.leaving` once all who have shares of it leave."""

    resource: str
    """Extended resource it is advertised as."""
    name: str
    """Unique on its node and for the resource, such as `0`."""
    used: int
    """Thousandths that pods hold, leaving ones included."""
    leaving: int = 0
    """The part of `used` whose pods are being deleted."""


@dataclass(frozen=True, eq=False)
class NodeFacts:
    """What rarely changes of the nodes. `memo` keeps what the core works out from it, so it
    lives as long as the facts do; the same facts give the same answers."""

    names: tuple[str, ...]
    """Sorted; row i of every array is node `names[i]`."""
    resources: tuple[str, ...]
    """Column names; PODS, CPU, MEMORY first."""
    allocatable: NDArray[np.int64]
    """Shape (nodes, resources)."""
    schedulable: NDArray[np.bool_]
    """Ready, not cordoned, not being deleted."""
    labels: tuple[Mapping[str, str], ...]
    taints: tuple[tuple[Taint, ...], ...]
    pool: NDArray[np.int32]
    """Index into `Snapshot.pools`, -1 for none."""
    ready: NDArray[np.bool_] | None = None
    """Nodes whose kubelet reports; None: all. Pods on the others are thought lost."""
    memo: dict[object, object] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, eq=False)
class Snapshot:
    """One moment of the cluster. Not compared as a whole: it holds arrays."""

    nodes: NodeFacts
    used: NDArray[np.int64]
    """Shape (nodes, resources): what all pods there request, of any scheduler, leaving ones included."""
    leaving: NDArray[np.int64]
    """Shape (nodes, resources): the part of `used` whose pods are being deleted."""
    host_ports: Mapping[str, frozenset[HostPort]]
    """By node name; nodes without claimed ports are left out."""
    pools: tuple[Pool, ...]
    queues: Mapping[str, Queue]
    groups: Mapping[str, PodGroup]
    """Waiting and running, by name."""
    shared: Mapping[str, tuple[SharedDevice, ...]] = field(default_factory=dict)
    """By node name; nodes without shared devices are left out."""
    matching: Mapping[PodSelector, NDArray[np.int64]] = field(default_factory=dict)
    """Per node, how many pods there the selector picks, of any scheduler. Selectors that pick none may be left out."""
    repelling: Mapping[PodTerm, NDArray[np.int64]] = field(default_factory=dict)
    """Per node, how many pods there have this required anti-affinity."""
    expected: tuple[tuple[PodClass, float], ...] = ()
    """Pods likely to come and how likely each is, for judging fragments; empty: those that are here."""
    runtime_ratio: Mapping[str, float] = field(default_factory=dict)
    """By owner, how long his groups really ran over what he said."""
