"""Packs side by side in worker processes: the same outcomes, whoever trains them and whatever becomes of a worker."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.sweep.cases import small
from tests.sweep.conftest import PLENTY, MakeCells
from workbench.engine.training.epoch import Epoch
from workbench.sweep.execution.checkpoints import Checkpoints, Unfinished
from workbench.sweep.execution.executors import EXECUTORS
from workbench.sweep.execution.pack_training import PackOutcome, Sitting
from workbench.sweep.execution.progress import Lines
from workbench.sweep.planning.packs import PlannedPack
from workbench.sweep.planning.plan import identified, plan

EPOCHS, DEADLY = 12, 5  # a worker is killed after an epoch in the middle
FOR_EVER = 10_000_000


class Deadly(Checkpoints):
    """Checkpoints after every epoch; so many workers die after one of them, killed by themselves to the moment."""

    def __init__(self, folder: Path, deaths: int) -> None:
        super().__init__(folder, 0.0)
        self._lives = folder.with_name(f"{folder.name} lives")
        self._lives.mkdir()
        for number in range(deaths):
            (self._lives / str(number)).touch()

    def save(self, planned: PlannedPack, reached: Unfinished) -> None:
        super().save(planned, reached)
        lives = list(self._lives.iterdir())
        if lives and reached.epoch >= DEADLY:
            lives[0].unlink()
            os.kill(os.getpid(), signal.SIGKILL)


class Witness(Lines):
    """Remembers where packs were taken up again."""

    def __init__(self) -> None:
        super().__init__(10, 1.0)
        self.resumed: list[int] = []

    def pack_resumed(self, epoch: int, ended: int, key: str = "") -> None:
        self.resumed.append(epoch)
        super().pack_resumed(epoch, ended, key)


@pytest.fixture
def packs(cells: MakeCells) -> list[PlannedPack]:
    """One pack of three runs."""
    return packs_of(cells, EPOCHS)


def packs_of(cells: MakeCells, epochs: int, widths: tuple[int, ...] = (4,)) -> list[PlannedPack]:
    """A pack of three runs for every width."""
    given = [(width, seed) for width in widths for seed in range(3)]
    configs = [small(seed=seed, network={"width": width}, training={"epochs": epochs}) for width, seed in given]
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
    witness = Witness()
    found = digests(EXECUTORS["processes"](packs, Sitting(1, witness, Deadly(tmp_path / "b", deaths=2))))
    assert found == whole
    assert "" not in found.values()
    said = capsys.readouterr().err
    assert "(3 runs): WorkerDied: its worker process was killed (signal SIGKILL); tried again in halves" in said
    assert witness.resumed
    assert min(witness.resumed) >= DEADLY


def test_a_single_run_gets_one_more_try_and_then_fails_with_its_reason(
    packs: list[PlannedPack], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (pack,) = packs
    single = pack.take(np.array([0]))
    once = digests(EXECUTORS["processes"]([single], Sitting(1, Lines(1, 1.0), Deadly(tmp_path / "a", deaths=1))))
    assert "tried once more" in capsys.readouterr().err
    assert all(once.values())
    (lost,) = EXECUTORS["processes"]([single], Sitting(1, Lines(1, 1.0), Deadly(tmp_path / "b", deaths=2)))
    assert (lost.failed, lost.reason) == (1, "WorkerDied: its worker process was killed (signal SIGKILL)")


def test_asked_to_stop_every_worker_leaves_a_checkpoint(cells: MakeCells, tmp_path: Path) -> None:
    packs = packs_of(cells, FOR_EVER, widths=(4, 8))
    trained: set[str] = set()

    class Patient(Lines):
        """Notes which packs have trained for an epoch."""

        def epoch_done(self, epoch: Epoch, key: str = "") -> None:
            super().epoch_done(epoch, key)
            trained.update([key] * (epoch.number > 0))

    def all_have_trained() -> bool:
        return trained == {pack.digest for pack in packs}

    checkpoints = Checkpoints(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        list(EXECUTORS["processes"](packs, Sitting(2, Patient(6, 1.0), checkpoints, all_have_trained)))
    assert sorted(checkpoints.packs()) == sorted(pack.fingerprints for pack in packs)
    assert all(0 < checkpoints.resume(pack).epoch < FOR_EVER for pack in packs)


def test_a_worker_says_what_it_has_to_say_through_the_one_in_front(
    packs: list[PlannedPack], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / f"{packs[0].digest}.npz").write_text("broken")
    list(EXECUTORS["processes"](packs, Sitting(1, Lines(3, 1.0), Checkpoints(tmp_path))))
    assert "a broken checkpoint was set aside" in capsys.readouterr().err
