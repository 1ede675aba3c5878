"""Linear programs by HiGHS."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from powertrain_scheduler.replay.jobs.maxmin import Program
from powertrain_scheduler.replay.jobs.rounds import Floats

from .extra import need


def solve(program: Program) -> Floats:
    """The best x; raises RuntimeError where there is none."""
    highspy = need("highspy", "policy gavel")
    number, size = len(program.objective), len(program.upper)
    order = np.argsort(program.columns, kind="stable")
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = number, size
    lp.sense_ = highspy.ObjSense.kMaximize
    lp.col_cost_ = program.objective
    lp.col_lower_ = np.zeros(number)
    lp.col_upper_ = np.append(np.ones(number - 1), np.inf)
    lp.row_lower_ = np.full(size, -np.inf)
    lp.row_upper_ = program.upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = np.searchsorted(program.columns[order], np.arange(number + 1)).astype(np.int32)
    lp.a_matrix_.index_ = program.rows[order].astype(np.int32)
    lp.a_matrix_.value_ = program.values[order]
    with _silence():
        solver = highspy.Highs()
    solver.setOptionValue("log_to_console", False)
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.passModel(lp)
    solver.run()
    status = solver.getModelStatus()
    if status != highspy.HighsModelStatus.kOptimal:
        raise RuntimeError(f"no best fractions of time: {solver.modelStatusToString(status)}")
    found: Floats = np.array(solver.getSolution().col_value)
    return found


@contextmanager
def _silence() -> Iterator[None]:
    """Nothing reaches the process's standard output: HiGHS greets there as it is made, before it can be told not to."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
