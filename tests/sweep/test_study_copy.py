"""The copy of a search for Optuna's own tools is readable after every batch, and never in the way of the search."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from workbench.sweep.planning import study_copy
from workbench.sweep.planning.goals import Goal
from workbench.sweep.planning.study import Dimension, Trial, TrialResult
from workbench.sweep.planning.study_copy import STUDY, StudyCopy

optuna = pytest.importorskip("optuna", reason="runs with the extra 'optuna'")
SPACE = [Dimension("optimizer.learning_rate", 1e-3, 1.0, log=True)]
GOALS = [Goal("best_test_accuracy", "maximize"), Goal("best_epoch", "minimize")]
RESULTS = [
    TrialResult(Trial(0, {"optimizer.learning_rate": 0.1}), (0.9, 4.0), "runs"),
    TrialResult(Trial(1, {"optimizer.learning_rate": 0.2}), None, "runs", "a run of it failed"),
    TrialResult(Trial(2, {"optimizer.learning_rate": 0.3}), (-float("inf"), float("inf")), "", "impossible"),
]


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[StudyCopy]:
    with closing(StudyCopy(tmp_path, "mine", SPACE, GOALS)) as made:
        yield made


def study(folder: Path) -> Any:
    return optuna.load_study(study_name="mine", storage=f"sqlite:///{folder / STUDY}")


def test_optuna_reads_it_after_every_batch_in_the_file_that_it_has_open(copy: StudyCopy, tmp_path: Path) -> None:
    copy.keep([])
    held = study(tmp_path)
    assert held.trials == []
    for count in (1, 3):
        copy.keep(RESULTS[:count])
        assert [one.values for one in held.trials] == [one.values and list(one.values) for one in RESULTS[:count]]
    assert [one.name for one in held.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert held.metric_names == ["best_test_accuracy", "best_epoch"]
    assert [one.user_attrs.get("reason") for one in held.trials] == [None, "a run of it failed", "impossible"]
    assert [file.name for file in tmp_path.iterdir()] == [STUDY]


def test_a_file_that_is_no_database_is_replaced(
    copy: StudyCopy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / STUDY).write_text("no database " * 50)
    copy.keep(RESULTS)
    assert len(study(tmp_path).trials) == 3
    assert capsys.readouterr().err == ""


def test_somebody_who_holds_the_file_stops_no_search(
    copy: StudyCopy, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study_copy, "SECONDS_BETWEEN", 0.001)
    copy.keep(RESULTS[:1])
    with closing(sqlite3.connect(tmp_path / STUDY, isolation_level=None)) as reader:
        reader.execute("begin")
        reader.execute("select * from trials").fetchall()
        copy.keep(RESULTS)
        assert f"{tmp_path / STUDY} could not be written (" in capsys.readouterr().err
    copy.keep(RESULTS)
    assert len(study(tmp_path).trials) == 3
