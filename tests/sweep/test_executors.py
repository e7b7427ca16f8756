"""The contract of executors: every row of `EXECUTORS`, and the one that docs/add-an-executor.md shows, keeps it."""

from __future__ import annotations

import ast
import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import documents
from tests.sweep.cases import Ruler, outcome_after, outcomes, small
from tests.sweep.conftest import PLENTY, MakeCells
from tests.sweep.slurm_cluster import needs_slurm
from workbench.config import RunConfig
from workbench.sweep.execution.checkpoints import Checkpoints
from workbench.sweep.execution.executor import ClusterExecutor, ExecutionContext, PackExecutor
from workbench.sweep.execution.executors import EXECUTORS
from workbench.sweep.execution.messages import (
    EpochDone,
    Message,
    PackDone,
    PackResumed,
    PackRetried,
    PackStarted,
    PackStopped,
)
from workbench.sweep.execution.unfinished import Unfinished
from workbench.sweep.planning.packs import PlannedPack
from workbench.sweep.planning.plan import identified, plan

EPOCHS, LATER = 6, 3  # a worker is lost, and a start stopped, after an epoch in the middle
FOR_EVER = 10_000_000
WORKERS = 2
PACKAGE = documents.ROOT / "workbench"
SHOWN = documents.ROOT / "docs" / "add-an-executor.md"


def executors() -> dict[str, PackExecutor]:
    """Ours, and what the page shows."""
    space: dict[str, Any] = {"__name__": "shown"}
    for path, text in documents.files(SHOWN).items():
        exec(compile(text, path, "exec"), space)
    shown = {key: row for name, rows in space.items() if name.isupper() for key, row in rows.items()}
    assert shown
    return EXECUTORS | {f"{key}, as shown": row for key, row in shown.items()}


CONTRACT = executors()
CLUSTERS = [name for name, row in CONTRACT.items() if isinstance(row, ClusterExecutor)]


@pytest.fixture(params=CONTRACT)
def executor(request: pytest.FixtureRequest) -> PackExecutor:
    if request.param in CLUSTERS:
        needs_slurm()
    return CONTRACT[request.param]


class Exclusive(Checkpoints):
    """Checkpoints after every epoch; a run that is trained twice at a time ends the executor with an error."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, 0.0)
        self._marks = folder.with_name(f"{folder.name} in training")
        self._marks.mkdir()

    def resume(self, planned: PlannedPack) -> Unfinished:
        for mark in planned.fingerprints:
            (self._marks / mark).touch(exist_ok=False)
        return super().resume(planned)

    def save(self, planned: PlannedPack, reached: Unfinished) -> None:
        super().save(planned, reached)
        if all(reached.ends):
            self._leave(planned)

    def _leave(self, planned: PlannedPack) -> None:
        for mark in planned.fingerprints:
            (self._marks / mark).unlink()


class TooLarge(Exclusive):
    """A pack of several runs fails when it is half done, and so does the run `broken` even alone."""

    def __init__(self, folder: Path, broken: str) -> None:
        super().__init__(folder)
        self._broken = broken

    def save(self, planned: PlannedPack, reached: Unfinished) -> None:
        super().save(planned, reached)
        if reached.epoch >= LATER and (planned.pack.runs > 1 or self._broken in planned.fingerprints):
            self._leave(planned)
            raise MemoryError("too many runs")


class Deadly(Checkpoints):
    """Checkpoints after every epoch; so many workers die after one of them, if there are workers that can.

    A worker process kills itself; the process in front kills those that the engine has started in it.
    """

    def __init__(self, folder: Path, deaths: int) -> None:
        super().__init__(folder, 0.0)
        self._front = os.getpid()
        self._lives = folder.with_name(f"{folder.name} lives")
        self._lives.mkdir()
        for number in range(deaths):
            (self._lives / str(number)).touch()

    @property
    def left(self) -> int:
        """Deaths that are still to come."""
        return len(list(self._lives.iterdir()))

    def save(self, planned: PlannedPack, reached: Unfinished) -> None:
        super().save(planned, reached)
        if not self.left or reached.epoch < LATER:
            return
        mortal = active_children() if os.getpid() == self._front else [os.getpid()]
        if mortal:
            next(self._lives.iterdir()).unlink()
        for worker in mortal:
            if isinstance(worker, int):
                os.kill(worker, signal.SIGKILL)
            else:
                worker.kill()
                worker.join()


def packs_of(cells: MakeCells, *configs: RunConfig) -> list[PlannedPack]:
    return plan(identified(cells(list(configs))), {}, PLENTY).packs


def three_runs(epochs: int, width: int = 4) -> list[RunConfig]:
    given = {"network": {"width": width}, "training": {"epochs": epochs}, "kernel": "plain"}
    return [small(seed=seed, **given) for seed in range(3)]


def digests(messages: Iterator[Message] | Sequence[Message]) -> dict[str, str]:
    """Fingerprint -> digest of the final weights, "" for a failed run."""
    found = {}
    for outcome in outcomes(messages):
        ends = zip(outcome.planned.fingerprints, outcome.ends, strict=True)
        found |= {mark: end.weights_digest if end else "" for mark, end in ends}
    return found


@dataclass
class Start:
    """A start that was stopped or came to its end: what the executor reported."""

    messages: list[Message]
    interrupted: bool = False

    def of(self, kind: type) -> list[Any]:
        return [message for message in self.messages if isinstance(message, kind)]


def start(
    executor: PackExecutor, packs: Sequence[PlannedPack], checkpoints: Checkpoints, until: int | None = None
) -> Start:
    """Train; asked to stop as soon as each pack that has begun has done so many epochs."""
    found = Start([])

    def stop() -> bool:
        if until is None:
            return False
        begun = {message.pack for message in list(found.messages) if isinstance(message, PackStarted)}
        far = {m.pack for m in list(found.messages) if isinstance(m, EpochDone) and m.epoch >= until}
        return len(begun) >= min(len(packs), executor.packs_at_once(WORKERS)) and begun <= far

    try:
        for message in executor.train(packs, ExecutionContext(WORKERS, checkpoints, stop, Ruler())):
            found.messages.append(message)
    except KeyboardInterrupt:
        found.interrupted = True
    return found


def test_it_trains_every_pack_in_order_and_reports_each_epoch_and_outcome(
    executor: PackExecutor, cells: MakeCells, tmp_path: Path
) -> None:
    """And no run is trained twice at a time, nor more packs than `packs_at_once` says: memory is shared among these."""
    packs = packs_of(cells, *[small(network={"width": width}, analyses="calibration") for width in (16, 8, 4)])
    checkpoints = Exclusive(tmp_path / "sweeps")
    found = start(executor, packs, checkpoints)
    assert [message.pack for message in found.of(PackStarted)] == [pack.digest for pack in packs]
    in_training: set[str] = set()
    for message in found.messages:
        if isinstance(message, PackStarted):
            in_training.add(message.pack)
        assert message.pack in in_training
        assert len(in_training) <= executor.packs_at_once(WORKERS)
        if isinstance(message, PackDone):
            in_training.remove(message.pack)
    assert not in_training
    for pack in packs:
        mine = [message for message in found.messages if message.pack == pack.digest]
        assert [type(message) for message in mine] == [PackStarted, EpochDone, EpochDone, EpochDone, PackDone]
        assert [message.epoch for message in mine if isinstance(message, EpochDone)] == [0, 1, 2]
    assert all(outcome.analysed[0] for outcome in outcomes(found.messages))


def test_its_packs_at_once_are_one_at_least(executor: PackExecutor) -> None:
    assert executor.packs_at_once(1) == 1
    assert 1 <= executor.packs_at_once(16) <= 16


def test_who_trains_changes_no_number_and_the_next_start_finds_every_result(
    executor: PackExecutor, cells: MakeCells, tmp_path: Path
) -> None:
    (pack,) = packs_of(cells, *three_runs(EPOCHS))
    expected = outcome_after(pack, ExecutionContext(1, Checkpoints(tmp_path / "alone")))
    checkpoints = Exclusive(tmp_path / "sweeps")
    found = start(executor, [pack], checkpoints)
    assert [end.weights_digest for end in expected.ends if end] == list(digests(found.messages).values())
    (outcome,) = outcomes(found.messages)
    for name, column in expected.epochs.items():
        np.testing.assert_array_equal(outcome.epochs[name], column)
    again = start(executor, [pack], Checkpoints(tmp_path / "sweeps"))
    assert [type(message) for message in again.messages] == [PackStarted, PackDone]
    assert digests(again.messages) == digests(found.messages)


def test_a_pack_that_fails_is_retried_in_halves_and_only_the_run_that_fails_alone_is_lost(
    executor: PackExecutor, cells: MakeCells, tmp_path: Path
) -> None:
    packs = packs_of(cells, *three_runs(EPOCHS, width=8), *three_runs(EPOCHS))
    broken = packs[0].fingerprints[1]
    found = start(executor, packs, TooLarge(tmp_path / "sweeps", broken))
    assert [mark for mark, digest in digests(found.messages).items() if not digest] == [broken]
    assert len(digests(found.messages)) == 6
    (lost,) = [outcome for outcome in outcomes(found.messages) if outcome.failed]
    assert lost.reason == "MemoryError: too many runs"
    retried = found.of(PackRetried)
    assert {packs[0].digest, packs[1].digest} <= {message.pack for message in retried}
    assert all(message.line.endswith("MemoryError: too many runs; tried again in halves") for message in retried)


def test_a_worker_that_is_lost_costs_its_pack_another_try_from_its_checkpoint(
    executor: PackExecutor, cells: MakeCells, tmp_path: Path
) -> None:
    packs = packs_of(cells, *three_runs(EPOCHS))
    checkpoints = Deadly(tmp_path / "sweeps", deaths=1)
    found = start(executor, packs, checkpoints)
    expected = outcome_after(packs[0], ExecutionContext(1, Checkpoints(tmp_path / "alone")))
    ends = zip(packs[0].fingerprints, expected.ends, strict=True)
    assert digests(found.messages) == {mark: end.weights_digest for mark, end in ends if end}
    assert len(found.of(PackRetried)) == 1 - checkpoints.left  # an executor without workers has none to lose
    assert all(message.epoch >= LATER for message in found.of(PackResumed))
    assert bool(found.of(PackResumed)) == bool(found.of(PackRetried))


def test_asked_to_stop_it_stops_after_the_epoch_and_the_next_start_goes_on_from_there(
    executor: PackExecutor, cells: MakeCells, tmp_path: Path
) -> None:
    packs = packs_of(cells, *three_runs(FOR_EVER, width=8), *three_runs(FOR_EVER), small(training={"epochs": 1}))
    checkpoints = Checkpoints(tmp_path / "sweeps")
    found = start(executor, packs, checkpoints, until=1)
    assert found.interrupted
    begun = [message.pack for message in found.of(PackStarted)]
    assert len(begun) == executor.packs_at_once(WORKERS)
    assert not found.of(PackDone)
    assert {message.pack for message in found.of(PackStopped)} <= set(begun)
    reached = {pack.digest: checkpoints.resume(pack).epoch for pack in packs}
    assert {digest for digest, epoch in reached.items() if epoch} == set(begun)
    again = start(executor, packs, checkpoints, until=max(reached.values()) + 1)
    assert {message.pack: message.epoch for message in again.of(PackResumed)} == {mark: reached[mark] for mark in begun}


def test_closed_after_an_outcome_it_leaves_a_checkpoint_of_everything_it_has_begun(
    executor: PackExecutor, cells: MakeCells, tmp_path: Path
) -> None:
    short, endless = packs_of(cells, small(training={"epochs": 1}), *three_runs(FOR_EVER))[::-1]
    checkpoints = Checkpoints(tmp_path / "sweeps")
    messages, begun = executor.train([short, endless], ExecutionContext(WORKERS, checkpoints)), set()
    for message in messages:
        begun |= {message.pack} if isinstance(message, PackStarted) else set()
        if isinstance(message, PackDone):
            messages.close()
            break
    held = {pack.digest for pack in (short, endless) if checkpoints.holds(pack)}
    assert held >= begun  # a job may have begun the other one meanwhile, which nobody hears of any more


def test_nobody_but_an_executor_s_own_file_speaks_of_it_by_name() -> None:
    """What the rest of a sweep must know of an executor, it asks the executor."""
    own = PACKAGE / "sweep" / "execution" / "executors"
    others = [file for file in PACKAGE.rglob("*.py") if file.parent != own and "engine" not in file.parts]
    naming = [
        f"{file.relative_to(PACKAGE)}:{node.lineno} {node.value!r}"
        for file in others
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in EXECUTORS
    ]
    assert [line for line in naming if not line.startswith("config/schema.py")] == []  # the default; a unit
