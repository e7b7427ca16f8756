"""--quiet: remarks are silent, failures and lost data are not, from whichever process and thread they come."""

from __future__ import annotations

from collections.abc import Iterator
from multiprocessing import Pipe
from pathlib import Path

import pytest

from workbench import cli, output
from workbench.engine.errors import BadInput
from workbench.sweep.execution import log
from workbench.sweep.execution.checkpoints import Checkpoints
from workbench.sweep.execution.messages import PrintedLine
from workbench.sweep.execution.recorder import Recorder
from workbench.sweep.store import PackResult, Verified


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with output.chosen(quiet=True):
        yield


class Store:
    """Fails as often as asked, and then has lost what is missing."""

    def __init__(self, failures: int = 0, missing: frozenset[str] = frozenset()) -> None:
        self.failures, self.lost = failures, missing

    def record(self, result: PackResult) -> None:  # noqa: ARG002
        self.failures -= 1
        if self.failures >= 0:
            raise BadInput("the store is out of reach")

    def verified(self) -> Verified:
        return Verified(set(), set(self.lost))


def recorded(store: Store, folder: Path) -> Recorder:
    with Recorder(store, [], Checkpoints(folder, 60.0)) as recorder:  # type: ignore[arg-type]
        recorder.take(PackResult("pack", [], {}, {}))
    return recorder


def test_a_result_that_is_recorded_later_is_a_remark(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert recorded(Store(failures=1), tmp_path).unrecorded == []
    assert capsys.readouterr().err == ""
    with output.chosen(quiet=False):
        recorded(Store(failures=1), tmp_path)
    assert "it is recorded later" in capsys.readouterr().err


def test_runs_that_the_store_lost_are_no_remark(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded(Store(missing=frozenset({"a"})), tmp_path)
    assert "the store does not hold 1 run" in capsys.readouterr().err


def test_a_worker_process_keeps_the_difference() -> None:
    ours, theirs = Pipe()
    before = log._LOGGER.handlers
    try:
        log.redirect(lambda line, failure: theirs.send(PrintedLine(line, failure)))
        log.say("a remark")
        log.warn("a loss")
        log.note("only for the log")
        assert [ours.recv(), ours.recv()] == [PrintedLine("a remark", False), PrintedLine("a loss", True)]
        assert not ours.poll()
    finally:
        log._LOGGER.handlers = before


@pytest.mark.parametrize("arguments", [["list", "schedules"], ["sweeps"]])
def test_every_word_honours_it(
    arguments: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main([*arguments, "--quiet"]) == 0
    assert capsys.readouterr().err == ""
