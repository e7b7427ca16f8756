"""The arms of a drawing can be told apart by script, and a curve's readings are the numbers drawn, place by place."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from tests.report.figures.sources import source_for
from tests.report.synthetic import sweep
from workbench.report.figures import COMPARISON_FIGURES, FIGURES
from workbench.report.figures.base import DrawnFigure
from workbench.report.figures.exported import exported
from workbench.report.figures.findings import Findings
from workbench.report.figures.learning_curves import LearningCurves
from workbench.report.figures.marks import MOST_READINGS, Readings, readings
from workbench.report.figures.standalone import standalone

SVG = "{http://www.w3.org/2000/svg}"
KINDS = {**FIGURES, **COMPARISON_FIGURES}
CURVES = ("learning_curves", "whole_curves", "two_curves")
TRIALS = "parallel_coordinates"
MARKED = ("layers", "interactions", "own", *CURVES)


def drawn(name: str) -> list[DrawnFigure]:
    kind = KINDS[name]
    return kind.drawn(source_for(kind))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [*CURVES, TRIALS])
def test_each_point_of_a_curve_has_its_reading(name: str) -> None:
    for figure in drawn(name):
        for plot in figure.plots:
            said = plot.panel.readings
            assert said is not None
            curves = [part for part in ElementTree.fromstring(plot.svg).iter("g") if part.get("data-curve")]
            arms = range(len(figure.arms)) if figure.arms else [key.arm for key in figure.legend]
            assert sorted(int(str(part.get("data-curve"))) for part in curves) == list(arms)
            for part in curves:
                path = part.find("path")
                assert path is not None
                texts = said.curves[int(str(part.get("data-curve")))]
                assert len(texts) == len(said.places)
                numbers = re.findall(r"-?[\d.]+", path.get("d", ""))
                assert len(numbers) == 2 * sum(bool(text) for text in texts)


@pytest.mark.parametrize("name", CURVES)
def test_readings_are_the_numbers_of_the_table(name: str) -> None:
    for figure in drawn(name):
        said = [plot.panel.readings for plot in figure.plots]
        known = {text + one.unit for one in said if one for texts in one.curves for text in texts}
        assert {cell for row in figure.table.rows for cell in row[figure.table.words :]} <= known


def test_the_line_of_a_trial_says_the_trial_and_all_its_values() -> None:
    (figure,) = drawn(TRIALS)
    said = figure.plots[0].panel.readings
    assert said is not None
    assert said.names == ("trial", *(head.lower() for head in figure.table.heads[1:]))
    told = {(trial, *values) for trial, values in zip(figure.arms, said.curves, strict=True)}
    assert set(figure.table.rows) <= told
    assert len(said.texts.split(";")) == len(figure.arms)
    assert {len(line.split(" ")) for line in said.texts.split(";")} == {len(said.places)}


def test_blanks_and_semicolons_of_a_value_part_no_values() -> None:
    assert Readings(("0", "1"), (("[64, 64]", "a;b"),), "").texts == "[64,\u00a064] a,b"


@pytest.mark.parametrize("name", MARKED)
def test_what_is_marked_is_an_arm_of_the_legend(name: str) -> None:
    figures = [figure for figure in drawn(name) if figure.by and len(figure.legend) > 1]
    assert figures or name == "whole_curves"
    for figure in figures:
        for svg in (str(figure.plots[0].svg),):
            marks = {int(mark) for mark in re.findall(r'data-(?:arm|curve)="(\d+)"', svg)}
            assert marks == {key.arm for key in figure.legend}


def test_a_level_without_a_run_leaves_the_others_their_numbers() -> None:
    tables = sweep({"optimizer": ("sgd", "adam", "rmsprop")}, seeds=2, epochs=3, trouble=False, layers=False)
    lost = tables.runs["optimizer"] == "sgd"
    tables.runs.loc[lost, "outcome"] = "failed"
    (figure,) = LearningCurves().drawn(Findings(tables))  # type: ignore[arg-type]
    assert [(key.label, key.arm) for key in figure.legend] == [("adam", 1), ("rmsprop", 2)]
    said = figure.plots[0].panel.readings
    assert said is not None
    assert set(said.curves[0]) == {""}
    assert all(said.curves[1])
    assert 'data-curve="0"' not in figure.plots[0].svg


def test_too_many_values_are_not_put_into_words() -> None:
    assert readings(range(10), np.zeros((MOST_READINGS // 10, 10)), "train_loss") is not None
    assert readings(range(10), np.zeros((MOST_READINGS // 10 + 1, 10)), "train_loss") is None


def test_a_value_is_written_once_with_its_unit_apart() -> None:
    said = readings([0, 5], np.array([[0.5, np.nan], [0.25, 1.0]]), "test_accuracy")
    assert said is not None
    assert (said.texts, said.unit) == ("50.0 ;25.0 100.0", "\u00a0%")


def test_a_drawing_that_is_taken_away_has_no_marks() -> None:
    figure = drawn("learning_curves")[0]
    assert "data-" not in standalone(figure.plots[0].svg)
    text = exported(figure, figure.plots[0].panel, "svg").decode()
    assert not re.search(r'id="(arm|curve)-', text)
