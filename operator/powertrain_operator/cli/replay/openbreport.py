"""The figures of `replay openb` as tables, as JSON and as a plot."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from powertrain_scheduler.replay.openb.account import PERCENTS

from .extra import need
from .openbrun import Published, Run
from .report import aligned, save, write

Floats = NDArray[np.float64]

ALLOCATED_AT = (50, 80, 90, 100, 110, 130)
PUBLISHED_AT = (100, 130)
FRAGMENTS_AT = (50, 100, 130)
WATTS_AT = (20, 50, 80, 90, 100)
CURVES = ("allocated", "fragments", "watts", "speed")


def tables(runs: Sequence[Run], published: Published, most: float) -> str:
    """Allocation and fragments, then power; means over the seeds. `most` is the bound of perfect cutting."""
    told = f"{most:.2f} % of the devices are allocated, CPU and memory aside, once perfect packing turns a pod away."
    return f"{_allocation(runs, published)}\n{told}\n\n{_power(runs)}"


def _allocation(runs: Sequence[Run], published: Published) -> str:
    heading = ["policy", *(f"allocated % @{at}" for at in ALLOCATED_AT), "sd @130"]
    if published:
        heading += [f"published @{at}" for at in PUBLISHED_AT]
    heading += [f"fragments % @{at}" for at in FRAGMENTS_AT]
    if published:
        heading += ["published @100"]
    rows = [heading]
    for policy, mine in _by_policy(runs).items():
        mean = {name: _mean(mine, name) for name in ("allocated", "fragments")}
        cells = [policy, *(f"{mean['allocated'][at]:.2f}" for at in ALLOCATED_AT)]
        ends = [run.curves.allocated[-1] for run in mine]
        cells.append(f"{np.std(ends):.2f}" if len(ends) > 1 else "-")
        if published:
            cells += [_told(published["allocated"], policy, at) for at in PUBLISHED_AT]
        cells += [f"{mean['fragments'][at]:.2f}" for at in FRAGMENTS_AT]
        if published:
            cells += [_told(published["fragments"], policy, 100)]
        rows.append(cells)
    return aligned(rows)


def _power(runs: Sequence[Run]) -> str:
    rows = [
        [
            "policy",
            *(f"kW @{at}" for at in WATTS_AT),
            *(f"GFLOPS/W @{at}" for at in WATTS_AT),
            "dropped %",
            "took s",
        ]
    ]
    for policy, mine in _by_policy(runs).items():
        watts, speed = _mean(mine, "watts"), _mean(mine, "speed")
        dropped = np.mean([100 * run.curves.dropped / run.curves.pods for run in mine])
        rows.append(
            [
                policy,
                *(f"{watts[at] / 1000:.0f}" for at in WATTS_AT),
                *(f"{1000 * speed[at] / watts[at]:.0f}" for at in WATTS_AT),
                f"{dropped:.1f}",
                f"{np.mean([run.seconds for run in mine]):.1f}",
            ]
        )
    return aligned(rows)


def _told(published: Mapping[str, Mapping[int, float]], policy: str, at: int) -> str:
    return f"{published[policy][at]:.2f}" if policy in published else "-"


def _mean(runs: Sequence[Run], curve: str) -> Floats:
    found: Floats = np.mean([getattr(run.curves, curve) for run in runs], axis=0)
    return found


def _by_policy(runs: Sequence[Run]) -> dict[str, list[Run]]:
    found: dict[str, list[Run]] = {}
    for run in runs:
        found.setdefault(run.policy, []).append(run)
    return found


def write_json(file: str, pods: str, runs: Sequence[Run], published: Published, most: float) -> None:
    """Every curve, by whole percent arrived from 0 to 130: means over the seeds, and each seed's."""
    document = {
        "pods": Path(pods).name,
        "allocatedAtMost": most,
        "percentArrived": list(PERCENTS),
        "units": {"allocated": "%", "fragments": "%", "watts": "W", "speed": "TFLOPS"},
        "policies": {
            policy: {
                "mean": {curve: _plain(_mean(mine, curve)) for curve in CURVES},
                "seeds": {str(run.seed): _seed(run) for run in mine},
                "published": {
                    figure: [means[policy][at] for at in PERCENTS]
                    for figure, means in published.items()
                    if policy in means
                },
            }
            for policy, mine in _by_policy(runs).items()
        },
    }
    write(file, json.dumps(document, indent=2, sort_keys=True) + "\n")


def _seed(run: Run) -> dict[str, Any]:
    figures: dict[str, Any] = {curve: _plain(getattr(run.curves, curve)) for curve in CURVES}
    return {**figures, "pods": run.curves.pods, "dropped": run.curves.dropped, "seconds": run.seconds}


def _plain(curve: Floats) -> list[float | None]:
    return [None if np.isnan(value) else round(value, 4) for value in curve.tolist()]


def plot(file: str, runs: Sequence[Run]) -> None:
    """Allocation near the end, fragments and watts by percent arrived."""
    figure = need("matplotlib.figure", "--plot").Figure(figsize=(15, 5), layout="constrained")
    axes = figure.subplots(1, 3)
    shown = (
        ("allocated", "Allocated, % of the devices", 1.0, 80),
        ("fragments", "Fragments, % of the devices", 1.0, 0),
        ("watts", "Power by PWR's model, kW", 1000.0, 0),
    )
    for axis, (curve, title, unit, first) in zip(axes, shown, strict=True):
        for policy, mine in _by_policy(runs).items():
            axis.plot(list(PERCENTS)[first:], _mean(mine, curve)[first:] / unit, label=policy)
        axis.set_title(title)
        axis.set_xlabel("devices asked for, % of those there are")
        axis.grid(alpha=0.3)
        axis.legend()
    save(figure, file)
