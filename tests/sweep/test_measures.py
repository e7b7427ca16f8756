"""Measurements run as cells of a sweep; analyses of a run are taken when it ends and survive an interruption."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from tests.sweep.cases import Ruler, outcome_after, small
from tests.sweep.conftest import PLENTY, MakeCells
from workbench.config import RunConfig
from workbench.engine.errors import BadInput
from workbench.sweep.execution.checkpoints import Checkpoints
from workbench.sweep.execution.executor import ExecutionContext
from workbench.sweep.execution.measuring import MeasuredBatch, measured
from workbench.sweep.execution.outcome import PackOutcome
from workbench.sweep.execution.progress import LineDisplay
from workbench.sweep.execution.results import batch_result, pack_result
from workbench.sweep.execution.timing_process import TimingProcesses
from workbench.sweep.instruments import Measured
from workbench.sweep.planning.identity import fingerprint, numbers, pinned
from workbench.sweep.planning.plan import Plan, described, identified, plan

MEASURING = {"measure": "matrix_form"}
ANALYSES = "calibration+jacobian"


def batches(work: Plan, every: float = math.inf, stop: Callable[[], bool] = lambda: False) -> list[MeasuredBatch]:
    return list(measured(work.measurements, Ruler().measure, LineDisplay(1, 1.0).on_message, stop, every))


def test_a_run_without_measure_or_analyses_is_the_run_it_was_before_there_were_any() -> None:
    decided = numbers(small())
    assert not {"measure", "analyses"} & set(decided)
    assert Ruler().versions(decided) == []


def test_analyses_are_part_of_what_is_held_in_any_order() -> None:
    def mark(analyses: str, version: int = 1) -> str:
        decided = numbers(small(analyses=analyses))
        return fingerprint(decided, str(pinned(small().data).digest), Ruler(version).versions(decided))

    assert mark("calibration+jacobian") == mark("jacobian+calibration") != mark("jacobian") != mark("")
    assert mark("jacobian", version=2) != mark("jacobian")
    assert mark("", version=2) == mark("")


@pytest.mark.parametrize("wrong", [{"analyses": "no such thing"}, {"analyses": "jacobian+nonsense"}, {"measure": "x"}])
def test_unknown_names_get_one_line_that_lists_what_there_is(wrong: dict[str, str]) -> None:
    with pytest.raises(BadInput, match=f"{next(iter(wrong))} is .*; allowed: (any|one) of .*") as caught:
        small(**wrong)
    assert ("jacobian" if "analyses" in wrong else "matrix_form") in str(caught.value)


def test_measurements_are_planned_beside_the_packs(cells: MakeCells) -> None:
    work = plan(identified(cells([small(seed=0), small(seed=1), small(seed=2, **MEASURING)])), {}, PLENTY)
    assert (work.runs_to_train, len(work.measurements), work.runs_to_do) == (2, 1, 3)
    assert "2 to train in 1 pack, 1 to measure" in described(work, "mixed", "page", "soon")


def test_a_measurement_that_fails_takes_no_other_with_it(cells: MakeCells) -> None:
    planned = identified(cells([small(seed=seed, **MEASURING) for seed in range(3)]))
    (batch,) = batches(plan(planned, {}, PLENTY))
    result = batch_result(batch, planned)
    assert [run.outcome for run in result.runs] == ["finished", "failed", "finished"]
    assert [run.reason for run in result.runs] == ["", "ValueError: broken", ""]
    assert [run.metrics.get("seed_found") for run in result.runs] == [0, None, 2]
    assert result.tables["marks"]["place"].tolist() == [0, 0, 1, 2]
    assert result.tables["marks"]["fingerprint"].tolist() == [planned[0].fingerprint] + 3 * [planned[2].fingerprint]


def test_what_was_measured_before_a_stop_is_handed_on(cells: MakeCells) -> None:
    work = plan(identified(cells([small(seed=seed, **MEASURING) for seed in (0, 2, 3)])), {}, PLENTY)
    stopped = measured(
        work.measurements, Ruler().measure, LineDisplay(1, 1.0).on_message, iter([False, True, True]).__next__, math.inf
    )
    assert next(stopped).runs == (work.measurements[0],)
    with pytest.raises(KeyboardInterrupt):
        next(stopped)


def test_batches_are_handed_on_in_between(cells: MakeCells) -> None:
    work = plan(identified(cells([small(seed=seed, **MEASURING) for seed in (0, 2, 3)])), {}, PLENTY)
    assert [len(batch.runs) for batch in batches(work, every=0.0)] == [1, 1, 1]
    assert [len(batch.runs) for batch in batches(work)] == [3]


def trained(cells: MakeCells, folder: Path, stop: Callable[[], bool] = lambda: False) -> PackOutcome:
    configs = [small(seed=seed, training={"epochs": 2 + 2 * seed}, analyses=ANALYSES) for seed in range(3)]
    (pack,) = plan(identified(cells(configs)), {}, PLENTY).packs
    return outcome_after(pack, ExecutionContext(1, Checkpoints(folder, 1e9), stop, Ruler()))


def test_a_run_is_analysed_with_the_weights_it_ended_with(cells: MakeCells, tmp_path: Path) -> None:
    outcome = trained(cells, tmp_path)
    for end, found in zip(outcome.ends, outcome.analysed, strict=True):
        assert end is not None
        assert found is not None
        assert found.metrics == {"analyses": 2, "seen": int(end.weights_digest, 16) % 10**9}
    configs = [small(seed=seed, training={"epochs": 2 + 2 * seed}, analyses=ANALYSES) for seed in range(3)]
    result = pack_result(outcome, identified(cells(configs)))
    assert [run.metrics["seen"] for run in result.runs] == result.tables["seen"]["value"].tolist()


def test_analyses_survive_an_interruption(cells: MakeCells, tmp_path: Path) -> None:
    epochs = iter(range(4))
    with pytest.raises(KeyboardInterrupt):
        trained(cells, tmp_path / "a", lambda: next(epochs) == 3)  # the first run has ended by then
    gone_on, whole = trained(cells, tmp_path / "a"), trained(cells, tmp_path / "b")
    for one, other in zip(gone_on.analysed, whole.analysed, strict=True):
        assert one is not None
        assert other is not None
        assert one.metrics == other.metrics
        assert one.tables["seen"]["value"].tolist() == other.tables["seen"]["value"].tolist()


class _WhichProcess(Ruler):
    def measure(self, config: RunConfig) -> Measured:  # noqa: ARG002
        return Measured({"process": float(os.getpid())})


class _Dies(Ruler):
    def measure(self, config: RunConfig) -> Measured:
        if config.training.epochs == 1:
            os._exit(1)
        return Measured({"epochs": float(config.training.epochs)})


def test_a_timing_whose_process_died_costs_no_other_of_its_seed() -> None:
    with TimingProcesses(_Dies()) as processes:
        with pytest.raises(BrokenProcessPool):
            processes.measure(small(training={"epochs": 1}))
        assert processes.measure(small(training={"epochs": 2})).metrics == {"epochs": 2}


def test_a_timing_is_taken_in_a_process_of_its_seed() -> None:
    with TimingProcesses(_WhichProcess()) as processes:
        first, again, other = (processes.measure(small(seed=seed)).metrics["process"] for seed in (0, 0, 1))
    assert first == again
    assert len({first, other, float(os.getpid())}) == 3
