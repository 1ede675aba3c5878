"""From what was seen to a run's figures: arithmetic on names and times, no cluster."""

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from clusterbench.result import Cost, Result
from clusterbench.submit import Receipt
from clusterbench.usage import Usage
from clusterbench.watching import Sightings
from clusterbench.workloads import DEVICES_PER_NODE, Group, Row


def result(
    blank: Result,
    row: Row,
    seen: Sightings,
    receipt: Receipt,
    started: float,
    *,
    costs: Mapping[str, Usage],
    writes: Counter[str],
) -> Result:
    """The run's figures; `started` is the moment the row's clock starts at."""
    bound = _times(seen.bound, row.placeable)
    submitted = {name for group in row.groups for name in group.pod_names()}
    evicted = len(_times(seen.gone, [row.filling])) if row.filling else None
    figures = replace(
        blank,
        bound=len(bound),
        evicted=evicted,
        costs={name: Cost(used.cpu_seconds, used.peak_mib) for name, used in costs.items()},
        writes=dict(sorted(writes.items())),
        writes_per_pod=writes.total() / (len(submitted) + (evicted or 0)),
        problem=overcommitted(row, seen.node),
    )
    if row.unplaceable:
        return _misfit(figures, row, seen, receipt)
    first, last = min(bound.values()), max(bound.values())
    return replace(
        figures,
        seconds=last - started,
        first_to_last=last - first,
        after_last_creation=None if row.submitted_first else last - receipt.last_answered,
    )


def _misfit(figures: Result, row: Row, seen: Sightings, receipt: Receipt) -> Result:
    """Row 4's questions: told after, the small pod waited, members bound all the same."""
    (misfit,) = (group for group in row.groups if group.name == row.unplaceable)
    (small,) = row.placeable
    reason, told = seen.told.get(misfit.name) or ("", min(_times(seen.refused, [misfit]).values()))
    let_through = _times(seen.bound, [small]).values()
    return replace(
        figures,
        told_after=max(0.0, told - receipt.groups[misfit.name].last_answered),
        told_reason=reason,
        small_waited=min(let_through) - receipt.groups[small.name].first_sent if let_through else None,
        misfit_bound=len(_times(seen.bound, [misfit])),
    )


def failed(blank: Result, row: Row, seen: Sightings, problem: str) -> Result:
    """What is left to say of a run that did not come to its end."""
    return replace(blank, bound=len(_times(seen.bound, row.placeable)), problem=problem)


def overcommitted(row: Row, node: Mapping[str, str]) -> str:
    """A sentence when some node holds more devices than it has, else nothing."""
    groups = (*row.groups, *((row.filling,) if row.filling else ()))
    devices = {name: group.devices for group in groups for name in group.pod_names()}
    used: Counter[str] = Counter()
    for pod, where in node.items():
        used[where] += devices.get(pod, 0)
    worst, count = max(used.items(), key=lambda item: item[1], default=("", 0))
    return f"{worst} holds {count} devices of {DEVICES_PER_NODE}" if count > DEVICES_PER_NODE else ""


def _times(times: Mapping[str, float], groups: Iterable[Group]) -> dict[str, float]:
    return {name: times[name] for group in groups for name in group.pod_names() if name in times}
