"""A page that renews itself while its sweep trains: written when runs have ended, in the end the ordinary one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.report.synthetic import Tables, sweep
from workbench.engine.errors import BadInput
from workbench.report import live
from workbench.report.page.sweep import write, write_live

pytestmark = pytest.mark.usefixtures("no_figures")
WHOLE = sweep({"network.depth": (1, 2)}, seeds=2, trouble=False)


def standing(ended: int, outcome: str = live.RUNNING) -> Tables:
    """The sweep with so many runs ended."""
    runs = WHOLE.runs.copy()
    runs.loc[runs.index[ended:], "outcome"] = "pending"
    return replace(WHOLE, runs=runs, facts={**WHOLE.facts, "outcome": outcome})


def test_it_writes_when_runs_have_ended_and_the_ordinary_page_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = iter([standing(0), standing(0), standing(3), *[standing(4, "finished")] * 2])
    monkeypatch.setattr("workbench.tracking.read.load", lambda *_: next(course))
    monkeypatch.setattr("workbench.report.page.index.write_index", lambda *_: None)
    pages: list[str] = []
    waited: list[float] = []
    found = live.follow("tour", None, tmp_path, waited.append, lambda page, _: pages.append(page.read_text("utf-8")))
    assert len(pages) == 3
    assert "0 of 4 runs have ended" in pages[0]
    assert "3 of 4 runs have ended" in pages[1]
    assert all("data-live" in page and 'http-equiv="refresh"' in page for page in pages[:2])
    assert "data-live=" not in pages[2]
    assert len(waited) == 3
    assert min(waited) >= live.PAUSE_SECONDS
    ordinary = write(standing(4, "finished"), [], tmp_path / "ordinary")  # type: ignore[arg-type]
    assert found.html.read_bytes() == ordinary.html.read_bytes()


@pytest.mark.parametrize("among", [1, 2, 8, 128])
@pytest.mark.parametrize("spent", [0.0, 0.4, 7.0, 60.0])
def test_pages_take_two_hundredths_of_the_cores_at_most(spent: float, among: int) -> None:
    rested = live.rest(spent, among)
    assert rested >= live.PAUSE_SECONDS
    assert spent <= 0.02 * among * rested * (1 + 1e-9)


def test_every_look_takes_its_rest_by_its_own_processor_time_the_first_with_the_start_of_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = iter([standing(1), standing(1), standing(2), *[standing(4, "finished")] * 2])
    monkeypatch.setattr("workbench.tracking.read.load", lambda *_: next(course))
    monkeypatch.setattr("workbench.report.page.index.write_index", lambda *_: None)
    clock = iter([7.0, 7.5, 11.5])
    monkeypatch.setattr(live, "process_time", lambda: next(clock))
    monkeypatch.setattr(live, "cores", lambda: 2)
    waited: list[float] = []
    live.follow("tour", None, tmp_path, waited.append)
    assert waited == pytest.approx([7.0 * 25, 0.5 * 25, 4.0 * 25])


def test_the_lowest_priority_is_that_of_its_session_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(live.os, "nice", asked.append)
    group = tmp_path / "autogroup"
    monkeypatch.setattr(live, "_OF_THE_SESSION", group)
    monkeypatch.setattr(live.os, "getsid", lambda _: live.os.getpid())
    live.at_the_lowest_priority()
    assert not group.exists()  # a kernel without such groups
    group.write_text("/autogroup-13 nice 0\n", encoding="ascii")
    live.at_the_lowest_priority()
    assert group.read_text("ascii") == "19"
    group.write_text("/autogroup-13 nice 0\n", encoding="ascii")
    monkeypatch.setattr(live.os, "getsid", lambda _: live.os.getppid())  # a terminal's, with whatever else runs there
    live.at_the_lowest_priority()
    assert group.read_text("ascii").endswith("nice 0\n")
    assert asked == [19] * 3


def test_it_ends_with_a_sweep_that_was_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.tracking.read.load", lambda *_: standing(1))
    sweep_id = live.os.getppid()
    monkeypatch.setenv("WORKBENCH_LIVE_PAGE_OF", str(sweep_id))
    parents = iter([sweep_id, 1])
    monkeypatch.setattr(live.os, "getppid", lambda: next(parents))
    waited: list[float] = []
    with pytest.raises(SystemExit):
        live.follow("tour", None, tmp_path, waited.append)
    assert len(waited) == 2


def test_claims_are_not_decided_before_the_end(tmp_path: Path) -> None:
    page = write_live(standing(1), tmp_path, "1 of 4 runs have ended")  # type: ignore[arg-type]
    text = page.html.read_text(encoding="utf-8")
    assert 'id="verdicts"' not in text
    assert "Claims are decided when the sweep has ended." in text
    assert not page.json.exists()  # the index lists what has one


def test_a_sweep_that_is_not_there_is_said(workspace: Path) -> None:  # noqa: ARG001
    with pytest.raises(BadInput, match="none called 'nothing'"):
        live.follow("nothing")


def test_nothing_is_started_beside_a_sweep_that_does_not_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live.subprocess, "Popen", lambda *_, **__: pytest.fail("started"))
    with live.beside("tour", None, wanted=False):
        pass


def test_what_is_started_beside_a_sweep_has_ended_with_it_and_no_secret_stands_in_its_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[tuple[list[str], dict[str, str]]] = []
    ended: list[str] = []

    class Process:
        def __init__(self, command: list[str], env: dict[str, str], **_: object) -> None:
            started.append((command, env))

        def kill(self) -> None:
            ended.append("killed")

        def wait(self, _: float) -> None:
            ended.append("waited")

    monkeypatch.setattr(live.subprocess, "Popen", Process)
    with pytest.raises(KeyboardInterrupt), live.beside("tour", "postgresql://me:hidden@host/db", wanted=True):
        raise KeyboardInterrupt
    ((command, environment),) = started
    assert command[-4:] == ["report", "tour", "--follow", "--quiet"]
    assert not any("hidden" in word for word in command)
    assert environment["MLFLOW_TRACKING_URI"].endswith("hidden@host/db")
    assert environment["WORKBENCH_LIVE_PAGE_OF"] == str(live.os.getpid())
    assert ended == ["killed", "waited"]


@pytest.mark.parametrize("moment", ["Popen", "kill"])
def test_what_the_machine_refuses_beside_a_sweep_does_not_end_it(
    moment: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    process = SimpleNamespace(kill=refused, wait=lambda _: None)
    monkeypatch.setattr(live.subprocess, "Popen", refused if moment == "Popen" else lambda *_, **__: process)
    trained = []
    with live.beside("tour", None, wanted=True):
        trained.append("tour")
    assert trained == ["tour"]
    said = "live: no process can be started that renews the page (No space left on device); it is written at the end\n"
    assert capsys.readouterr().err == (said if moment == "Popen" else "")


def test_what_the_sweep_itself_raises_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live.subprocess, "Popen", lambda *_, **__: SimpleNamespace(kill=list, wait=lambda _: None))
    with pytest.raises(OSError, match="its own"), live.beside("tour", None, wanted=True):
        raise OSError("its own")
