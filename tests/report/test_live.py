"""A page that renews itself while its sweep trains: written when runs have ended, in the end the ordinary one."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.clock import Clock
from tests.report.synthetic import Tables, sweep
from workbench.engine.errors import BadInput
from workbench.report import live
from workbench.report.page.sweep import write, write_live
from workbench.tracking.how_far import HowFar

pytestmark = pytest.mark.usefixtures("no_figures")
WHOLE = sweep({"network.depth": (1, 2)}, seeds=2, trouble=False)


def tables_of(ended: int, outcome: str = "running") -> Tables:
    """The sweep with so many runs ended."""
    runs = WHOLE.runs.copy()
    runs.loc[runs.index[ended:], "outcome"] = "pending"
    return replace(WHOLE, runs=runs, facts={**WHOLE.facts, "outcome": outcome})


@dataclass
class Machine:
    """A machine with clocks that only `follow` moves: what looks and pages take of processor time passes as well.

    Another run has ended every `every` seconds; the sweep began at 0 and has ended after `ends`.
    """

    cores: int = 2
    looks: float = 0.05
    first: float = live.FIRST_SECONDS
    spent: float = live.START_SECONDS
    pages: float = 0.8
    every: float = 10.0
    ends: float = 600.0
    clock: Clock = field(default_factory=Clock)
    drawn: list[tuple[float, float]] = field(default_factory=list)  # when, and the processor time by then

    def work(self, seconds: float) -> None:
        self.spent += seconds
        self.clock.pause(seconds)

    def look(self, *_: object) -> HowFar:
        self.work(self.looks)
        now = self.clock()
        return HowFar("tour", min(int(now / self.every), 4), 4, now < self.ends, WHOLE.facts, 0.0)

    def load(self, *_: object) -> Tables:
        self.work(self.pages if self.drawn else self.first)
        self.drawn.append((self.clock(), self.spent))
        return tables_of(min(int(self.clock() / self.every), 4), "running" if self.clock() < self.ends else "finished")

    def follow(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Sequence[tuple[float, str]]:
        """Follow the sweep on this machine: every page that was written, and when."""
        monkeypatch.setattr("workbench.tracking.how_far.how_far", self.look)
        monkeypatch.setattr("workbench.tracking.read.load", self.load)
        monkeypatch.setattr("workbench.report.page.index.write_index", lambda *_: None)
        monkeypatch.setattr(live, "cores", lambda: self.cores)
        monkeypatch.setattr(live, "time", self.clock)
        monkeypatch.setattr(live, "process_time", lambda: self.spent)
        seen: list[tuple[float, str]] = []
        live.follow(
            "tour", None, folder, self.clock.pause,
            lambda page, _: seen.append((self.clock(), page.read_text("utf-8"))),
        )  # fmt: skip
        return seen


def has_table(text: str) -> bool:
    return 'id="table-of-runs"' in text


def test_a_page_without_figures_is_there_at_once_then_those_with_figures_and_in_the_end_the_ordinary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(every=100.0)
    pages = machine.follow(tmp_path, monkeypatch)
    texts = [text for _, text in pages]
    assert pages[0][0] < 1
    assert "0 of 4 runs had ended at " in texts[0]
    assert all("data-live=" in text and 'http-equiv="refresh"' in text for text in texts[:-1])
    assert [len(machine.drawn) > 1, 'id="table-of-runs"' in texts[0], 'id="table-of-runs"' in texts[-2]] == [
        True,
        False,
        True,
    ]
    assert "data-live=" not in texts[-1]
    ordinary = write(tables_of(4, "finished"), [], tmp_path / "ordinary")  # type: ignore[arg-type]
    assert texts[-1] == ordinary.html.read_text("utf-8")


@pytest.fixture
def sketched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of which only the moment counts."""

    def write_sketch(_: object, folder: Path, standing: str) -> SimpleNamespace:
        page = folder / "tour.html"
        page.write_text(standing, encoding="utf-8")
        return SimpleNamespace(html=page)

    monkeypatch.setattr("workbench.report.page.sweep.write_live", write_sketch)


@pytest.mark.parametrize("cores", [1, 2, 8, 128])
@pytest.mark.parametrize("pages", [0.1, 0.8, 2.5])
@pytest.mark.parametrize("looks", [0.01, 0.3])
@pytest.mark.usefixtures("sketched")
def test_at_no_page_have_pages_and_looks_taken_more_than_two_hundredths_of_the_cores(
    cores: int, pages: float, looks: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(cores=cores, looks=looks, pages=pages, every=400.0, ends=2000.0)
    machine.follow(tmp_path, monkeypatch)
    while_it_trained = machine.drawn[:-1]
    assert len(while_it_trained) == 5
    assert all(spent <= 0.02 * cores * moment for moment, spent in while_it_trained)


@pytest.mark.usefixtures("sketched")
def test_what_a_page_takes_more_than_the_one_before_it_is_made_up_for_before_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(pages=40.0, every=400.0, ends=6000.0)
    machine.follow(tmp_path, monkeypatch)
    (first, second, third, *_) = machine.drawn
    assert second[1] > 0.02 * 2 * second[0]
    assert third[0] - second[0] >= live.rest(third[1] - second[1], 2)
    assert first[1] <= 0.02 * 2 * first[0]


@pytest.mark.usefixtures("sketched")
def test_a_sweep_that_ends_before_a_page_is_cheap_enough_has_none_with_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(ends=live.before_the_first(2) / 2)
    machine.follow(tmp_path, monkeypatch)
    assert len(machine.drawn) == 1  # the ordinary page at the end


@pytest.mark.usefixtures("sketched")
def test_nothing_is_drawn_where_no_run_has_ended_since(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(every=1e9, ends=5000.0)
    machine.follow(tmp_path, monkeypatch)
    assert len(machine.drawn) == 2  # once while it trained, and the ordinary page


@pytest.mark.parametrize("among", [1, 2, 8, 128])
@pytest.mark.parametrize("spent", [0.0, 0.4, 7.0, 60.0])
def test_a_rest_makes_two_hundredths_of_what_was_spent(spent: float, among: int) -> None:
    assert spent == pytest.approx(0.02 * among * live.rest(spent, among))


def test_a_page_is_drawn_in_a_thread_that_runs_only_while_a_core_is_idle_and_alone_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[int, object]] = []
    monkeypatch.setattr(live.os, "SCHED_IDLE", 5, raising=False)
    monkeypatch.setattr(live.os, "sched_param", lambda priority: priority, raising=False)
    monkeypatch.setattr(
        live.os, "sched_setscheduler", lambda *how: asked.append((threading.get_ident(), how)), raising=False
    )
    assert live.in_idle_time(threading.get_ident) == asked[0][0] != threading.get_ident()
    assert [how for _, how in asked] == [(0, 5, 0)]


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="a class of Linux")
def test_linux_takes_it_and_the_reading_thread_stays_as_it_was() -> None:
    assert live.in_idle_time(lambda: os.sched_getscheduler(0)) == os.SCHED_IDLE
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


def unwritable_page() -> None:
    raise BadInput("a page that cannot be")


def test_a_system_without_such_a_class_draws_all_the_same_and_what_is_raised_is_raised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(live.os, "sched_setscheduler", raising=False)
    assert live.in_idle_time(lambda: 3) == 3
    with pytest.raises(BadInput, match="a page that cannot be"):
        live.in_idle_time(unwritable_page)


@pytest.mark.usefixtures("sketched")
@pytest.mark.parametrize("sweep", ["", "1"])
def test_only_a_process_that_a_sweep_keeps_beside_itself_draws_in_idle_time(
    sweep: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    idle: list[object] = []
    monkeypatch.setattr(live, "in_idle_time", lambda act: idle.append(act) or act())
    monkeypatch.setattr(live, "_sweep_was_killed", lambda: False)
    if sweep:
        monkeypatch.setenv(live.SWEEP_VARIABLE, sweep)
    machine = Machine(ends=5000.0)
    machine.follow(tmp_path, monkeypatch)
    assert len(machine.drawn) > 1
    assert len(idle) == (len(machine.drawn) - 1 if sweep else 0)  # the last page is the ordinary one


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
    monkeypatch.setattr("workbench.tracking.how_far.how_far", lambda *_: HowFar("tour", 1, 4, True, {}, 0.0))
    monkeypatch.setattr("workbench.tracking.read.load", lambda *_: tables_of(1))
    sweep_id = live.os.getppid()
    monkeypatch.setenv("WORKBENCH_LIVE_PAGE_OF", str(sweep_id))
    parents = iter([sweep_id, 1])
    monkeypatch.setattr(live.os, "getppid", lambda: next(parents))
    waited: list[float] = []
    with pytest.raises(SystemExit):
        live.follow("tour", None, tmp_path, waited.append)
    assert len(waited) == 2


def test_the_page_without_figures_says_what_the_store_tells_of_outcomes_and_packs(tmp_path: Path) -> None:
    found = HowFar("tour", 3, 7, True, {}, 0.0, {"finished": 1, "diverged": 1, "pending": 4}, 1, 2, 5)
    text = live._begun(found, live.Standing(3, 7, 2, 5), tmp_path).read_text(encoding="utf-8")
    assert re.search(r"3 of 7 runs had ended at [\d:]+ UTC, 2 of 5.packs\. ", text)
    for name, count in {"finished": 1, "reused": 1, "diverged": 1, "failed": 0, "pending": 4}.items():
        assert re.search(rf'<li class="{name}[^"]*"><b>{count}</b>', text)
    assert str(live.Standing(3, 7, 2, 5)) == "3 of 7 runs have ended, 2 of 5 packs"


def test_every_page_and_line_says_the_time_to_go_that_the_training_process_expects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []
    monkeypatch.setattr(live, "seconds_to_go", lambda folder: asked.append(folder) or 83.0)
    machine = Machine(every=100.0)
    texts = [text for _, text in machine.follow(tmp_path, monkeypatch)]
    without, drawn = texts[0], texts[-2]
    assert [has_table(text) for text in (without, drawn)] == [False, True]
    for text in (without, drawn):
        assert re.search(r"\d of 4 runs had ended at [\d:]+ UTC, with about 1:23 to go\. ", text)
    assert "大約還需 1:23" in drawn
    assert "to go" not in texts[-1]
    assert {folder.name for folder in asked} == {"tour"}
    assert str(live.Standing(3, 7, 2, 5, "1:23")) == "3 of 7 runs have ended, 2 of 5 packs, with about 1:23 to go"


def test_another_time_to_go_is_no_reason_to_write_a_page_anew() -> None:
    assert live.Standing(3, 7, to_go="1:23") == live.Standing(3, 7, to_go="0:40")


def test_claims_are_not_decided_before_the_end(tmp_path: Path) -> None:
    page = write_live(tables_of(1), tmp_path, "1 of 4 runs have ended")  # type: ignore[arg-type]
    text = page.html.read_text(encoding="utf-8")
    assert 'id="verdicts"' not in text
    assert "Claims are decided when the sweep has ended." in text
    assert not page.json.exists()  # the index lists what has one


def test_a_sweep_that_is_not_there_is_said(workspace: Path) -> None:  # noqa: ARG001
    with pytest.raises(BadInput, match="none called 'nothing'"):
        live.follow("nothing")
