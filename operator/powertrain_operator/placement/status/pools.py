"""What pools say of themselves, to `kubectl get ptpool` and to the metrics page."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from powertrain_scheduler.power.model import devices
from powertrain_scheduler.snapshot import NodeFacts, Snapshot

from powertrain_operator.api.fields import shortened
from powertrain_operator.energy.ledger import Account
from powertrain_operator.telemetry.metrics import PoolReading

from ..translate.nodes import CORDON
from ..translate.objects import PoolTrouble

Status = dict[str, Any]
_NOTHING = Account()


def readings(snapshot: Snapshot, energy: Mapping[str, Account]) -> Iterator[PoolReading]:
    """Devices by state, watts and joules of every pool that can be used, by name."""
    facts, pools = snapshot.nodes, snapshot.pools
    present = devices(facts, pools, facts.allocatable)
    used = np.minimum(devices(facts, pools, snapshot.used), present)
    open_ = np.array([_takes_work(facts, row) for row in range(len(facts.names))], dtype=np.bool_)
    for number, pool in enumerate(pools):
        mine = facts.pool == number
        account = energy.get(pool.name, _NOTHING)
        yield PoolReading(
            pool=pool.name,
            accelerator=pool.accelerator,
            allocated=int(used[mine].sum()),
            free=int((present - used)[mine & open_].sum()),
            unavailable=int((present - used)[mine & ~open_].sum()),
            watts=account.watts,
            joules=account.joules,
        )


def status(reading: PoolReading, snapshot: Snapshot, taken: int, generation: int) -> Status:
    """Of a pool that can be used; `taken` nodes match it but belong to a pool before it."""
    names = [pool.name for pool in snapshot.pools]
    nodes = int((snapshot.nodes.pool == names.index(reading.pool)).sum())
    return {
        "phase": "Ready",
        "reason": "Ready",
        "message": _sentence(nodes, reading, taken),
        "observedGeneration": generation,
        "nodes": nodes,
        "devices": reading.allocated + reading.free + reading.unavailable,
        "allocated": reading.allocated,
        "watts": round(reading.watts, 1),
        "kilowattHours": round(reading.joules / Account.JOULES_PER_KWH, 3),
    }


def broken(trouble: PoolTrouble, before: Mapping[str, Any], generation: int) -> Status:
    """Of a pool that cannot be used; the energy that it has used stays on record."""
    kept = {"kilowattHours": before["kilowattHours"]} if "kilowattHours" in before else {}
    return {
        "phase": "Invalid",
        "reason": trouble.reason,
        "message": shortened(trouble.message),
        "observedGeneration": generation,
        **kept,
    }


def _sentence(nodes: int, reading: PoolReading, taken: int) -> str:
    if not nodes and not taken:
        return "No node has the labels of nodeSelector."
    said = f"{nodes} nodes; {reading.allocated} devices are allocated, {reading.free} are free"
    said += f", {reading.unavailable} are on nodes that take no work." if reading.unavailable else "."
    return said + (f" {taken} more nodes match, but belong to a pool before this one." if taken else "")


def _takes_work(facts: NodeFacts, row: int) -> bool:
    """Ready and not cordoned. Other taints are about who may come, not about whether anyone may."""
    return bool(facts.schedulable[row]) and all(taint.key != CORDON for taint in facts.taints[row])
