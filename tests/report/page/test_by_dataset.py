"""Claims that were asked on several datasets: their verdicts stand side by side, and a page names its data first."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from workbench.report.page.datasets import conditional_on_data, in_words, side_by_side
from workbench.report.page.index import Line, write_index
from workbench.report.page.page_data import FORMAT
from workbench.report.verdicts.deviations import elsewhere

COUNTS = dict.fromkeys(("finished", "reused", "diverged", "failed", "pending"), 1)


def page(folder: Path, name: str, dataset: str, **verdicts: str) -> None:
    claims = [
        {"id": claim, "statement": f"says {claim}", "section": "S", "rule": {"metric": "score"},
         "verdict": {"verdict": word, "effect": 0.1, "interval": [0.0, 0.2], "n": 12}}
        for claim, word in verdicts.items()
    ]  # fmt: skip
    data: dict[str, Any] = {
        "format": FORMAT, "name": name, "title": name, "description": "", "summary": "", "counts": COUNTS,
        "claims": claims, "dataset": dataset, "provenance": {},
    }  # fmt: skip
    (folder / f"{name}.json").write_text(json.dumps(data))
    (folder / f"{name}.html").write_text("")


@pytest.fixture
def index(tmp_path: Path) -> str:
    page(tmp_path, "one", "digits", X1="reproduced", X2="reproduced", X3="inconclusive")
    page(tmp_path, "two", "mnist, train size 1200", X1="not reproduced", X2="reproduced")
    page(tmp_path, "three", "spirals", X1="inconclusive")
    return write_index(tmp_path).read_text(encoding="utf-8")


def test_a_claim_is_said_once_with_a_line_for_each_dataset(index: str) -> None:
    assert [index.count(f"says {claim}") for claim in ("X1", "X2", "X3")] == [1, 1, 1]
    for link in (
        f'href="two.html">{in_words("mnist, train size 1200").__html__()}</a>',
        'href="three.html">spirals</a>',
    ):
        assert link in index
    told = "Conditional on the data: reproduced on digits; not reproduced on mnist, train size 1200; inconclusive on"
    assert index.count(told) == 1
    assert re.search(r"3\s+claims, 6\s+verdicts", index)


def test_verdicts_of_a_claim_stand_side_by_side(index: str) -> None:
    table = index.partition('class="by-dataset"')[2].partition("</table>")[0]
    assert re.findall(r'<th scope="col">(\w+)</th>', table)[-3:] == ["digits", "mnist", "spirals"]
    assert re.findall(r'href="(\w+).html"', table) == ["one", "two", "three", "one", "two"]
    assert "X3" not in table  # asked on one dataset alone


def test_a_folder_with_one_dataset_has_no_such_table(tmp_path: Path) -> None:
    page(tmp_path, "one", "digits", X1="reproduced")
    text = write_index(tmp_path).read_text(encoding="utf-8")
    assert 'class="by-dataset"' not in text
    assert "says X1</a>" in text.replace("</span>", "")


def test_datasets_are_grouped_by_what_came_out() -> None:
    found = [("X1", "a", "reproduced"), ("X1", "c", "ruled out"), ("X1", "b", "reproduced"), ("X2", "a", "reproduced")]
    assert conditional_on_data(found) == {"X1": "conditional on the data: reproduced on a and b; ruled out on c"}


def test_a_dataset_that_was_cut_in_two_ways_is_one_column() -> None:
    cuts = ("digits", "mnist, train size 1200", "mnist, train size 300", "")
    lines = [Line("X1", "s", "", "S", cut, "reproduced", file="f", dataset=cut) for cut in cuts]
    found = side_by_side(lines)
    assert found.datasets == ("digits", "mnist")
    assert [[len(cell) for cell in cells] for _, cells in found.rows] == [[1, 2]]


def test_the_first_line_says_on_which_other_data_a_sweep_was_run() -> None:
    runs = pd.DataFrame({"data.name": ["spirals"]})
    departures = {"data.name": [["spirals"], ["digits"]], "data.examples": [[2000], [1000]]}
    there = SimpleNamespace(runs=runs, facts={"departures": json.dumps(departures)})
    assert elsewhere(there) == "On spirals, data examples 2000. The sweep file asks on digits."
    assert elsewhere(SimpleNamespace(runs=runs, facts={})) == ""
