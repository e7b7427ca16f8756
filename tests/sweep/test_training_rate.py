"""Examples a second are those of training: what the compiler takes before a pack's first update is left out."""

from __future__ import annotations

import pytest

from tests.clock import Clock
from workbench.sweep.execution import training_rate
from workbench.sweep.execution.messages import EpochDone, PackDone, PackResumed, PackStarted
from workbench.sweep.execution.progress import LineDisplay
from workbench.sweep.execution.training_rate import TrainingRate


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(training_rate, "monotonic", clock)
    return clock


def begin(rate: TrainingRate | LineDisplay, clock: Clock, pack: str, compiling: float) -> None:
    """A pack compiles, and ends its first epoch."""
    rate.on_message(PackStarted(pack, "relu 2 x 64", 1, 9, 9.0))
    rate.on_message(EpochDone(pack, 0, runs=1))
    clock.pause(compiling)
    rate.on_message(EpochDone(pack, 1, runs=1, examples=1000))


def test_nothing_is_known_before_a_pack_has_trained_past_its_first_epoch(clock: Clock) -> None:
    rate = TrainingRate()
    begin(rate, clock, "a", compiling=30.0)
    assert rate.words() == ""


def test_what_the_compiler_took_is_left_out(clock: Clock) -> None:
    rate = TrainingRate()
    begin(rate, clock, "a", compiling=30.0)
    clock.pause(0.5)
    rate.on_message(EpochDone("a", 2, runs=1, examples=1000))
    assert rate.words() == "2,000 examples/s"


def test_so_is_what_it_takes_for_a_later_pack_of_another_kind(clock: Clock) -> None:
    rate = TrainingRate()
    for pack in "ab":
        begin(rate, clock, pack, compiling=30.0)
        clock.pause(0.5)
        rate.on_message(EpochDone(pack, 2, runs=1, examples=1000))
        rate.on_message(PackDone(pack, failed=0))
    assert rate.words() == "2,000 examples/s"


def test_while_another_pack_trains_time_counts(clock: Clock) -> None:
    rate = TrainingRate()
    begin(rate, clock, "a", compiling=30.0)
    begin(rate, clock, "b", compiling=2.0)
    rate.on_message(EpochDone("a", 2, runs=1, examples=4000))
    assert rate.words() == "2,000 examples/s"


def test_a_pack_that_goes_on_begins_anew(clock: Clock) -> None:
    rate = TrainingRate()
    rate.on_message(PackStarted("a", "relu 2 x 64", 1, 9, 9.0))
    rate.on_message(PackResumed("a", 4, ended=0))
    clock.pause(30.0)
    rate.on_message(EpochDone("a", 5, runs=1, examples=1000))
    clock.pause(1.0)
    rate.on_message(EpochDone("a", 6, runs=1, examples=1000))
    assert rate.words() == "1,000 examples/s"


def test_a_line_says_it_only_where_it_is_known(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with LineDisplay(runs=1, cost=9.0) as watch:
        begin(watch, clock, "a", compiling=30.0)
        watch.on_message(PackDone("a", failed=0))
    assert "examples/s" not in capsys.readouterr().err
