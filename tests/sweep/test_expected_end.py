"""Who follows a sweep learns from the process that trains it when it is expected to end, and from no other."""

from __future__ import annotations

import json
import os
from itertools import pairwise
from pathlib import Path

import pytest

from tests.clock import Clock
from tests.unwritable import unwritable
from workbench.sweep.execution import expected_end, progress
from workbench.sweep.execution.expected_end import BETWEEN_ESTIMATES, EXPECTED_END_FILE, ExpectedEnd, seconds_to_go
from workbench.sweep.execution.messages import EpochDone, PackDone, PackStarted
from workbench.sweep.execution.process_identity import machine, start_time

needs_proc = pytest.mark.skipif(not machine(), reason="a system that tells nobody which process is which")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """One clock for the process that trains and the one that follows."""
    clock = Clock()
    clock.now = 1000.0
    for module, name in ((expected_end, "monotonic"), (expected_end, "time"), (progress, "monotonic")):
        monkeypatch.setattr(module, name, clock)
    return clock


def train(end: ExpectedEnd, clock: Clock, epochs: int, seconds: float) -> None:
    """A pack trains for so many of its ten epochs."""
    end.on_message(PackStarted("a", "relu 2 x 64", 1, 10, 10.0))
    for epoch in range(1, epochs + 1):
        clock.pause(seconds)
        end.on_message(EpochDone("a", epoch, runs=1))


@needs_proc
def test_the_time_to_go_is_that_of_the_terminal_and_passes_with_the_clock(tmp_path: Path, clock: Clock) -> None:
    with ExpectedEnd(tmp_path, runs=2, cost=30.0) as end:  # of which the pack is a third
        train(end, clock, epochs=4, seconds=6.0)
        assert seconds_to_go(tmp_path) == pytest.approx((30 - 4) * 6.0)
        clock.pause(6.0)
        assert seconds_to_go(tmp_path) == pytest.approx((30 - 5) * 6.0)


def test_nothing_is_said_before_anything_is_known(tmp_path: Path, clock: Clock) -> None:
    with ExpectedEnd(tmp_path, runs=1, cost=10.0) as end:
        train(end, clock, epochs=1, seconds=60.0)  # which the compiler may have taken
        assert seconds_to_go(tmp_path) is None


def test_nothing_is_said_once_the_sweep_should_have_ended(tmp_path: Path, clock: Clock) -> None:
    with ExpectedEnd(tmp_path, runs=1, cost=10.0) as end:
        train(end, clock, epochs=9, seconds=6.0)
        clock.pause(7.0)
        assert seconds_to_go(tmp_path) is None


def test_it_is_written_now_and_then_however_short_epochs_are(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[float] = []
    monkeypatch.setattr(expected_end.files, "write", lambda *_: written.append(clock()))
    with ExpectedEnd(tmp_path, runs=1, cost=1000.0) as end:
        train(end, clock, epochs=500, seconds=0.1)
    assert all(later - sooner >= BETWEEN_ESTIMATES for sooner, later in pairwise(written))
    assert len(written) > 1


@needs_proc
@pytest.mark.parametrize("killed", [{"pid": 2**22 + 1}, {"born": "1"}, {"machine": "another"}])
def test_nothing_is_said_of_a_sweep_that_was_killed_or_trains_elsewhere(
    killed: dict[str, object], tmp_path: Path, clock: Clock
) -> None:
    about = {"ends": clock() + 60, "machine": machine(), "pid": os.getpid(), "born": start_time(os.getpid())}
    file = tmp_path / EXPECTED_END_FILE
    file.write_text(json.dumps(about), encoding="utf-8")
    assert seconds_to_go(tmp_path) == 60
    file.write_text(json.dumps(about | killed), encoding="utf-8")
    assert seconds_to_go(tmp_path) is None


WRONG_TYPES = '{"ends": null, "machine": "", "pid": "x", "born": 1}'


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"ends": "soon"}', WRONG_TYPES])
def test_a_damaged_file_says_nothing(text: str, tmp_path: Path) -> None:
    (tmp_path / EXPECTED_END_FILE).write_text(text, encoding="utf-8")
    assert seconds_to_go(tmp_path) is None


def test_what_a_kill_left_is_gone_when_the_sweep_starts_again_and_its_own_at_its_end(
    tmp_path: Path, clock: Clock
) -> None:
    file = tmp_path / EXPECTED_END_FILE
    file.write_text("{}", encoding="utf-8")
    with ExpectedEnd(tmp_path, runs=1, cost=10.0) as end:
        assert not file.exists()
        train(end, clock, epochs=3, seconds=6.0)
        assert file.exists()
        end.on_message(PackDone("a", failed=0))
    assert not file.exists()


def test_a_folder_that_cannot_be_written_to_costs_only_the_estimate(tmp_path: Path, clock: Clock) -> None:
    with unwritable(tmp_path), ExpectedEnd(tmp_path / "nowhere", runs=1, cost=10.0) as end:
        train(end, clock, epochs=3, seconds=6.0)
    assert seconds_to_go(tmp_path / "nowhere") is None
