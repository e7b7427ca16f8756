"""Damaged files of a store: other sweeps go on, what is damaged is told and made good, nothing wrong is ever read.

`WORKBENCH_FUZZ=1000 python -m pytest tests/tracking/test_damage.py tests/sweep/test_damaged_checkpoints.py` tries so
many files instead of a sample.
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pandas as pd
import pyarrow
import pyarrow.parquet as parquet
import pytest

from tests import stores
from tests.once import made_once
from tests.repetitions import mostly_thorough, repetitions
from tests.tracking.cases import cell, result, sweep, trained, uri_of
from workbench import cli
from workbench.engine.errors import BadInput
from workbench.sweep.run_outcomes import FAILED
from workbench.sweep.store import SweepRecord
from workbench.tracking import damage
from workbench.tracking.read import SweepTables, load, sweeps
from workbench.tracking.write import MlflowStore

CASES = int(os.environ.get("WORKBENCH_FUZZ") or repetitions(10, 60))
PARTS = min(10, CASES // 2)  # that many workers may share them
RUN_ID = "run-id"
FILES = ("plan.parquet", "sweep.json", "rule.json", "runs.parquet", "epochs.parquet", "layers.parquet")
CELLS = [cell(0), cell(1), cell(2, pack="b")]
ASKED = sweep(CELLS, rules='{"rule": 1}')
PACKS = [result([trained(CELLS[0]), trained(CELLS[1])]), result([trained(CELLS[2])], pack="b")]


def asked(name: str) -> SweepRecord:
    return sweep([cell(9, "of the other")], name=name, digest="d9")


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Path:
    """A folder whose store holds the finished sweep `seeds` and another one."""

    def fill(folder: Path) -> None:
        shutil.copyfile(empty_database, folder / "mlflow.db")
        found = MlflowStore(uri_of(folder))
        found.begin(asked("other"))
        found.record(result([trained(cell(9, "of the other"))]))
        found.end("finished")
        found.begin(ASKED)
        for pack in PACKS:
            found.record(pack)
        found.end("finished")
        (folder / RUN_ID).write_text(found.run_id, encoding="utf-8")
        stores.settle(folder / "mlflow.db")

    return made_once(tmp_path_factory, "damaged", fill)


@pytest.fixture
def run_id(filled: Path, folder: Path) -> str:
    """Of the parent run of `seeds`; the working folder holds a copy of the filled store."""
    (folder / "mlflow.db").unlink()
    shutil.copytree(filled, folder, dirs_exist_ok=True)
    return (folder / RUN_ID).read_text(encoding="utf-8")


def artifact(folder: Path, run_id: str, name: str) -> Path:
    return min((folder / "mlruns").rglob(f"{run_id}/**/{name}"))


def assert_same(found: SweepTables, expected: SweepTables) -> None:
    own = ["started", "ended"]
    pd.testing.assert_frame_equal(found.runs.drop(columns=own), expected.runs.drop(columns=own))
    pd.testing.assert_frame_equal(found.epochs, expected.epochs)
    pd.testing.assert_frame_equal(found.layers, expected.layers)
    assert found.factors == expected.factors
    assert found.facts["rules"] == expected.facts["rules"]
    assert found.facts["missing"] == ""


def one_line(error: BadInput) -> None:
    assert "\n" not in str(error)


def again(uri: str) -> None:
    """What the same command does: record what is not held."""
    store = MlflowStore(uri)
    held = store.held([one.fingerprint for one in CELLS])
    store.begin(ASKED)
    for pack in PACKS:
        if any(run.fingerprint not in held for run in pack.runs):
            store.record(pack)
    assert store.verified().missing == set()
    store.end("finished")


def flipped(content: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(content))
    return content[:place] + bytes([content[place] ^ (1 << chance.randrange(8))]) + content[place + 1 :]


def cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content))]


def zeroed(content: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(content))
    length = chance.randrange(1, 600)
    return content[:start] + bytes(len(content[start : start + length])) + content[start + length :]


def noise(content: bytes, chance: random.Random) -> bytes:
    return chance.randbytes(chance.randrange(1, 2 * len(content)))


HARMS: list[Callable[[bytes, random.Random], bytes]] = [flipped, flipped, flipped, cut, zeroed, noise]


@pytest.mark.parametrize("file", FILES)
def test_a_damaged_file_stops_no_other_sweep_and_is_mended_by_its_own(
    run_id: str, uri: str, folder: Path, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = load("seeds", uri)
    artifact(folder, run_id, file).write_bytes(b"\xff\xfe not what it was")
    assert set(MlflowStore(uri).held(["fp0", "fp2", "of the other"])) >= {"of the other"}
    MlflowStore(uri).begin(asked("new"))
    assert set(sweeps(uri)["name"]) == {"other", "seeds", "new"}
    damaged = load("seeds", uri)
    assert list(damaged.runs["outcome"]) == ["finished"] * 3
    assert (damaged.facts["missing"] == "") == (file not in ("plan.parquet", "epochs.parquet", "layers.parquet"))
    said = capsys.readouterr().err
    if file != "rule.json":  # of which sweep.json holds the same
        assert (file in said) == (file != "runs.parquet")  # nothing reads those of a finished sweep
    again(uri)
    assert_same(load("seeds", uri), expected)


def test_of_a_damaged_sweep_json_the_rules_stay_fixed(run_id: str, uri: str, folder: Path) -> None:
    artifact(folder, run_id, "sweep.json").write_text('{"name": "x", ')
    MlflowStore(uri).begin(sweep(CELLS, rules="another"))
    assert load("seeds", uri).facts["rules"] == '{"rule": 1}'


def test_a_damaged_plan_is_said_with_how_to_mend_it(
    run_id: str, uri: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    artifact(folder, run_id, "plan.parquet").write_bytes(b"")
    sweeps(uri)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"sweep 'seeds' in sqlite:///mlflow.db, run {run_id}: plan.parquet cannot be read (")
    assert line.endswith("mends it; workbench sweeps delete seeds takes it away")


def test_a_plan_whose_pages_are_not_those_that_were_written_does_not_count(run_id: str, uri: str, folder: Path) -> None:
    """A failed cell and a held one: never is one taken for the other."""
    file = artifact(folder, run_id, "plan.parquet")
    content = file.read_bytes()
    place = content.index(b"fp1")  # a fingerprint among the pages
    file.write_bytes(content[: place + 2] + b"7" + content[place + 3 :])
    assert set(MlflowStore(uri).held(["fp0", "fp1", "fp7"])) == {"fp0", "fp1"}  # from what the packs hold


@pytest.mark.parametrize("file", ["plan.parquet", "epochs.parquet"])
def test_a_footer_that_is_not_the_one_that_was_written_is_noticed(
    run_id: str, uri: str, folder: Path, file: str
) -> None:
    """Pages have checksums, but the names of columns have none: another letter in one would be another column."""
    found = artifact(folder, run_id, file)
    table = parquet.read_table(found)
    columns = [name.replace("started", "stbrted").replace("_loss", "_lass") for name in table.column_names]
    parquet.write_table(table.rename_columns(columns), found, write_page_checksum=True)
    assert load("seeds", uri).facts["missing"].endswith(file)


@pytest.mark.parametrize("file", ["plan.parquet", "epochs.parquet"])
def test_a_column_of_another_type_than_was_written_is_noticed(run_id: str, uri: str, folder: Path, file: str) -> None:
    found = artifact(folder, run_id, file)
    table = parquet.read_table(found)
    schema = table.schema
    for place, field in enumerate(schema):
        if field.type == pyarrow.float64():
            schema = schema.set(place, field.with_type(pyarrow.float32()))
    assert schema != table.schema
    parquet.write_table(table.cast(schema), found, write_page_checksum=True)
    assert load("seeds", uri).facts["missing"].endswith(file)


@pytest.mark.parametrize("part", range(PARTS))
def test_fuzz_of_artifacts(run_id: str, uri: str, folder: Path, part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever happens to a file, what is read is what was written or is named as missing, and is made good."""
    expected, other = load("seeds", uri), load("other", uri)
    shutil.copytree(folder / "mlruns", folder / "kept")
    for case in range(part, CASES // 2, PARTS):
        monkeypatch.setattr(damage, "_REPORTED", set())
        chance = random.Random(f"artifacts {case}")
        file = artifact(folder, run_id, FILES[case % len(FILES)])
        file.write_bytes(chance.choice(HARMS)(file.read_bytes(), chance))
        print(f"case {case}: {file.name}")
        assert_same(load("other", uri), other)
        try:
            found = load("seeds", uri)
        except BadInput as error:
            one_line(error)
        else:
            assert set(found.epochs["test_loss"]) <= set(expected.epochs["test_loss"])
            whole = found.facts["missing"] == "" and len(found.runs) == len(expected.runs)
            assert not whole or len(found.epochs) == len(expected.epochs)
        again(uri)
        assert_same(load("seeds", uri), expected)
        shutil.rmtree(folder / "mlruns")
        shutil.copytree(folder / "kept", folder / "mlruns")


@pytest.mark.usefixtures("run_id")
def test_fuzz_of_databases(folder: Path, tmp_path: Path) -> None:
    """MLflow's own database: read as it is, or refused in one line."""
    content = (folder / "mlflow.db").read_bytes()
    for case in range(max(CASES // 10, 3)):
        chance = random.Random(f"databases {case}")
        place = tmp_path / str(case)
        place.mkdir()
        (place / "mlflow.db").write_bytes(chance.choice(HARMS)(content, chance))
        print(f"case {case}")
        try:
            if "seeds" in set(sweeps(uri_of(place))["name"]):
                load("seeds", uri_of(place))
            MlflowStore(uri_of(place)).begin(asked("new"))
        except BadInput as error:
            one_line(error)


STRANGE = [
    "UPDATE runs SET start_time = 9223372036854775807, end_time = -9223372036854775807",
    "UPDATE runs SET start_time = 'soon', end_time = 9e300",
    "UPDATE runs SET start_time = NULL, name = NULL, user_id = NULL",
    "UPDATE runs SET status = 'WHAT'",
    "UPDATE runs SET lifecycle_stage = 'what'",
    "UPDATE runs SET artifact_uri = NULL",
    "UPDATE runs SET run_uuid = '../../x' || run_uuid",
    "UPDATE tags SET value = NULL",
    "UPDATE tags SET value = X'ff'",
    "UPDATE tags SET value = '9999999999999999999999'",
    "UPDATE tags SET value = 'seeds' || char(10) || char(27) || '[2J' WHERE key = 'workbench.sweep'",
    "UPDATE tags SET value = 'what' WHERE key = 'workbench.outcome'",
    "UPDATE params SET value = 'a' || char(10)",
    "UPDATE experiments SET artifact_location = NULL",
    "DELETE FROM experiments",
    "DROP TABLE params",
]


@pytest.mark.usefixtures("run_id", "no_figures")
@pytest.mark.parametrize("statement", mostly_thorough(STRANGE, STRANGE[0], STRANGE[8], STRANGE[10]))
def test_whatever_stands_in_a_database_that_somebody_else_made_is_no_traceback(
    statement: str, uri: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        database.execute("PRAGMA ignore_check_constraints = on")
        database.execute(statement)
        database.commit()
    read = [["sweeps"], ["advise", "seeds"], ["report", "seeds"], ["claims", "export", str(tmp_path / "claims")]]
    for words in [*read, ["sweeps", "export", "seeds", str(tmp_path / "copy")], ["sweeps", "delete", "seeds"]]:
        status = cli.main([*words, "--uri", uri])
        shown = capsys.readouterr()
        assert status in (0, 1, 2)
        assert status != 2 or (shown.out == "" and shown.err)
        assert all(line.isprintable() for line in (shown.out + shown.err).splitlines())
    with suppress(BadInput):
        MlflowStore(uri).begin(asked("new"))


def test_latest_is_what_was_begun_last_whatever_the_clock_says(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    now = time.time()
    for start, digest in enumerate(("one", "two", "three", "two")):
        monkeypatch.setattr(time, "time", lambda start=start: now - 10_000 * start)
        found = MlflowStore(uri)
        found.begin(sweep([cell(number) for number in range(1 + start % 3)], digest=digest))
        found.end("finished")
        assert load("seeds", uri).facts["run_id"] == found.run_id
        earlier = found.earlier("seeds")
        assert earlier is not None
        assert earlier.digest == digest
    assert list(sweeps(uri)["digest"]) == ["one", "three", "two"]
    assert load("seeds~1", uri).facts["digest"] == "three"


def test_of_two_recordings_of_a_cell_the_later_one_counts_whatever_the_clock_says(uri: str) -> None:
    store = MlflowStore(uri)
    store.begin(sweep([cell(0)]))
    for pack, reason, ended in (("b", "first", 9e9), ("a", "second", 1.0)):
        store.record(result([trained(cell(0), FAILED, reason=reason, ended=ended)], pack=pack))
    assert list(load("seeds", uri).runs["reason"]) == ["second"]
    again = MlflowStore(uri)
    again.begin(sweep([cell(0)]))
    again.record(result([trained(cell(0), FAILED, reason="third", ended=0.5)], pack="b"))
    assert list(load("seeds", uri).runs["reason"]) == ["third"]
