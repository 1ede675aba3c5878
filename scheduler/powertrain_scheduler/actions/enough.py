"""Whether a group fits once some of those that hold nodes have gone.

Where as much room as there are pods is all that the group needs, only the nodes that are left are
looked at; else the whole search is asked.
"""

import numpy as np

from powertrain_scheduler import fit, gang
from powertrain_scheduler.asks import Ask, Option
from powertrain_scheduler.columns import Mask
from powertrain_scheduler.draft import Draft


def counts_only(wanted: Ask) -> bool:
    """Whether as much room as there are pods is all that the group needs of its nodes."""
    traits, topology = wanted.needs[0].traits, wanted.group.topology
    plain_pods = not (traits.pod_class.host_ports or traits.heeding or traits.share)
    return len(wanted.needs) == 1 and plain_pods and not wanted.root.parts and not topology.slices


def fits_without(draft: Draft, wanted: Ask, option: Option, pods: Mask) -> bool:
    """Whether it fits once these pods of the holdings have gone, too."""
    if by_counting(draft, wanted, option) and not (draft.holdings.slot[pods] >= 0).any():
        return _room_without(draft, wanted, option, pods) >= len(wanted.pods)
    worlds = draft.worlds_without(wanted.group, pods)
    return gang.find(wanted, worlds, draft.quotas, option) is not None


def by_counting(draft: Draft, wanted: Ask, option: Option) -> bool:
    """Whether the room that there will be decides by itself: it may lie anywhere, in the one world that
    matters, and no quota is in the way, now or once others hold less."""
    anywhere = wanted.group.topology.required is None and wanted.inside is None
    return (
        anywhere
        and counts_only(wanted)
        and wanted.needs[0].traits.missing is None
        and len(draft.worlds_later(wanted.group)) == 1
        and not draft.quotas.keeps_any(option.charges)
        and gang.within(wanted, [draft.later], draft.quotas, option)
    )


def _room_without(draft: Draft, wanted: Ask, option: Option, pods: Mask) -> int:
    """For how many of the group's pods there is room then."""
    traits, holdings, fleet = wanted.needs[0].traits, draft.holdings, draft.fleet
    mask = gang.allowed(fleet, wanted, traits, option)
    room = gang.room((draft.later,), traits, mask)
    rows, at = np.unique(holdings.row[pods], return_inverse=True)
    usable = fit.may(fleet, traits)[rows]
    if mask is not None:
        usable = usable & mask[rows]
    columns = traits.columns
    free = (fleet.facts.allocatable[np.ix_(rows, columns)] - draft.later.used[np.ix_(rows, columns)]).T
    vectors = holdings.vectors[:, columns].T
    classes = holdings.traits[pods]
    freed = [np.bincount(at, weights=each[classes], minlength=len(rows)) for each in vectors]
    fits = ((free + np.array(freed, dtype=np.int64)) // traits.amounts[:, None]).min(axis=0)
    there = int(room.sum()) - int(room[rows].sum())
    return there + int(np.maximum(fits, 0)[usable].sum())
