"""Pages written beside the next sweep: promised at once, kept with their sweeps, waited for, and written here where no
process can do it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, cast

import pytest

from tests.question import CLAIM, SWEEP
from workbench import cli
from workbench.report import pages_beside
from workbench.report.page.sweep import Page
from workbench.sweep.store import Store
from workbench.words import in_turn, lane_plan


class Held:
    """A store that remembers what was attached."""

    def __init__(self) -> None:
        self.attached: list[Path] = []

    def attach(self, files: Sequence[Path]) -> None:
        self.attached += files


class Idle:
    """In place of the process: it does nothing before it is told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[Future[Any], Callable[[], Any]]] = []

    def submit(self, work: Callable[..., Any], *given: Any) -> Future[Any]:
        self.asked.append((Future(), lambda: work(*given)))
        return self.asked[-1][0]

    def work(self) -> None:
        for future, done in self.asked:
            future.set_result(done())
        self.asked.clear()

    def die(self) -> None:
        for future, _ in self.asked:
            future.set_exception(BrokenProcessPool("killed"))
        self.asked.clear()

    def shutdown(self) -> None:
        """Nothing to end."""


def page_of(name: str) -> Page:
    return Page(*(Path("reports") / f"{name}{end}" for end in (".html", ".json", "")))


def good(name: str, _: str | None) -> pages_beside._Answer:
    return pages_beside._Answer(page_of(name), ())


def bad(name: str, _: str | None) -> pages_beside._Answer:
    return pages_beside._Answer(None, ((f"no page of {name}", True),), "Traceback")


@pytest.fixture
def idle(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Idle:  # noqa: ARG001
    found = Idle()
    monkeypatch.setattr(pages_beside.PagesBeside, "_started", lambda _: found)
    monkeypatch.setattr(pages_beside, "cores", lambda: 2)
    monkeypatch.setattr(pages_beside, "_written", good)
    return found


def take(pages: pages_beside.PagesBeside, name: str = "one") -> tuple[Held, Page | None]:
    store = Held()
    return store, pages.take(cast(Store, store), name, None)


def test_a_page_is_promised_at_once_and_kept_with_its_sweep_when_it_is_there(idle: Idle) -> None:
    pages = pages_beside.PagesBeside()
    store, promised = take(pages)
    assert promised == page_of("one")
    pages.collect()
    assert not store.attached
    idle.work()
    pages.collect()
    assert store.attached == list(page_of("one").files)


def test_nothing_is_written_while_times_are_taken(idle: Idle, monkeypatch: pytest.MonkeyPatch) -> None:
    with pages_beside.pages_beside() as pages:
        store, _ = take(pages)
        honest = Future.result

        def waited_for(asked: Future[Any]) -> Any:
            idle.work()
            return honest(asked)

        monkeypatch.setattr(Future, "result", waited_for)
        pages_beside.settle()
        assert store.attached
        assert not idle.asked


def test_the_process_stands_behind_the_training_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(pages_beside, "leave_to_parent", lambda: None)
    monkeypatch.setattr(pages_beside.os, "nice", asked.append)
    pages_beside._begin()
    assert asked == [10]


def test_a_system_that_forbids_it_has_its_pages_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(_: int) -> None:
        raise PermissionError

    monkeypatch.setattr(pages_beside, "leave_to_parent", lambda: None)
    monkeypatch.setattr(pages_beside.os, "nice", forbidden)
    pages_beside._begin()


def test_the_last_page_has_nothing_to_be_written_beside(idle: Idle) -> None:
    pages = pages_beside.PagesBeside()
    pages.last = True
    assert take(pages)[1] is None
    assert not idle.asked


def test_outside_of_such_a_context_everybody_writes_a_page_himself() -> None:
    assert pages_beside.promised(cast(Store, Held()), "one", None) is None
    pages_beside.settle()


def test_a_page_that_cannot_be_written_is_said(
    idle: Idle, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pages_beside, "_written", bad)
    pages = pages_beside.PagesBeside()
    store, _ = take(pages)
    idle.work()
    pages.collect()
    assert (pages.failed, store.attached) == ({"one"}, [])
    assert capsys.readouterr().err == "no page of one\n"
    assert "Traceback" in Path("sweeps/one/log.txt").read_text()


def test_a_page_whose_process_was_killed_is_written_here(idle: Idle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages_beside, "_attempt", good)
    pages = pages_beside.PagesBeside()
    store, _ = take(pages)
    idle.die()
    pages.collect()
    assert (pages.failed, store.attached) == (set(), list(page_of("one").files))


def test_where_no_process_can_be_started_pages_are_written_at_once(idle: Idle, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr(pages_beside.PagesBeside, "_started", none)
    assert take(pages_beside.PagesBeside())[1] is None
    assert not idle.asked


def test_a_sweep_without_its_page_has_failed() -> None:
    ended = in_turn.EndedSweep("mine", ["+sweep=mine"], 0, 1.0, {"outcome": "finished", "pages": ["mine.html"]})
    found = in_turn._without_page(ended)
    assert found.status == 1
    assert found.document == {"outcome": "failed", "exit_status": 1, "pages": []}


@pytest.mark.thorough
def test_a_page_of_the_process_is_the_one_that_report_writes(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane_plan, "MOST_LANES", 1)
    for folder in ("conf/sweep", "experiments"):
        (workspace / folder).mkdir(parents=True)
    for name in ("first", "second"):
        (workspace / "conf" / "sweep" / f"{name}.yaml").write_text(SWEEP)
        (workspace / "experiments" / f"{name}.py").write_text(CLAIM.replace("Q1", name))
    assert cli.main(["reproduce", "first", "second", "--set", "workers=1", "device=cpu"]) == 0
    written = {file: file.read_bytes() for file in sorted((workspace / "reports").glob("*.*"))}
    assert {file.name for file in written} >= {"first.html", "first.json", "second.html", "index.html", "index.json"}
    assert len(list((workspace / "mlruns").rglob("artifacts/report/*.html"))) == 2
    assert cli.main(["report"]) == 0
    assert {file: file.read_bytes() for file in written} == written
