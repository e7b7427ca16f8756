"""An experiment's own figures: drawn from tidy frames, told in words, a table behind; a broken one costs nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.report.synthetic import Tables, sweep
from workbench.engine.errors import BadInput
from workbench.report.experiments import experiment_in
from workbench.report.figures.drawings import Drawing, Heat, Lines
from workbench.report.figures.figure import Figure
from workbench.report.figures.findings import Findings
from workbench.report.figures.named_rows import Rows
from workbench.report.figures.own_figures import OwnFigures, averaged, numbers, runs
from workbench.report.page.sweep import write

DEPTH, ACTIVATION, ACCURACY = "network.depth", "network.activation", "last_train_accuracy"


def layers(tables: Tables) -> pd.DataFrame:
    """Layer by epoch of one probe, with what the run was."""
    rows = tables.layers[tables.layers["probe"] == "gradient_z"]
    return rows.merge(tables.runs[["cell", "seed", ACTIVATION]], on="cell")[
        [ACTIVATION, "layer", "epoch", "value", "seed"]
    ]


def plain(ax: Any, rows: pd.DataFrame, everything: pd.DataFrame) -> Any:
    ax.plot(rows[DEPTH], rows[ACCURACY], "o")
    assert len(rows) <= len(everything)
    return ax


FIGURES = {
    "lines": Figure("Depth", "Deeper.", runs(DEPTH, ACTIVATION, ACCURACY), Lines(DEPTH, ACCURACY, by=ACTIVATION)),
    "words on the x axis": Figure("By name", "Words.", runs(ACTIVATION, ACCURACY), Lines(ACTIVATION, ACCURACY)),
    "logarithmic": Figure("Loss", "Log.", runs(DEPTH, "last_train_loss"), Lines(DEPTH, "last_train_loss", log_y=True)),
    "heat": Figure("Map", "Layers.", layers, Heat("epoch", "layer", "value", log=True, upwards=True), ACTIVATION),
    "written heat": Figure(
        "Pair", "Both.", runs(DEPTH, ACTIVATION, ACCURACY), Heat(DEPTH, ACTIVATION, ACCURACY, written=True)
    ),
    "a function": Figure("Own", "Dots.", runs(DEPTH, ACCURACY), plain),
}  # fmt: skip


@pytest.fixture(scope="module")
def tables() -> Tables:
    return sweep({DEPTH: (1, 2, 4), ACTIVATION: ("sigmoid", "relu")}, seeds=3, epochs=4, trouble=False)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_drawn_with_words_and_numbers(name: str, tables: Tables) -> None:
    figure = FIGURES[name]
    (group,) = OwnFigures().drawn(Findings(tables, own=[figure]))
    assert "could not" not in group.caption
    assert len(group.plots) == (2 if figure.panels else 1)
    assert all(f'aria-label="{figure.title}' in plot.svg for plot in group.plots)
    assert len(group.table.rows) > 0
    assert all(len(row) == len(group.table.heads) for row in group.table.rows)


def test_the_legend_names_the_lines(tables: Tables) -> None:
    (group,) = OwnFigures().drawn(Findings(tables, own=[FIGURES["lines"]]))
    assert [key.label for key in group.legend] == ["sigmoid", "relu"]


def test_numbers_behind_are_means_over_seeds_with_their_interval() -> None:
    data = pd.DataFrame({"a": ["x"] * 4, "seed": [0, 0, 1, 2], "v": [0.0, 2.0, 3.0, 5.0]})
    found = averaged(data, "v")
    assert found["v"].tolist() == [3.0]  # of each seed's own mean
    assert found["seeds"].tolist() == [3]
    assert found["low"][0] < 3.0 < found["high"][0]


def test_a_long_table_is_thinned_and_says_so() -> None:
    data = pd.DataFrame({"x": range(1000), "v": np.arange(1000.0)})
    table = numbers(Figure("T", "", lambda _: data, Lines("x", "v")), data)
    assert len(table.rows) == 200
    assert "one in 5 of 1000" in table.caption


def at_zero(tables: Tables) -> pd.DataFrame:
    return runs(DEPTH, ACTIVATION, ACCURACY)(tables).assign(nothing=0.0)


@pytest.mark.parametrize(
    "drawing",
    [
        Lines("nothing", ACCURACY, log_x=True),
        Lines(DEPTH, "nothing", log_y=True),
        Heat(DEPTH, ACTIVATION, "nothing", log=True),
        Rows(ACTIVATION, "nothing", by=DEPTH, log_x=True),
    ],
)
def test_a_logarithmic_scale_without_a_value_above_zero_is_told_in_a_sentence(drawing: Drawing, tables: Tables) -> None:
    (group,) = OwnFigures().drawn(Findings(tables, own=[Figure("Zero", "Log.", at_zero, drawing)]))
    assert group.plots == ()
    assert "no value of nothing is above 0" in group.caption


@pytest.mark.parametrize(
    "drawing", [Lines("some", ACCURACY, log_x=True), Rows(DEPTH, "some", by=DEPTH, log_x=True)], ids=["lines", "rows"]
)
def test_a_panel_alone_without_a_value_above_zero_is_drawn_in_silence(drawing: Drawing, tables: Tables) -> None:
    def some(tables: Tables) -> pd.DataFrame:
        frame = at_zero(tables)
        return frame.assign(some=(frame[ACTIVATION] == "relu") * frame[DEPTH])

    (group,) = OwnFigures().drawn(Findings(tables, own=[Figure("Some", "Log.", some, drawing, panels=ACTIVATION)]))
    assert len(group.plots) == 2


def broken(_: Any) -> pd.DataFrame:
    raise KeyError("optimizer.learning_rate")


@pytest.mark.usefixtures("blank_figures")
def test_a_figure_that_cannot_be_drawn_costs_the_page_nothing(tables: Tables, tmp_path: Path) -> None:
    wrong = replace(FIGURES["lines"], title="Wrong", data=broken)
    nothing = replace(FIGURES["lines"], title="Nothing", data=lambda _: pd.DataFrame())
    page = write(tables, (), tmp_path, figures=[wrong, nothing, *FIGURES.values()])  # type: ignore[arg-type]
    text = page.html.read_text(encoding="utf-8")
    assert "could not be drawn: KeyError: &#39;optimizer.learning_rate&#39;" in text
    assert "nothing to draw yet" in text
    assert text.index('id="figures"') < text.index('id="outcome"')
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def test_an_experiment_file_may_bring_figures(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("CLAIMS = []\n")
    assert experiment_in(file).figures == ()
    file.write_text("CLAIMS = []\nFIGURES = [3]\n")
    with pytest.raises(BadInput, match=r"FIGURES = \[3\]"):
        experiment_in(file)
