"""What quotas count: every accelerator of the fleet, and CPU and memory where a queue has an entry for them.

Amounts are whole numbers: accelerators in thousandths of a device, so that shares of devices count;
CPU in thousandths of a core; memory in bytes.
"""

from powertrain_scheduler.snapshot import CPU, MEMORY, Snapshot

DEVICE = 1000
"""Thousandths in a whole device."""


def accelerators(snapshot: Snapshot) -> tuple[str, ...]:
    """The pools' accelerators by name: the first of the kinds."""
    return tuple(sorted({pool.accelerator for pool in snapshot.pools}))


def others(snapshot: Snapshot) -> tuple[str, ...]:
    """`cpu` and `memory`, as far as any queue has a quota of them."""
    named = {kind for queue in snapshot.queues.values() for kind in queue.quotas}
    return tuple(kind for kind in (CPU, MEMORY) if kind in named)
