"""Published results of the FGD authors' runs, read from the tables of their artifact.

`analysis_allo_discrete.csv` and `analysis_frag_discrete.csv`: a line for each workload, policy and seed,
a column for each whole percent arrived, percents of the fleet's devices.
"""

import csv
from collections.abc import Iterable, Mapping
from statistics import fmean

from powertrain_scheduler.replay.openb.trace import BadTrace

NAMES: Mapping[str, str] = {
    "random": "01-Random", "dotprod": "02-DotProd", "gpu-clustering": "03-GpuClustering",
    "gpu-packing": "04-GpuPacking", "best-fit": "05-BestFit", "fgd": "06-FGD",
}  # fmt: skip
"""The authors' names of the packings they ran."""

ALLOCATION, FRAGMENTS = "analysis_allo_discrete.csv", "analysis_frag_discrete.csv"


def means(
    lines: Iterable[str], file: str, workload: str, percents: Iterable[int]
) -> dict[str, dict[int, float]]:
    """By packing and percent arrived, the mean over the published seeds; raises BadTrace."""
    reader = csv.DictReader(lines)
    heading = reader.fieldnames or []
    wanted = {percent: str(percent) for percent in percents}
    for column in ("workload", "sc_policy", *wanted.values()):
        if column not in heading:
            raise BadTrace(f"{file}, line 1: has no column {column}")
    of_name = {theirs: ours for ours, theirs in NAMES.items()}
    found: dict[str, dict[int, list[float]]] = {}
    for row in reader:
        if row["workload"] != workload or row["sc_policy"] not in of_name:
            continue
        mine = found.setdefault(of_name[row["sc_policy"]], {percent: [] for percent in wanted})
        for percent, column in wanted.items():
            try:
                mine[percent].append(float(row[column] or ""))
            except ValueError:
                raise BadTrace(
                    f"{file}, line {reader.line_num}, column {column}: {row[column]!r} is not a number"
                ) from None
    return {name: {p: fmean(values) for p, values in mine.items()} for name, mine in found.items()}
