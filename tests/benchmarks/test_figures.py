"""From sightings to figures, and from figures to the table."""

import json
from collections import Counter

import pytest
from clusterbench import figures, report, usage
from clusterbench.result import Cost, Result
from clusterbench.submit import Receipt, Span
from clusterbench.usage import Usage
from clusterbench.watching import Sightings, TookTooLong
from clusterbench.workloads import Row, rows
from powertrain_operator.api.cluster import Pod, PodGroupView, from_manifest

METRICS = """\
# HELP apiserver_request_total Counter of apiserver requests.
apiserver_request_total{code="201",component="apiserver",dry_run="",group="",resource="pods",scope="resource",subresource="",verb="POST",version="v1"} 104
apiserver_request_total{code="201",component="apiserver",dry_run="",group="",resource="pods",scope="resource",subresource="binding",verb="POST",version="v1"} 98
apiserver_request_total{code="409",component="apiserver",dry_run="",group="",resource="pods",scope="resource",subresource="binding",verb="POST",version="v1"} 2
apiserver_request_total{code="200",component="apiserver",dry_run="",group="",resource="pods",scope="resource",subresource="status",verb="PATCH",version="v1"} 1e+02
apiserver_request_total{code="200",component="apiserver",dry_run="",group="",resource="pods",scope="cluster",subresource="",verb="LIST",version="v1"} 7
apiserver_request_total{code="200",component="apiserver",dry_run="",group="powertrain.dev",resource="podgroups",scope="resource",subresource="status",verb="APPLY",version="v1alpha1"} 5
apiserver_request_total{code="201",component="apiserver",dry_run="",group="authentication.k8s.io",resource="tokenreviews",scope="resource",subresource="",verb="POST",version="v1"} 9
apiserver_request_duration_seconds_count{verb="POST",resource="pods"} 104
"""


def clocked(*times: float) -> Sightings:
    """Sightings whose clock gives these times, one a change that is timed."""
    left = iter(times)
    return Sightings(clock=lambda: next(left))


def pod(name: str, node: str = "", phase: str = "Pending", refused: bool = False) -> Pod:
    conditions = [{"type": "PodScheduled", "status": "False"}] if refused else []
    manifest = {
        "metadata": {"name": name},
        "spec": {"nodeName": node},
        "status": {"phase": phase, "conditions": conditions},
    }
    return from_manifest(manifest, Pod)


def group(name: str, reason: str) -> PodGroupView:
    return from_manifest({"metadata": {"name": name}, "status": {"reason": reason}}, PodGroupView)


def receipt(**groups: tuple[float, float]) -> Receipt:
    return Receipt({name: Span(*span) for name, span in groups.items()}, {"pods": 1})


def blank(row: Row, system: str = "powertrain") -> Result:
    return Result(row=row.name, system=system, run=1, scale=1.0, pods=row.pods, bound=0)


def test_writes_are_counted_by_request_with_the_failed_ones_and_without_questions() -> None:
    assert usage.writes(METRICS) == {
        "POST pods": 104,
        "POST pods/binding": 100,
        "PATCH pods/status": 100,
        "APPLY podgroups/status": 5,
    }


def test_the_submitted_objects_own_creations_are_not_charged_to_the_system() -> None:
    before, after = Counter({"POST pods": 4}), Counter({"POST pods": 104, "POST pods/binding": 100})
    assert usage.caused(before, after, {"pods": 100}) == {"POST pods/binding": 100}


def test_cpu_counts_from_the_earlier_reading_and_memory_from_the_beginning() -> None:
    assert Usage(5.0, 300.0).since(Usage(2.0, 200.0)) == Usage(3.0, 300.0)


def test_a_pod_is_timed_when_its_node_is_first_seen() -> None:
    seen = clocked(10.0, 20.0, 30.0)
    seen.pod("bench/single-00000", None, pod("single-00000"))
    seen.pod("bench/single-00000", None, pod("single-00000", "n-0"))
    seen.pod("bench/single-00000", None, pod("single-00000", "n-0", "Running"))
    assert seen.bound == {"single-00000": 10.0}
    assert seen.running == {"single-00000"}


def test_the_clock_runs_from_the_first_submission_to_the_last_binding() -> None:
    row = rows(0.002)["1a"]
    seen = clocked(*range(101, 109))
    for name in row.groups[0].pod_names():
        seen.pod(f"bench/{name}", None, pod(name, "gpu-0"))
    found = figures.result(
        blank(row),
        row,
        seen,
        receipt(single=(100.0, 105.0)),
        100.0,
        costs={"system": Usage(1.5, 80.0)},
        writes=Counter({"POST pods/binding": 8, "PATCH pods/status": 8}),
    )
    assert (found.bound, found.seconds, found.first_to_last, found.after_last_creation) == (8, 8.0, 7.0, 3.0)
    assert found.writes_per_pod == 2.0
    assert found.costs == {"system": Cost(1.5, 80.0)}
    assert found.problem == ""


def test_evicted_pods_share_the_writes() -> None:
    row = rows(0.016)["5"]  # one pod of eight devices takes the place of eight
    seen = clocked(*map(float, range(20)))
    for name in row.groups[0].pod_names():
        seen.pod(f"bench/{name}", None, pod(name, "gpu-0"))
    assert row.filling
    for name in list(row.filling.pod_names())[:8]:
        seen.pod(f"bench/{name}", pod(name), None)
    writes = Counter({"DELETE pods": 8, "POST pods/binding": 1})
    found = figures.result(
        blank(row), row, seen, receipt(reclaiming=(0.0, 0.0)), 0.0, costs={}, writes=writes
    )
    assert (found.evicted, found.writes_per_pod) == (8, 1.0)


def test_a_node_that_holds_more_than_it_has_spoils_the_run() -> None:
    row = rows(0.002)["3"]
    crowded = {name: "gpu-0" for name in list(row.groups[0].pod_names())[:5]}
    assert figures.overcommitted(row, crowded) == "gpu-0 holds 10 devices of 8"
    assert figures.overcommitted(row, dict(list(crowded.items())[:4])) == ""


def misfit_result(seen: Sightings) -> Result:
    row = rows(0.002)["4"]
    spans = receipt(misfit=(0.0, 5.0), small=(5.0, 6.0))
    return figures.result(blank(row), row, seen, spans, 0.0, costs={}, writes=Counter())


def test_the_gang_is_told_when_its_last_reason_came() -> None:
    seen = clocked(3.0, 5.5, 6.25)
    seen.group("bench/misfit", None, group("misfit", "WaitingForPods"))
    seen.group("bench/misfit", None, group("misfit", "NeverFits"))
    seen.group("bench/misfit", None, group("misfit", "NeverFits"))
    seen.pod("bench/small-00000", None, pod("small-00000", "gpu-0"))
    found = misfit_result(seen)
    assert (found.told_after, found.told_reason) == (0.5, "NeverFits")
    assert (found.small_waited, found.misfit_bound) == (1.25, 0)


def test_where_pods_are_told_one_by_one_the_first_counts() -> None:
    seen = clocked(4.0, 6.5)
    seen.pod("bench/misfit-00000", None, pod("misfit-00000", "gpu-0"))
    seen.pod("bench/misfit-00001", None, pod("misfit-00001", refused=True))
    found = misfit_result(seen)
    assert (found.told_after, found.told_reason) == (1.5, "")
    assert (found.small_waited, found.misfit_bound) == (None, 1)


async def test_waiting_names_what_did_not_come() -> None:
    with pytest.raises(TookTooLong, match="every pod is bound: not within 0 s"):
        await Sightings().until(lambda: False, 0.0, "every pod is bound")


def sound(system: str, run: int, seconds: float, row: str = "1a") -> Result:
    costs = {"system": Cost(seconds, 80.0)}
    return Result(
        row=row, system=system, run=run, scale=1.0, pods=100, bound=100, seconds=seconds, costs=costs
    )


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_ratios_are_taken_within_a_run_and_then_their_median() -> None:
    results = [
        sound("raw", 1, 8.0),
        sound("powertrain", 1, 10.0),
        sound("raw", 2, 16.0),
        sound("powertrain", 2, 16.0),
    ]
    headings, _, _, ours = map(cells, report.table(results).splitlines()[:4])
    shown = dict(zip(headings, ours, strict=True))
    assert shown["of raw"] == "0.90"
    assert shown["seconds"] == "13.0 (10.0-16.0)"
    assert shown["x kube-scheduler"] == ""


def test_a_run_with_a_problem_is_told_and_not_counted() -> None:
    failed = Result(
        row="1a",
        system="powertrain",
        run=2,
        scale=1.0,
        pods=100,
        bound=99,
        problem="one pod is missing\nthe end of its log",
    )
    shown = report.table([sound("powertrain", 1, 10.0), failed])
    assert cells(shown.splitlines()[2])[2] == "10.0"
    assert "* row 1a, powertrain, run 2: one pod is missing\n" in shown


def test_the_document_holds_every_result_and_the_machine() -> None:
    found = json.loads(report.document([sound("raw", 1, 8.0)], ["cluster.py", "--runs", "1"]))
    assert found["command"] == "cluster.py --runs 1"
    assert found["results"][0]["seconds"] == 8.0
    assert int(found["machine"]["processors"]) >= 1
