"""From what became of a pack to the records that a store keeps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import time
from typing import Any

import numpy as np
import pytest
from llvmlite import binding

from tests.sweep.cases import outcome_after, small
from tests.sweep.conftest import PLENTY, MakeCells
from workbench.engine.training.epoch import Epoch
from workbench.sweep.execution import checkpoint_file, unfinished
from workbench.sweep.execution import pack_training as training
from workbench.sweep.execution.checkpoints import Checkpoints
from workbench.sweep.execution.conditions import processor
from workbench.sweep.execution.cores import cores
from workbench.sweep.execution.executor import ExecutionContext
from workbench.sweep.execution.outcome import PackOutcome, outcome_of
from workbench.sweep.execution.results import pack_result
from workbench.sweep.planning.free_memory import free_memory
from workbench.sweep.planning.plan import PlannedCell, identified, plan
from workbench.sweep.store import EPOCH_COLUMNS, LAYER_COLUMNS


def outcome_of_the_pack(asked: list[PlannedCell], folder: Path) -> PackOutcome:
    (pack,) = plan(asked, {}, PLENTY).packs
    return outcome_after(pack, ExecutionContext(1, Checkpoints(folder / "sweeps")))


@pytest.mark.parametrize("apart", [-3600.0, 3600.0])
def test_what_another_machine_trained_took_as_long_as_by_its_own_clock(
    apart: float, cells: MakeCells, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The machine that collects a result may have a clock an hour ahead or behind."""
    (pack,) = plan(identified(cells([small()])), {}, PLENTY).packs
    there = Checkpoints(tmp_path / "sweeps")
    for place in (unfinished, checkpoint_file):
        monkeypatch.setattr(place, "time", lambda: time() + apart)
    trained = outcome_after(pack, ExecutionContext(1, there))
    monkeypatch.undo()
    result = there.result(pack)
    assert result is not None
    collected = outcome_of(pack, result, None)
    assert collected.seconds <= collected.ended - collected.started + 1e-6 < 3000
    assert trained.seconds <= trained.ended - trained.started + 1e-6  # as far as sums of seconds since 1970 tell


def test_a_pack_that_raises_is_a_failed_run_with_the_first_line_of_the_reason(
    cells: MakeCells, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def train(*_: Any) -> Iterator[Epoch]:
        raise MemoryError("no room\nat all")

    monkeypatch.setattr(training, "train", train)
    asked = identified(cells([small()]))
    outcome = outcome_of_the_pack(asked, tmp_path)
    assert (outcome.ends, outcome.reason) == ([None], "MemoryError: no room")
    assert outcome.reasons == {asked[0].fingerprint: "MemoryError: no room"}
    (failed,) = pack_result(outcome, asked).runs
    assert (failed.outcome, failed.reason) == ("failed", "MemoryError: no room")


def test_a_result_holds_every_cell_and_the_documented_columns(cells: MakeCells, tmp_path: Path) -> None:
    asked = identified(cells([small(), small(seed=1), small(penalty={"name": "renamed"})]))
    result = pack_result(outcome_of_the_pack(asked, tmp_path), asked)
    assert [record.cell for record in result.runs] == [0, 1, 2]
    assert result.runs[0].weights_digest == result.runs[2].weights_digest != result.runs[1].weights_digest
    assert tuple(result.epochs) == EPOCH_COLUMNS
    assert tuple(result.layers) == LAYER_COLUMNS
    assert len(result.epochs["epoch"]) == 2 * 3  # two runs, epochs 0 to 2
    assert set(result.layers["layer"]) == {1, 2}
    assert not np.isnan(result.layers["value"].astype(float)).any()


def test_a_result_names_the_processor_that_trained_each_run(cells: MakeCells, tmp_path: Path) -> None:
    asked = identified(cells([small(training={"epochs": 1})]))
    outcome = outcome_of_the_pack(asked, tmp_path)
    assert outcome.processors == (processor(),)
    assert [run.processor for run in pack_result(outcome, asked).runs] == [processor()]
    moved = pack_result(replace(outcome, processors=("A", "B")), asked)
    assert [run.processor for run in moved.runs] == ["A; then B"]


@pytest.mark.parametrize(
    ("has", "ending"),
    [
        ({"avx512f": True, "avx2": True}, ", 512-bit vectors"),
        ({"avx512f": False, "avx2": True}, ", 256-bit vectors"),
        ({"neon": True}, ", 128-bit vectors"),
    ],
)
def test_a_processor_is_named_with_the_width_of_its_vectors(
    has: dict[str, bool], ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binding, "get_host_cpu_features", lambda: has)
    assert processor.__wrapped__().endswith(ending)


def test_a_processor_that_the_compiler_does_not_know_has_no_width(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> None:
        raise RuntimeError("failed to get host cpu features")

    monkeypatch.setattr(binding, "get_host_cpu_features", unknown)
    assert processor.__wrapped__()
    assert "vectors" not in processor.__wrapped__()


def test_the_seconds_of_a_pack_are_shared_out_by_epochs(cells: MakeCells, tmp_path: Path) -> None:
    asked = identified(cells([small(training={"epochs": 1}), small(training={"epochs": 3})]))
    outcome = outcome_of_the_pack(asked, tmp_path)
    short, long = (record.metrics["seconds"] for record in pack_result(outcome, asked).runs)
    assert long == pytest.approx(3 * short)
    assert short + long == pytest.approx(outcome.seconds)


def test_a_run_that_failed_has_no_share_of_the_seconds_of_its_pack(cells: MakeCells, tmp_path: Path) -> None:
    """Nobody knows how far it came; the others have all of the seconds, so that those of a sweep add up."""
    asked = identified(cells([small(), small(seed=1)]))
    outcome = outcome_of_the_pack(asked, tmp_path)
    one_failed = replace(outcome, ends=[outcome.ends[0], None], reason="it died")
    marks = outcome.planned.fingerprints
    seconds = {run.fingerprint: run.metrics["seconds"] for run in pack_result(one_failed, asked).runs}
    assert seconds == {marks[0]: pytest.approx(outcome.seconds), marks[1]: 0}
    all_failed = replace(outcome, ends=[None, None], reason="it died")
    assert [run.metrics["seconds"] for run in pack_result(all_failed, asked).runs] == [0, 0]


def test_this_machine_has_cores_and_memory() -> None:
    assert cores() >= 1
    assert 2**20 < free_memory() < 2**62


def test_a_planned_pack_knows_its_longest_run(cells: MakeCells) -> None:
    asked = identified(cells([small(training={"epochs": 1}), small(training={"epochs": 5})]))
    (pack,) = plan(asked, {}, PLENTY).packs
    assert pack.epochs == 5
