"""A TrainingJob step by step: what the reconciler does next, told in the words of its owner."""

from collections.abc import Callable
from typing import Any

import pytest
from powertrain_operator.api.time import to_rfc3339
from powertrain_operator.reconcile import Outcome, reconcile_training_job
from reconcile.building import (
    NOW,
    POOLS,
    Json,
    bound,
    disrupted,
    ended,
    fleet,
    group_status,
    job,
    leaving,
    made,
    pool,
    running,
    seen_job,
)


def started(**options: Any) -> tuple[Json, Json, Json, list[Json]]:
    """A job whose children have just been made: the job with its status, PodGroup, Service, pods."""
    manifest = job(**options)
    outcome = reconcile_training_job(seen_job(manifest))
    service, group, *pods = made(outcome)
    manifest["status"] = outcome.status
    return manifest, group, service, pods


def in_phase(phase: str, manifest: Json, *children: Json, **options: Any) -> Json:
    """The job after the reconciler has seen these children."""
    outcome = reconcile_training_job(seen_job(manifest, *children, **options))
    assert outcome.status is not None and outcome.status["phase"] == phase
    return manifest | {"status": outcome.status}


def test_a_new_job_gets_its_service_its_pod_group_and_all_its_pods() -> None:
    outcome = reconcile_training_job(seen_job(job(workers=3)))
    assert [child["kind"] for child in outcome.apply] == ["Service", "PodGroup"]
    assert [pod["metadata"]["name"] for pod in outcome.create] == [f"llm-worker-{i}" for i in range(3)]
    assert outcome.apply[1]["spec"]["minMember"] == 3
    assert outcome.status is not None and outcome.status["phase"] == "Queued"


def test_a_waiting_job_tells_in_the_schedulers_words_why_and_until_when() -> None:
    manifest, group, service, pods = started()
    waiting = group_status(
        group,
        phase="Pending",
        reason="DoesNotFit",
        message="needs 2 nodes with 8 free; there is 1",
        estimatedStart=to_rfc3339(NOW + 600),
    )
    outcome = reconcile_training_job(seen_job(manifest, waiting, service, *pods))
    assert outcome.status is not None
    told = [outcome.status[field] for field in ("phase", "reason", "message", "estimatedStart")]
    assert told == ["Queued", "DoesNotFit", "needs 2 nodes with 8 free; there is 1", to_rfc3339(NOW + 600)]


@pytest.mark.parametrize(
    ("phase", "first", "second"),
    [
        ("Placing", lambda pod: bound(pod, "a"), lambda pod: pod),
        ("Starting", lambda pod: bound(pod, "a"), lambda pod: bound(pod, "b")),
        ("Starting", lambda pod: running(pod, "a"), lambda pod: bound(pod, "b")),
        ("Running", lambda pod: running(pod, "a"), lambda pod: running(pod, "b")),
        ("Running", lambda pod: running(pod, "a"), lambda pod: ended(pod, 0)),
    ],
)
def test_the_phase_is_how_far_all_workers_have_come(
    phase: str, first: Callable[[Json], Json], second: Callable[[Json], Json]
) -> None:
    manifest, group, service, pods = started()
    in_phase(phase, manifest, group, service, first(pods[0]), second(pods[1]))


def test_a_worker_that_cannot_start_is_named_with_what_keeps_it() -> None:
    manifest, group, service, (one, other) = started()
    state = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    stuck = bound(other, "b")
    stuck["status"]["containerStatuses"] = [{"name": "train", "state": state}]
    after = in_phase("Starting", manifest, group, service, running(one, "a"), stuck)
    assert after["status"]["message"] == (
        "worker 1 on node b does not start: ImagePullBackOff: no such image"
    )


def running_job(**options: Any) -> tuple[Json, Json, Json, list[Json]]:
    """A job that runs, with its children."""
    manifest, group, service, pods = started(**options)
    pods = [running(pod, f"node-{rank}") for rank, pod in enumerate(pods)]
    return in_phase("Running", manifest, group, service, *pods), group, service, pods


def restart(outcome: Outcome) -> list[Any]:
    assert outcome.status is not None
    assert not outcome.delete and not outcome.create, "the status is written before anything else is done"
    return [outcome.status[field] for field in ("phase", "reason", "attempt", "restarts")]


def test_a_failed_worker_first_of_all_ends_the_attempt_in_the_status() -> None:
    manifest, group, service, (one, other) = running_job()
    failed = ended(other, 137, reason="OOMKilled")
    outcome = reconcile_training_job(seen_job(manifest, group, service, one, failed))
    assert restart(outcome) == ["Restarting", "WorkerFailed", 1, 1]
    assert outcome.status is not None
    assert outcome.status["message"] == (
        "worker 1 failed with exit code 137 (OOMKilled) on node node-1; "
        f"restart 1 of 3 at {to_rfc3339(NOW + 10)}"
    )


def test_the_worker_that_ended_first_is_blamed_for_the_others() -> None:
    manifest, group, service, (one, other) = running_job()
    pods = [ended(one, 1, at=NOW + 3), ended(other, 9, at=NOW)]
    outcome = reconcile_training_job(seen_job(manifest, group, service, *pods))
    assert outcome.status is not None and outcome.status["message"].startswith("worker 1 failed")
    assert outcome.status["failedNodes"] == [{"node": "node-1", "failures": 1}]


def test_after_the_status_the_old_attempts_pods_go_and_the_new_ones_wait_for_their_time() -> None:
    manifest, group, service, (one, other) = running_job()
    broken = (one, ended(other, 1))
    manifest = in_phase("Restarting", manifest, group, service, *broken)
    outcome = reconcile_training_job(seen_job(manifest, group, service, *broken))
    assert [deletion.name for deletion in outcome.delete] == ["llm-worker-0", "llm-worker-1"]
    outcome = reconcile_training_job(seen_job(manifest, group, service, leaving(one)))
    assert (outcome.create, outcome.delete) == ((), ()), "one of the old attempt is still there"
    outcome = reconcile_training_job(seen_job(manifest, group, service, now=NOW + 4))
    assert (outcome.create, outcome.requeue_after) == ((), 6.0)
    outcome = reconcile_training_job(seen_job(manifest, group, service, now=NOW + 10))
    labels = {pod["metadata"]["labels"]["powertrain.dev/attempt"] for pod in outcome.create}
    assert (len(outcome.create), labels) == (2, {"1"})


@pytest.mark.parametrize(("restarts", "seconds"), [(0, 10), (1, 20), (4, 160), (5, 300), (900, 300)])
def test_restarts_wait_twice_as_long_each_time_up_to_the_maximum(restarts: int, seconds: int) -> None:
    manifest, group, service, (one, other) = running_job(failurePolicy={"maxRestarts": 1000})
    manifest["status"] = {**manifest["status"], "restarts": restarts}
    outcome = reconcile_training_job(seen_job(manifest, group, service, one, ended(other, 1)))
    assert outcome.status is not None and outcome.status["restartAt"] == to_rfc3339(NOW + seconds)


def test_a_job_that_has_used_its_restarts_has_failed_and_keeps_what_has_ended() -> None:
    manifest, group, service, (one, other) = running_job(failurePolicy={"maxRestarts": 0})
    failed = ended(other, 1)
    manifest = in_phase("Failed", manifest, group, service, one, failed)
    assert manifest["status"]["message"] == (
        "worker 1 failed with exit code 1 on node node-1; failurePolicy.maxRestarts allows none"
    )
    outcome = reconcile_training_job(seen_job(manifest, group, service, one, failed))
    assert [(each.kind, each.name) for each in outcome.delete] == [
        ("Pod", "llm-worker-0"),
        ("PodGroup", "llm"),
    ]


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        (lambda pod: leaving(disrupted(pod, "node drain")), "WorkerDisrupted"),
        (lambda pod: disrupted(ended(pod, 143), "node shutdown"), "WorkerDisrupted"),
        (lambda pod: None, "WorkerDisrupted"),
        (leaving, "WorkerDisrupted"),
    ],
    ids=["drained", "ended by its node", "gone", "deleted"],
)
def test_what_others_do_to_a_running_gang_restarts_it_without_counting(
    what: Callable[[Json], Json | None], reason: str
) -> None:
    manifest, group, service, (one, other) = running_job()
    pods = [pod for pod in (one, what(other)) if pod is not None]
    outcome = reconcile_training_job(seen_job(manifest, group, service, *pods))
    assert restart(outcome) == ["Restarting", reason, 1, 0]
    assert outcome.status is not None and "restartAt" not in outcome.status


def test_a_worker_that_its_node_had_no_more_room_for_waits_before_it_tries_again() -> None:
    manifest, group, service, (one, other) = running_job()
    evicted = ended(other, 137)
    evicted["status"] |= {"reason": "Evicted", "message": "The node was low on resource: ephemeral-storage."}
    outcome = reconcile_training_job(seen_job(manifest, group, service, one, evicted))
    assert restart(outcome) == ["Restarting", "WorkerDisrupted", 1, 0]
    assert outcome.status is not None and outcome.status["restartAt"] == to_rfc3339(NOW + 10)


def test_an_eviction_by_the_scheduler_names_who_got_the_room() -> None:
    manifest, group, service, (one, other) = running_job()
    evicted = {"forGroup": "team-b/big", "reason": "Reclaimed", "time": to_rfc3339(NOW)}
    told = group_status(group, phase="Pending", scheduledTime=to_rfc3339(NOW - 60), evicted=evicted)
    outcome = reconcile_training_job(seen_job(manifest, told, service, one, leaving(other)))
    assert restart(outcome) == ["Restarting", "Evicted", 1, 0]
    assert outcome.status is not None
    assert outcome.status["message"].startswith("evicted (Reclaimed) in favour of team-b/big at ")


def test_an_eviction_before_the_last_placement_is_not_blamed_again() -> None:
    manifest, group, service, (one, other) = running_job()
    evicted = {"forGroup": "team-b/big", "reason": "Reclaimed", "time": to_rfc3339(NOW - 90)}
    told = group_status(group, phase="Scheduled", scheduledTime=to_rfc3339(NOW - 60), evicted=evicted)
    outcome = reconcile_training_job(seen_job(manifest, told, service, one, leaving(other)))
    assert restart(outcome) == ["Restarting", "WorkerDisrupted", 1, 0]


def test_workers_that_fail_beside_a_silent_node_are_not_counted_as_failures() -> None:
    manifest, group, service, (one, other) = running_job()
    around = fleet(nodes={"node-0": "unready", "node-1": "ready"})
    seen = seen_job(manifest, group, service, one, ended(other, 1), fleet=around)
    outcome = reconcile_training_job(seen)
    assert restart(outcome) == ["Restarting", "NodeLost", 1, 0]
    assert outcome.status is not None and outcome.status["message"].startswith(
        "node node-0 of worker 0 does not answer"
    )


def test_a_pod_that_its_kubelet_rejects_is_tried_elsewhere_without_counting() -> None:
    manifest, group, service, (one, other) = started()
    rejected = bound(other, "node-1")
    rejected["status"] |= {"phase": "Failed", "reason": "UnexpectedAdmissionError", "message": "no device"}
    outcome = reconcile_training_job(seen_job(manifest, group, service, bound(one, "node-0"), rejected))
    assert restart(outcome) == ["Restarting", "PodRejected", 1, 0]
    assert outcome.status is not None and outcome.status["restartAt"] == to_rfc3339(NOW + 10)


def test_a_worker_that_vanishes_before_the_gang_ran_is_made_again_in_the_same_attempt() -> None:
    manifest, group, service, (one, _) = started()
    outcome = reconcile_training_job(seen_job(manifest, group, service, bound(one, "node-0")))
    assert [pod["metadata"]["name"] for pod in outcome.create] == ["llm-worker-1"]
    assert outcome.create[0]["metadata"]["labels"]["powertrain.dev/attempt"] == "0"


def test_a_worker_on_a_node_that_is_gone_is_removed_by_force() -> None:
    manifest, group, service, (one, other) = started()
    pods = (bound(one, "node-0"), leaving(bound(other, "node-1")))
    around = fleet(nodes={"node-0": "ready", "node-1": "gone"})
    outcome = reconcile_training_job(seen_job(manifest, group, service, *pods, fleet=around))
    assert [(each.name, each.grace_seconds) for each in outcome.delete] == [("llm-worker-1", 0)]


def test_a_node_that_was_never_seen_is_given_time_to_show_up() -> None:
    manifest, group, service, (one, other) = started()
    pods = (bound(one, "node-0"), bound(other, "nowhere"))
    around = fleet(nodes={"node-0": "ready"})
    outcome = reconcile_training_job(seen_job(manifest, group, service, *pods, now=NOW + 15, fleet=around))
    assert (outcome.delete, outcome.requeue_after) == ((), 25.0)
    outcome = reconcile_training_job(seen_job(manifest, group, service, *pods, now=NOW + 40, fleet=around))
    assert [(each.name, each.grace_seconds) for each in outcome.delete] == [("llm-worker-1", 0)]


def test_a_pod_stuck_on_a_silent_node_is_left_alone_and_told() -> None:
    manifest, group, service, (one, other) = running_job()
    manifest = in_phase("Restarting", manifest, group, service, one, ended(other, 1))
    around = fleet(nodes={"node-0": "unready"})
    outcome = reconcile_training_job(seen_job(manifest, group, service, leaving(one), fleet=around))
    assert outcome.delete == ()
    assert outcome.status is not None and outcome.status["message"] == (
        "waits for worker 0 of an earlier attempt to stop on node node-0, which does not answer; "
        "if that node is lost for good, deleting its Node lets the job go on"
    )
    assert outcome.status["restartAt"] == manifest["status"]["restartAt"]


def test_the_job_keeps_away_from_a_node_that_failed_it_twice() -> None:
    failed = [{"node": "bad", "failures": 2}, {"node": "unlucky", "failures": 1}]
    manifest = job(status={"phase": "Restarting", "attempt": 3, "restarts": 3, "failedNodes": failed})
    outcome = reconcile_training_job(seen_job(manifest))
    assert outcome.apply[1]["spec"]["excludedNodes"] == ["bad"]


def test_suspending_first_writes_the_next_attempts_number_and_then_removes_all_that_is_held() -> None:
    manifest, group, service, pods = running_job()
    manifest["spec"]["suspend"] = True
    outcome = reconcile_training_job(seen_job(manifest, group, service, *pods))
    assert restart(outcome) == ["Suspended", "Suspended", 1, 0]
    manifest["status"] = outcome.status
    outcome = reconcile_training_job(seen_job(manifest, group, service, *pods))
    assert [each.kind for each in outcome.delete] == ["Pod", "Pod", "PodGroup"]
    manifest["spec"]["suspend"] = False
    outcome = reconcile_training_job(seen_job(manifest, service))
    assert [child["kind"] for child in outcome.apply] == ["PodGroup"]
    assert {pod["metadata"]["labels"]["powertrain.dev/attempt"] for pod in outcome.create} == {"1"}


def test_a_job_that_is_created_suspended_makes_nothing() -> None:
    outcome = reconcile_training_job(seen_job(job(suspend=True)))
    assert (outcome.apply, outcome.create, outcome.delete) == ((), (), ())
    assert outcome.status is not None
    assert (outcome.status["phase"], outcome.status["attempt"]) == ("Suspended", 0)


@pytest.mark.parametrize(("policy", "phase"), [("RankZero", "Succeeded"), ("AllWorkers", None)])
def test_worker_zero_alone_ends_the_job_only_where_the_policy_says_so(policy: str, phase: str | None) -> None:
    manifest, group, service, (one, other) = running_job(successPolicy=policy)
    outcome = reconcile_training_job(seen_job(manifest, group, service, ended(one, 0), other))
    assert outcome.status is not None
    assert outcome.status["phase"] == (phase or "Running")


def test_a_job_ends_when_one_attempt_has_run_for_its_maximum() -> None:
    manifest, group, service, pods = running_job(runtime={"maximum": "1h"})
    outcome = reconcile_training_job(seen_job(manifest, group, service, *pods, now=NOW + 600))
    assert outcome.requeue_after == 3000
    outcome = reconcile_training_job(seen_job(manifest, group, service, *pods, now=NOW + 3600))
    assert outcome.status is not None
    assert (outcome.status["phase"], outcome.status["reason"]) == ("Failed", "DeadlineExceeded")


def test_a_finished_job_goes_when_its_time_is_over() -> None:
    status = {"phase": "Succeeded", "completionTime": to_rfc3339(NOW)}
    manifest = job(ttlSecondsAfterFinished=60, status=status)
    assert reconcile_training_job(seen_job(manifest, now=NOW + 20)).requeue_after == 40
    outcome = reconcile_training_job(seen_job(manifest, now=NOW + 60))
    assert [(each.kind, each.name) for each in outcome.delete] == [("TrainingJob", "llm")]


CONTRADICTION = "container train asks for 4 nvidia.com/gpu, devices[0].perWorker for 8; leave the devices out of the template"


@pytest.mark.parametrize(
    ("manifest", "around", "reason", "message"),
    [
        (
            job(queue="research"),
            fleet(queues=["company", "serving"]),
            "QueueNotFound",
            "queue research does not exist; there is company, default and serving",
        ),
        (
            job(devices=("tpu-v5", 4)),
            fleet(),
            "AcceleratorNotFound",
            "no AcceleratorPool offers accelerator tpu-v5; the pools offer ascend-910b, h100-sxm and l4",
        ),
        (
            job(devices=("x1", 1)),
            fleet(pool("x", "x1", status={"phase": "Invalid", "message": "no figures for x1"})),
            "PoolInvalid",
            "AcceleratorPool x, which offers x1, is invalid itself: no figures for x1",
        ),
        (
            job(container={"resources": {"limits": {"nvidia.com/gpu": 4}}}),
            fleet(),
            "DevicesContradict",
            CONTRADICTION,
        ),
    ],
)
def test_a_job_that_cannot_run_here_says_what_is_wrong_and_makes_nothing(
    manifest: Json, around: Any, reason: str, message: str
) -> None:
    outcome = reconcile_training_job(seen_job(manifest, fleet=around))
    assert outcome.status is not None
    assert (outcome.status["phase"], outcome.status["reason"]) == ("Invalid", reason)
    assert outcome.status["message"] == message
    assert (outcome.apply, outcome.create, outcome.delete) == ((), (), ())


def test_a_running_job_is_not_touched_when_its_pool_and_queue_go() -> None:
    manifest, group, service, pods = running_job()
    outcome = reconcile_training_job(seen_job(manifest, group, service, *pods, fleet=fleet(pool("x", "x1"))))
    assert outcome == Outcome()


def test_waiting_pods_are_made_anew_for_a_new_pool_and_running_ones_are_not() -> None:
    wider = fleet(*POOLS, pool("h100-new", "h100-sxm", labels={"pool": "new"}))
    manifest, group, service, pods = started()
    outcome = reconcile_training_job(seen_job(manifest, group, service, *pods, fleet=wider))
    assert restart(outcome) == ["Queued", "PoolsChanged", 1, 0]
    manifest, group, service, pods = running_job()
    assert reconcile_training_job(seen_job(manifest, group, service, *pods, fleet=wider)) == Outcome()


def test_a_gang_is_made_anew_when_it_was_suspended_and_changed_before_anybody_looked() -> None:
    manifest, group, service, pods = running_job()
    manifest["spec"]["workers"]["replicas"] = 3
    outcome = reconcile_training_job(seen_job(manifest, group, service, *pods))
    assert restart(outcome) == ["Restarting", "SpecChanged", 1, 0]


def test_a_job_being_deleted_is_left_to_the_garbage_collector() -> None:
    manifest = job()
    manifest["metadata"]["deletionTimestamp"] = to_rfc3339(NOW)
    assert reconcile_training_job(seen_job(manifest)) == Outcome()


def test_a_job_waits_for_the_pods_of_a_deleted_one_of_its_name() -> None:
    _, group, service, pods = started()
    manifest = job()
    manifest["metadata"]["uid"] = "another"
    outcome = reconcile_training_job(seen_job(manifest, group, service, *pods))
    assert (outcome.apply, outcome.create, outcome.delete) == ((), (), ())
    assert outcome.status is not None
    assert (outcome.status["phase"], outcome.status["reason"]) == ("Queued", "NameTaken")


def test_a_seen_outcome_leads_to_nothing_more() -> None:
    """Level-triggered: what is as it should be is left alone, whatever else happens."""
    manifest, group, service, pods = running_job()
    assert reconcile_training_job(seen_job(manifest, group, service, *pods)) == Outcome()
    outcome = reconcile_training_job(seen_job(manifest, service, *pods))
    assert [child["kind"] for child in outcome.apply] == ["PodGroup"], (
        "a PodGroup that was deleted comes back"
    )
