"""What quotas count: every accelerator of the fleet, and CPU and memory where a queue has an entry for them.

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
    """`cpu` and `memory`, as far as any queue has a quota of them; last, running groups where these are limited."""
    queues = snapshot.queues.values()
    named = {kind for queue in queues for kind in queue.quotas}
    limited = (GROUPS,) if any(queue.max_running is not None for queue in queues) else ()
    return (*(kind for kind in (CPU, MEMORY) if kind in named), *limited)
