"""What quotas count: every accelerator of the fleet, and CPU and memory where a queue has an entry for them,
or where queues have nothing else to share.

Amounts are whole numbers: accelerators in thousandths of a device, so that shares of devices count;
CPU in thousandths of a core; memory in bytes; running groups by number, where a queue limits them.
"""

from powertrain_scheduler.snapshot import CPU, MEMORY, Snapshot

DEVICE = 1000
"""Thousandths in a whole device."""
GROUPS = "running groups"
"""Counted where a queue limits how many of its groups hold nodes at once."""


def accelerators(snapshot: Snapshot) -> tuple[str, ...]:
    """The pools' accelerators by name: the first of the kinds."""
    return tuple(sorted({pool.accelerator for pool in snapshot.pools}))


def others(snapshot: Snapshot) -> tuple[str, ...]:
    """`cpu` and `memory`, as far as any queue has a quota of them; last, running groups where these are limited.

    In a fleet without any accelerator both count: else queues of unlike weight would get the same.
    """
    queues = snapshot.queues.values()
    named = {kind for queue in queues for kind in queue.quotas}
    if len(queues) > 1 and named.isdisjoint((CPU, MEMORY)) and not _accelerated(snapshot):
        named = {CPU, MEMORY}
    limited = (GROUPS,) if any(queue.max_running is not None for queue in queues) else ()
    return (*(kind for kind in (CPU, MEMORY) if kind in named), *limited)


def _accelerated(snapshot: Snapshot) -> bool:
    """Whether any node carries an accelerator."""
    pooled = {pool.resource for pool in snapshot.pools}
    carried = [i for i, name in enumerate(snapshot.nodes.resources) if name in pooled]
    return bool(snapshot.nodes.allocatable[:, carried].any())
