"""Why a group gets these nodes and no others: the search is asked again without what it chose, and both are compared."""

from dataclasses import replace

import numpy as np

from powertrain_scheduler import asks, columns, gang, words
from powertrain_scheduler.asks import Placement
from powertrain_scheduler.columns import Mask
from powertrain_scheduler.cycle import Outcome
from powertrain_scheduler.draft import Draft
from powertrain_scheduler.draft.worlds import occupy
from powertrain_scheduler.explain.record import Place, Spot
from powertrain_scheduler.fleet import Fleet, Ints
from powertrain_scheduler.scores import energy
from powertrain_scheduler.session import Session
from powertrain_scheduler.snapshot import CPU, MEMORY, PodGroup


def place(outcome: Outcome, group: PodGroup) -> Place | None:
    """For what the group got first; None where it got nothing."""
    draft = outcome.draft
    if draft is None or group.name not in draft.placed:
        return None
    placement = draft.placed[group.name][0]
    before = _world_before(draft, group.name)
    spot = _spot(draft, before, placement)
    other = _without(draft, before, placement)
    runner_up = None if other is None else _spot(draft, before, other)
    decided_by, message = _compared(spot, runner_up, group.objective)
    return Place(spot, runner_up, decided_by, message)


def _world_before(draft: Draft, name: str) -> Session:
    """What was used when the group's turn came: the cluster, and what was placed before it."""
    world = Draft(draft.fleet, draft.policy, draft.time).now
    for earlier, placements in draft.placed.items():
        if earlier == name:
            break
        occupy(placements[0], (world,))
    return world


def _without(draft: Draft, world: Session, placement: Placement) -> Placement | None:
    """Where it would go if the tightest domain that holds it, or else its nodes, were not there."""
    fleet, rows = draft.fleet, _rows(placement)
    avoided = frozenset(fleet.facts.names[row] for row in np.flatnonzero(_domain(fleet, rows)).tolist())
    group = placement.group
    other = asks.minimum(fleet, replace(group, excluded_nodes=group.excluded_nodes | avoided))
    return None if other is None else gang.find(other, (world,), draft.quotas)


def _domain(fleet: Fleet, rows: Ints) -> Mask:
    """Nodes of the narrowest domain that holds all the rows, of several nodes; else the rows alone."""
    levels = _levels(fleet, rows) if len(rows) > 1 else ()
    for end in range(len(levels), 0, -1):
        codes = columns.domains(fleet.facts, levels[:end]).codes
        held = np.unique(codes[rows])
        if len(held) == 1 and held[0] >= 0:
            inside: Mask = codes == held[0]
            return inside
    alone = np.zeros(fleet.size, dtype=np.bool_)
    alone[rows] = True
    return alone


def _rows(placement: Placement) -> Ints:
    return np.unique(np.concatenate([part.rows for part in placement.parts]))


def _levels(fleet: Fleet, rows: Ints) -> tuple[str, ...]:
    pool = int(fleet.facts.pool[rows[0]])
    return fleet.snapshot.pools[pool].levels if pool >= 0 else ()


def _spot(draft: Draft, world: Session, placement: Placement) -> Spot:
    fleet, rows = draft.fleet, _rows(placement)
    levels = _levels(fleet, rows)
    parts = [(part.traits, part.rows, part.counts) for part in placement.parts]
    mark = world.checkpoint()
    charged = placement.changes()
    joules = energy.joules_per_work(world, parts)
    for change in charged:
        world.place(change)
    idle = int(np.maximum(fleet.present[rows] - fleet.devices(world.used, rows), 0).sum())
    share = _idle_share(fleet, world, rows)
    borrowed = _borrows(draft, world, placement)
    world.rollback(mark)
    return Spot(
        accelerators=tuple(
            sorted({fleet.accelerators[n] for n in np.unique(fleet.accelerator[rows]).tolist() if n >= 0})
        ),
        nodes=tuple(fleet.facts.names[row] for row in rows.tolist()),
        domains=tuple((key, _domains(fleet, key, rows)) for key in levels),
        borrowed=borrowed,
        joules=round(joules, 6),
        idle_devices=idle,
        idle_share=round(share, 4),
    )


def _idle_share(fleet: Fleet, world: Session, rows: Ints) -> float:
    host = [fleet.column_of[CPU], fleet.column_of[MEMORY]]
    whole = fleet.facts.allocatable[rows][:, host]
    free = whole - world.used[rows][:, host]
    return float((free / np.maximum(whole, 1)).mean())


def _domains(fleet: Fleet, key: str, rows: Ints) -> tuple[str, ...]:
    column = columns.label(fleet.facts, key)
    return tuple(column.values[code] for code in np.unique(column.codes[rows]).tolist() if code >= 0)


def _borrows(draft: Draft, world: Session, placement: Placement) -> bool:
    """Whether its queue holds more than its own of what the placement takes."""
    kinds = {int(n) for part in placement.parts for n in draft.fleet.accelerator[part.rows] if n >= 0}
    return any(draft.quotas.borrows(world, placement.group.queue, kind, 0) for kind in sorted(kinds))


# -- in words ---------------------------------------------------------------------------------------


def _compared(spot: Spot, other: Spot | None, objective: str) -> tuple[str, str]:
    where = f"on {_where(spot)}"
    if other is None:
        return "Only", f"{where}; nowhere else would it fit"
    second = f"{where}; next best would be {_where(other)}"
    if other.borrowed and not spot.borrowed:
        return "Quota", f"{second}, which its queue would borrow"
    if _spread(other) != _spread(spot):
        return "Topology", f"{second}, which lies in {_breadth(other)} instead of {_breadth(spot)}"
    if spot.accelerators != other.accelerators and objective != "energy":
        return "Objective", f"{second}, which is worse in {objective} per unit of work"
    if not np.isclose(spot.joules, other.joules, rtol=1e-6):
        return "Energy", f"{second}, {_dearer(spot.joules, other.joules)}"
    if spot.idle_devices != other.idle_devices:
        idle = words.counted(other.idle_devices, "device")
        return "Packing", f"{second}, where {idle} would stay idle beside it instead of {spot.idle_devices}"
    if spot.idle_share != other.idle_share:
        free = f"{other.idle_share:.0%} of CPU and memory would stay free instead of {spot.idle_share:.0%}"
        return "Packing", f"{second}, where {free}"
    return "Name", f"{second}, which is as good and has a later name"


def _spread(spot: Spot) -> tuple[int, ...]:
    return (*(len(domains) for _, domains in spot.domains), len(spot.nodes))


def _where(spot: Spot) -> str:
    alone = [(key, names[0]) for key, names in spot.domains if len(names) == 1]
    nodes = spot.nodes[0] if len(spot.nodes) == 1 else words.counted(len(spot.nodes), "node")
    within = f" in {alone[-1][0].rsplit('/', 1)[-1]} {alone[-1][1]}" if alone else ""
    models = f" ({', '.join(spot.accelerators)})" if spot.accelerators else ""
    return f"{nodes}{within}{models}"


def _breadth(spot: Spot) -> str:
    """How wide it is spread: the domains of the narrowest level, or its nodes."""
    told = [words.counted(len(names), key.rsplit("/", 1)[-1]) for key, names in spot.domains]
    return " and ".join([*told, words.counted(len(spot.nodes), "node")])


def _dearer(least: float, other: float) -> str:
    if least <= 0.0:
        return f"which adds {other:.3g} instead of {least:.3g} watts per unit of work"
    change = (other / least - 1) * 100
    return f"which adds {abs(change):.1f} % {'more' if change > 0 else 'less'} watts per unit of work"
