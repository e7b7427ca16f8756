"""Pages of regressions say that losses are in standardised units; no other page does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.report.synthetic import Tables, sweep
from workbench.report.figures.units import STANDARDISED, STANDARDISED_UNITS, unit_of_losses, units_of_losses
from workbench.report.page.comparison_page import write_comparison
from workbench.report.page.sweep import write
from workbench.report.statistics.design import read
from workbench.report.verdicts.claim_rules import Arm, Claim, Paired

GRID = {"network.depth": (1, 2), "network.activation": ("sigmoid", "relu")}
REGRESSION, CLASSES = sweep(GRID, seeds=3, regression=True), sweep(GRID, seeds=3)
CLAIM = Claim(
    id="R1",
    section="",
    statement="Depth helps.",
    rule=Paired(
        "best_test_loss", Arm("2", {"network.depth": 2}), Arm("1", {"network.depth": 1}), margin=0.01,
        direction="lower", seeds=tuple(range(12)),
    ),
)  # fmt: skip


def with_losses(tables: Tables, *names: str, **columns: str) -> Tables:
    losses = [names[place % len(names)] for place in range(len(tables.runs))]
    return replace(tables, runs=tables.runs.assign(**{"network.loss": losses}, **columns))


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        (REGRESSION, True),
        (CLASSES, False),
        (with_losses(REGRESSION, "squared_error"), True),
        (with_losses(CLASSES, "cross_entropy"), False),
        (with_losses(CLASSES, "cross_entropy", "squared_error"), True),  # over data=digits,diabetes
        (with_losses(REGRESSION, "squared_error", measure="matrix_timing"), False),
    ],
)
def test_it_goes_by_the_losses_that_were_trained(tables: Tables, said: bool) -> None:
    assert units_of_losses(read(tables)) == (STANDARDISED if said else "")


@pytest.mark.usefixtures("blank_figures")
def test_a_page_says_it_in_words_under_every_figure_of_a_loss_and_beside_a_verdict(tmp_path: Path) -> None:
    page = write(REGRESSION, [CLAIM], tmp_path).html.read_text(encoding="utf-8")
    assert page.count("Losses of a regression are in standardised units") >= 1
    assert page.count(STANDARDISED_UNITS) >= 2 * len(GRID) + 1
    assert "standardised targets" in page
    assert "standardised units" not in write(CLASSES, [CLAIM], tmp_path).html.read_text(encoding="utf-8")


def test_a_comparison_says_it_too(tmp_path: Path) -> None:
    texts = [
        write_comparison(one, replace(one, name="again"), tmp_path).read_text(encoding="utf-8")
        for one in (REGRESSION, CLASSES)
    ]
    assert [STANDARDISED[:50] in text for text in texts] == [True, False]


@pytest.mark.parametrize(
    ("tables", "unit"),
    [
        (REGRESSION, "standardised targets"),
        (with_losses(CLASSES, "cross_entropy"), "nats, the mean over examples"),
        (with_losses(CLASSES, "cross_entropy", "softmax_squared_error"), ""),
    ],
)
def test_the_unit_of_a_loss_is_named_where_there_is_one(tables: Tables, unit: str) -> None:
    assert unit_of_losses(read(tables)) == unit
