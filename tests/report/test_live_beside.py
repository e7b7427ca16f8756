"""What runs beside a sweep with `live=true`: a page at once, later a process, and nothing after its end."""

from __future__ import annotations

import os
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.clock import Clock
from tests.waiting import wait_until
from workbench.report import live_beside
from workbench.report.live import before_the_first, rest
from workbench.report.live_beside import beside
from workbench.report.page.folder import REPORTS
from workbench.report.rebuild import rebuild
from workbench.report.wording import duration
from workbench.sweep.execution.cores import cores
from workbench.sweep.execution.messages import EpochDone, PackDone, PackStarted
from workbench.sweep.hydra.command import main
from workbench.sweep.planning.plan import Plan
from workbench.sweep.run_outcomes import FINISHED
from workbench.sweep.store import RunRecord, SweepRecord

pytestmark = pytest.mark.usefixtures("workspace")
CELLS = [RunRecord(0, "held", "a", outcome=FINISHED), RunRecord(1, "waits", "b")]
SWEEP = SweepRecord("tour", "digest", "command", (), CELLS, {"description": "What depth <costs>."})
WORK = Plan([], {}, [])
PAGE = REPORTS / "tour.html"


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which a first page costs nothing."""
    monkeypatch.setattr(live_beside, "before_the_first", lambda *_: 0.0)


def test_nothing_is_done_beside_a_sweep_that_does_not_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_beside.subprocess, "Popen", lambda *_, **__: pytest.fail("started"))
    with beside(SWEEP, WORK, None, wanted=False):
        assert not PAGE.exists()


def test_a_page_is_there_at_once_and_a_sweep_that_ends_early_has_no_process_beside_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live_beside.subprocess, "Popen", lambda *_, **__: pytest.fail("started"))
    with beside(SWEEP, WORK, None, wanted=True):
        text = PAGE.read_text("utf-8")
    assert re.search(r"1 of 2 runs had ended at \d\d:\d\d:\d\d UTC", text)
    assert "2 次訓練中已有 1 次結束" in text
    assert f"<pre>{SWEEP.command}</pre>" in text
    assert f"after about {duration(before_the_first(cores()))} of training" in text
    assert "What depth &lt;costs&gt;." in text
    assert "data-live=" in text


def test_the_page_is_written_anew_as_packs_go_on_and_by_nobody_after_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_beside, "SHORTEST_PAUSE", 0.0)
    with beside(SWEEP, WORK, None, wanted=True) as listener:
        listener(PackStarted("b", "relu 2 x 64", 1, 20, 1.0))
        listener(EpochDone("b", 7, runs=1))
        wait_until(lambda: "in training, epoch 7 of 20" in PAGE.read_text("utf-8"))
        listener(PackDone("b", failed=1))
        wait_until(lambda: "2 of 2 runs had ended at " in PAGE.read_text("utf-8"))
        PAGE.unlink()
    listener(PackStarted("b", "relu 2 x 64", 1, 20, 1.0))
    assert not PAGE.exists()


def test_a_page_that_is_written_anew_takes_its_share_and_the_process_waits_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    monkeypatch.setattr(live_beside, "thread_time", clock)
    monkeypatch.setattr(live_beside, "monotonic", lambda: 0.0)
    monkeypatch.setattr(live_beside, "cores", lambda: 2)
    monkeypatch.setattr(live_beside, "Thread", lambda **_: SimpleNamespace(start=lambda: None))
    page = live_beside._Renewed(SWEEP, WORK, None)
    monkeypatch.setattr(live_beside, "write_begun", lambda *_: clock.pause(0.2))
    assert page._until_the_process() == before_the_first(2)
    pause = page._renewed()
    assert pytest.approx(0.25 * 0.02 * 2 * pause) == 0.2
    assert page._until_the_process() == pytest.approx(before_the_first(2) + rest(0.2, 2))
    monkeypatch.setattr(live_beside, "write_begun", lambda *_: None)
    assert page._renewed() == live_beside.SHORTEST_PAUSE


@pytest.mark.usefixtures("cheap")
def test_what_is_started_beside_a_sweep_has_ended_with_it_and_no_secret_stands_in_its_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[tuple[list[str], dict[str, str], object]] = []
    ended: list[str] = []

    class Process:
        def __init__(self, command: list[str], env: dict[str, str], process_group: object, **_: object) -> None:
            started.append((command, env, process_group))

        def kill(self) -> None:
            ended.append("killed")

        def wait(self, _: float) -> None:
            ended.append("waited")

    monkeypatch.setattr(live_beside.subprocess, "Popen", Process)

    def interrupted() -> None:
        wait_until(lambda: started)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), beside(SWEEP, WORK, "postgresql://me:hidden@host/db", wanted=True):
        interrupted()
    ((command, environment, group),) = started
    assert command[-4:] == ["report", "tour", "--follow", "--quiet"]
    assert not any("hidden" in word for word in command)
    assert environment["MLFLOW_TRACKING_URI"].endswith("hidden@host/db")
    assert environment["WORKBENCH_LIVE_PAGE_OF"] == str(os.getpid())
    assert environment["OPENBLAS_NUM_THREADS"] == environment["OMP_NUM_THREADS"] == "1"
    assert group == 0  # of its own, in the session of the sweep
    assert ended == ["killed", "waited"]


def refused(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.usefixtures("cheap")
def test_a_process_that_the_machine_refuses_does_not_end_the_sweep(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []
    monkeypatch.setattr(live_beside, "warn", said.append)
    monkeypatch.setattr(live_beside.subprocess, "Popen", refused)
    with beside(SWEEP, WORK, None, wanted=True) as listener:
        wait_until(lambda: said)
        renewed = PackStarted("b", "relu 2 x 64", 1, 20, 1.0)
        listener(renewed)
        wait_until(lambda: renewed.label in PAGE.read_text("utf-8"))  # which goes on
    assert said == [
        "live: no process can be started that renews the page (No space left on device); it is written at the end"
    ]
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("cheap")
def test_a_process_that_cannot_be_ended_does_not_end_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[object] = []

    def start(*_: object, **__: object) -> object:
        started.append(SimpleNamespace(kill=refused, wait=lambda _: None))
        return started[-1]

    monkeypatch.setattr(live_beside.subprocess, "Popen", start)
    with beside(SWEEP, WORK, None, wanted=True):
        wait_until(lambda: started)
    assert len(started) == 1


def test_a_page_that_cannot_be_written_does_not_end_the_sweep(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(live_beside, "write_begun", refused)
    trained = []
    with beside(SWEEP, WORK, None, wanted=True):
        trained.append("tour")
    assert trained == ["tour"]
    said = "live: the page cannot be written (No space left on device); the sweep goes on\n"
    assert capsys.readouterr().err == said


def test_what_the_sweep_itself_raises_is_raised() -> None:
    with pytest.raises(OSError, match="its own"), beside(SWEEP, WORK, None, wanted=True):
        raise OSError("its own")


@pytest.mark.usefixtures("no_figures")
def test_a_sweep_with_a_live_page_ends_with_the_ordinary_one_byte_for_byte() -> None:
    small = ["data=blobs", "data.examples=120", "training.epochs=2", "network.width=4", "device=cpu", "workers=1"]
    assert main([*small, "seed=range(2)", "name=tour", "live=true"]) == 0
    live = PAGE.read_bytes()
    assert b'<p class="live"' not in live  # the page tells of uncommitted changes, which may hold the words of this one
    (ordinary,) = rebuild(["tour"], None, Path("ordinary"))
    assert live == ordinary.html.read_bytes()
