"""An InferenceService step by step: replicas up and down, replaced, lost, suspended."""

from typing import Any

import pytest
from powertrain_operator.api.time import to_rfc3339
from powertrain_operator.reconcile import Outcome, reconcile_inference_service
from reconcile.building import (
    NOW,
    Json,
    bound,
    disrupted,
    ended,
    fleet,
    group_status,
    leaving,
    made,
    pool,
    running,
    seen_service,
    service,
)


def up(**options: Any) -> tuple[Json, list[Json], list[Json]]:
    """A service whose replicas all run: the service with its status, its PodGroups and Services, its pods."""
    manifest = service(**options)
    children = made(reconcile_inference_service(seen_service(manifest)))
    pods = [child for child in children if child["kind"] == "Pod"]
    pods = [running(pod, f"node-{place}") for place, pod in enumerate(pods)]
    others = [child for child in children if child["kind"] != "Pod"]
    status = reconcile_inference_service(seen_service(manifest, *others, *pods)).status
    return manifest | {"status": status}, others, pods


def deleted(outcome: Outcome) -> list[str]:
    return [f"{each.kind} {each.name}" for each in outcome.delete]


def attempts(outcome: Outcome) -> dict[str, str]:
    """Attempt by PodGroup, of those that are applied."""
    groups = [each for each in outcome.apply if each["kind"] == "PodGroup"]
    return {each["metadata"]["name"]: each["metadata"]["labels"]["powertrain.dev/attempt"] for each in groups}


def test_a_new_service_gets_a_pod_group_and_pods_for_each_replica_and_one_address() -> None:
    outcome = reconcile_inference_service(seen_service(service(replicas=2)))
    kinds = [f"{each['kind']} {each['metadata']['name']}" for each in outcome.apply]
    assert kinds == ["Service chat", "PodGroup chat-0", "PodGroup chat-1"]
    assert [pod["metadata"]["name"] for pod in outcome.create] == ["chat-0", "chat-1"]
    assert outcome.status is not None and outcome.status["url"] == "http://chat.team-a.svc:8000"
    assert outcome.status["phase"] == "Pending"


def test_the_address_leads_to_leaders_only() -> None:
    outcome = reconcile_inference_service(seen_service(service()))
    selector = {"powertrain.dev/inference-service": "chat", "powertrain.dev/role": "leader"}
    assert outcome.apply[0]["spec"]["selector"] == selector
    assert outcome.status is not None
    assert outcome.status["selector"] == ",".join(f"{key}={value}" for key, value in selector.items())


def test_a_service_that_is_as_it_should_be_is_left_alone() -> None:
    manifest, others, pods = up(replicas=2)
    assert manifest["status"]["phase"] == "Ready"
    assert reconcile_inference_service(seen_service(manifest, *others, *pods)) == Outcome()


@pytest.mark.parametrize(("not_ready", "gone"), [((), "chat-2"), ((0,), "chat-0"), ((0, 1), "chat-1")])
def test_scaling_down_takes_what_serves_nobody_first_and_then_the_highest_index(
    not_ready: tuple[int, ...], gone: str
) -> None:
    manifest, others, pods = up(replicas=3)
    manifest["spec"]["replicas"] = 2
    for place in not_ready:
        pods[place] = {**pods[place], "status": {**pods[place]["status"], "phase": "Pending"}}
    outcome = reconcile_inference_service(seen_service(manifest, *others, *pods))
    assert deleted(outcome) == [f"Pod {gone}", f"PodGroup {gone}"]


def test_scaling_up_does_not_wait_for_a_replica_that_is_still_draining() -> None:
    manifest, others, pods = up(replicas=2)
    groups = [each for each in others if each["metadata"]["name"] != "chat-1"]
    outcome = reconcile_inference_service(seen_service(manifest, *groups, pods[0], leaving(pods[1])))
    assert [pod["metadata"]["name"] for pod in outcome.create] == ["chat-2"]


def test_zero_replicas_are_ready_and_say_so() -> None:
    outcome = reconcile_inference_service(seen_service(service(replicas=0)))
    assert outcome.status is not None
    told = [outcome.status[field] for field in ("phase", "reason", "ready", "replicas")]
    assert told == ["Ready", "ScaledToZero", "0/0", 0]


def test_a_replica_that_waits_for_room_is_told_in_the_schedulers_words() -> None:
    manifest, others, pods = up(replicas=2)
    waits = {"phase": "Pending", "reason": "DoesNotFit", "message": "needs 1 l4; none is free"}
    late = to_rfc3339(NOW + 60)
    groups = [
        group_status(each, **waits, estimatedStart=late) if each["metadata"]["name"] == "chat-1" else each
        for each in others
    ]
    waiting = {**pods[1], "spec": {}, "status": {"phase": "Pending"}}
    outcome = reconcile_inference_service(seen_service(manifest, *groups, pods[0], waiting))
    assert outcome.status is not None
    told = [outcome.status[field] for field in ("phase", "reason", "message", "estimatedStart")]
    message = "1 of 2 replicas are ready; replica 1: needs 1 l4; none is free"
    assert told == ["Degraded", "DoesNotFit", message, late]


def test_a_changed_template_replaces_one_replica_at_a_time_from_the_highest_index() -> None:
    manifest, others, pods = up(replicas=3)
    manifest["spec"]["args"] = ["--seed=1"]
    outcome = reconcile_inference_service(seen_service(manifest, *others, *pods))
    assert attempts(outcome) == {"chat-2": "1"}
    assert outcome.delete == () and outcome.create == ()


def test_outdated_replicas_that_serve_nobody_are_replaced_without_counting() -> None:
    manifest, others, pods = up(replicas=3)
    manifest["spec"]["args"] = ["--seed=1"]
    pods[0] = {**pods[0], "status": {**pods[0]["status"], "phase": "Pending"}}
    outcome = reconcile_inference_service(seen_service(manifest, *others, *pods))
    assert attempts(outcome) == {"chat-0": "1"}, "replica 0 is missing already: no other may be"


def test_more_may_be_replaced_at_once_where_the_owner_says_so() -> None:
    manifest, others, pods = up(replicas=3, rollout={"maxUnavailable": 2})
    manifest["spec"]["port"] = 9000
    outcome = reconcile_inference_service(seen_service(manifest, *others, *pods))
    assert attempts(outcome) == {"chat-2": "1", "chat-1": "1"}


@pytest.mark.parametrize("field", [{"queue": "serving"}, {"priority": 5}])
def test_terms_of_waiting_change_without_replacing_anything(field: dict[str, Any]) -> None:
    manifest, others, pods = up(replicas=2)
    manifest["spec"] |= field
    around = fleet(queues=["serving"])
    outcome = reconcile_inference_service(seen_service(manifest, *others, *pods, fleet=around))
    assert attempts(outcome) == {"chat-0": "0", "chat-1": "0"}
    assert outcome.create == () and outcome.delete == ()


@pytest.mark.parametrize(("failures", "seconds"), [(0, 10), (1, 20), (5, 300)])
def test_a_failed_replica_starts_again_after_a_wait_that_doubles(failures: int, seconds: int) -> None:
    manifest, others, pods = up()
    others[1]["metadata"]["annotations"]["powertrain.dev/failures"] = str(failures)
    outcome = reconcile_inference_service(seen_service(manifest, *others, ended(pods[0], 1)))
    assert attempts(outcome) == {"chat-0": "1"}
    marks = outcome.apply[0]["metadata"]["annotations"]
    assert marks["powertrain.dev/restart-at"] == str(round(NOW + seconds))
    assert marks["powertrain.dev/failures"] == str(failures + 1)


def test_failures_are_no_longer_in_a_row_after_a_long_time_of_service() -> None:
    manifest, others, pods = up()
    others[1]["metadata"]["annotations"]["powertrain.dev/failures"] = "5"
    seen = seen_service(manifest, *others, ended(pods[0], 1), now=NOW + 3600)
    marks = reconcile_inference_service(seen).apply[0]["metadata"]["annotations"]
    assert marks["powertrain.dev/failures"] == "1"


def test_a_disrupted_replica_starts_again_at_once() -> None:
    manifest, others, pods = up()
    evicted = disrupted(ended(pods[0], 143), "node shutdown")
    outcome = reconcile_inference_service(seen_service(manifest, *others, evicted))
    assert "powertrain.dev/restart-at" not in outcome.apply[0]["metadata"]["annotations"]


def test_a_failed_replica_says_when_it_starts_again() -> None:
    manifest, others, pods = up()
    fallen = reconcile_inference_service(seen_service(manifest, *others, ended(pods[0], 1)))
    group = dict(made(fallen)[0])
    outcome = reconcile_inference_service(seen_service(manifest, others[0], group))
    assert outcome.status is not None and outcome.create == () and outcome.requeue_after == 10
    assert outcome.status["message"] == (
        f"replica 0 has failed once and starts again at {to_rfc3339(NOW + 10)}"
    )
    outcome = reconcile_inference_service(seen_service(manifest, others[0], group, now=NOW + 10))
    assert [pod["metadata"]["name"] for pod in outcome.create] == ["chat-0"]


def over_two_nodes(**options: Any) -> tuple[Json, list[Json], list[Json]]:
    parallelism = {"tensor": 8, "pipeline": 2, "nodes": 2}
    return up(devices=("h100-sxm", 8), parallelism=parallelism, **options)


@pytest.mark.parametrize("lost", ["leaving", "gone"])
def test_a_replica_over_several_nodes_starts_again_as_a_whole(lost: str) -> None:
    manifest, others, (leader, follower) = over_two_nodes()
    pods = [leader] if lost == "gone" else [leader, leaving(follower)]
    outcome = reconcile_inference_service(seen_service(manifest, *others, *pods))
    assert attempts(outcome) == {"chat-0": "1"} and outcome.create == ()
    group = made(outcome)[0]
    rest = [each for each in others if each["kind"] != "PodGroup"]
    outcome = reconcile_inference_service(seen_service(manifest, *rest, group, *pods))
    assert deleted(outcome) == ["Pod chat-0-0"]
    outcome = reconcile_inference_service(seen_service(manifest, *rest, group))
    assert [pod["metadata"]["name"] for pod in outcome.create] == ["chat-0-0", "chat-0-1"]


def test_a_replica_over_several_nodes_keeps_its_size_until_it_is_replaced() -> None:
    manifest, others, pods = over_two_nodes(replicas=2)
    manifest["spec"] |= {"parallelism": {"tensor": 8}, "priority": 3}
    outcome = reconcile_inference_service(seen_service(manifest, *others, *pods))
    sizes = {each["metadata"]["name"]: each["spec"].get("minMember") for each in outcome.apply}
    assert sizes == {"chat-0": 2, "chat-1": 1}, "replica 1 is the one whose turn it is"


def test_suspension_removes_everything_but_the_address() -> None:
    manifest, others, pods = up(replicas=2)
    manifest["spec"]["suspend"] = True
    outcome = reconcile_inference_service(seen_service(manifest, *others, *pods))
    assert deleted(outcome) == ["Pod chat-0", "PodGroup chat-0", "Pod chat-1", "PodGroup chat-1"]
    assert outcome.status is not None and outcome.status["phase"] == "Suspended"


def test_what_serves_goes_on_when_its_pool_is_gone_and_what_is_missing_is_told() -> None:
    manifest, others, pods = up(replicas=2)
    around = fleet(pool("x", "x1"))
    assert reconcile_inference_service(seen_service(manifest, *others, *pods, fleet=around)) == Outcome()
    manifest["spec"]["replicas"] = 3
    outcome = reconcile_inference_service(seen_service(manifest, *others, *pods, fleet=around))
    assert outcome.status is not None
    assert (outcome.status["phase"], outcome.status["reason"]) == ("Invalid", "AcceleratorNotFound")
    assert outcome.status["message"] == (
        "no AcceleratorPool offers accelerator l4; the pools offer x1; 2 of 3 replicas serve on"
    )
    assert (outcome.create, outcome.delete) == ((), ())


def test_names_of_others_are_stepped_around() -> None:
    """A TrainingJob called chat-0 has a PodGroup of that name."""
    theirs = {"kind": "PodGroup", "metadata": {"name": "chat-0", "namespace": "team-a", "uid": "x"}}
    outcome = reconcile_inference_service(seen_service(service(), theirs))
    assert attempts(outcome) == {"chat-1": "0"}


def test_a_service_of_that_name_which_is_not_ours_is_left_alone_and_told() -> None:
    theirs = {"kind": "Service", "metadata": {"name": "chat", "namespace": "team-a", "uid": "x"}}
    outcome = reconcile_inference_service(seen_service(service(), theirs))
    assert outcome.apply == () and outcome.status is not None
    assert outcome.status["message"] == (
        "Service chat was not made by Powertrain; it has to go, or this needs another name"
    )


def test_a_replica_bound_to_a_node_that_is_gone_is_made_anew() -> None:
    manifest, others, pods = up()
    stuck = leaving(bound({**pods[0], "spec": {}}, "node-0"))
    around = fleet(nodes={"node-0": "gone"})
    outcome = reconcile_inference_service(seen_service(manifest, *others, stuck, fleet=around))
    assert [(each.name, each.grace_seconds) for each in outcome.delete] == [("chat-0", 0)]
