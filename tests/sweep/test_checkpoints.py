"""A pack in flight can be taken up from its checkpoint; a checkpoint is whole, or it does not count."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from tests.sweep.cases import Ruler, outcome_after, small
from tests.sweep.conftest import PLENTY, MakeCells
from workbench.sweep.execution import checkpoint_file, checkpoints, outcome, unfinished
from workbench.sweep.execution import pack_training as training
from workbench.sweep.execution.checkpoints import Checkpoints
from workbench.sweep.execution.executor import ExecutionContext
from workbench.sweep.execution.outcome import PackOutcome
from workbench.sweep.planning.packs import PlannedPack
from workbench.sweep.planning.plan import identified, plan

EPOCHS = 6


@pytest.fixture
def planned(cells: MakeCells) -> PlannedPack:
    """Three runs of one pack, one of which ends early."""
    configs = [small(seed=seed, training={"epochs": EPOCHS - 4 * (seed == 1)}) for seed in range(3)]
    (pack,) = plan(identified(cells(configs)), {}, PLENTY).packs
    return pack


class Impatient:
    """Asks to stop after so many epochs, counting the untrained one."""

    def __init__(self, epochs: int) -> None:
        self.left = epochs

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0


def context(folder: Path, epochs: int = 10**6, every: float = 1e9, workers: int = 1) -> ExecutionContext:
    return ExecutionContext(workers, Checkpoints(folder, every), Impatient(epochs))


def assert_same(found: PackOutcome, expected: PackOutcome) -> None:
    assert found.ends == expected.ends
    for name in expected.epochs:
        np.testing.assert_array_equal(found.epochs[name], expected.epochs[name])
    for name in expected.layers:
        np.testing.assert_array_equal(found.layers[name], expected.layers[name])


@pytest.mark.parametrize("after", range(EPOCHS))
def test_stopped_after_any_epoch_a_pack_goes_on_to_the_very_same_outcome(
    planned: PlannedPack, tmp_path: Path, after: int
) -> None:
    with pytest.raises(KeyboardInterrupt):
        outcome_after(planned, context(tmp_path / "a", epochs=after))
    assert [file.name for file in (tmp_path / "a").iterdir()] == [f"{planned.digest}.npz"]
    assert_same(outcome_after(planned, context(tmp_path / "a")), outcome_after(planned, context(tmp_path / "b")))


@pytest.mark.parametrize("asked", range(0, 2 * EPOCHS, 3))  # workers that may go ahead ask too
def test_so_does_a_pack_whose_workers_go_ahead_of_each_other(planned: PlannedPack, tmp_path: Path, asked: int) -> None:
    with suppress(KeyboardInterrupt):  # the last times come too late
        outcome_after(planned, context(tmp_path / "a", epochs=asked, workers=2))
    assert [file.name for file in (tmp_path / "a").iterdir()] == [f"{planned.digest}.npz"]
    assert_same(outcome_after(planned, context(tmp_path / "a")), outcome_after(planned, context(tmp_path / "b")))


def test_a_pack_with_analyses_is_at_the_epoch_in_which_a_run_ends(cells: MakeCells, tmp_path: Path) -> None:
    configs = [small(seed=seed, analyses="calibration", training={"epochs": EPOCHS - seed}) for seed in range(3)]
    (pack,) = plan(identified(cells(configs)), {}, PLENTY).packs
    alone, together = (
        outcome_after(pack, replace(context(tmp_path / str(workers), workers=workers), instruments=Ruler()))
        for workers in (1, 2)
    )
    assert together.analysed == alone.analysed
    assert all(alone.analysed)


def test_it_really_goes_on_and_does_not_start_over(planned: PlannedPack, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        outcome_after(planned, context(tmp_path, epochs=4))
    reached = Checkpoints(tmp_path).resume(planned)
    assert reached.state is not None
    assert reached.state["epoch"] == 4
    assert [end is not None for end in reached.ends] == [False, True, False]
    assert Checkpoints(tmp_path).result(planned) is None  # it is one when every run has ended


def test_some_of_the_runs_go_on_in_an_order_of_their_own(planned: PlannedPack, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        outcome_after(planned, context(tmp_path, epochs=4))
    rows = np.array([2, 1, 0])
    whole, turned = (Checkpoints(tmp_path).resume(pack) for pack in (planned, planned.take(rows)))
    assert whole.state is not None
    assert turned.state is not None
    np.testing.assert_array_equal(turned.state["weights"], whole.state["weights"][rows])
    assert [end and end.run for end in turned.ends] == [None, 1, None]


def test_a_checkpoint_of_a_pack_that_shares_some_of_the_runs_is_neither_taken_nor_set_aside(
    planned: PlannedPack, cells: MakeCells, tmp_path: Path
) -> None:
    configs = [small(seed=seed, training={"epochs": EPOCHS}) for seed in (2, 3)]
    (other,) = plan(identified(cells(configs)), {}, PLENTY).packs
    assert set(planned.fingerprints) & set(other.fingerprints)
    with pytest.raises(KeyboardInterrupt):
        outcome_after(planned, context(tmp_path, epochs=4))
    assert Checkpoints(tmp_path).resume(other).epoch == 0
    assert Checkpoints(tmp_path).resume(planned).epoch == 4


def test_checkpoints_come_by_time(planned: PlannedPack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10_000, 10))
    monkeypatch.setattr(checkpoints, "monotonic", lambda: float(next(clock)))
    written: list[str] = []
    honest = Checkpoints.save
    monkeypatch.setattr(Checkpoints, "save", lambda self, *rest: (written.append("x"), honest(self, *rest)))
    outcome_after(planned, context(tmp_path, every=25.0))
    assert len(written) == 3  # of seven epochs, ten seconds apart, and the result


@pytest.mark.parametrize("harm", ["truncated", "foreign", "empty", "flipped"])
def test_a_broken_checkpoint_is_set_aside_with_a_word_and_the_pack_starts_over(
    planned: PlannedPack, tmp_path: Path, harm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(KeyboardInterrupt):
        outcome_after(planned, context(tmp_path, epochs=3))
    file = tmp_path / f"{planned.digest}.npz"
    content = file.read_bytes()
    middle = len(content) // 2
    file.write_bytes(
        {
            "truncated": content[:middle],
            "foreign": b"not a checkpoint",
            "empty": b"",
            "flipped": content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :],
        }[harm]
    )
    assert Checkpoints(tmp_path).resume(planned).state is None
    assert "a broken checkpoint was set aside" in capsys.readouterr().err
    assert [path.suffix for path in tmp_path.iterdir()] == [".broken"]


def test_a_checkpoint_of_other_runs_does_not_count(planned: PlannedPack, cells: MakeCells, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        outcome_after(planned, context(tmp_path, epochs=3))
    (other,) = plan(identified(cells([small(seed=9)])), {}, PLENTY).packs
    (tmp_path / f"{planned.digest}.npz").rename(tmp_path / f"{other.digest}.npz")
    assert Checkpoints(tmp_path).resume(other).state is None


def test_a_crash_while_writing_leaves_the_checkpoint_before(
    planned: PlannedPack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(KeyboardInterrupt):
        outcome_after(planned, context(tmp_path, epochs=2))
    reached = Checkpoints(tmp_path).resume(planned)

    def full_disk(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(checkpoint_file.np, "savez", full_disk)
    Checkpoints(tmp_path).save(planned, reached)
    assert "no space left on device" in capsys.readouterr().err
    monkeypatch.undo()
    again = Checkpoints(tmp_path).resume(planned)
    assert again.state is not None
    assert again.state["epoch"] == 2


def test_of_failures_to_write_in_a_row_the_first_is_told(
    planned: PlannedPack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A disk that is full stays full for many epochs; one that is full again is told again."""
    kept, nothing = Checkpoints(tmp_path), unfinished.untouched(planned)

    def told(is_full: bool) -> bool:
        with monkeypatch.context() as patch:
            if is_full:
                patch.setattr(checkpoint_file.files, "whole", full)
            kept.save(planned, nothing)
        return "no checkpoint could be written" in capsys.readouterr().err

    def full(_: Path) -> None:
        raise OSError(28, "no space left on device")

    assert [told(is_full) for is_full in (True, True, False, True)] == [True, False, False, True]


def test_the_result_of_a_pack_stays_until_the_store_holds_it(planned: PlannedPack, tmp_path: Path) -> None:
    expected = outcome_after(planned, context(tmp_path))
    kept = Checkpoints(tmp_path)
    assert kept.packs() == [planned.fingerprints]
    again = outcome_after(planned, context(tmp_path, epochs=0))  # it would stop at once if it trained
    assert_same(again, expected)
    assert (again.started, again.seconds) == (expected.started, expected.seconds)
    kept.drop(planned)
    kept.drop(planned)  # and again without harm
    assert kept.packs() == []


@pytest.mark.parametrize("after", [1, 4, 10**6])
def test_part_of_a_pack_goes_on_from_the_checkpoint_of_the_whole(
    planned: PlannedPack, tmp_path: Path, after: int
) -> None:
    if after < EPOCHS:
        with pytest.raises(KeyboardInterrupt):
            outcome_after(planned, context(tmp_path / "a", epochs=after))
    else:
        outcome_after(planned, context(tmp_path / "a"))
    part = planned.take(np.array([1, 2]))
    assert Checkpoints(tmp_path / "a").resume(part).epoch == (after if after < EPOCHS else 0)
    of_whole = Checkpoints(tmp_path / "a").resume(planned).seconds
    assert 0 < Checkpoints(tmp_path / "a").resume(part).seconds == pytest.approx(of_whole * 2 / 3), "its runs' share"
    assert_same(outcome_after(part, context(tmp_path / "a")), outcome_after(part, context(tmp_path / "b")))
    Checkpoints(tmp_path / "a").drop_all_of(part.fingerprints)
    assert Checkpoints(tmp_path / "a").packs() == [planned.fingerprints]
    Checkpoints(tmp_path / "a").drop_all_of(planned.fingerprints)
    assert Checkpoints(tmp_path / "a").packs() == []


def test_other_libraries_than_those_of_the_checkpoint_are_told(
    planned: PlannedPack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(KeyboardInterrupt):
        outcome_after(planned, context(tmp_path, epochs=3))
    assert Checkpoints(tmp_path).resume(planned).epoch == 3
    assert "checkpoint is of" not in capsys.readouterr().err
    monkeypatch.setattr(checkpoint_file, "numerics", lambda: "numpy 99")
    assert Checkpoints(tmp_path).resume(planned).epoch == 3
    assert "this is numpy 99; it goes on, and may end with numbers that differ" in capsys.readouterr().err


def test_the_processors_that_trained_a_pack_are_noted_wherever_its_result_is_collected(
    planned: PlannedPack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "processor", lambda: "A")
    with pytest.raises(KeyboardInterrupt):
        outcome_after(planned, context(tmp_path, epochs=2))
    with pytest.raises(KeyboardInterrupt):
        outcome_after(planned, context(tmp_path, epochs=2))
    monkeypatch.setattr(training, "processor", lambda: "B")
    assert outcome_after(planned, context(tmp_path)).processors == ("A", "B")
    monkeypatch.setattr(training, "processor", lambda: "C")
    collected = Checkpoints(tmp_path).result(planned)
    assert collected is not None
    assert collected.processors == outcome_after(planned, context(tmp_path)).processors == ("A", "B")


def test_the_time_of_all_starts_counts(planned: PlannedPack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = count()
    for place in (unfinished, checkpoint_file, outcome):
        monkeypatch.setattr(place, "time", lambda: float(next(clock)))
    for place in (checkpoints, training):
        monkeypatch.setattr(place, "monotonic", lambda: float(next(clock)))
    with pytest.raises(KeyboardInterrupt):
        outcome_after(planned, context(tmp_path, epochs=3))
    before = Checkpoints(tmp_path).resume(planned)
    after = outcome_after(planned, context(tmp_path))
    assert 0 < before.seconds < after.seconds <= after.ended - after.started
    assert after.started == before.started
