"""The process that creates the pods: `python -m clusterbench.submit ORDER.json RECEIPT.json`.

A process of its own, so that what it spends is neither the scheduler's nor the watch's, and so that
a slow watch cannot slow the submission. Times are CLOCK_MONOTONIC, which all processes share.
"""

import asyncio
import sys
import time
from collections import Counter, deque
from pathlib import Path

import msgspec
from powertrain_operator.kube.client import Client
from powertrain_operator.kube.resources import PODGROUPS, PODS, Resource

from clusterbench import workloads


class Order(msgspec.Struct, frozen=True):
    """What to create."""

    kubeconfig: str
    row: str
    scale: float
    scheduler: str
    pod_groups: bool
    """Make the gangs' PodGroups too, each just before its pods."""
    concurrency: int
    filling_nodes: tuple[str, ...] = ()
    """Where given, the row's filling is created on these nodes instead of the row's groups."""


class Span(msgspec.Struct, frozen=True):
    """One group's submission, in seconds of the monotonic clock."""

    first_sent: float
    last_answered: float


class Receipt(msgspec.Struct, frozen=True):
    """What was created, by group and by plural."""

    groups: dict[str, Span]
    created: dict[str, int]

    @property
    def first_sent(self) -> float:
        return min(span.first_sent for span in self.groups.values())

    @property
    def last_answered(self) -> float:
        return max(span.last_answered for span in self.groups.values())


Creation = tuple[str, Resource, workloads.Manifest]
"""The group's name, the kind, the object."""


def creations(order: Order) -> list[Creation]:
    """Every object of the order, in the order it is sent."""
    row = workloads.rows(order.scale)[order.row]
    if order.filling_nodes and row.filling:
        group = row.filling
        places = workloads.filled(group, order.filling_nodes)
        return [
            (group.name, PODS, workloads.pod(group, name, order.scheduler, node=places[name]))
            for name in group.pod_names()
        ]
    found: list[Creation] = []
    for group in row.groups:
        if order.pod_groups and group.gang:
            found.append((group.name, PODGROUPS, workloads.pod_group(group)))
        found += [
            (group.name, PODS, workloads.pod(group, name, order.scheduler)) for name in group.pod_names()
        ]
    return found


async def submit(order: Order) -> Receipt:
    """Create everything; at most `concurrency` requests are on their way at once."""
    left = deque(creations(order))
    sent: dict[str, float] = {}
    answered: dict[str, float] = {}
    created: Counter[str] = Counter()

    async def create_until_empty(client: Client) -> None:
        while left:
            group, resource, manifest = left.popleft()
            sent.setdefault(group, time.monotonic())
            await client.create(resource, manifest, workloads.NAMESPACE)
            answered[group] = time.monotonic()
            created[resource.plural] += 1

    async with Client.connect(
        order.kubeconfig, user_agent="bench-submit", concurrency=order.concurrency
    ) as client:
        await asyncio.gather(*(create_until_empty(client) for _ in range(order.concurrency)))
    groups = {group: Span(sent[group], answered[group]) for group in sent}
    return Receipt(groups, dict(created))


def main() -> None:
    order_path, receipt_path = map(Path, sys.argv[1:])
    order = msgspec.json.decode(order_path.read_bytes(), type=Order)
    receipt_path.write_bytes(msgspec.json.encode(asyncio.run(submit(order))))


if __name__ == "__main__":
    main()
