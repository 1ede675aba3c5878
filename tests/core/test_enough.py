"""Whether a group fits once others have gone: counting says what the whole search says."""

import numpy as np
from core.builders import NOW
from core.profiles import examples
from core.worlds import clusters
from hypothesis import event, given
from hypothesis import strategies as st
from powertrain_scheduler import asks, gang
from powertrain_scheduler.actions import enough
from powertrain_scheduler.draft import Draft
from powertrain_scheduler.fleet import Fleet
from powertrain_scheduler.policy import Policy
from powertrain_scheduler.snapshot import Snapshot


@given(clusters, st.integers(0, 2**32 - 1))
@examples(300)
def test_counting_says_what_the_search_says(snapshot: Snapshot, seed: int) -> None:
    fleet = Fleet(snapshot)
    draft = Draft(fleet, Policy(), NOW)
    going = np.random.default_rng(seed).random(len(draft.holdings.row)) < 0.5
    going &= ~draft.holdings.leaving
    for group in snapshot.groups.values():
        wanted = asks.minimum(fleet, group)
        if wanted is None or not wanted.pods:
            continue
        for option in wanted.options:
            found = gang.find(wanted, draft.worlds_without(group, going), draft.quotas, option)
            counted = enough.by_counting(draft, wanted, option)
            event(f"counted: {counted}, fits: {found is not None}")
            assert enough.fits_without(draft, wanted, option, going) == (found is not None)
