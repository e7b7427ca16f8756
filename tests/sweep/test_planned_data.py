"""A run is trained and measured on the very data it was planned for, whatever becomes of their file meanwhile."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.sweep.cases import outcome_after, outcomes, small
from tests.sweep.conftest import PLENTY, MakeCells
from tests.sweep.slurm_cluster import needs_slurm
from workbench.config import RunConfig
from workbench.data import digest, load
from workbench.engine.errors import BadInput
from workbench.measure import INSTRUMENTS
from workbench.sweep.execution import pack_training as training
from workbench.sweep.execution.checkpoints import Checkpoints
from workbench.sweep.execution.executor import ClusterExecutor, ExecutionContext
from workbench.sweep.execution.executors import EXECUTORS
from workbench.sweep.execution.measuring import measured
from workbench.sweep.execution.progress import LineDisplay
from workbench.sweep.planning.packs import PlannedPack
from workbench.sweep.planning.plan import Plan, identified, plan

EXAMPLES = 60


@pytest.fixture(autouse=True)
def nothing_loaded() -> Iterator[None]:
    """No test reads what another one has loaded."""
    training._loaded.cache_clear()
    yield
    training._loaded.cache_clear()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write(tmp_path / "own.npz", 0)
    return tmp_path / "own.npz"


@pytest.fixture
def planned(cells: MakeCells, file: Path) -> Callable[..., Plan]:
    def of(*changes: dict[str, Any], **more: Any) -> Plan:
        configs = [own(file, **change, **more) for change in changes or ({},)]
        return plan(identified(cells(configs), INSTRUMENTS), {}, PLENTY)

    return of


def write(path: Path, content: int, features: int = 3, classes: int = 2) -> None:
    """Other content, but the same shapes: nothing but the digest tells that it was rewritten."""
    generator = np.random.default_rng(content)
    labels = np.arange(EXAMPLES) % classes if classes else generator.normal(size=EXAMPLES)
    np.savez(path, inputs=generator.normal(size=(EXAMPLES, features)), targets=labels)


def own(path: Path, **changes: Any) -> RunConfig:
    return small(data={"name": "npz", "path": str(path)}, **changes)


def context(folder: Path, stop: Callable[[], bool] = lambda: False) -> ExecutionContext:
    return ExecutionContext(1, Checkpoints(folder / "sweeps"), stop)


def told(path: Path, planned: str) -> str:
    return (
        f"data.name=npz, data.path={path}: found data of digest {digest(own(path).data)}, planned were {planned}; "
        f"put the planned data back, or start again to plan with these"
    )


@pytest.mark.parametrize("name", EXECUTORS)
def test_whoever_trains_a_rewritten_file_costs_its_own_runs_alone(
    name: str, cells: MakeCells, file: Path, tmp_path: Path
) -> None:
    if isinstance(EXECUTORS[name], ClusterExecutor):
        needs_slurm()
    configs = [own(file), own(file, seed=1), small(seed=2)]
    packs = plan(identified(cells(configs)), {}, PLENTY).packs
    before = digest(own(file).data)
    write(file, 1)
    found = {
        outcome.planned.pack.runs: outcome for outcome in outcomes(EXECUTORS[name].train(packs, context(tmp_path)))
    }
    assert found[2].ends == [None, None]
    assert found[2].reason == told(file, before)
    assert [end.outcome for end in found[1].ends if end] == ["finished"]
    assert len(list((tmp_path / "sweeps").glob("*.npz"))) == 1  # of the pack that finished


def test_the_pack_itself_says_which_data_it_must_have(planned: Callable[..., Plan], file: Path) -> None:
    (pack,) = planned().packs
    assert pickle.loads(pickle.dumps(pack)).examples.config.digest == digest(own(file).data)


def test_what_was_loaded_before_is_trained_on_although_the_file_has_changed(
    planned: Callable[..., Plan], file: Path, tmp_path: Path
) -> None:
    (pack,) = planned().packs
    training.dataset(pack.examples.config)
    write(file, 1)
    held = outcome_after(pack, context(tmp_path / "a"))
    write(file, 0)
    training._loaded.cache_clear()
    assert held.ends == outcome_after(pack, context(tmp_path / "b")).ends


def test_a_pack_is_not_taken_up_again_on_other_data_and_goes_on_when_its_own_are_back(
    planned: Callable[..., Plan], file: Path, tmp_path: Path
) -> None:
    (pack,) = planned(training={"epochs": 4, "batch_size": 8}).packs
    asked = iter([False, False, True])
    with pytest.raises(KeyboardInterrupt):
        outcome_after(pack, context(tmp_path, lambda: next(asked)))
    training._loaded.cache_clear()
    before = str(pack.examples.config.digest)
    write(file, 1)
    assert outcome_after(pack, context(tmp_path)).reason == told(file, before)
    write(file, 0)
    goes_on = outcome_after(pack, context(tmp_path))
    assert goes_on.ends == outcome_after(pack, context(tmp_path / "uninterrupted")).ends
    assert all(goes_on.ends)


@pytest.mark.parametrize("harm", ["truncated", "gone"])
def test_a_file_that_is_being_rewritten_or_is_gone_is_one_line_as_well(
    planned: Callable[..., Plan], file: Path, tmp_path: Path, harm: str
) -> None:
    (pack,) = planned().packs
    if harm == "gone":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:-30])
    outcome = outcome_after(pack, context(tmp_path))
    assert outcome.ends == [None]
    assert str(file) in outcome.reason


@pytest.mark.parametrize("measure", ["memorizers", "gradient_identities"])
def test_a_measurement_of_a_rewritten_file_fails(planned: Callable[..., Plan], file: Path, measure: str) -> None:
    run = planned(measure=measure).measurements
    before = digest(own(file).data)
    write(file, 1, features=5)
    (batch,) = measured(run, INSTRUMENTS.measure, LineDisplay(1, 1.0).on_message, lambda: False, 1e9)
    assert list(batch.reasons.values()) == [told(file, before)]


def test_a_file_rewritten_while_it_is_planned_is_refused(cells: MakeCells, file: Path) -> None:
    first, before = identified(cells([own(file)])), digest(own(file).data)
    write(file, 1)
    with pytest.raises(BadInput) as raised:
        plan([*first, *identified(cells([own(file, seed=1)]))], {}, PLENTY)
    assert str(raised.value) == told(file, before)


def test_a_file_changed_between_two_sweeps_of_a_process_is_another_dataset(
    planned: Callable[..., Plan], file: Path
) -> None:
    before = planned().cells[0]
    assert before.numbers["network.loss"] == "binary_cross_entropy"
    write(file, 0, classes=0)
    after = planned().cells[0]
    assert after.numbers["network.loss"] == "squared_error"
    assert after.fingerprint != before.fingerprint


def test_a_person_may_say_which_data_they_must_be(file: Path) -> None:
    right = digest(own(file).data)
    config = small(data={"name": "npz", "path": str(file), "digest": right})
    assert load(config.data).digest == right
    with pytest.raises(
        BadInput, match=rf"data.path={re.escape(str(file))}: found data of digest {right}, planned were x;"
    ):
        small(data={"name": "npz", "path": str(file), "digest": "x"})


def test_however_the_packs_split_it_a_dataset_is_loaded_once(cells: MakeCells, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = []
    monkeypatch.setattr(training, "load", lambda config: loaded.append(config) or load(config))
    ways = [{"label_noise": noise, "train_size": size} for noise in (0.0, 0.2) for size in (20, 30)]
    packs: list[PlannedPack] = plan(identified(cells([small(data=way) for way in ways])), {}, PLENTY).packs
    assert len({id(training.dataset(pack.examples.config)) for pack in packs}) == len(loaded) == 1
