"""Tiny traces under each policy, with ends worked out by hand."""

from collections.abc import Callable, Sequence
from random import Random

import pytest
from powertrain_operator.cli.replay import lp
from powertrain_scheduler.cycle import decide
from powertrain_scheduler.policy import Policy
from powertrain_scheduler.replay.jobs import fifo, maxmin, ours, outcome, rounds, sharing
from powertrain_scheduler.replay.jobs.outcome import Ended
from powertrain_scheduler.replay.jobs.trace import Job
from powertrain_scheduler.snapshot import Queue
from replay.jobtraces import FAST, SLOW, job

ONE_EACH = {FAST: 1, SLOW: 1}


def quiet(done: int, now: float) -> None:
    """No progress bar."""


def in_rounds(
    policy: rounds.RoundPolicy, jobs: Sequence[Job], devices: dict[str, int], restart: float = 0.0
) -> list[Ended]:
    return rounds.run(
        jobs, devices, policy, restart_seconds=restart, estimates={}, progress=quiet, round_seconds=100.0
    )


def by_decide(jobs: Sequence[Job], devices: dict[str, int]) -> list[Ended]:
    return ours.run(
        jobs,
        devices,
        decide,
        queue=Queue("default"),
        policy=Policy(tell=False),
        restart_seconds=0.0,
        estimates={},
        progress=quiet,
    )


def ends(ended: list[Ended]) -> dict[str, float]:
    return {each.job.name[-1]: each.ended for each in ended}


def test_fifo_takes_the_fastest_that_is_free_and_nobody_overtakes() -> None:
    """0: fast until 1000. 1: slow, the only free one, until 10 + 5000. 2 needs two devices of one kind and
    never fits beside a single one, so here it is 1 wide: after 0 at 1000 on fast until 2000."""
    jobs = [
        job(0, 0.0, fast=10.0, slow=2.0),
        job(1, 10.0, fast=10.0, slow=2.0),
        job(2, 20.0, fast=10.0, slow=2.0),
    ]
    assert ends(fifo.run(jobs, ONE_EACH, progress=quiet)) == {"0": 1000.0, "1": 5010.0, "2": 2000.0}


def test_fifo_waits_with_its_head() -> None:
    """Two fast devices: 1 wants both and waits for 0; 2 would fit, but waits behind 1."""
    jobs = [job(0, 0.0, fast=10.0), job(1, 10.0, 2, fast=20.0), job(2, 20.0, fast=100.0)]
    assert ends(fifo.run(jobs, {FAST: 2}, progress=quiet)) == {"0": 1000.0, "1": 1500.0, "2": 1600.0}


def test_srtf_stops_the_longer_job() -> None:
    """0 runs from 0 to 100 and has 900 s to go. 1 came at 50, needs 250 s: rounds 100, 200 and half of 300.
    The device idles until 400, when 0 goes on: it is done at 1300."""
    jobs = [job(0, 0.0, fast=10.0), job(1, 50.0, fast=40.0)]
    ended = in_rounds(sharing.ShortestRemaining(), jobs, {FAST: 1})
    assert ends(ended) == {"1": 350.0, "0": 1300.0}
    assert {each.job.name[-1]: each.stops for each in ended} == {"1": 0, "0": 1}


def test_a_start_from_a_checkpoint_takes_its_part_of_the_round() -> None:
    """As above with 10 s for each start: 1 ends at 360. 0 did 90 s in its first round, so it has 910 s
    to go at 400, after another 10 s."""
    jobs = [job(0, 0.0, fast=10.0), job(1, 50.0, fast=40.0)]
    assert ends(in_rounds(sharing.ShortestRemaining(), jobs, {FAST: 1}, restart=10.0)) == {
        "1": 360.0,
        "0": 1320.0,
    }


def test_las_takes_turns() -> None:
    """Two jobs of 200 s on one device, round by round: 0, 1, 0, 1."""
    jobs = [job(0, 0.0, fast=50.0), job(1, 0.0, fast=50.0)]
    assert ends(in_rounds(sharing.LeastAttained(), jobs, {FAST: 1})) == {"0": 300.0, "1": 400.0}


def test_las_counts_devices_not_time() -> None:
    """0 holds two devices a round, so that 1, of one device, has two rounds for each of its: 1 runs in rounds
    1, 2 and 4 and is done at 500; 0 runs in 0 and 3."""
    jobs = [job(0, 0.0, 2, fast=50.0), job(1, 0.0, fast=10_000 / 300)]
    ended = in_rounds(sharing.LeastAttained(), jobs, {FAST: 2})
    assert ends(ended) == {"0": 400.0, "1": pytest.approx(500.0)}


def test_las_is_blind_to_speed() -> None:
    """The slow accelerator has more free devices, so it is taken, though it takes five times as long."""
    assert ends(
        in_rounds(sharing.LeastAttained(), [job(0, 0.0, fast=10.0, slow=2.0)], {FAST: 1, SLOW: 2})
    ) == {"0": 5000.0}


def test_max_min_gives_each_job_what_it_gains_most_by() -> None:
    """0 is ten times as fast on fast, 1 as fast on either: 0 has fast all the time, 1 has slow."""
    jobs = [job(0, 0.0, fast=10.0, slow=1.0), job(1, 0.0, fast=10.0, slow=10.0)]
    ended = in_rounds(maxmin.MaxMin(lp.solve), jobs, ONE_EACH)
    assert ends(ended) == {"0": 1000.0, "1": 1000.0}


def test_max_min_shares_time_evenly_between_equals() -> None:
    """Two equal jobs of 400 s on one device: half of the time each, round by round."""
    jobs = [job(0, 0.0, fast=25.0), job(1, 0.0, fast=25.0)]
    ended = in_rounds(maxmin.MaxMin(lp.solve), jobs, {FAST: 1})
    assert sorted(each.ended for each in ended) == [700.0, 800.0]


def test_ours_takes_the_worse_accelerator_where_that_ends_sooner() -> None:
    """0 has fast until 1000. 1 comes at 10: slow now would end at 2010, fast from 1000 on at 2000, which is
    sooner, so it waits. 2 comes at 20: fast after both would end at 3000, slow now ends at 2020."""
    jobs = [job(i, 10.0 * i, fast=10.0, slow=5.0) for i in range(3)]
    assert ends(by_decide(jobs, ONE_EACH)) == {"0": 1000.0, "1": 2000.0, "2": 2020.0}


def test_ours_lets_small_work_ahead_where_it_delays_nobody() -> None:
    """Two devices. 1 wants both and waits until 1000; 2 is done by 500 and goes first; 3 would not be."""
    jobs = [
        job(0, 0.0, fast=10.0),
        job(1, 10.0, 2, fast=20.0),
        job(2, 20.0, fast=10_000 / 480),
        job(3, 30.0, fast=5.0),
    ]
    assert ends(by_decide(jobs, {FAST: 2})) == {
        "2": pytest.approx(500.0),
        "0": 1000.0,
        "1": 1500.0,
        "3": 3500.0,
    }


def test_all_policies_do_all_jobs_and_the_same_again() -> None:
    dice = Random(5)
    jobs = [
        job(i, 40.0 * i, dice.choice([1, 1, 2, 4]), fast=dice.uniform(5, 50), slow=dice.uniform(1, 10))
        for i in range(30)
    ]
    devices = {FAST: 4, SLOW: 4}
    runs: list[Callable[[], list[Ended]]] = [
        lambda: fifo.run(jobs, devices, progress=quiet),
        lambda: in_rounds(sharing.ShortestRemaining(), jobs, devices, 5.0),
        lambda: in_rounds(sharing.LeastAttained(), jobs, devices, 5.0),
        lambda: in_rounds(maxmin.MaxMin(lp.solve), jobs, devices, 5.0),
        lambda: by_decide(jobs, devices),
    ]
    for run in runs:
        ended = run()
        assert sorted(each.job.name for each in ended) == [each.name for each in jobs]
        assert run() == ended
        for each in ended:
            assert each.job.arrival <= each.started < each.ended
            best = each.job.seconds(each.job.fastest)
            assert each.held >= best * (1 - 1e-9), "no faster than on the fastest accelerator"
            assert each.waited >= -1e-6


def test_figures_of_two_jobs() -> None:
    """On two devices: 0 runs 0-1000 alone; 1 comes at 500, waits 500 s, and runs until 1500."""
    first, second = job(0, 0.0, 2, fast=10.0), job(1, 500.0, 2, fast=20.0)
    ended = [Ended(first, 0.0, 1000.0, 1000.0), Ended(second, 1000.0, 1500.0, 500.0)]
    found = outcome.figures(ended, {FAST: 2})
    assert (found.mean_jct, found.makespan, found.mean_wait) == (1000.0, 1500.0, 250.0)
    assert found.utilization == 1.0
    # While 0 is there 1.5 jobs are on average: alone on its share it takes 1500 s. 1: the same, 750 s.
    assert outcome.rhos(ended, {FAST: 2}).tolist() == pytest.approx([1000 / 1500, 1000 / 750])
    assert found.worse_than_alone == 0.5
