"""Progress says what is done, what was lost, and how long the rest will take."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.engine.training.epoch import Epoch, RunEnd
from workbench.sweep.execution import progress
from workbench.sweep.execution.progress import Bars, Lines, Tally, watcher


def epoch(number: int, *outcomes: str) -> Epoch:
    ended = [RunEnd(i, outcome, "", number, 0, {}, "") for i, outcome in enumerate(outcomes)]
    return Epoch(number, np.arange(2), {}, {}, ended, examples=100)


def test_the_time_to_go_follows_from_the_work_done(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 30.0])
    monkeypatch.setattr(progress, "monotonic", lambda: next(clock))
    tally = Tally(runs=4, cost=40.0)
    tally.cost_done = 10.0
    assert tally.time_to_go() == "1:30"


def test_the_time_to_go_is_unknown_before_anything_is_done() -> None:
    assert Tally(runs=4, cost=40.0).time_to_go() == "?"


def test_without_a_terminal_there_is_one_plain_line_a_pack(capsys: pytest.CaptureFixture[str]) -> None:
    with Lines(runs=3, cost=2.0) as watch:
        watch.pack_started("relu 2 x 64", 2, 5, 1.0)
        watch.epoch_done(epoch(5, "finished", "diverged"))
        watch.pack_done(failed=0)
        watch.pack_started("tanh 2 x 64", 1, 5, 1.0)
        watch.pack_done(failed=1)
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("  relu 2 x 64 (2 runs) · 2/3 runs, 1 diverged, ")
    assert "1 failed" in second


def test_on_a_terminal_the_bars_reach_their_end() -> None:
    with Bars(runs=2, cost=1.0) as watch:
        watch.pack_started("relu 2 x 64", 2, 5, 1.0)
        watch.epoch_done(epoch(5, "finished", "finished"))
        watch.pack_done(failed=0)
        assert [task.percentage for task in watch._bars.tasks] == [100.0]
        assert "2/2 runs" in watch._bars.tasks[0].fields["words"]


def test_which_of_them_is_decided_by_the_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert isinstance(watcher(1, 1.0), Bars)
    monkeypatch.setattr("sys.stderr.isatty", lambda: False, raising=False)
    assert isinstance(watcher(1, 1.0), Lines)
