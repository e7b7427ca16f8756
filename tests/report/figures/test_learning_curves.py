"""Learning curves run to the last epoch for every run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.report.synthetic import Tables, sweep
from workbench.engine.training.evaluation import is_tested
from workbench.report.figures.findings import Findings
from workbench.report.figures.learning_curves import LearningCurves, curves
from workbench.report.figures.whole_curves import WholeCurves
from workbench.report.statistics.design import read
from workbench.report.statistics.histories import Evaluations, Histories


def test_a_run_that_ends_early_keeps_its_last_value() -> None:
    tables = sweep({"optimizer": ("sgd", "adam")}, seeds=2, trouble=False)
    short = tables.epochs[(tables.epochs["cell"] != 0) | (tables.epochs["epoch"] <= 5)]
    tables = type(tables)("x", {}, tables.factors, tables.runs, short, tables.layers)
    found = read(tables)
    (drawn,) = curves(found, Histories(tables, found), found.factors[0], ["train_loss"])
    assert drawn.carried
    assert (drawn.seeds[0, 0, 5:] == drawn.seeds[0, 0, 5]).all()
    assert np.isfinite(drawn.mean).all()


def seldom_tested(tables: Tables, every: int = 5) -> Tables:
    """The same sweep, its test data evaluated as seldom as the engine does with `test_every`."""
    epochs = tables.epochs
    last = epochs["epoch"] == epochs.groupby("cell")["epoch"].transform("max")
    kept = epochs["epoch"].map(lambda epoch: is_tested(epoch, every)) | last
    return replace(
        tables, epochs=epochs.assign(**{key: epochs[key].where(kept) for key in ("test_loss", "test_accuracy")})
    )


def shortened(tables: Tables, cell: int, to: int) -> Tables:
    """The same sweep, with one run that ended early."""
    epochs = tables.epochs
    return replace(tables, epochs=epochs[(epochs["cell"] != cell) | (epochs["epoch"] <= to)])


def test_a_curve_joins_the_epochs_at_which_its_metric_was_taken() -> None:
    tables = seldom_tested(shortened(sweep({"optimizer": ("sgd", "adam")}, seeds=2, trouble=False), cell=0, to=7))
    found = read(tables)
    histories = Histories(tables, found)
    tested, trained = curves(found, histories, found.factors[0], ["test_accuracy", "train_loss"])
    assert tested.epochs.tolist() == [0, 1, 2, 3, 4, 5, 10, 15, 20]  # at 7 only the run that ended has a value
    assert trained.epochs.tolist() == [*range(21)]
    assert np.isfinite(tested.mean).all()
    of_the_short_one = tables.epochs.query("cell == 0 and epoch == 7")["test_accuracy"].item()
    assert (tested.seeds[0, 0, -3:] == of_the_short_one).all()
    assert histories.tested == Evaluations(9, 21)


def test_a_curve_joins_the_epochs_at_which_every_run_was_tested() -> None:
    """Of runs that were tested after every epoch and others that were not, no value stands for a later epoch."""
    always = sweep({"training.test_every": (1, 5)}, seeds=2, trouble=False)
    seldom = always.runs.loc[always.runs["training.test_every"] == 5, "cell"]
    kept = seldom_tested(always).epochs
    tables = replace(always, epochs=kept.where(kept["cell"].isin(seldom), always.epochs))
    found = read(tables)
    histories = Histories(tables, found)
    (drawn,) = curves(found, histories, found.factors[0], ["test_accuracy"])
    assert drawn.epochs.tolist() == [0, 1, 2, 3, 4, 5, 10, 15, 20]
    assert histories.tested == Evaluations(9, 21)


def test_long_curves_keep_epochs_at_which_their_metric_was_taken() -> None:
    tables = seldom_tested(sweep({"optimizer": ("sgd", "adam")}, seeds=2, trouble=False, epochs=500), every=7)
    found = read(tables)
    (drawn,) = curves(found, Histories(tables, found), found.factors[0], ["test_accuracy"])
    assert 70 <= len(drawn.epochs) <= 80
    assert np.isfinite(drawn.mean).all()


@pytest.mark.parametrize("kind", [LearningCurves(), WholeCurves()], ids=["by a factor", "of seeds alone"])
def test_a_caption_says_how_often_the_test_data_were_evaluated(kind: LearningCurves | WholeCurves) -> None:
    grid: dict[str, tuple[str, ...]] = {"optimizer": ("sgd", "adam")} if isinstance(kind, LearningCurves) else {}
    always = sweep(grid, seeds=3, trouble=False)
    said = "The test data were evaluated after 9 of these 21 epochs"
    for tables, expected in ((seldom_tested(always), True), (always, False)):
        for figure in kind.drawn(Findings(tables)):
            assert (said in figure.caption) == expected
            values = pd.DataFrame(figure.table.rows).astype(str)
            assert not values.isin(["nan", "nan %"]).any().any()
