"""Every row of the tables of figures keeps what `figures.base` promises. A new row needs no line of test code."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection, QuadMesh
from matplotlib.figure import Figure

from tests.report.figures.sources import HOSTILE, empty_source_of, figures_of, panels_of, source_for
from tests.report.synthetic import sweep
from workbench.report import wording
from workbench.report.figures import COMPARISON_FIGURES, FIGURES, palette
from workbench.report.figures.base import PAGE_SECTIONS, DrawnFigure, Panel
from workbench.report.figures.findings import Findings
from workbench.report.figures.standalone import standalone

BESIDE = {"Runs", "Lost", "Seeds", "First", "Second", "Holm\u2019s p"}  # columns that say more than is drawn
MISSING = "\u2013"
NAMED_OTHERWISE = {"differences", "parallel_coordinates"}  # by the drawing's title; each of several axes by its tick
SAID_BY_THE_SECTION = {"sensitivity"}  # sections whose note is the caption of every figure in them
KINDS = {**FIGURES, **COMPARISON_FIGURES}
EVERY = pytest.mark.parametrize("name", KINDS)


def painted(panel: Panel) -> Axes:
    axes = Figure().add_subplot()
    assert panel.paint(axes) is axes
    return axes


def numbers_on(axes: Axes) -> Iterator[float]:
    """Every coordinate of a line or band, and every value of a heat map."""
    for line in axes.lines:
        yield from np.asarray(line.get_xdata(), dtype=float)
        yield from np.asarray(line.get_ydata(), dtype=float)
    for collection in axes.collections:
        if isinstance(collection, QuadMesh):
            yield from np.ma.compressed(collection.get_array())
        elif isinstance(collection, PolyCollection):
            yield from np.concatenate([path.vertices.ravel() for path in collection.get_paths()])


def texts_of(value: float) -> set[str]:
    """A number as any table may write it: as it is, as a share, as a difference, or as the exponent of ten."""
    found = {wording.number(10.0**value)} if abs(value) < 300 else set()
    found.add(wording.value(value))
    for key in ("test_accuracy", "train_loss"):
        for text in (wording.amount(value, key), wording.change(value, key)):
            found |= {text, text.removesuffix(f"{wording.SPACE}pp")}
    return found


def say_something(figures: Sequence[DrawnFigure], section: str) -> bool:
    return all(figure.caption or section in SAID_BY_THE_SECTION for figure in figures)


@EVERY
def test_a_kind_stands_in_a_section_and_has_a_sentence_for_when_there_is_nothing(name: str) -> None:
    assert KINDS[name].section in PAGE_SECTIONS
    assert re.fullmatch(r"[A-Z].*\.", KINDS[name].nothing)


@EVERY
def test_it_reduces_a_sweep_to_figures_with_a_caption_and_a_table(name: str) -> None:
    kind = KINDS[name]
    figures = figures_of(kind)
    assert not any(figure.absent for figure in figures)
    assert all(figure.plots for figure in figures)
    assert say_something(figures, kind.section)
    for figure in figures:
        assert figure.table.caption
        assert figure.table.rows
        assert all(len(row) == len(figure.table.heads) for row in figure.table.rows)


@EVERY
def test_it_paints_svg_that_is_part_of_the_page(name: str) -> None:
    painted_before = [plot.svg for figure in figures_of(KINDS[name]) for plot in figure.plots]
    for panel, svg in zip(panels_of(KINDS[name]), painted_before, strict=True):
        root = ElementTree.fromstring(svg)  # well formed, so nothing broke out
        assert root.get("role") == "img"
        assert root.get("aria-label") == panel.alt
        assert root.findall(".//text")
        assert "<script" not in svg
        assert not re.search(r"https?://|<style|<image|font-family|@import", svg)
        assert not any(colour in svg for colour in palette.in_figures())
        assert svg == panel.drawn().svg


@EVERY
def test_an_axis_with_ticks_says_of_what_they_are(name: str) -> None:
    for panel in panels_of(KINDS[name]):
        axes = painted(panel)
        if axes.axison and len(axes.get_xticks()) and name not in NAMED_OTHERWISE:
            assert axes.get_xlabel()


@EVERY
def test_its_drawings_share_no_id(name: str) -> None:
    panel = replace(panels_of(KINDS[name])[0], alt=HOSTILE)
    one, other = (str(replace(panel, identity=identity).drawn().svg) for identity in ("a", "b"))
    first, second = (set(re.findall(r' id="([^"]+)"', svg)) for svg in (one, other))
    assert not first & second
    assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', one)) == first


def test_every_drawing_of_a_page_has_a_name_of_its_own() -> None:
    for sections in ({"comparison"}, set(PAGE_SECTIONS) - {"comparison"}):
        kinds = [kind for kind in KINDS.values() if kind.section in sections]
        names = Counter(panel.identity for kind in kinds for panel in panels_of(kind))
        assert set(names.values()) == {1}


@EVERY
def test_the_numbers_in_its_table_are_those_painted(name: str) -> None:
    kind = KINDS[name]
    for place, data in enumerate(kind.reduce(source_for(kind))):
        drawn = {float(number) for panel in kind.panels(data, place) for number in numbers_on(painted(panel))}
        known = set().union(*(texts_of(number) for number in drawn if np.isfinite(number)))
        table = kind.table(data)
        columns = [k for k, head in enumerate(table.heads) if k >= table.words and head not in BESIDE]
        shown = [part for row in table.rows for k in columns for part in row[k].split(" to ")]
        assert any(part in known for part in shown)
        assert [part for part in shown if part not in {*known, "", MISSING}] == []


@EVERY
def test_without_a_result_it_says_so_and_does_not_fail(name: str) -> None:
    kind = KINDS[name]
    figures = kind.drawn(empty_source_of(kind.section))
    assert say_something(figures, kind.section)
    assert [figure.caption for figure in figures if figure.absent] in ([], [kind.nothing])


@EVERY
def test_a_sweep_over_nothing_is_no_failure_either(name: str) -> None:
    kind = KINDS[name]
    if kind.section != "comparison":
        assert say_something(kind.drawn(Findings(sweep({}, seeds=1))), kind.section)  # type: ignore[arg-type]


@EVERY
def test_a_drawing_stands_alone_as_a_file(name: str) -> None:
    text = standalone(figures_of(KINDS[name])[0].plots[0].svg)
    assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
    assert "var(" not in text
