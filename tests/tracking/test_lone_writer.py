"""Without locks that reach all machines one process at a time writes to a store, and all others read a copy."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tracking.cases import uri_of
from workbench.cli import main as words
from workbench.engine.errors import BadInput
from workbench.sweep.hydra.command import main
from workbench.tracking import database, lone_writer
from workbench.tracking.connection import connect
from workbench.tracking.lone_writer import written_alone
from workbench.tracking.read import load

TINY = ["data=blobs", "data.examples=60", "training.epochs=1", "kernel=plain", "device=cpu"]


@pytest.fixture
def without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lone_writer, "locks_reach_all", lambda _: False)
    lone_writer._warn_once.cache_clear()


@pytest.mark.usefixtures("without_locks")
def test_a_second_writer_is_refused_in_one_line_that_names_the_first(folder: Path) -> None:
    uri = uri_of(folder)
    with (
        written_alone(uri),
        pytest.raises(BadInput, match=r"^tracking.uri: the store .*mlflow.db is being written to by process \d+") as no,
        written_alone(uri),
    ):
        pass
    assert "mounted without locks that reach other machines" in str(no.value)
    assert "\n" not in str(no.value)
    with written_alone(uri):
        assert (folder / "mlflow.db.holder").exists()
    assert not (folder / "mlflow.db.holder").exists()


@pytest.mark.usefixtures("without_locks")
def test_who_does_not_write_alone_reads_a_copy(folder: Path) -> None:
    """To open the file itself would undo what another machine is writing."""
    connect(uri_of(folder))
    assert database.readable(folder / "mlflow.db").parent != folder
    with written_alone(uri_of(folder)):
        assert database.readable(folder / "mlflow.db") == folder / "mlflow.db"
    assert database.readable(folder / "mlflow.db").parent != folder


def test_where_locks_reach_all_nobody_waits(folder: Path) -> None:
    with written_alone(uri_of(folder)), written_alone(uri_of(folder)):
        assert not (folder / "mlflow.db.holder").exists()
    assert database.readable(folder / "mlflow.db") == folder / "mlflow.db"


@pytest.mark.usefixtures("workspace", "without_locks", "blank_figures")
def test_sweeps_and_their_deletion_write_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*TINY, "name=tiny"]) == 0
    assert "until this ends open it with workbench alone" in capsys.readouterr().err
    assert len(load("tiny").runs) == 1
    with written_alone(None):
        for command in ([*TINY, "name=other"], [*TINY, "name=tiny"]):
            assert main(command) == 2
            assert "is being written to by process" in capsys.readouterr().err.splitlines()[-1]
        assert words(["sweeps", "delete", "tiny", "--yes"]) == 2
        assert "is being written to by process" in capsys.readouterr().err.splitlines()[-1]
        assert len(load("tiny").runs) == 1
    assert words(["sweeps", "delete", "tiny", "--yes"]) == 0
