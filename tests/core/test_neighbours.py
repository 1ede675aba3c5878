"""Rules about other pods: near some, apart from others, evenly spread; inside a gang and beside what runs."""

from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest
from core.builders import (
    BLOCK,
    NOW,
    RACK,
    NodeTerm,
    Taint,
    carry_out,
    cluster,
    decide,
    evicted,
    nodes,
    pending,
    pod_class,
    rack,
    running,
    started,
    vacated,
    wait,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from powertrain_scheduler.plan import Plan
from powertrain_scheduler.reasons import Reason
from powertrain_scheduler.snapshot import (
    PodClass,
    PodSelector,
    PodTerm,
    Requirement,
    Slice,
    Snapshot,
    SpreadRule,
    Toleration,
    Topology,
)

HOST = "kubernetes.io/hostname"


def app(name: str) -> PodSelector:
    return PodSelector(("default",), (Requirement("app", "In", (name,)),))


WEB, DB = app("web"), app("db")
THREE_RACKS = (
    *rack("a", nodes=2, gpu=4, block="b0"),
    *rack("b", nodes=2, gpu=4, block="b0"),
    *rack("c", nodes=2, gpu=4, block="b1"),
)


def racks(plan: Plan, group: str) -> str:
    """The letters of the racks its pods are on, sorted."""
    return "".join(sorted(node[0] for node in nodes(plan, group)))


# -- apart ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "workers", "places"),
    [
        pytest.param(HOST, 6, 6, id="one a node"),
        pytest.param(RACK, 3, 3, id="one a rack"),
        pytest.param(BLOCK, 2, 2, id="one a block"),
    ],
)
def test_pods_that_must_be_apart_from_their_like_get_a_domain_each(
    key: str, workers: int, places: int
) -> None:
    plan = decide(cluster(THREE_RACKS, pending("g", workers, 1, matched=(WEB,), apart=(PodTerm(WEB, key),))))
    block = {"a": "b0", "b": "b0", "c": "b1"}
    domain = {node: {HOST: node, RACK: node[0], BLOCK: block[node[0]]}[key] for node in nodes(plan, "g")}
    assert len(set(domain.values())) == places == len(nodes(plan, "g"))


@pytest.mark.parametrize(("key", "workers"), [(HOST, 7), (RACK, 4), (BLOCK, 3)])
def test_with_one_more_than_there_are_domains_the_whole_gang_waits(key: str, workers: int) -> None:
    plan = decide(cluster(THREE_RACKS, pending("g", workers, 1, matched=(WEB,), apart=(PodTerm(WEB, key),))))
    assert not plan.binds
    assert wait(plan, "g").reason is Reason.NEVER_FITS
    assert "must be apart from (app=web" in wait(plan, "g").message


def test_anti_affinity_holds_against_what_runs_and_what_runs_holds_it_against_newcomers() -> None:
    there = running("db", ["a-0"], 1, matched=(DB,), apart=(PodTerm(WEB, RACK),))
    shy = pending("shy", 1, 1, apart=(PodTerm(DB, BLOCK),))
    web = pending("web", 3, 4, matched=(WEB,))
    plan = decide(cluster(THREE_RACKS, there, shy, web))
    assert racks(plan, "shy") == "c"
    assert "a" not in racks(plan, "web") and len(racks(plan, "web")) == 3


def test_nodes_without_the_label_are_nobodys_domain() -> None:
    fleet = (*rack("a", nodes=1, gpu=4), *rack("z", nodes=1, gpu=4, labels={BLOCK: "b"}))
    plan = decide(cluster(fleet, pending("g", 4, 1, matched=(WEB,), apart=(PodTerm(WEB, BLOCK),))))
    assert sorted(nodes(plan, "g")) in (["a-0"] * 4, ["a-0", "a-0", "a-0", "z-0"])


def test_anti_affinity_within_a_gang_counts_both_ways() -> None:
    """The db comes after the web pods in the gang, and has no rule of its own."""
    web = pending("g", 2, 2, matched=(WEB,), apart=(PodTerm(DB, RACK),))
    db = pending("x", 1, 1, matched=(DB,)).waiting[0].pod_class
    plan = decide(cluster(THREE_RACKS, pending("g", 2, of=web.waiting[0].pod_class, also=[db])))
    where = nodes(plan, "g")
    assert len(where) == 3
    by_pod = {bind.pod: bind.node[0] for bind in plan.binds}
    assert by_pod["g-2"] not in (by_pod["g-0"], by_pod["g-1"])


def test_leaving_pods_keep_their_neighbourhood_until_they_are_gone() -> None:
    leaving = running("old", ["a-0"], 1, matched=(WEB,), leaving=True)
    world = cluster(rack("a", nodes=1, gpu=4), leaving, pending("new", 1, 1, apart=(PodTerm(WEB, HOST),)))
    plan = decide(world)
    assert not plan.binds and wait(plan, "new").reason is Reason.WAITING_FOR_EVICTION
    groups = {"new": vacated(world).groups["new"]}
    assert nodes(decide(replace(vacated(world), groups=groups)), "new") == ("a-0",)


def test_the_reason_names_the_rule_and_counts_its_nodes() -> None:
    there = [
        running(f"w{i}", [node], 1, matched=(WEB,), preemptible=False)
        for i, node in enumerate(("a-0", "b-0", "c-0"))
    ]
    plan = decide(cluster(THREE_RACKS, *there, pending("g", 1, 1, apart=(PodTerm(WEB, RACK),))))
    assert wait(plan, "g").reason is Reason.DOES_NOT_FIT
    assert f"6 have pods near that it must be apart from (app=web by {RACK})" in wait(plan, "g").message


# -- near -------------------------------------------------------------------------------------------


def test_affinity_follows_the_pods_it_names() -> None:
    there = running("db", ["b-1"], 1, matched=(DB,))
    plan = decide(cluster(THREE_RACKS, there, pending("g", 7, 1, near=(PodTerm(DB, RACK),))))
    assert racks(plan, "g") == "b" * 7


def test_affinity_to_nobody_waits_and_says_so() -> None:
    plan = decide(cluster(THREE_RACKS, pending("g", 1, 1, near=(PodTerm(DB, RACK),))))
    assert wait(plan, "g").reason is Reason.DOES_NOT_FIT
    assert f"6 have no pods near that it must be near to (app=db by {RACK})" in wait(plan, "g").message


def test_the_first_of_a_self_affine_group_goes_anywhere_and_the_rest_follow_it() -> None:
    """Rack a is tighter, but only c holds them all."""
    full = [running("x", ["a-0", "b-0"], 3)]
    plan = decide(cluster(THREE_RACKS, *full, pending("g", 8, 1, matched=(WEB,), near=(PodTerm(WEB, RACK),))))
    assert racks(plan, "g") == "c" * 8


def test_self_affinity_joins_what_is_there_already_even_if_another_place_is_roomier() -> None:
    there = running("w", ["a-0"], 1, matched=(WEB,))
    own: dict[str, Any] = {"matched": (WEB,), "near": (PodTerm(WEB, RACK),)}
    assert racks(decide(cluster(THREE_RACKS, there, pending("g", 7, 1, **own))), "g") == "a" * 7
    assert not decide(cluster(THREE_RACKS, there, pending("g", 8, 1, **own))).binds


def test_workers_that_must_be_near_their_leader_go_where_both_fit() -> None:
    """Needs are served devices first: here the workers', which wait for the leader's place."""
    worker = pending("x", 1, 4, near=(PodTerm(DB, RACK),)).waiting[0].pod_class
    leader = pending("y", 1, 0, matched=(DB,)).waiting[0].pod_class
    full = running("r", ["a-0", "c-1"], 1)
    plan = decide(cluster(THREE_RACKS, full, pending("g", 2, of=worker, also=[leader])))
    assert racks(plan, "g") == "bbb"


def test_every_term_of_several_must_hold() -> None:
    there = [running("db", ["b-0"], 1, matched=(DB,)), running("w", ["c-0"], 1, matched=(WEB,))]
    near = (PodTerm(DB, BLOCK), PodTerm(WEB, RACK))
    assert not decide(cluster(THREE_RACKS, *there, pending("g", 1, 1, near=near))).binds
    more = running("v", ["a-1"], 1, matched=(WEB,))
    assert racks(decide(cluster(THREE_RACKS, *there, more, pending("g", 1, 1, near=near))), "g") == "a"


# -- evenly -----------------------------------------------------------------------------------------


def test_a_gang_is_spread_evenly_over_domains_of_unlike_size() -> None:
    fleet = (*rack("a", nodes=1, gpu=8), *rack("b", nodes=3, gpu=8), *rack("c", nodes=1, gpu=8))
    plan = decide(cluster(fleet, pending("g", 7, 1, matched=(WEB,), spread=(SpreadRule(WEB, RACK),))))
    assert sorted(racks(plan, "g").count(each) for each in "abc") == [2, 2, 3]


@pytest.mark.parametrize(("skew", "most"), [(1, 3), (2, 4), (5, 7)])
def test_the_skew_bounds_how_far_one_domain_may_be_ahead(skew: int, most: int) -> None:
    """Rack c has room for two only: a may hold two more than that, and the skew."""
    fleet = (*rack("a", nodes=1, gpu=8), *rack("c", nodes=1, gpu=2))
    world = cluster(
        fleet,
        pending("g", 9, 1, min_member=1, matched=(WEB,), spread=(SpreadRule(WEB, RACK, max_skew=skew),)),
    )
    got = racks(decide(world), "g")
    assert (got.count("a"), got.count("c")) == (most, 2)


def test_what_runs_counts_and_is_made_up_for() -> None:
    there = running("w", ["a-0", "a-0", "b-0"], 1, matched=(WEB,))
    plan = decide(
        cluster(THREE_RACKS, there, pending("g", 3, 1, matched=(WEB,), spread=(SpreadRule(WEB, RACK),)))
    )
    assert racks(plan, "g") == "bcc"


@pytest.mark.parametrize(
    ("rule", "allowed"),
    [
        pytest.param(
            SpreadRule(WEB, RACK, min_domains=4),
            3,
            id="fewer domains than asked for: each holds no more than the skew",
        ),
        pytest.param(SpreadRule(WEB, RACK, min_domains=3), 6, id="as many as asked for: no bound"),
    ],
)
def test_minimum_domains(rule: SpreadRule, allowed: int) -> None:
    plan = decide(cluster(THREE_RACKS, pending("g", 6, 1, min_member=1, matched=(WEB,), spread=(rule,))))
    assert len(plan.binds) == allowed


def test_nodes_that_the_pods_may_not_use_are_no_domains_where_the_policy_says_so() -> None:
    not_c = (NodeTerm(labels=(Requirement(RACK, "NotIn", ("c",)),)),)

    def world(rule: SpreadRule) -> Snapshot:
        own = pending("g", 4, 1, min_member=1, matched=(WEB,), node_terms=not_c, spread=(rule,))
        return cluster(THREE_RACKS, own)

    assert len(decide(world(SpreadRule(WEB, RACK))).binds) == 4
    assert len(decide(world(SpreadRule(WEB, RACK, honor_affinity=False))).binds) == 2


def test_tainted_nodes_are_domains_unless_the_policy_says_otherwise() -> None:
    fleet = (*rack("a", nodes=2, gpu=8), *rack("t", nodes=1, gpu=8, taints=[Taint("lab")]))

    def world(rule: SpreadRule, **more: Any) -> Snapshot:
        return cluster(fleet, pending("g", 6, 1, min_member=1, matched=(WEB,), spread=(rule,), **more))

    assert len(decide(world(SpreadRule(WEB, RACK))).binds) == 1
    assert len(decide(world(SpreadRule(WEB, RACK, honor_taints=True))).binds) == 6
    tolerant = (Toleration("lab", "Exists"),)
    assert len(decide(world(SpreadRule(WEB, RACK), tolerations=tolerant)).binds) == 6


def test_the_reason_names_the_spread() -> None:
    there = running("w", ["a-0"] * 4 + ["a-1"], 1, matched=(WEB,))
    full = running("f", ["b-0", "b-1", "c-0", "c-1"], 4)
    plan = decide(
        cluster(THREE_RACKS, there, full, pending("g", 1, 1, matched=(WEB,), spread=(SpreadRule(WEB, RACK),)))
    )
    assert wait(plan, "g").reason is Reason.DOES_NOT_FIT
    assert f"would break the spread over {RACK}" in wait(plan, "g").message


# -- wishes -----------------------------------------------------------------------------------------


def test_wished_affinity_and_spread_decide_between_nodes_that_would_all_do() -> None:
    there = running("db", ["c-1"], 1, matched=(DB,))
    near = decide(cluster(THREE_RACKS, there, pending("g", 1, 1, drawn=((10, PodTerm(DB, RACK)),))))
    away = decide(cluster(THREE_RACKS, there, pending("g", 2, 4, drawn=((-10, PodTerm(DB, BLOCK)),))))
    soft = SpreadRule(WEB, HOST, required=False)
    even = decide(cluster(THREE_RACKS, pending("g", 6, 1, matched=(WEB,), spread=(soft,))))
    assert racks(near, "g") == "c"
    assert "c" not in racks(away, "g") and len(nodes(away, "g")) == 2
    assert len(set(nodes(even, "g"))) == 6


def test_a_wish_that_cannot_be_met_keeps_nobody_waiting() -> None:
    soft = SpreadRule(WEB, "no/such-label", required=False)
    own: dict[str, Any] = {
        "matched": (WEB,),
        "spread": (soft,),
        "drawn": ((5, PodTerm(DB, "no/such-label")),),
    }
    assert len(decide(cluster(THREE_RACKS, pending("g", 24, 1, **own))).binds) == 24


# -- evictions --------------------------------------------------------------------------------------


def test_nobody_is_evicted_for_a_group_that_other_pods_keep_out_all_the_same() -> None:
    holder = running("h", ["a-0"], 0, matched=(DB,), apart=(PodTerm(WEB, HOST),), preemptible=False)
    filler = running("f", ["a-0"], 4)
    urgent = pending("g", 1, 4, priority=9, matched=(WEB,))
    plan = decide(cluster(rack("a", nodes=1, gpu=4), holder, filler, urgent))
    assert not plan.evicts and not plan.binds


def test_a_victim_that_keeps_the_group_away_makes_room_by_leaving() -> None:
    holder = running("h", ["a-0"], 0, matched=(DB,), apart=(PodTerm(WEB, HOST),))
    urgent = pending("g", 1, 4, priority=9, matched=(WEB,))
    world = cluster(rack("a", nodes=1, gpu=4), holder, urgent)
    plan = decide(world)
    assert evicted(plan) == {"h-0"}
    assert nodes(decide(vacated(carry_out(world, plan))), "g") == ("a-0",)


# -- all of it on random clusters -------------------------------------------------------------------


def some_rules(dice: Random) -> PodClass:
    matched = tuple(s for s in (WEB, DB) if dice.random() < 0.6)

    def key() -> str:
        return dice.choice([HOST, RACK, BLOCK])

    def some(chance: float) -> list[PodSelector]:
        return [dice.choice([WEB, DB])] if dice.random() < chance else []

    return pending(
        "x",
        1,
        dice.choice([0, 1, 1, 2]),
        matched=tuple(sorted(matched, key=repr)),
        near=tuple(PodTerm(s, key()) for s in some(0.3)),
        apart=tuple(PodTerm(s, key()) for s in some(0.3)),
        drawn=tuple((dice.choice([-5, 5]), PodTerm(s, key())) for s in some(0.2)),
        spread=tuple(SpreadRule(s, key(), dice.randint(1, 2), dice.random() < 0.8) for s in some(0.3)),
    ).waiting[0].pod_class  # fmt: skip


def ruled_world(seed: int) -> Snapshot:
    dice = Random(seed)
    fleet = [
        n
        for i in range(dice.randint(1, 3))
        for n in rack("abc"[i], dice.randint(1, 3), 4, block=f"b{i // 2}")
    ]
    runs = [
        running(
            f"r{i}", [dice.choice(fleet).name], of=replace(some_rules(dice), spread=(), near=(), apart=())
        )
        for i in range(dice.randint(0, 3))
    ]
    waits = [
        pending(
            f"g{i}", dice.randint(1, 4), of=some_rules(dice), also=[some_rules(dice)] * dice.randint(0, 1),
            created=float(i), required=dice.choice([None, None, RACK]), preferred=None,
        )
        for i in range(dice.randint(1, 3))
    ]  # fmt: skip
    return cluster(tuple(fleet), *runs, *waits)


@settings(max_examples=300, derandomize=True, deadline=None, database=None)
@given(st.integers(0, 2**32 - 1))
def test_every_rule_holds_once_the_plan_is_carried_out(seed: int) -> None:
    world = ruled_world(seed)
    plan = decide(world)
    after = carry_out(world, plan)
    label = dict(zip(after.nodes.names, after.nodes.labels, strict=True))
    pods = [pod for group in after.groups.values() for pod in group.placed]
    new = {bind.pod for bind in plan.binds}

    def there(selector: PodSelector, key: str, value: str | None, but: str = "") -> int:
        return sum(
            selector in p.pod_class.matched and label[p.node].get(key) == value and p.name != but
            for p in pods
        )

    for pod in pods:
        own, at = pod.pod_class, label[pod.node]
        for term in own.apart:
            assert term.key not in at or not there(term.selector, term.key, at[term.key], but=pod.name)
        if pod.name not in new:
            continue
        for term in own.near:
            assert term.key in at and there(term.selector, term.key, at[term.key])
        for rule in own.spread:
            if rule.required:
                domains = {labels[rule.key] for labels in label.values() if rule.key in labels}
                least = min(there(rule.selector, rule.key, domain) for domain in domains)
                counted = [p for p in pods if p.name in new and rule.selector in p.pod_class.matched]
                if all(rule in p.pod_class.spread for p in counted):  # nobody else made it uneven since
                    assert there(rule.selector, rule.key, at[rule.key]) - least <= max(
                        rule.max_skew, skew_before(world, rule)
                    )


def skew_before(world: Snapshot, rule: SpreadRule) -> int:
    """How uneven the domains were before anything was decided."""
    totals: dict[str, int] = {}
    counts = world.matching.get(rule.selector, np.zeros(len(world.nodes.names), dtype=np.int64))
    for labels, count in zip(world.nodes.labels, counts.tolist(), strict=True):
        if rule.key in labels:
            totals[labels[rule.key]] = totals.get(labels[rule.key], 0) + count
    return max(totals.values()) - min(totals.values())


@settings(max_examples=100, derandomize=True, deadline=None, database=None)
@given(st.integers(0, 2**32 - 1))
def test_deciding_again_changes_nothing(seed: int) -> None:
    world = ruled_world(seed)
    first = decide(world)
    assert decide(world) == first
    again = decide(carry_out(world, first), now=NOW)
    assert not started(again) & started(first)


def test_pods_that_spread_in_slices_have_each_slice_in_one_domain() -> None:
    """Three blocks of one free device each, but for one of two: the pair goes there although it lies less evenly."""
    fleet = [node for i in range(3) for node in rack(f"r{i}", nodes=1, gpu=2 if i == 2 else 1, block=f"b{i}")]
    shy = PodSelector(("team",), (Requirement("app", "In", ("shy",)),))
    rule = SpreadRule(shy, "kubernetes.io/hostname", max_skew=2)
    pair = pending("pair", 2, of=pod_class(1, matched=(shy,), spread=(rule,)))
    sliced = replace(pair, topology=Topology(slices=(Slice(2, BLOCK),)))
    assert nodes(decide(cluster(tuple(fleet), sliced)), "pair") == ("r2-0", "r2-0")
