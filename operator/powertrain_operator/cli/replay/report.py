"""The figures of `replay jobs` as a table, as JSON and as plots."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import Any

import click
import numpy as np

from .extra import need
from .jobrun import Load, Run, Setup

HOUR = 3600.0
SUFFIXES = (".png", ".svg", ".pdf")
_COLUMNS = (
    ("JCT mean h", "mean_jct", HOUR, 1),
    ("p50 h", "median_jct", HOUR, 1),
    ("p99 h", "p99_jct", HOUR, 1),
    ("makespan d", "makespan", 24 * HOUR, 1),
    ("waiting h", "mean_wait", HOUR, 1),
    ("rho mean", "mean_rho", 1.0, 2),
    ("rho p99", "p99_rho", 1.0, 2),
    ("rho>1 %", "worse_than_alone", 0.01, 1),
    ("devices held %", "utilization", 0.01, 1),
    ("stops", "stops", 1.0, 0),
)
"""Heading, field of `Figures`, what it is divided by, digits."""


def table(runs: Sequence[Run]) -> str:
    """A line for each policy, means over its seeds."""
    rows = [["policy", *(heading for heading, *_ in _COLUMNS), "took s"]]
    for policy, mine in _by_policy(runs).items():
        figures = _means(mine)
        cells = [f"{figures[field] / unit:.{digits}f}" for _, field, unit, digits in _COLUMNS]
        rows.append([policy, *cells, f"{fmean(run.seconds for run in mine):.0f}"])
    return aligned(rows)


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """The rows, headings first, as a table of Markdown."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        " | ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    ]
    rule = "-|-".join("-" * width for width in widths)
    return "".join(f"| {line} |\n" for line in (lines[0], rule, *lines[1:]))


def write_json(file: str, load: Load, setup: Setup, runs: Sequence[Run]) -> None:
    """Seconds and ratios; percentiles from 0 to 100."""
    document = {
        "trace": Path(load.file).name,
        "cluster": dict(load.cluster),
        "jobs": len(load.jobs),
        "leftOut": len(load.impossible),
        "extrapolated": sum(not job.measured for job in load.jobs),
        "setup": asdict(setup),
        "policies": {
            policy: {"mean": _means(mine), "seeds": {str(run.seed): _run(run) for run in mine}}
            for policy, mine in _by_policy(runs).items()
        },
    }
    write(file, json.dumps(document, indent=2, sort_keys=True) + "\n")


def _run(run: Run) -> dict[str, Any]:
    jct, waits = [each.jct for each in run.ended], [each.waited for each in run.ended]
    return {
        "figures": asdict(run.figures),
        "seconds": run.seconds,
        "jctPercentiles": np.percentile(jct, range(101)).tolist(),
        "waitingPercentiles": np.percentile(waits, range(101)).tolist(),
        "rhoPercentiles": np.percentile(run.rhos, range(101)).tolist(),
    }


def _by_policy(runs: Sequence[Run]) -> dict[str, list[Run]]:
    found: dict[str, list[Run]] = {}
    for run in runs:
        found.setdefault(run.policy, []).append(run)
    return found


def _means(runs: Sequence[Run]) -> dict[str, float]:
    every = [asdict(run.figures) for run in runs]
    return {field: fmean(each[field] for each in every) for field in every[0]}


def write(file: str, text: str) -> None:
    """The text into the file."""
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from error


# -- plots -------------------------------------------------------------------------------------------


def check(json_file: str | None, plot_file: str | None) -> None:
    """Tells at once what would otherwise be found out after the run."""
    if plot_file is not None:
        if not plot_file.endswith(SUFFIXES):
            raise click.BadParameter(
                f"{plot_file} ends with none of {', '.join(SUFFIXES)}", param_hint="--plot"
            )
        need("matplotlib.figure", "--plot")
    for option, file in (("--json", json_file), ("--plot", plot_file)):
        if file is not None and not Path(file).absolute().parent.is_dir():
            raise click.BadParameter(f"{file} is in no folder that there is", param_hint=option)


def plot(file: str, runs: Sequence[Run]) -> None:
    """A picture of each figure."""
    figure = need("matplotlib.figure", "--plot").Figure(figsize=(15, 8), layout="constrained")
    axes = figure.subplots(2, 3).ravel()
    by_policy = _by_policy(runs)
    _curves(axes[0], "Completion time, hours", {p: _hours(mine, "jct") for p, mine in by_policy.items()})
    _curves(axes[1], "Waiting, hours", {p: _hours(mine, "waited") for p, mine in by_policy.items()})
    rhos = {p: [rho for run in mine for rho in run.rhos] for p, mine in by_policy.items()}
    _curves(axes[2], "Finish-time fairness (rho)", rhos)
    means = {policy: _means(mine) for policy, mine in by_policy.items()}
    _bars(axes[3], "Completion time: mean, hours", {p: m["mean_jct"] / HOUR for p, m in means.items()})
    _bars(axes[4], "Completion time: p99, hours", {p: m["p99_jct"] / HOUR for p, m in means.items()})
    _bars(axes[5], "Makespan, days", {p: m["makespan"] / 24 / HOUR for p, m in means.items()})
    save(figure, file)


def save(figure: Any, file: str) -> None:
    """The picture into the file."""
    try:
        figure.savefig(file, dpi=120)
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from error


def _hours(runs: Sequence[Run], what: str) -> list[float]:
    return [getattr(each, what) / HOUR for run in runs for each in run.ended]


def _curves(axis: Any, title: str, values: dict[str, list[float]]) -> None:
    """Part of the jobs that have at most so much."""
    for policy, mine in values.items():
        ordered = np.maximum(np.sort(mine), 1e-3)
        axis.plot(ordered, np.arange(1, len(ordered) + 1) / len(ordered), label=policy)
    axis.set_xscale("log")
    axis.set_title(title)
    axis.set_ylabel("part of the jobs")
    axis.grid(alpha=0.3)
    axis.legend()


def _bars(axis: Any, title: str, values: dict[str, float]) -> None:
    bars = axis.bar(list(values), list(values.values()))
    axis.bar_label(bars, fmt="%.0f")
    axis.set_title(title)
