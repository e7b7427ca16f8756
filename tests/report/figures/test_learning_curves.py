"""Learning curves run to the last epoch for every run."""

from __future__ import annotations

import numpy as np

from tests.report.synthetic import sweep
from workbench.report.figures.learning_curves import curves
from workbench.report.statistics.design import read
from workbench.report.statistics.histories import Histories


def test_a_run_that_ends_early_keeps_its_last_value() -> None:
    tables = sweep({"optimizer": ("sgd", "adam")}, seeds=2, trouble=False)
    short = tables.epochs[(tables.epochs["cell"] != 0) | (tables.epochs["epoch"] <= 5)]
    tables = type(tables)("x", {}, tables.factors, tables.runs, short, tables.layers)
    found = read(tables)
    (drawn,) = curves(found, Histories(tables, found), found.factors[0], ["train_loss"])
    assert drawn.carried
    assert (drawn.seeds[0, 0, 5:] == drawn.seeds[0, 0, 5]).all()
    assert np.isfinite(drawn.mean).all()
