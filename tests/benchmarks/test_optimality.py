"""The core against exact optima: what may never happen, however far it may be from the best."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("highspy", reason="HiGHS solves the instances exactly")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import optimality
from optimality import Exact, Gang, Instance

SEEDS = range(12)


def size(case: Instance, names: set[str]) -> int:
    return sum(gang.size for gang in case.gangs if gang.name in names)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_more_starts_than_could_and_what_is_promised_first_starts(seed: int) -> None:
    case = optimality.instance(seed)
    started, promised = optimality.ours(case), Exact(case).by_priority()
    assert size(case, started) <= Exact(case).most_devices()
    assert size(case, promised) <= Exact(case).most_devices()
    first = case.gangs[0].name
    assert (first in started) == (first in promised)


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_that_still_fits_is_left_waiting(seed: int) -> None:
    """A gang that waits fits nowhere beside those that run, were these placed as the core has them."""
    case = optimality.instance(seed)
    started = optimality.ours(case)
    free, racks = optimality.left(case), max(case.rack) + 1
    for gang in case.gangs:
        places = [
            sum(n // gang.devices for n, r in zip(free, case.rack, strict=True) if r == rack)
            for rack in range(racks)
        ]
        room = max(places) if gang.one_rack else sum(places)
        assert gang.name in started or room < gang.pods


def test_the_exact_solution_is_known_where_it_is_plain() -> None:
    """Two nodes of 4: by priority the pair of 3 goes first and leaves 1 + 1; the most is 4 + 4."""
    gangs = (Gang("first", 2, 3, False), Gang("second", 1, 4, False), Gang("third", 1, 4, False))
    case = Instance((4, 4), (0, 0), gangs)
    assert Exact(case).by_priority() == {"first"}
    assert Exact(case).most_devices() == 8
    assert optimality.ours(case) == {"first"}


def test_a_gang_in_one_rack_is_not_spread_by_the_solver_either() -> None:
    case = Instance((4, 4), (0, 1), (Gang("pair", 2, 4, True),))
    assert Exact(case).by_priority() == set() == optimality.ours(case)
