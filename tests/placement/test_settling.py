"""When evictions wait for those who leave by themselves."""

from powertrain_operator.placement.settling import LONGEST, SECONDS, Settling
from powertrain_scheduler.policy import Policy

POLICY = Policy()


def test_nobody_is_evicted_until_a_second_after_the_last_departure() -> None:
    settling = Settling(POLICY)
    assert settling.policy(0, now=100.0) == POLICY
    assert not settling.policy(1, now=100.5).preempt
    assert not settling.policy(2, now=101.0).reclaim
    assert not settling.policy(2, now=101.0 + SECONDS - 0.01).preempt
    assert settling.policy(2, now=101.0 + SECONDS) == POLICY


def test_a_stream_of_departures_does_not_put_evictions_off_for_ever() -> None:
    settling = Settling(POLICY)
    allowed = [settling.policy(tick, now=tick / 10).preempt for tick in range(1, 100)]
    assert allowed.count(True) >= 2
    assert allowed.index(True) <= LONGEST * 10 + 1


def test_a_waiting_group_is_looked_at_when_things_have_settled() -> None:
    settling = Settling(POLICY)
    settling.policy(1, now=10.0)
    assert settling.next_look(None, waits=True, now=10.0) == 10.0 + SECONDS
    assert settling.next_look(10.2, waits=True, now=10.0) == 10.2
    assert settling.next_look(None, waits=False, now=10.0) is None
