"""What the two processes show: names that stay, series that go when their object goes."""

import shutil
import subprocess

import pytest
from powertrain_operator.telemetry.fleet import NO_SUCH_QUEUE
from powertrain_operator.telemetry.metrics import (
    ApiMetrics,
    BindResult,
    OperatorMetrics,
    PoolReading,
    SchedulerMetrics,
    Waiting,
)
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

SCHEDULER = {
    "powertrain_api_request_seconds": ("histogram", {"verb", "resource"}),
    "powertrain_api_requests_total": ("counter", {"verb", "resource", "code"}),
    "powertrain_bind_seconds": ("histogram", set()),
    "powertrain_binds_total": ("counter", {"result"}),
    "powertrain_build_info": ("gauge", {"version"}),
    "powertrain_decision_seconds": ("histogram", set()),
    "powertrain_devices": ("gauge", {"pool", "accelerator", "state"}),
    "powertrain_evictions_total": ("counter", {"reason"}),
    "powertrain_gangs_lost_members_total": ("counter", set()),
    "powertrain_gangs_placed_total": ("counter", {"queue"}),
    "powertrain_leader": ("gauge", set()),
    "powertrain_pool_joules_total": ("counter", {"pool", "accelerator"}),
    "powertrain_pool_watts": ("gauge", {"pool", "accelerator"}),
    "powertrain_queue_oldest_waiting_seconds": ("gauge", {"queue", "reason"}),
    "powertrain_queue_waiting_groups": ("gauge", {"queue", "reason"}),
    "powertrain_start_estimate_error_seconds": ("histogram", set()),
}
OPERATOR = {
    "powertrain_api_request_seconds": ("histogram", {"verb", "resource"}),
    "powertrain_api_requests_total": ("counter", {"verb", "resource", "code"}),
    "powertrain_build_info": ("gauge", {"version"}),
    "powertrain_reconcile_errors_total": ("counter", {"kind"}),
    "powertrain_reconcile_seconds": ("histogram", {"kind"}),
    "powertrain_work_queue_depth": ("gauge", set()),
}


def page(registry: CollectorRegistry) -> str:
    return generate_latest(registry).decode()


def families(text: str) -> dict[str, tuple[str, set[str]]]:
    """Every family of ours on the page: its full name, its type, its labels less `le`."""
    found = {}
    for family in text_string_to_metric_families(text):
        name = family.name + ("_total" if family.type == "counter" else "")
        labels = set().union(*(sample.labels for sample in family.samples)) - {"le"}
        if name.startswith("powertrain_"):
            found[name] = (family.type, labels)
    return found


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(name, labels)


@pytest.fixture
def scheduler() -> SchedulerMetrics:
    """A leader in the middle of its work, at second 1,000."""
    metrics = SchedulerMetrics("1.2.3", clock=lambda: 1000.0)
    metrics.set_leader(True)
    metrics.queues_from(lambda: ["team-a"])
    metrics.waiting_from(lambda: [Waiting("team-a", "QuotaExceeded", 400.0)])
    metrics.pools_from(lambda: [PoolReading("h100", "h100-sxm", 6, 1, 1, 4200.0, 7.2e6)])
    metrics.decided(0.004)
    metrics.bound(BindResult.BOUND, 0.003)
    metrics.evicted("Preempted")
    metrics.gang_placed("team-a")
    metrics.api.observe("create", "pods/binding", 201, 0.003)
    return metrics


@pytest.fixture
def operator() -> OperatorMetrics:
    """An operator that has reconciled one job."""
    metrics = OperatorMetrics("1.2.3")
    metrics.depth_from(lambda: 7)
    metrics.reconciled("TrainingJob", 0.02)
    metrics.api.observe("patch", "trainingjobs/status", 200, 0.004)
    return metrics


def test_the_scheduler_shows_these_metrics_and_no_others(scheduler: SchedulerMetrics) -> None:
    assert families(page(scheduler.registry)) == SCHEDULER


def test_the_operator_shows_these_metrics_and_no_others(operator: OperatorMetrics) -> None:
    assert families(page(operator.registry)) == OPERATOR


def test_two_halves_in_one_process_do_not_share_a_page(
    scheduler: SchedulerMetrics, operator: OperatorMetrics
) -> None:
    assert "powertrain_leader" not in page(operator.registry)
    assert "powertrain_work_queue_depth" not in page(scheduler.registry)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not on PATH")
@pytest.mark.parametrize("half", ["scheduler", "operator"])
def test_promtool_finds_nothing_to_say_about_the_page(half: str, request: pytest.FixtureRequest) -> None:
    text = page(request.getfixturevalue(half).registry)
    verdict = subprocess.run(
        ["promtool", "check", "metrics"], input=text, text=True, capture_output=True, check=False
    )
    assert (verdict.returncode, verdict.stdout + verdict.stderr) == (0, "")


@pytest.mark.parametrize("half", ["scheduler", "operator"])
def test_every_family_of_the_page_follows_the_naming_rules(half: str, request: pytest.FixtureRequest) -> None:
    text = page(request.getfixturevalue(half).registry)
    for family in text_string_to_metric_families(text):
        assert family.documentation, f"{family.name} has no HELP"
        assert family.type != "unknown", f"{family.name} has no TYPE"
        assert family.name == family.name.lower()
        assert not family.name.endswith(("_total", "_created", "_count", "_sum", "_bucket"))
        if family.name.startswith("powertrain_"):
            assert family.documentation.endswith(".")
            assert family.type != "histogram" or family.name.endswith("_seconds")
    # A counter's `_total` is part of its name on the page, and nothing else may carry it.
    for line in text.splitlines():
        if line.startswith("# TYPE"):
            _, _, name, kind = line.split()
            assert (kind == "counter") == name.endswith("_total"), line


def test_groups_are_counted_by_queue_and_reason_with_the_age_of_the_oldest() -> None:
    metrics = SchedulerMetrics("1.2.3", clock=lambda: 1000.0)
    metrics.set_leader(True)
    metrics.queues_from(lambda: ["team-a"])
    metrics.waiting_from(
        lambda: [
            Waiting("default", "DoesNotFit", 990.0),
            Waiting("team-a", "QuotaExceeded", 400.0),
            Waiting("team-a", "QuotaExceeded", 700.0),
        ]
    )
    registry = metrics.registry
    quota = {"queue": "team-a", "reason": "QuotaExceeded"}
    assert value(registry, "powertrain_queue_waiting_groups", **quota) == 2
    assert value(registry, "powertrain_queue_oldest_waiting_seconds", **quota) == 600
    fit = {"queue": "default", "reason": "DoesNotFit"}
    assert value(registry, "powertrain_queue_oldest_waiting_seconds", **fit) == 10


def test_the_age_of_a_wait_grows_between_cycles() -> None:
    now = [1000.0]
    metrics = SchedulerMetrics("1.2.3", clock=lambda: now[0])
    metrics.set_leader(True)
    metrics.waiting_from(lambda: [Waiting("default", "DoesNotFit", 1000.0)])
    labels = {"queue": "default", "reason": "DoesNotFit"}
    now[0] = 1060.0
    assert value(metrics.registry, "powertrain_queue_oldest_waiting_seconds", **labels) == 60


def test_a_wait_that_began_after_the_clocks_now_is_not_negative() -> None:
    metrics = SchedulerMetrics("1.2.3", clock=lambda: 10.0)
    metrics.set_leader(True)
    metrics.waiting_from(lambda: [Waiting("default", "DoesNotFit", 11.0)])
    labels = {"queue": "default", "reason": "DoesNotFit"}
    assert value(metrics.registry, "powertrain_queue_oldest_waiting_seconds", **labels) == 0


def test_a_queue_that_is_gone_leaves_no_series(scheduler: SchedulerMetrics) -> None:
    scheduler.waiting_from(list)
    assert value(scheduler.registry, "powertrain_gangs_placed_total", queue="team-a") == 1
    scheduler.queues_from(list)
    assert "team-a" not in page(scheduler.registry)


def test_a_queue_made_anew_under_an_old_name_counts_from_zero(scheduler: SchedulerMetrics) -> None:
    scheduler.queues_from(list)
    page(scheduler.registry)
    scheduler.queues_from(lambda: ["team-a"])
    assert value(scheduler.registry, "powertrain_gangs_placed_total", queue="team-a") == 0


def test_the_default_queue_is_there_where_no_object_is() -> None:
    metrics = SchedulerMetrics("1.2.3")
    metrics.set_leader(True)
    assert value(metrics.registry, "powertrain_gangs_placed_total", queue="default") == 0


def test_a_pool_that_is_gone_leaves_no_series(scheduler: SchedulerMetrics) -> None:
    assert 'pool="h100"' in page(scheduler.registry)
    scheduler.pools_from(list)
    assert 'pool="h100"' not in page(scheduler.registry)


def test_queue_names_that_users_invent_share_one_series() -> None:
    metrics = SchedulerMetrics("1.2.3", clock=lambda: 10.0)
    metrics.set_leader(True)
    metrics.waiting_from(lambda: [Waiting(f"typo-{n}", "QueueNotFound", 1.0) for n in range(500)])
    labels = {"queue": NO_SUCH_QUEUE, "reason": "QueueNotFound"}
    assert value(metrics.registry, "powertrain_queue_waiting_groups", **labels) == 500
    assert "typo-" not in page(metrics.registry)


def test_a_scheduler_that_does_not_lead_shows_no_fleet(scheduler: SchedulerMetrics) -> None:
    scheduler.set_leader(False)
    assert value(scheduler.registry, "powertrain_leader") == 0
    text = page(scheduler.registry)
    assert "powertrain_pool_watts{" not in text
    assert "powertrain_queue_waiting_groups{" not in text


def test_devices_of_a_pool_are_shown_by_state(scheduler: SchedulerMetrics) -> None:
    counts = {
        state: value(
            scheduler.registry, "powertrain_devices", pool="h100", accelerator="h100-sxm", state=state
        )
        for state in ("allocated", "free", "unavailable")
    }
    assert counts == {"allocated": 6, "free": 1, "unavailable": 1}


def test_every_bind_result_starts_at_zero_so_that_its_rate_is_right_from_the_first() -> None:
    metrics = SchedulerMetrics("1.2.3")
    assert [value(metrics.registry, "powertrain_binds_total", result=r.value) for r in BindResult] == [0] * 6


def test_a_bind_that_was_fenced_counts_but_has_no_latency() -> None:
    metrics = SchedulerMetrics("1.2.3")
    metrics.bound(BindResult.FENCED)
    assert value(metrics.registry, "powertrain_binds_total", result="fenced") == 1
    assert value(metrics.registry, "powertrain_bind_seconds_count") == 0


def test_a_watch_counts_as_a_request_but_not_in_the_latency() -> None:
    registry = CollectorRegistry()
    ApiMetrics(registry).observe("watch", "pods", 200, 300.0)
    labels = {"verb": "watch", "resource": "pods"}
    assert value(registry, "powertrain_api_requests_total", **labels, code="200") == 1
    assert value(registry, "powertrain_api_request_seconds_count", **labels) is None


def test_a_failed_reconciliation_counts_as_error_and_in_the_time(operator: OperatorMetrics) -> None:
    operator.reconciled("TrainingJob", 0.5, failed=True)
    registry = operator.registry
    assert value(registry, "powertrain_reconcile_errors_total", kind="TrainingJob") == 1
    assert value(registry, "powertrain_reconcile_seconds_count", kind="TrainingJob") == 2


def test_the_depth_of_the_work_queue_is_read_at_the_scrape() -> None:
    metrics = OperatorMetrics("1.2.3")
    waiting = [1, 2, 3]
    metrics.depth_from(lambda: len(waiting))
    waiting.pop()
    assert value(metrics.registry, "powertrain_work_queue_depth") == 2
