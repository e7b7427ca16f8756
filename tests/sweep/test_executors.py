"""Executors train packs, tell the watcher, and let no failure take another pack with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.sweep.cases import small
from tests.sweep.conftest import PLENTY, MakeCells
from workbench.engine.training.epoch import Epoch
from workbench.sweep.execution import pack_training as training
from workbench.sweep.execution.checkpoints import Checkpoints
from workbench.sweep.execution.cores import cores
from workbench.sweep.execution.executors import EXECUTORS
from workbench.sweep.execution.pack_training import Sitting
from workbench.sweep.execution.progress import Lines, Watcher
from workbench.sweep.execution.results import pack_result
from workbench.sweep.planning.free_memory import free_memory
from workbench.sweep.planning.packs import PlannedPack
from workbench.sweep.planning.plan import PlannedCell, identified, plan
from workbench.sweep.store import EPOCH_COLUMNS, LAYER_COLUMNS


class Witness(Lines):
    """A watcher that remembers what it was told."""

    def __init__(self) -> None:
        super().__init__(1, 1.0)
        self.told: list[str] = []

    def pack_started(self, label: str, runs: int, epochs: int, cost: float, key: str = "") -> None:
        self.told.append(f"{runs} runs")
        super().pack_started(label, runs, epochs, cost, key)

    def epoch_done(self, epoch: Epoch, key: str = "") -> None:  # noqa: ARG002
        self.told.append(f"epoch {epoch.number}")

    def pack_done(self, failed: int, key: str = "") -> None:  # noqa: ARG002
        self.told.append(f"{failed} failed")


def sitting(watcher: Watcher, folder: Path, every: float = 1e9) -> Sitting:
    return Sitting(1, watcher, Checkpoints(folder / "sweeps", every))


@pytest.mark.parametrize("name", EXECUTORS)
def test_every_executor_trains_every_run_and_tells_the_watcher(
    name: str, seeds: list[PlannedCell], tmp_path: Path
) -> None:
    witness = Witness()
    (outcome,) = EXECUTORS[name](plan(seeds, {}, PLENTY).packs, sitting(witness, tmp_path))
    assert witness.told == ["3 runs", "epoch 0", "epoch 1", "epoch 2", "0 failed"]
    assert [end.outcome for end in outcome.ends if end] == ["finished"] * 3


def test_a_pack_that_raises_is_told_of_and_the_others_go_on(
    cells: MakeCells, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wide_fails = training.train

    def train(pack: Any, *rest: Any) -> Iterator[Epoch]:
        if pack.width == 8:
            raise MemoryError("no room\nat all")
        return wide_fails(pack, *rest)

    monkeypatch.setattr(training, "train", train)
    asked = identified(cells([small(network={"width": 8}), small(network={"width": 4})]))
    first, second = EXECUTORS["inline"](plan(asked, {}, PLENTY).packs, sitting(Witness(), tmp_path))
    assert (first.ends, first.reason) == ([None], "MemoryError: no room")
    assert second.ends[0] is not None
    (failed,) = pack_result(first, asked).runs
    assert (failed.outcome, failed.reason) == ("failed", "MemoryError: no room")


def test_a_result_holds_every_cell_and_the_documented_columns(cells: MakeCells, tmp_path: Path) -> None:
    asked = identified(cells([small(), small(seed=1), small(penalty={"name": "renamed"})]))
    (outcome,) = EXECUTORS["inline"](plan(asked, {}, PLENTY).packs, sitting(Witness(), tmp_path))
    result = pack_result(outcome, asked)
    assert [record.cell for record in result.runs] == [0, 1, 2]
    assert result.runs[0].weights_digest == result.runs[2].weights_digest != result.runs[1].weights_digest
    assert tuple(result.epochs) == EPOCH_COLUMNS
    assert tuple(result.layers) == LAYER_COLUMNS
    assert len(result.epochs["epoch"]) == 2 * 3  # two runs, epochs 0 to 2
    assert set(result.layers["layer"]) == {1, 2}
    assert not np.isnan(result.layers["value"].astype(float)).any()


def test_the_seconds_of_a_pack_are_shared_out_by_epochs(cells: MakeCells, tmp_path: Path) -> None:
    asked = identified(cells([small(training={"epochs": 1}), small(training={"epochs": 3})]))
    (outcome,) = EXECUTORS["inline"](plan(asked, {}, PLENTY).packs, sitting(Witness(), tmp_path))
    short, long = (record.metrics["seconds"] for record in pack_result(outcome, asked).runs)
    assert long == pytest.approx(3 * short)
    assert short + long == pytest.approx(outcome.seconds)


def test_this_machine_has_cores_and_memory() -> None:
    assert cores() >= 1
    assert 2**20 < free_memory() < 2**62


def test_a_planned_pack_knows_its_longest_run(cells: MakeCells) -> None:
    asked = identified(cells([small(training={"epochs": 1}), small(training={"epochs": 5})]))
    pack: PlannedPack = plan(asked, {}, PLENTY).packs[0]
    assert pack.epochs == 5
