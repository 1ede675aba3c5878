"""`replay openb --dynamic`: the trace's own arrivals and departures, packing by packing."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, TextIO

import click
import numpy as np
from powertrain_scheduler.cycle import decide
from powertrain_scheduler.replay.openb import stays, trace
from powertrain_scheduler.replay.openb.stays import Outcome

from .extra import need
from .openbrun import Trace
from .report import aligned, save, write


def replay(
    what: Trace,
    policies: Sequence[str],
    load: float,
    cycle: float,
    screen: TextIO,
    json_file: str | None,
    plot_file: str | None,
) -> None:
    """Runs and reports."""
    try:
        coming = stays.stays(what.pods, what.machines, load)
    except trace.BadTrace as bad:
        raise click.ClickException(str(bad)) from bad
    outcomes: dict[str, Outcome] = {}
    took: dict[str, float] = {}
    for policy in policies:
        begin = time.monotonic()
        with click.progressbar(length=len(coming), label=f"{policy:<14}", file=screen) as bar:
            outcomes[policy] = stays.run(
                what.machines, coming, policy, cycle, decide, lambda done: bar.update(done - bar.pos)
            )
        took[policy] = time.monotonic() - begin
    click.echo(_table(outcomes, took), nl=False)
    if json_file:
        document = {"load": load, "cycle": cycle, "policies": {p: _plain(o) for p, o in outcomes.items()}}
        write(json_file, json.dumps(document, indent=2, sort_keys=True) + "\n")
    if plot_file:
        _plot(plot_file, outcomes)


def _table(outcomes: dict[str, Outcome], took: dict[str, float]) -> str:
    rows = [
        [
            "policy", "allocated %", "waiting mean s", "p50 s", "p99 s", "not started", "MWh", "MWh, empty asleep",
            "empty nodes %", "GFLOPS/W", "hours", "took s",
        ]
    ]  # fmt: skip
    for policy, each in outcomes.items():
        p50, p99 = np.percentile(each.waits, [50, 99]) if len(each.waits) else (0.0, 0.0)
        rows.append(
            [
                policy,
                f"{100 * each.allocated:.2f}",
                f"{each.waits.mean() if len(each.waits) else 0.0:.0f}",
                f"{p50:.0f}",
                f"{p99:.0f}",
                str(each.waiting),
                f"{each.kwh / 1000:.2f}",
                f"{each.kwh_asleep / 1000:.2f}",
                f"{100 * each.empty:.1f}",
                f"{each.gflops_per_watt:.0f}",
                f"{each.span / 3600:.1f}",
                f"{took[policy]:.0f}",
            ]
        )
    return aligned(rows)


def _plain(outcome: Outcome) -> dict[str, Any]:
    figures = asdict(outcome)
    waits = figures.pop("waits")
    percentiles = np.percentile(waits, range(101)).tolist() if len(waits) else []
    return {**figures, "waitingPercentiles": percentiles}


def _plot(file: str, outcomes: dict[str, Outcome]) -> None:
    figure = need("matplotlib.figure", "--plot").Figure(figsize=(15, 5), layout="constrained")
    axes = figure.subplots(1, 3)
    names = list(outcomes)
    for policy, each in outcomes.items():
        ordered = np.sort(each.waits)
        axes[0].plot(ordered, np.arange(1, len(ordered) + 1) / max(len(ordered), 1), label=policy)
    axes[0].set_xscale("symlog")
    axes[0].set_title("Waiting, seconds: part of the pods")
    axes[0].legend()
    axes[1].bar(names, [each.kwh / 1000 for each in outcomes.values()])
    axes[1].set_title("Energy by PWR's model, MWh")
    axes[2].bar(names, [100 * each.empty for each in outcomes.values()])
    axes[2].set_title("Empty nodes, %")
    save(figure, file)
