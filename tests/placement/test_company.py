"""What pods ask of other pods: as it is read, whom it reaches, and what becomes of it beside a real loop."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fakekube import FakeKube
from placement.builders import Json, node, node_view, pod, pod_group, pod_view
from placement.running import node_of, scheduler, status_of, until
from powertrain_operator.kube.resources import NAMESPACES
from powertrain_operator.placement.cache import Cache
from powertrain_operator.placement.cache.picking import NOWHERE, both, resolve
from powertrain_operator.placement.translate.company import Company, Pick, Spread, company
from powertrain_scheduler.snapshot import PodClass, PodSelector, PodTerm, Requirement

HOST = "kubernetes.io/hostname"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def term(app: str = "web", key: str = HOST, **more: Any) -> Json:
    return {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": key, **more}


def near(*terms: Json) -> Json:
    return {"podAffinity": {REQUIRED: list(terms)}}


def apart(*terms: Json) -> Json:
    return {"podAntiAffinity": {REQUIRED: list(terms)}}


def spread(key: str = HOST, **more: Any) -> Json:
    selector = {"matchLabels": {"app": "web"}}
    return {
        "topologyKey": key,
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": selector,
        "maxSkew": 1,
    } | more


def read(ours: bool = True, labels: dict[str, str] | None = None, **spec: Any) -> Company:
    view = pod_view(pod("p", labels=labels, **spec))
    found = company(view.metadata, view.spec, ours)
    assert found is not None
    return found


def is_in(key: str, *values: str) -> Requirement:
    return Requirement(key, "In", values)


# -- reading ----------------------------------------------------------------------------------------


def test_a_pod_without_such_rules_asks_nothing() -> None:
    view = pod_view(pod("p", affinity={"nodeAffinity": {}}))
    assert company(view.metadata, view.spec, ours=True) is None


@pytest.mark.parametrize(
    ("more", "pick"),
    [
        pytest.param({}, Pick((is_in("app", "web"),), ("team",)), id="the pod's own namespace"),
        pytest.param({"namespaces": ["b", "a"]}, Pick((is_in("app", "web"),), ("a", "b")), id="namespaces by name"),
        pytest.param({"namespaceSelector": {}}, Pick((is_in("app", "web"),), (), ()), id="every namespace"),
        pytest.param(
            {"namespaces": ["a"], "namespaceSelector": {"matchLabels": {"t": "x"}}},
            Pick((is_in("app", "web"),), ("a",), (is_in("t", "x"),)),
            id="namespaces by name and by label",
        ),
        pytest.param({"labelSelector": None}, Pick(None, ("team",)), id="no selector picks nobody"),
        pytest.param({"labelSelector": {}}, Pick((), ("team",)), id="an empty selector picks everybody"),
        pytest.param(
            {"matchLabelKeys": ["rev", "absent"]},
            Pick((is_in("app", "web"), is_in("rev", "7")), ("team",)),
            id="matchLabelKeys: like the pod itself",
        ),
        pytest.param(
            {"mismatchLabelKeys": ["rev"]},
            Pick((is_in("app", "web"), Requirement("rev", "NotIn", ("7",))), ("team",)),
            id="mismatchLabelKeys: unlike the pod itself",
        ),
    ],
)  # fmt: skip
def test_whom_a_term_picks(more: Json, pick: Pick) -> None:
    found = read(labels={"rev": "7"}, affinity=near(term(**more)))
    assert [each.pick for each in found.near] == [pick]


def test_weights_are_negative_where_it_would_rather_be_apart() -> None:
    weighted = [{"weight": 7, "podAffinityTerm": term()}]
    found = read(affinity={"podAffinity": {PREFERRED: weighted}, "podAntiAffinity": {PREFERRED: weighted}})
    assert [weight for weight, _ in found.drawn] == [7, -7]


def test_a_spread_has_the_apis_defaults_and_its_own_word() -> None:
    plain, said = read(
        labels={"rev": "7"},
        topologySpreadConstraints=[
            spread("zone"),
            spread(
                "zone",
                maxSkew=3,
                whenUnsatisfiable="ScheduleAnyway",
                minDomains=2,
                nodeAffinityPolicy="Ignore",
                nodeTaintsPolicy="Honor",
                matchLabelKeys=["rev"],
            ),
        ],
    ).spread
    assert plain == Spread(Pick((is_in("app", "web"),), ("team",)), "zone", 1, True, 1, True, False)
    pick = Pick((is_in("app", "web"), is_in("rev", "7")), ("team",))
    assert said == Spread(pick, "zone", 3, False, 2, False, True)


def test_of_pods_that_others_place_only_whom_they_keep_away_is_read() -> None:
    rules = {**near(term()), **apart(term("db"))}
    found = read(ours=False, affinity=rules, topologySpreadConstraints=[spread()])
    assert (found.near, found.drawn, found.spread, len(found.apart)) == ((), (), (), 1)


def test_selectors_that_mean_the_same_are_the_same() -> None:
    one = {"matchLabels": {"a": "1", "b": "2"}}
    other = {"matchExpressions": [{"key": "b", "operator": "In", "values": ["2"]}, {"key": "a", "operator": "In", "values": ["1"]}]}  # fmt: skip
    found = read(affinity=near(term(labelSelector=one), term(labelSelector=other)))
    assert len(set(found.near)) == 1


# -- reaching ---------------------------------------------------------------------------------------

SPACES = {"a": {"t": "x"}, "b": {"t": "y"}, "c": {}}


@pytest.mark.parametrize(
    ("pick", "reached"),
    [
        (Pick((), ("b",)), ("b",)),
        (Pick((), ("c",), (is_in("t", "x"),)), ("a", "c")),
        (Pick((), (), ()), ()),
        (Pick((), (), (is_in("t", "z"),)), NOWHERE),
        (Pick(None, ("a",)), NOWHERE),
    ],
    ids=["by name", "by name and label", "every one", "by a label that none has", "no pods at all"],
)
def test_which_namespaces_a_selector_reaches(pick: Pick, reached: tuple[str, ...]) -> None:
    assert resolve(pick, SPACES).namespaces == reached


def test_pods_that_all_selectors_pick() -> None:
    app, tier = (is_in("app", "web"),), (is_in("tier", "1"),)
    everywhere, here = PodSelector((), app), PodSelector(("a", "b"), tier)
    assert both([everywhere, here]) == PodSelector(("a", "b"), app + tier)
    assert both([here, everywhere, PodSelector(("b", "c"))]).namespaces == ("b",)
    assert both([here, PodSelector(("c",))]).namespaces == NOWHERE


# -- counting ---------------------------------------------------------------------------------------


def cache(*pods: Json) -> Cache:
    found = Cache()
    for name in ("n0", "n1"):
        found.on_node(name, None, node_view(node(name, labels={HOST: name})))
    for manifest in pods:
        key = f"{manifest['metadata']['namespace']}/{manifest['metadata']['name']}"
        found.on_pod(key, None, pod_view(manifest))
    return found


WEB = PodSelector(("team",), (is_in("app", "web"),))


def class_of(found: Cache, name: str) -> PodClass:
    group = found.snapshot().groups[f"team/pod/{name}"]
    return group.waiting[0].pod_class if group.waiting else group.placed[0].pod_class


def test_without_rules_nothing_is_counted() -> None:
    found = cache(*(pod(f"p{i}", node="n0", labels={"app": "web"}) for i in range(3)))
    assert (found.snapshot().matching, found.snapshot().repelling) == ({}, {})
    assert class_of(found, "p0").matched == ()


def test_pods_of_all_schedulers_are_counted_on_their_nodes_and_the_rest_is_not() -> None:
    found = cache(
        pod("a", node="n0", labels={"app": "web"}),
        pod("b", node="n1", labels={"app": "web"}, ours=False),
        pod("c", node="n1", labels={"app": "web"}, ours=False),
        pod("d", node="n1", labels={"app": "web"}, namespace="other"),
        pod("e", node="n1", labels={"app": "db"}),
        pod("f", node="n1", labels={"app": "web"}, phase="Succeeded"),
        pod("w", labels={"app": "web"}, affinity=apart(term())),
    )
    assert {s: list(v) for s, v in found.snapshot().matching.items()} == {WEB: [1, 2]}
    assert class_of(found, "w").apart == (PodTerm(WEB, HOST),)
    assert class_of(found, "w").matched == class_of(found, "a").matched == (WEB,)


def test_other_schedulers_pods_keep_away_whom_they_must_be_apart_from() -> None:
    found = cache(
        pod("shy", node="n1", ours=False, affinity=apart(term())),
        pod("w", labels={"app": "web"}),
        pod("x", labels={"app": "db"}),
    )
    assert {t: list(v) for t, v in found.snapshot().repelling.items()} == {PodTerm(WEB, HOST): [0, 1]}
    assert (class_of(found, "w").matched, class_of(found, "x").matched) == ((WEB,), ())


def test_what_nobody_names_any_more_is_forgotten() -> None:
    waiting = pod("w", affinity=apart(term()))
    found = cache(waiting, pod("a", node="n0", labels={"app": "web"}))
    assert found.snapshot().matching
    found.on_pod("team/w", pod_view(waiting), None)
    assert not found.snapshot().matching and class_of(found, "a").matched == ()


def test_several_terms_count_only_pods_that_all_of_them_pick() -> None:
    zone = {"labelSelector": {"matchLabels": {"tier": "1"}}, "topologyKey": "zone"}
    found = cache(
        pod("w", affinity=near(term(), zone)),
        pod("a", node="n0", labels={"app": "web"}),
        pod("b", node="n1", labels={"app": "web", "tier": "1"}),
    )
    every = PodSelector(("team",), (is_in("app", "web"), is_in("tier", "1")))
    assert class_of(found, "w").near == (PodTerm(every, HOST), PodTerm(every, "zone"))
    assert {s: list(v) for s, v in found.snapshot().matching.items()} == {every: [0, 1]}


# -- a whole loop -----------------------------------------------------------------------------------


@pytest.fixture
async def kube() -> AsyncIterator[FakeKube]:
    async with FakeKube.start() as kube:
        for name, zone in (("n0", "a"), ("n1", "a"), ("n2", "b"), ("n3", "b")):
            kube.put(node(name, gpu=8, labels={HOST: name, "zone": zone}))
        yield kube


def members(kube: FakeKube, group: str, number: int, **spec: Any) -> None:
    kube.put(pod_group(group, minimum=number))
    for i in range(number):
        kube.put(pod(f"{group}-{i}", group=group, rank=i, gpu=1, labels={"app": "web"}, **spec))


def where(kube: FakeKube, group: str, number: int) -> list[str]:
    return [node_of(kube, f"{group}-{i}") for i in range(number)]


async def test_a_gang_whose_pods_must_be_apart_gets_a_node_each(kube: FakeKube, tmp_path: Path) -> None:
    members(kube, "g", 4, affinity=apart(term()))
    members(kube, "h", 1, affinity=apart(term()))
    async with scheduler(kube, tmp_path):
        await until(lambda: all(where(kube, "g", 4)))
        await until(lambda: status_of(kube, "h").get("reason"))
    assert len(set(where(kube, "g", 4))) == 4
    assert "must be apart from (app=web" in status_of(kube, "h")["message"]
    assert not node_of(kube, "h-0")


async def test_pods_follow_and_avoid_what_another_scheduler_placed(kube: FakeKube, tmp_path: Path) -> None:
    kube.put(
        pod("db", node="n3", ours=False, labels={"app": "db"}, phase="Running", affinity=apart(term("shy")))
    )
    kube.put(pod("follows", gpu=1, affinity=near(term("db", "zone"))))
    kube.put(pod("avoids", gpu=1, affinity=apart(term("db", "zone"))))
    kube.put(pod("shy", gpu=1, labels={"app": "shy"}, nodeSelector={"zone": "b"}))
    async with scheduler(kube, tmp_path):
        await until(lambda: all(node_of(kube, name) for name in ("follows", "avoids", "shy")))
    assert node_of(kube, "follows") in ("n2", "n3")
    assert node_of(kube, "avoids") in ("n0", "n1")
    assert node_of(kube, "shy") == "n2"


async def test_a_gang_is_spread_over_zones(kube: FakeKube, tmp_path: Path) -> None:
    kube.put(pod("there", node="n0", ours=False, labels={"app": "web"}, phase="Running"))
    members(kube, "g", 5, topologySpreadConstraints=[spread("zone")])
    async with scheduler(kube, tmp_path):
        await until(lambda: all(where(kube, "g", 5)))
    zones = ["a" if name in ("n0", "n1") else "b" for name in where(kube, "g", 5)]
    assert sorted((zones.count("a"), zones.count("b"))) == [2, 3] and zones.count("b") == 3


async def test_namespaces_are_followed_only_once_a_rule_picks_them_by_label(
    kube: FakeKube, tmp_path: Path
) -> None:
    kube.put(pod("db", namespace="data", node="n3", ours=False, labels={"app": "db"}, phase="Running"))
    kube.put(pod("plain", gpu=1, affinity=near(term("db", namespaces=["data"]))))
    async with scheduler(kube, tmp_path):
        await until(lambda: node_of(kube, "plain"))
        assert kube.count("list", NAMESPACES) == 0
        kube.put(
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": "data", "labels": {"tier": "data"}},
            }
        )
        selector = {"matchLabels": {"tier": "data"}}
        kube.put(pod("follows", gpu=1, affinity=near(term("db", namespaceSelector=selector))))
        await until(lambda: node_of(kube, "follows"))
    assert node_of(kube, "plain") == node_of(kube, "follows") == "n3"
    assert kube.count("list", NAMESPACES) == 1
