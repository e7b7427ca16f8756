"""What a paper takes: LaTeX that is well formed whatever stands in a name, and a paragraph that leaves nothing out."""

from __future__ import annotations

import re

import numpy as np
import pytest

from tests.report.figures.sources import HOSTILE, findings, tables
from tests.report.page.test_sweep import SWEEPS
from tests.report.synthetic import sweep
from workbench.report.figures.findings import Findings
from workbench.report.page.latex_text import beyond_latin, escaped
from workbench.report.page.paper import latex, methods


def test_every_special_character_is_escaped() -> None:
    text = escaped("50 % of a_b & {c} #1 $x ^2 ~ \\ \u22121 \u00d7")
    assert text == (
        r"50 \% of a\_b \& \{c\} \#1 \$x \textasciicircum{}2 \textasciitilde{} \textbackslash{} $-$1 $\times$"
    )


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("x < 1 | x > 2", r"x \textless{} 1 \textbar{} x \textgreater{} 2"),
        ("--figures a-b", "-{}-figures a-b"),
        ("1\u20132", "1--2"),
        ("[8,16] *", "{[}8,16] {*}"),  # at the start of a row they would be an option of the row before
        ("\u03bb = 2\u00a0\u00b5m \u2265 \u03a3", r"$\lambda$ = 2~$\mu$m $\geq$ $\Sigma$"),
        ("one\ntwo\x07\ufeff", "one two"),
        ("caf\u00e9 \u4e2d", "caf\u00e9 \u4e2d"),
    ],
)
def test_what_latex_would_read_otherwise_is_written_so_that_it_prints_as_it_is(text: str, written: str) -> None:
    assert escaped(text) == written


def test_letters_without_a_font_in_pdflatex_are_told_apart() -> None:
    assert beyond_latin("caf\u00e9 \u4e2d")
    assert not beyond_latin(escaped("caf\u00e9 \u03bb \u2212 \u00d7 \u2026 \u2192"))


@pytest.mark.parametrize("name", ["whole", "one run", "regression", "pending", "search"])
def test_any_sweep_has_tables_whose_rows_have_as_many_cells_as_columns(name: str) -> None:
    text = latex(Findings(SWEEPS[name]()))  # type: ignore[arg-type]
    for columns, body in re.findall(r"begin\{tabular\}\{(\w+)\}(.*?)\\end\{tabular\}", text, re.DOTALL):
        rows = [line for line in body.splitlines() if line.endswith(r"\\")]
        assert rows
        assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {len(columns)}
    assert text.count(r"\begin{table}") == text.count(r"\end{table}")


def test_the_paragraph_tells_design_seeds_rule_and_versions() -> None:
    text = methods(findings(tables(12)))
    assert "12\u00a0seeds" in text
    assert "95 %" in text
    assert "C1 (" in text  # the claim with the digest of its rule
    assert "lower by more than 1\u00a0pp" in text
    assert "commit 5f0c2d9e" in text
    assert HOSTILE in text  # as it is: whoever shows it escapes it


def test_the_paragraph_tells_what_each_arm_sets() -> None:
    made = sweep({"arm": ("wide", "deep & 50 %"), "dropout.rate": (0.0, 0.2)}, seeds=3, trouble=False)
    wide = made.runs["arm"] == "wide"
    made.runs["network.width"], made.runs["network.depth"] = np.where(wide, 128, 16), np.where(wide, 1, 8)
    made.runs["optimizer.learning_rate"] = np.where(wide, 0.1, made.runs["dropout.rate"])  # in one arm not the same
    text = methods(Findings(made))  # type: ignore[arg-type]
    assert (
        "Runs of the arm wide had depth 1, width 128 and learning rate 0.1. "
        "Runs of the arm deep & 50 % had depth 8 and width 16. " in text
    )
    assert "dropout rate 0 and" not in text
    assert "Runs of the arm" not in methods(findings(tables(12)))
