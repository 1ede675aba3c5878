"""What the pods of a virtual cluster use, by node: kept up to date pod by pod."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from powertrain_scheduler import columns
from powertrain_scheduler.snapshot import (
    HostPort,
    NodeFacts,
    PlacedPod,
    PodClass,
    PodSelector,
    PodTerm,
    SharedDevice,
)

Ints = NDArray[np.int64]


@dataclass(slots=True)
class _Device:
    """A device of which pods have shares, in thousandths."""

    used: int = 0
    leaving: int = 0


@dataclass(slots=True)
class _Node:
    """What of a node few pods use."""

    ports: Counter[HostPort] = field(default_factory=Counter)
    devices: dict[tuple[str, str], _Device] = field(default_factory=dict)
    """By extended resource and name."""


class Tally:
    """The amounts of a snapshot, as arrays and maps of its own."""

    def __init__(self, facts: NodeFacts) -> None:
        self._facts = facts
        self._row = columns.row_of(facts)
        self._column = columns.column_of(facts)
        self.used: Ints = np.zeros_like(facts.allocatable)
        self.leaving: Ints = np.zeros_like(facts.allocatable)
        self.ports: dict[str, frozenset[HostPort]] = {}
        self.shared: dict[str, tuple[SharedDevice, ...]] = {}
        self.matching: dict[PodSelector, Ints] = {}
        self.repelling: dict[PodTerm, Ints] = {}
        self._nodes: dict[str, _Node] = {}
        self._vectors: dict[int, tuple[PodClass, Ints]] = {}
        """By the class's identity, with the class itself so that it stays the one of that identity."""

    def add(self, pod: PlacedPod) -> None:
        """The pod holds its node from now on, leaving already or not."""
        self._count(pod, 1)
        if pod.leaving:
            self._leave(pod, 1)

    def remove(self, pod: PlacedPod) -> None:
        """The pod is gone."""
        if pod.leaving:
            self._leave(pod, -1)
        self._count(pod, -1)

    def leave(self, pod: PlacedPod) -> None:
        """The pod, which holds its node, is being deleted."""
        self._leave(pod, 1)

    def _count(self, pod: PlacedPod, sign: int) -> None:
        row, pod_class = self._row[pod.node], pod.pod_class
        self.used[row] += sign * self._vector(pod_class)
        for selector in pod_class.matched:
            self.matching.setdefault(selector, self._nobody())[row] += sign
        for term in pod_class.apart:
            self.repelling.setdefault(term, self._nobody())[row] += sign
        if pod_class.host_ports:
            self._claim(pod, sign)
        if pod_class.share is not None:
            resource, part = pod_class.share
            self._share(pod.node, resource, pod.device, used=sign * part, leaving=0)

    def _leave(self, pod: PlacedPod, sign: int) -> None:
        self.leaving[self._row[pod.node]] += sign * self._vector(pod.pod_class)
        if pod.pod_class.share is not None:
            resource, part = pod.pod_class.share
            self._share(pod.node, resource, pod.device, used=0, leaving=sign * part)

    def _vector(self, pod_class: PodClass) -> Ints:
        known = self._vectors.get(id(pod_class))
        if known is None:
            vector = np.zeros(len(self._facts.resources), dtype=np.int64)
            for resource, amount in pod_class.request:
                if resource in self._column:
                    vector[self._column[resource]] = amount
            known = self._vectors[id(pod_class)] = (pod_class, vector)
        return known[1]

    def _claim(self, pod: PlacedPod, sign: int) -> None:
        ports = self._nodes.setdefault(pod.node, _Node()).ports
        for port in pod.pod_class.host_ports:
            ports[port] += sign
        self.ports[pod.node] = frozenset(port for port, times in ports.items() if times > 0)
        if not self.ports[pod.node]:
            del self.ports[pod.node]

    def _share(self, node: str, resource: str, name: str, used: int, leaving: int) -> None:
        """A split device counts as one whole device, and leaves when all who have shares of it do."""
        devices = self._nodes.setdefault(node, _Node()).devices
        device = devices.setdefault((resource, name), _Device())
        before = (bool(device.used), 0 < device.used == device.leaving)
        device.used += used
        device.leaving += leaving
        after = (bool(device.used), 0 < device.used == device.leaving)
        row, column = self._row[node], self._column[resource]
        self.used[row, column] += after[0] - before[0]
        self.leaving[row, column] += after[1] - before[1]
        if not device.used:
            del devices[resource, name]
        shared = sorted(devices.items())
        self.shared[node] = tuple(SharedDevice(*key, each.used, each.leaving) for key, each in shared)
        if not shared:
            del self.shared[node]

    def _nobody(self) -> Ints:
        return np.zeros(len(self._facts.names), dtype=np.int64)
