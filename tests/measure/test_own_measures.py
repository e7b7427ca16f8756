"""Measures of a person's own: found in the working folder, tried before anything trains, taken wherever runs train."""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import workbench
from tests import documents
from workbench import cli
from workbench.engine.errors import BadInput
from workbench.measure import ANALYSES, INSTRUMENTS, MEASUREMENTS
from workbench.measure.checked_result import checked_result
from workbench.report.completed import completed
from workbench.sweep.instruments import Measured

pytestmark = pytest.mark.usefixtures("workspace", "no_figures")
SMALL = {
    "data": "blobs",
    "data.examples": 120,
    "network.width": 4,
    "training.epochs": 1,
    "device": "cpu",
    "quiet": True,
}
PAGE = documents.ROOT / "docs/own-measures.md"
COUNT = """
from workbench.measures import Analysis, Measured, Measurement
def count(trained):
    return Measured({"parameters": COUNTED})
def twice(config):
    return Measured({"doubled": 2 * config.seed})
ANALYSES = {"count": Analysis("how many", ("parameters",), count)}
MEASUREMENTS = {"twice": Measurement("the seed, doubled", ("seed",), ("doubled",), twice)}
"""


@pytest.fixture(autouse=True)
def _taken_out_again() -> Iterator[None]:
    yield
    INSTRUMENTS.bring(None)


def write(text: str, name: str = "count.py") -> None:
    folder = Path("measures")
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


def test_the_page_can_be_followed(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    documents.write(PAGE, workspace)
    documents.follow(PAGE)
    assert "sureness" in capsys.readouterr().out
    found = workbench.load("sure")
    assert found.runs["sureness"].between(0, 1).all()
    assert set(found.tables.tables["sureness_by_class"]["cell"]) == {0, 1, 2}


@pytest.mark.thorough
def test_an_own_analysis_is_taken_in_another_process() -> None:
    write(COUNT.replace("COUNTED", "len(trained.weights.final[0])"))
    found = workbench.sweep({"seed": [0, 1]}, name="first", analyses="count", executor="processes", **SMALL).runs
    assert (found["parameters"] > 1).all()


def test_an_own_analysis_is_taken_anew_when_its_file_changes() -> None:
    write(COUNT.replace("COUNTED", "len(trained.weights.final[0])"))
    first = workbench.sweep({"seed": [0, 1]}, name="first", analyses="count", **SMALL).runs
    assert (first["parameters"] > 1).all()
    write(COUNT.replace("COUNTED", "7"))
    second = workbench.sweep({"seed": [0, 1]}, name="second", analyses="count", **SMALL).runs
    assert (second["parameters"] == 7).all()
    assert not set(first["fingerprint"]) & set(second["fingerprint"])
    assert workbench.sweep({"seed": [0, 1]}, name="third", analyses="count", **SMALL).runs["reused"].all()


def test_an_own_measurement_is_a_cell_that_trains_nothing() -> None:
    write(COUNT)
    found = workbench.sweep({"seed": range(3)}, name="doubled", measure="twice", quiet=True).runs
    np.testing.assert_array_equal(found["doubled"], [0, 2, 4])


def test_a_measurement_that_is_not_right_fails_by_the_name_of_its_file() -> None:
    write(COUNT.replace('Measured({"doubled": 2 * config.seed})', '{"doubled": 2}'))
    failed = workbench.sweep({"seed": [0]}, name="doubled", measure="twice", quiet=True).runs.iloc[0]
    assert failed["outcome"] == "failed"
    assert failed["reason"].startswith("measures/count.py: twice: found a dict; allowed: Measured(")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (3, "found an int; allowed: Measured("),
        (Measured({"own": "many"}), "own is 'many'; allowed: a number"),  # type: ignore[dict-item]
        (Measured({"other": 1.0}), "gave other, which its row does not announce: own"),
    ],
)
def test_a_result_that_is_no_metrics_of_its_row_is_refused(given: object, said: str) -> None:
    with pytest.raises(BadInput, match=re.escape(said)):
        checked_result(given, ("own",))


@pytest.mark.parametrize(
    ("name", "columns", "said"),
    [
        ("rows", {"a": [1, 2], "b": [1]}, "table rows: its columns have different lengths (a 2, b 1)"),
        ("rows", {"a": [[1, 2], [3, 4]]}, "table rows: column a is 2 x 2 of int64"),
        ("rows", {"a": [[1, 2], [3]]}, "table rows: column a is no row of values"),
        ("rows", {"a": [1.5, None]}, "table rows: column a is 2 of object"),
        ("rows", {"a": 1}, "table rows: column a is one value of int64"),
        ("rows", {"cell": [1]}, "table rows: column cell has a name that is not free"),
        ("rows", [1], "table 'rows' is a list; allowed: names of columns"),
        ("rows", {}, "table 'rows' is a dict; allowed: names of columns"),
        ("model", {"a": [1]}, "a table is called 'model'"),
    ],
)
def test_a_table_that_no_store_could_hold_is_refused(name: str, columns: Any, said: str) -> None:
    with pytest.raises(BadInput, match=re.escape(said)):
        checked_result(Measured({}, {name: columns}), ())


def test_texts_of_pandas_and_lists_are_columns_of_a_table() -> None:
    given: Any = {"word": np.array(["a", "bc"], dtype=object), "size": [1, 2], "right": [True, False]}
    found = checked_result(Measured({"own": 1}, {"rows": given}), ("own",)).tables["rows"]
    assert {name: (column.dtype.kind, column.tolist()) for name, column in found.items()} == {
        "word": ("U", ["a", "bc"]),
        "size": ("i", [1, 2]),
        "right": ("b", [True, False]),
    }


def test_what_an_analysis_raises_is_said_before_anything_trains() -> None:
    write(COUNT)  # COUNTED is no name
    with pytest.raises(BadInput, match=r"measures/count\.py: count raises NameError: name 'COUNTED'"):
        workbench.sweep({"seed": [0, 1]}, name="wrong", analyses="count", **SMALL)
    write(COUNT.replace("COUNTED", "1").replace('"parameters":', '"others":'))
    with pytest.raises(BadInput, match="gave others, which its row does not announce"):
        workbench.sweep({"seed": [0, 1]}, name="wrong", analyses="count", **SMALL)
    write(COUNT.replace("COUNTED})", "1}, {'rows': {'a': [1, 2], 'b': [1]}})"))
    with pytest.raises(BadInput, match=r"measures/count\.py: count: table rows: its columns have different lengths"):
        workbench.sweep({"seed": [0, 1]}, name="wrong", analyses="count", **SMALL)
    write(COUNT.replace("COUNTED", "exit(3)"))
    with pytest.raises(BadInput, match=r"measures/count\.py: count raises SystemExit: 3"):
        workbench.sweep({"seed": [0, 1]}, name="wrong", analyses="count", **SMALL)
    with pytest.raises(BadInput, match="wrong"):
        workbench.load("wrong")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("import workbench\nANALYSES = 3\n", "ANALYSES is a int; allowed: a dictionary"),
        ("import workbench\nANALYSES = {'mine': 3}\n", r"ANALYSES\['mine'\] is a int; allowed: Analysis"),
        ("import workbench\nANALYSES = {'no name': 3}\n", "a row named 'no name'"),
        (COUNT.replace('("parameters",)', '"parameters"'), "its returns are 'parameters'"),
        (COUNT.replace('("parameters",)', '("best_of",)'), "returns 'best_of'"),
        ("import workbench\nANALYSES = {\n", "measures/count.py, line 2: found no Python"),
        ("import workbench\nANALYSES = 1 / 0\n", "line 2: raises ZeroDivisionError"),
    ],
    ids=lambda text: text.splitlines()[-1][:30],
)
def test_a_file_that_is_not_right_costs_its_own_rows_and_one_line(
    text: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(text)
    write("from workbench.measures import Analysis\nANALYSES = {'other': Analysis('nothing', (), print)}\n", "other.py")
    before = set(ANALYSES), set(MEASUREMENTS)
    assert cli.main(["list", "analyses"]) == 0
    (said,) = capsys.readouterr().err.splitlines()
    assert re.search(line, said)
    assert said.endswith("; the command goes on without its measures")
    assert (set(ANALYSES), set(MEASUREMENTS)) == (before[0] | {"other"}, before[1])
    assert INSTRUMENTS.bring(Path("measures").absolute()) == []  # it was printed
    with pytest.raises(BadInput, match=rf"analyses is 'count'; allowed: .*other .*\(could not be used: .*{line}"):
        workbench.sweep({"seed": [0, 1]}, name="wrong", analyses="count", **SMALL)


def test_a_name_that_is_taken_is_refused_since_a_command_may_mean_either(capsys: pytest.CaptureFixture[str]) -> None:
    write(COUNT)
    write(COUNT.replace('"count":', '"pruning":'), "pruning.py")
    before = set(ANALYSES), set(MEASUREMENTS)
    assert cli.main(["list", "analyses"]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert "a row named 'pruning', and there is one already" in said
    assert (set(ANALYSES), set(MEASUREMENTS)) == before


def test_a_file_that_was_not_written_for_us_is_not_run_and_rows_go_with_their_folder() -> None:
    write("raise SystemExit('run')\nANALYSES = {}\n", "firewall.py")
    write(COUNT)
    INSTRUMENTS.bring(Path("measures"))
    assert "count" in ANALYSES
    sent = pickle.loads(pickle.dumps(INSTRUMENTS))
    assert set(sent.own) == {"count", "twice"}
    INSTRUMENTS.bring(None)
    assert "count" not in ANALYSES
    assert "twice" not in MEASUREMENTS


def test_what_reads_a_store_knows_the_metrics_of_own_measures(capsys: pytest.CaptureFixture[str]) -> None:
    write(COUNT.replace("COUNTED", "7"))
    workbench.sweep({"seed": [0, 1]}, name="doubled", measure="twice", quiet=True)
    page = json.loads(Path("reports/doubled.json").read_text(encoding="utf-8"))
    assert page["metrics"] == ["doubled"]
    assert re.findall("code of this folder that is run: (.*)", Path("sweeps/doubled/log.txt").read_text()) == [
        "measures/count.py"
    ]
    for read in (["report", "doubled"], ["advise", "doubled"], ["claims", "export", "claims.json"]):
        INSTRUMENTS.bring(None)  # as in another process
        cli.main(read)
        assert "twice" in MEASUREMENTS, read
    assert json.loads(Path("reports/doubled.json").read_text(encoding="utf-8")) == page
    INSTRUMENTS.bring(None)
    assert workbench.load("doubled").design.headlines == ("doubled",)
    assert "doubled" in completed(workbench.load("doubled").tables).runs
    capsys.readouterr()
