"""Results as tables in Markdown, which a terminal shows as well, and as JSON."""

import os
import platform
from collections.abc import Callable, Iterable, Sequence
from statistics import median

import msgspec

from clusterbench.result import Result

_HEADINGS = (
    "row",
    "system",
    "seconds",
    "pods/s",
    "of raw",
    "x kube-scheduler",
    "first to last",
    "after last creation",
    "CPU s",
    "peak MiB",
    "writes/pod",
)


def table(results: Sequence[Result]) -> str:
    """One line a row and system: the median of its sound runs, then what was wrong with the others."""
    lines = [_line(_HEADINGS), _line("---" for _ in _HEADINGS)]
    for row, system in _pairs(results):
        lines.append(_line(_cells(results, row, system)))
    notes = [_note(found) for found in results if found.row == "4" and not found.problem]
    notes += [_eviction(found) for found in results if found.evicted is not None and not found.problem]
    notes += [_problem(found) for found in results if found.problem]
    return "\n".join([*lines, "", *(f"* {note}" for note in notes)]).rstrip() + "\n"


def _cells(results: Sequence[Result], row: str, system: str) -> list[str]:
    runs = [found for found in results if (found.row, found.system) == (row, system) and not found.problem]
    return [
        row,
        system,
        _spread([found.seconds for found in runs]),
        _middle(runs, lambda found: found.rate, "{:.0f}"),
        _middle(runs, lambda found: _ratio(results, found, "raw"), "{:.2f}"),
        _middle(runs, lambda found: _ratio(results, found, "kube-scheduler"), "{:.2f}"),
        _middle(runs, lambda found: found.first_to_last, "{:.1f}"),
        _middle(runs, lambda found: found.after_last_creation, "{:.1f}"),
        _middle(runs, lambda found: _system_cost(found)[0], "{:.1f}"),
        _middle(runs, lambda found: _system_cost(found)[1], "{:.0f}"),
        _middle(runs, lambda found: found.writes_per_pod, "{:.2f}"),
    ]


def _ratio(results: Iterable[Result], found: Result, other: str) -> float | None:
    """How many times as fast as the other system in the same run of the same row."""
    for peer in results:
        if (peer.row, peer.system, peer.run) == (found.row, other, found.run) and not peer.problem:
            return peer.seconds / found.seconds if peer.seconds and found.seconds else None
    return None


def _system_cost(found: Result) -> tuple[float | None, float | None]:
    cost = found.costs.get("system")
    return (cost.cpu_seconds, cost.peak_mib) if cost else (None, None)


def _note(found: Result) -> str:
    waited = "not let through" if found.small_waited is None else f"bound after {found.small_waited:.2f} s"
    reason = f" ({found.told_reason})" if found.told_reason else ""
    return (
        f"row 4, {found.system}, run {found.run}: told after {found.told_after:.2f} s{reason}; "
        f"small pod {waited}; {found.misfit_bound} pods of the gang bound"
    )


def _eviction(found: Result) -> str:
    return f"row {found.row}, {found.system}, run {found.run}: {found.evicted} pods evicted"


def _problem(found: Result) -> str:
    return f"row {found.row}, {found.system}, run {found.run}: {found.problem.splitlines()[0]}"


def _middle(runs: Sequence[Result], figure: Callable[[Result], float | None], form: str) -> str:
    values = [value for found in runs if (value := figure(found)) is not None]
    return form.format(median(values)) if values else ""


def _spread(values: Iterable[float | None]) -> str:
    known = sorted(value for value in values if value is not None)
    if not known:
        return ""
    middle = f"{median(known):.1f}"
    return middle if len(known) == 1 else f"{middle} ({known[0]:.1f}-{known[-1]:.1f})"


def _pairs(results: Iterable[Result]) -> list[tuple[str, str]]:
    return list(dict.fromkeys((found.row, found.system) for found in results))


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def document(results: Sequence[Result], command: Sequence[str]) -> bytes:
    """Everything measured, and on what."""
    found = {"machine": machine(), "command": " ".join(command), "results": results}
    return msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"


def machine() -> dict[str, str]:
    """What a reader needs to judge the figures by, and nothing that tells one machine from its like."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return {
        "processors": str(len(os.sched_getaffinity(0))),
        "memory": f"{memory:.0f} GiB",
        "python": platform.python_version(),
    }
