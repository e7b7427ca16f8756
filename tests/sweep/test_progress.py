"""Progress says what is done, what was lost, and how long the rest will take."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from tests.clock import Clock
from workbench.sweep.execution import displays, progress
from workbench.sweep.execution.displays import NotebookDisplay, watcher
from workbench.sweep.execution.failures import Ended
from workbench.sweep.execution.messages import EpochDone, PackDone, PackResumed, PackRetried, PackStarted
from workbench.sweep.execution.progress import BarDisplay, Display, LineDisplay, Tally, in_words


def test_the_time_to_go_follows_from_the_work_done(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 30.0])
    monkeypatch.setattr(progress, "monotonic", lambda: next(clock))
    tally = Tally(runs=4, cost=40.0)
    tally.cost_done = 10.0
    assert tally.seconds_to_go() == 90.0


def test_what_the_compiler_took_before_the_first_epoch_ended_does_not_lengthen_the_time_to_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    monkeypatch.setattr(progress, "monotonic", clock)
    watch = Display(runs=2, cost=8.0)
    watch.on_message(PackStarted("a", "relu 2 x 64", 1, 4, 4.0))
    watch.on_message(EpochDone("a", 0, runs=1))
    clock.pause(60)  # compiling
    watch.on_message(EpochDone("a", 1, runs=1))
    assert watch._so_far().endswith("to go ?")  # nothing else is known
    clock.pause(1)
    watch.on_message(EpochDone("a", 2, runs=1))
    assert watch._so_far().endswith("to go 0:06")


def test_the_time_to_go_is_unknown_before_anything_is_done() -> None:
    assert Tally(runs=4, cost=40.0).seconds_to_go() is None
    assert in_words(None) == "?"


def test_without_a_terminal_there_is_one_plain_line_a_pack(capsys: pytest.CaptureFixture[str]) -> None:
    with LineDisplay(runs=3, cost=2.0) as watch:
        watch.on_message(PackStarted("a", "relu 2 x 64", 2, 5, 1.0))
        watch.on_message(EpochDone("a", 5, runs=2, ended=2, diverged=1, examples=100))
        watch.on_message(PackDone("a", failed=0))
        watch.on_message(PackStarted("b", "tanh 2 x 64", 1, 5, 1.0))
        watch.on_message(PackDone("b", failed=1))
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("  relu 2 x 64 (2 runs) · 2/3 runs, 1 diverged · to go ")
    assert "1 failed" in second


def test_a_pack_that_is_retried_is_taken_back_and_the_person_reads_why(capsys: pytest.CaptureFixture[str]) -> None:
    with LineDisplay(runs=2, cost=2.0) as watch:
        watch.on_message(PackStarted("a", "relu 2 x 64", 2, 4, 2.0))
        watch.on_message(PackResumed("a", 2, ended=1))
        watch.on_message(PackRetried("a", "  relu 2 x 64 (2 runs): killed; tried again in halves"))
        watch.on_message(PackStarted("b", "relu 2 x 64", 1, 4, 1.0))
        watch.on_message(PackDone("b", failed=0))
    retried, done = capsys.readouterr().err.splitlines()
    assert retried == "  relu 2 x 64 (2 runs): killed; tried again in halves"
    assert done.startswith("  relu 2 x 64 (1 run) · 0/2 runs · to go ")


def test_on_a_terminal_the_bars_reach_their_end() -> None:
    with BarDisplay(runs=2, cost=1.0) as watch:
        watch.on_message(PackStarted("a", "relu 2 x 64", 2, 5, 1.0))
        watch.on_message(EpochDone("a", 5, runs=2, ended=2))
        watch.on_message(PackDone("a", failed=0))
        assert [task.percentage for task in watch._bars.tasks] == [100.0]
        assert "2/2 runs" in watch._bars.tasks[0].fields["words"]


def test_the_closing_line_counts_every_run() -> None:
    ended = Ended({"a": "no memory"}, 0, False, finished=390, diverged=2, reused=30, seconds=43.4)
    assert ended.in_a_line("tour", 432) == (
        "tour: 432 runs: 390 finished, 2 diverged, 1 failed, 30 reused, 9 pending, in 43 s"
    )


class _Kernel:
    """What a notebook's kernel is to us: an IPython that keeps what was displayed."""

    kernel = None

    def __init__(self) -> None:
        self.shown: list[str] = []

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def display(html: str, display_id: bool) -> SimpleNamespace:
            assert display_id
            self.shown.append(html)
            return SimpleNamespace(update=self.shown.append)

        parts = SimpleNamespace(HTML=str, display=display)
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: self, display=parts))
        monkeypatch.setitem(sys.modules, "IPython.display", parts)


def test_in_a_notebook_one_bar_says_it_all(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = _Kernel()
    kernel.install(monkeypatch)
    with watcher(2, 1.0) as watch:
        assert isinstance(watch, NotebookDisplay)
        watch.on_message(PackStarted("a", "relu <2> x 64", 2, 4, 1.0))
        monkeypatch.setattr(displays, "REDRAW_SECONDS", 0.0)
        watch.on_message(EpochDone("a", 2, runs=2))
        assert 'value="0.5000"' in kernel.shown[-1]
        assert "relu &lt;2&gt; x 64, epoch 2/4" in kernel.shown[-1]
        watch.on_message(EpochDone("a", 4, runs=2, ended=2))
        watch.on_message(PackDone("a", failed=0))
    assert "2/2 runs" in kernel.shown[-1]
    assert 'value="1.0000"' in kernel.shown[-1]


def test_which_of_them_is_decided_by_the_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert isinstance(watcher(1, 1.0), BarDisplay)
    monkeypatch.setattr("sys.stderr.isatty", lambda: False, raising=False)
    assert isinstance(watcher(1, 1.0), LineDisplay)
