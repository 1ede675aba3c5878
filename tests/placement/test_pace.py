"""When the process looks again, at groups and at the whole."""

import asyncio

import pytest
from placement.running import Hurried
from powertrain_operator.energy.ledger import Ledger
from powertrain_operator.placement import names
from powertrain_operator.placement.cache.held import Held, HeldReason
from powertrain_operator.placement.execute.evictor import by_group
from powertrain_operator.placement.loop import next_look
from powertrain_operator.placement.outlook import Outlook
from powertrain_operator.placement.status.agenda import Agenda
from powertrain_operator.placement.timing import Timing
from powertrain_scheduler.plan import Evict, Plan, Reserve, Wait
from powertrain_scheduler.reasons import Reason


class Stopped(Timing):
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.time = 0.0

    def monotonic(self) -> float:
        return self.time


async def test_a_key_comes_up_once_at_the_earliest_time_asked_for() -> None:
    timing = Stopped()
    agenda = Agenda(timing)
    agenda.put("a", 10.0)
    agenda.put("b", 5.0)
    agenda.put("a", 20.0)
    agenda.put("a", 1.0)
    timing.time = 30.0
    assert [await agenda.take(), await agenda.take()] == ["a", "b"]
    assert not len(agenda)


async def test_a_dropped_key_does_not_come_up() -> None:
    timing = Stopped()
    agenda = Agenda(timing)
    agenda.put("a", 1.0)
    agenda.put("b", 2.0)
    agenda.drop("a")
    timing.time = 3.0
    assert await agenda.take() == "b"


async def test_whoever_waits_for_a_late_key_gets_an_earlier_one_that_comes_in_between() -> None:
    agenda = Agenda(Hurried())
    agenda.put("late", 1_000_000.0)
    taking = asyncio.create_task(agenda.take())
    await asyncio.sleep(0)
    agenda.put("early", 0.0)
    assert await taking == "early"


def wait(group: str, estimate: float | None = None, reason: Reason = Reason.DOES_NOT_FIT) -> Wait:
    return Wait(group, reason, "a sentence", estimate)


@pytest.mark.parametrize(
    ("plan", "look"),
    [
        (Plan(), None),
        (Plan(waits=(wait("a"),)), None),
        (Plan(waits=(wait("a", 500.0), wait("b", 300.0))), 300.0),
        (Plan(reserves=(Reserve("a", 200.0, ("n",)),), waits=(wait("b", 300.0),)), 200.0),
        (Plan(waits=(wait("a", 50.0), wait("b", 300.0))), 300.0),
        (Plan(reserves=(Reserve("a", 100.0, ("n",)),)), None),
        (Plan(waits=(wait("a", 100.1),)), 101.0),
    ],
)
def test_time_alone_is_looked_at_when_the_plan_speaks_of_it_and_never_in_a_rush(
    plan: Plan, look: float | None
) -> None:
    assert next_look(plan, now=100.0) == look


def test_the_outlook_tells_what_is_new_from_what_only_reads_differently() -> None:
    outlook = Outlook(lambda group, now: now)
    first = outlook.take([wait("a"), wait("b"), wait("c")], {}, 1.0)
    assert (first.urgent, first.slight) == (frozenset({"a", "b", "c"}), frozenset())
    held = {"c": Held(HeldReason.BINDING_REFUSED, "no")}
    second = outlook.take([wait("a"), wait("b", 9.0), wait("c")], held, 2.0)
    assert (second.urgent, second.slight) == (frozenset({"c"}), frozenset({"b"}))
    third = outlook.take([wait("b", 9.0)], {}, 3.0)
    assert (third.urgent, third.slight) == (frozenset({"a", "c"}), frozenset())
    assert outlook.waiting["b"].since == 1.0


def test_a_group_that_loses_pods_to_another_is_one_eviction() -> None:
    evicts = [Evict("g", f"team/g-{rank}", "h", "Preempted") for rank in range(3)]
    (eviction,) = by_group(evicts)
    assert eviction.pods == ("team/g-0", "team/g-1", "team/g-2")
    assert "3 pods" in eviction.message


def test_the_ledger_charges_the_time_between_readings_with_the_watts_of_then() -> None:
    timing = Stopped()
    ledger = Ledger(timing.monotonic)
    ledger.read({"a": 1000.0}, on_record={"a": 1.0})
    assert ledger.accounts["a"].joules == 3.6e6
    timing.time = 60.0
    ledger.read({"a": 500.0, "b": 10.0}, on_record={"b": 0.0})
    assert (ledger.accounts["a"].watts, ledger.accounts["a"].joules) == (500.0, 3.6e6 + 60_000.0)
    timing.time = 70.0
    ledger.read({"b": 10.0}, on_record={})
    assert set(ledger.accounts) == {"b"} and ledger.accounts["b"].joules == 100.0


def test_names_can_be_told_apart_and_taken_apart() -> None:
    group, alone = names.key("team", "x"), names.alone("team", "x")
    assert group != alone
    assert (names.is_alone(group), names.is_alone(alone)) == (False, True)
    assert names.split(group) == names.split(alone) == ("team", "x")
    assert names.split("cluster-wide") == ("", "cluster-wide")


def test_the_end_of_somebodys_patience_is_looked_at_too() -> None:
    plan = Plan(waits=(wait("a", estimate=500.0),))
    assert next_look(plan, now=100.0, patience=300.0) == 300.0
    assert next_look(Plan(waits=(wait("a"),)), now=100.0, patience=300.0) == 300.0
