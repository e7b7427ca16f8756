"""Packs side by side in worker processes: the same outcomes, whoever trains them and whatever becomes of a worker."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.sweep.cases import small
from tests.sweep.conftest import PLENTY, MakeCells
from workbench.engine.epoch import Epoch
from workbench.sweep.checkpoints import Checkpoints
from workbench.sweep.executors import EXECUTORS
from workbench.sweep.packs import PlannedPack
from workbench.sweep.plan import identified, plan
from workbench.sweep.progress import Lines
from workbench.sweep.training import PackOutcome, Sitting

EPOCHS = 1000  # enough for a kill to come in between


class Killer(Lines):
    """Kills the worker of a pack after some epoch, so often."""

    def __init__(self, times: int, after: int = 5) -> None:
        super().__init__(10, 1.0)
        self.left, self.after = times, after
        self.resumed: list[int] = []

    def pack_resumed(self, epoch: int, ended: int, key: str = "") -> None:
        self.resumed.append(epoch)
        super().pack_resumed(epoch, ended, key)

    def epoch_done(self, epoch: Epoch, key: str = "") -> None:
        super().epoch_done(epoch, key)
        if self.left and epoch.number >= self.after:
            self.left -= 1
            os.kill(self.worker(), signal.SIGKILL)

    @staticmethod
    def worker() -> int:
        return next(child.pid for child in multiprocessing.active_children() if child.pid)


@pytest.fixture
def packs(cells: MakeCells) -> list[PlannedPack]:
    """One pack of three runs."""
    return packs_of(cells, EPOCHS)


def packs_of(cells: MakeCells, epochs: int) -> list[PlannedPack]:
    configs = [small(seed=seed, training={"epochs": epochs}) for seed in range(3)]
    return plan(identified(cells(configs)), {}, PLENTY).packs


def digests(outcomes: Iterator[PackOutcome]) -> dict[str, str]:
    """Fingerprint -> digest of the final weights, "" for a failed run."""
    found = {}
    for outcome in outcomes:
        ends = zip(outcome.planned.fingerprints, outcome.ends, strict=True)
        found |= {mark: end.weights_digest if end else "" for mark, end in ends}
    return found


def test_a_killed_worker_costs_its_pack_another_try_in_halves_from_its_checkpoint(
    packs: list[PlannedPack], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = digests(EXECUTORS["inline"](packs, Sitting(1, Lines(3, 1.0), Checkpoints(tmp_path / "a"))))
    killer = Killer(times=2)
    found = digests(EXECUTORS["processes"](packs, Sitting(1, killer, Checkpoints(tmp_path / "b", 0.0))))
    assert found == whole
    assert "" not in found.values()
    said = capsys.readouterr().err
    assert "(3 runs): WorkerDied: its worker process was killed (signal SIGKILL); tried again in halves" in said
    assert killer.resumed
    assert min(killer.resumed) >= 4


def test_a_single_run_gets_one_more_try_and_then_fails_with_its_reason(
    packs: list[PlannedPack], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (pack,) = packs
    single = pack.take(np.array([0]))
    once = digests(EXECUTORS["processes"]([single], Sitting(1, Killer(1), Checkpoints(tmp_path / "a", 0.0))))
    assert "tried once more" in capsys.readouterr().err
    assert all(once.values())
    (lost,) = EXECUTORS["processes"]([single], Sitting(1, Killer(2), Checkpoints(tmp_path / "b")))
    assert (lost.failed, lost.reason) == (1, "WorkerDied: its worker process was killed (signal SIGKILL)")


def test_asked_to_stop_every_worker_leaves_a_checkpoint(cells: MakeCells, tmp_path: Path) -> None:
    packs, asked = packs_of(cells, 100_000), []

    class Impatient(Lines):
        def epoch_done(self, epoch: Epoch, key: str = "") -> None:
            super().epoch_done(epoch, key)
            asked.append(epoch.number)

    checkpoints = Checkpoints(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        list(EXECUTORS["processes"](packs, Sitting(2, Impatient(3, 1.0), checkpoints, lambda: bool(asked))))
    assert checkpoints.packs() == [pack.fingerprints for pack in packs]
    assert 0 < checkpoints.resume(packs[0]).epoch < 100_000


def test_a_worker_says_what_it_has_to_say_through_the_one_in_front(
    packs: list[PlannedPack], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / f"{packs[0].digest}.npz").write_text("broken")
    list(EXECUTORS["processes"](packs, Sitting(1, Lines(3, 1.0), Checkpoints(tmp_path))))
    assert "a broken checkpoint was set aside" in capsys.readouterr().err
