"""Figures and tables as files of their own: with title, legend and the names of the axes, in the format asked for."""

from __future__ import annotations

import csv
import io
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tests.report.synthetic import sweep
from workbench.engine.errors import BadInput
from workbench.report.figures.base import Table
from workbench.report.figures.exported import exported
from workbench.report.figures.findings import Findings
from workbench.report.figures.learning_curves import LearningCurves
from workbench.report.page.figure_files import FILE_KINDS, as_csv, formats_of
from workbench.report.page.sweep import write

TABLES = sweep({"network.activation": ("sigmoid", "relu")}, seeds=2, epochs=3, trouble=False, layers=False)
CURVES = LearningCurves().drawn(Findings(TABLES))[0]  # type: ignore[arg-type]
FORMULAS = ("=1+2", "+cmd", "-2+3", "-cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "-", "-1 to =2", '=HYPERLINK("x","y")')
NUMBERS = (
    "\u22123.6\u00a0pp",
    "-1e-05",
    "+81\u00a0pp",
    "\u22126.0 to \u22121.9\u00a0pp",
    "\u22120.5 %",
    "-.5",
    "12,345",
    "a=b",
)
BEGINS = {"png": b"\x89PNG\r\n", "pdf": b"%PDF-", "svg": b"<?xml"}


@pytest.mark.parametrize("kind", BEGINS)
def test_a_figure_is_a_file_in_any_format_and_the_same_every_time(kind: str) -> None:
    first, second = (exported(CURVES, CURVES.plots[0].panel, kind) for _ in range(2))
    assert first.startswith(BEGINS[kind])
    assert first == second


def test_it_brings_its_title_its_legend_and_its_axes_along() -> None:
    root = ElementTree.fromstring(exported(CURVES, CURVES.plots[1].panel, "svg"))
    texts = {text.text for text in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"Training accuracy by activation", "sigmoid", "relu", "epoch"} <= texts


def test_what_is_asked_for_is_written_and_nothing_else(tmp_path: Path) -> None:
    page = write(TABLES, [], tmp_path, formats=("png", "csv"))  # type: ignore[arg-type]
    found = {path.suffix for path in page.figures.iterdir()}
    assert found == {".png", ".csv"}
    write(TABLES, [], tmp_path)  # type: ignore[arg-type]
    assert {path.suffix for path in page.figures.iterdir()} == {".svg"}


def test_a_table_is_read_back_as_it_is_shown() -> None:
    rows = list(csv.reader(as_csv(CURVES.table).splitlines()))
    assert tuple(rows[0]) == CURVES.table.heads
    assert len(rows) == 1 + len(CURVES.table.rows)
    assert not any("\u2212" in cell or "\u00a0" in cell for row in rows for cell in row)


@pytest.mark.parametrize("cell", FORMULAS)
def test_a_cell_is_no_formula_in_a_spreadsheet(cell: str) -> None:
    ((_,), (written,)) = csv.reader(io.StringIO(as_csv(Table("t", ("head",), ((cell,),))), newline=""))
    assert written == f"'{cell}"


@pytest.mark.parametrize("cell", NUMBERS)
def test_a_number_below_zero_stays_a_number(cell: str) -> None:
    ((_,), (written,)) = csv.reader(io.StringIO(as_csv(Table("t", ("head",), ((cell,),)))))
    assert written == cell.replace("\u2212", "-").replace("\u00a0", " ")


def test_formats_are_a_list_and_a_strange_one_is_refused_in_a_line() -> None:
    assert formats_of("PNG, pdf,png") == ("png", "pdf")
    assert formats_of("") == ()
    with pytest.raises(BadInput, match=r"found 'gif'; allowed: any of svg, png, pdf, csv"):
        formats_of("gif")
    assert set(BEGINS) < set(FILE_KINDS)
