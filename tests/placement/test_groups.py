"""When a group has started, and when it is kept from the core: what the kept snapshot makes of objects."""

from placement.builders import Json, group_view, node, node_view, pod, pod_group, pod_view
from powertrain_operator.api.cluster import PodGroupView
from powertrain_operator.placement.cache import Cache
from powertrain_operator.placement.janitor import is_partial
from powertrain_scheduler.plan import Bind
from powertrain_scheduler.snapshot import PodGroup

NOON = 1_795_521_600.0  # 2026-11-24T12:00:00Z
EARLY, LATE = "2026-11-24T08:00:00Z", "2026-11-24T13:00:00Z"


def cache_of(*manifests: Json) -> Cache:
    cache = Cache()
    for manifest in manifests:
        tell(cache, manifest)
    return cache


def tell(cache: Cache, manifest: Json) -> None:
    metadata = manifest["metadata"]
    match manifest["kind"]:
        case "Pod":
            key = f"{metadata['namespace']}/{metadata['name']}"
            cache.on_pod(key, None, pod_view(manifest | {"metadata": {"uid": key} | metadata}))
        case "Node":
            cache.on_node(metadata["name"], None, node_view(manifest))
        case "PodGroup":
            cache.on_group(f"{metadata['namespace']}/{metadata['name']}", None, group_view(manifest))


def scheduled(manifest: Json, time: str) -> Json:
    return manifest | {"status": {"scheduledTime": time}}


def built(cache: Cache, name: str) -> PodGroup:
    return cache.snapshot().groups[name]


def test_members_wait_in_the_order_of_their_ranks() -> None:
    cache = cache_of(
        pod_group("g", minimum=3),
        pod("b", group="g", rank=10),
        pod("z", group="g", rank=2),
        pod("a", group="g"),
    )
    assert [each.name for each in built(cache, "team/g").waiting] == ["team/z", "team/b", "team/a"]


def test_a_plain_pod_is_a_group_of_one_with_its_own_queue_and_priority() -> None:
    cache = cache_of(pod("p", labels={"powertrain.dev/queue": "research"}, priority=7))
    group = built(cache, "team/pod/p")
    assert (group.queue, group.priority, group.min_member, group.explicit) == ("research", 7, 1, False)


def test_a_pod_group_and_a_plain_pod_of_one_name_are_two_groups() -> None:
    cache = cache_of(pod_group("x"), pod("x"))
    assert set(cache.snapshot().groups) == {"team/x", "team/pod/x"}


def test_pods_of_a_missing_pod_group_are_told_apart_from_plain_ones() -> None:
    cache = cache_of(pod("a", group="nowhere"))
    assert not built(cache, "team/nowhere").exists


def test_a_gang_of_parts_starts_when_every_part_has_its_minimum() -> None:
    parts = [{"name": "leader", "minMember": 1}, {"name": "workers", "minMember": 1}]
    members = [
        pod(name, group="g", labels={"powertrain.dev/subgroup": part})
        for name, part in (("l", "leader"), ("w0", "workers"), ("w1", "workers"))
    ]
    cache = cache_of(pod_group("g", minimum=2, subgroups=parts), *members)
    cache.assume([Bind("team/g", "team/w0", "n"), Bind("team/g", "team/w1", "n")], NOON)
    assert built(cache, "team/g").started is None
    assert is_partial(built(cache, "team/g"))
    cache.assume([Bind("team/g", "team/l", "n")], NOON)
    assert built(cache, "team/g").started == NOON


def test_a_gang_starts_when_the_last_of_its_minimum_is_given_a_node() -> None:
    cache = cache_of(pod_group("g", minimum=2), pod("a", group="g"), pod("b", group="g"))
    cache.assume([Bind("team/g", "team/a", "n")], NOON)
    assert built(cache, "team/g").started is None
    cache.assume([Bind("team/g", "team/b", "n")], NOON)
    assert built(cache, "team/g").started == NOON


def test_a_start_that_was_only_assumed_is_forgotten_with_the_binding() -> None:
    cache = cache_of(pod_group("g", minimum=2), pod("a", group="g"), pod("b", group="g"))
    cache.assume([Bind("team/g", f"team/{name}", "n") for name in "ab"], NOON)
    cache.forget("team/b", "team/b")
    group = built(cache, "team/g")
    assert (group.started, len(group.placed), len(group.waiting)) == (None, 1, 1)


def test_after_a_restart_the_status_says_when_a_gang_started() -> None:
    cache = cache_of(scheduled(pod_group("g"), EARLY), pod("a", group="g", node="n", created=EARLY))
    assert built(cache, "team/g").started == NOON - 4 * 3600


def test_a_start_that_is_older_than_every_pod_was_an_earlier_attempts() -> None:
    cache = cache_of(scheduled(pod_group("g"), EARLY), pod("a", group="g", node="n", created=LATE))
    assert built(cache, "team/g").started is None


def test_a_gang_is_never_taken_to_have_started_before_its_pods_were_made() -> None:
    cache = cache_of(pod_group("g"), pod("a", group="g", created=LATE))
    cache.assume([Bind("team/g", "team/a", "n")], NOON)
    assert built(cache, "team/g").started == NOON + 3600


def test_a_group_whose_pods_have_all_left_has_not_started() -> None:
    cache = cache_of(scheduled(pod_group("g"), LATE), pod("a", group="g", node="n"))
    assert built(cache, "team/g").started is not None
    cache.leaves("team/a")
    assert built(cache, "team/g").started is None


def test_an_expected_end_without_its_own_is_the_maximum() -> None:
    cache = cache_of(pod_group("g", runtime={"maximum": "2h"}))
    group = built(cache, "team/g")
    assert (group.expected_seconds, group.maximum_seconds) == (7200.0, 7200.0)


def test_a_pod_group_that_is_being_deleted_starts_nothing_more() -> None:
    manifest = pod_group("g")
    manifest["metadata"]["deletionTimestamp"] = LATE
    cache = cache_of(manifest, pod("a", group="g"))
    assert not built(cache, "team/g").exists


def test_a_binding_that_the_watch_confirms_changes_nothing() -> None:
    cache = cache_of(node("n", gpu=8), pod_group("g"), pod("a", group="g", gpu=8))
    cache.assume([Bind("team/g", "team/a", "n")], NOON)
    before = cache.snapshot()
    waiting, bound = pod("a", group="g", gpu=8), pod("a", group="g", gpu=8, node="n")
    for manifest in (waiting, bound):
        manifest["metadata"]["uid"] = "team/a"
    cache.on_pod("team/a", pod_view(waiting), pod_view(bound))
    assert cache.snapshot() is before
    assert not cache.is_assumed("team/a")


def test_a_pod_made_anew_under_the_same_name_has_no_part_in_its_predecessors_binding() -> None:
    cache = cache_of(node("n", gpu=8), pod("a", gpu=8))
    cache.assume([Bind("team/pod/a", "team/a", "n")], NOON)
    anew = pod("a", gpu=8)
    anew["metadata"]["uid"] = "another"
    cache.on_pod("team/a", None, pod_view(anew))
    assert len(built(cache, "team/pod/a").waiting) == 1
    assert not cache.snapshot().used.any()
    cache.forget("team/a", "team/a")  # what the old pod's binding came to is of no interest
    assert len(built(cache, "team/pod/a").waiting) == 1


def test_a_held_member_holds_its_whole_group_and_lets_it_go_in_time() -> None:
    cache = cache_of(pod_group("g", minimum=2), pod("a", group="g"), pod("b", group="g"))
    cache.hold("team/a", NOON, "the server said no")
    assert "team/g" not in cache.snapshot().groups
    assert "pod a could not be bound: the server said no" in cache.groups.held["team/g"].message
    assert cache.next_hold_end() == NOON
    cache.end_holds(NOON)
    assert len(built(cache, "team/g").waiting) == 2 and not cache.groups.held


def test_classes_of_pods_that_are_gone_do_not_pile_up() -> None:
    cache = Cache()
    for number in range(3000):
        view: dict[str, object] = pod("p", nodeSelector={"job": str(number)})
        cache.on_pod("team/p", None, pod_view(view))
    assert len(cache._beliefs._classes) < 1500


def test_a_status_of_ours_is_no_news() -> None:
    cache = cache_of(pod_group("g"), pod("a", group="g"))
    cache.assume([Bind("team/g", "team/a", "n")], NOON)
    before = cache.snapshot()
    view: PodGroupView = group_view(scheduled(pod_group("g"), "2026-11-24T12:00:00Z"))
    cache.on_group("team/g", None, view)
    assert cache.snapshot() is before
