"""What the recorder does where a store refuses, loses, or keeps half: nothing is lost that a checkpoint still has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from tests.sweep.cases import outcome_after, small
from tests.sweep.conftest import PLENTY, MakeCells
from workbench.engine.errors import BadInput
from workbench.sweep.execution.checkpoints import Checkpoints
from workbench.sweep.execution.executor import ExecutionContext
from workbench.sweep.execution.outcome import PackOutcome
from workbench.sweep.execution.recorder import Recorder
from workbench.sweep.planning.plan import PlannedCell, identified, plan
from workbench.sweep.store import PackResult, Verified

REFUSED = "the store is out of reach"


class Store:
    """Refuses the recordings with these numbers; those in `half` it holds all the same. What it has recorded first it
    loses `at_the_end`, once.
    """

    def __init__(self, refused: Sequence[int] = (), half: Sequence[int] = (), at_the_end: bool = False) -> None:
        self.refused, self.half, self.loses = refused, half, at_the_end
        self.tried: list[PackResult] = []
        self.held: set[str] = set()
        self.missing: set[str] = set()

    def record(self, result: PackResult) -> None:
        number, marks = len(self.tried), {run.fingerprint for run in result.runs}
        self.tried.append(result)
        if number not in self.refused or number in self.half:
            self.held |= marks
            self.missing -= marks
        if number in self.refused:
            raise BadInput(REFUSED)

    def verified(self) -> Verified:
        if self.loses:
            self.loses, self.missing = False, {run.fingerprint for run in self.tried[0].runs}
            self.held -= self.missing
        return Verified(set(self.held), set(self.missing))


@pytest.fixture
def asked(cells: MakeCells) -> list[PlannedCell]:
    """Two packs, of one run each."""
    return identified(cells([small(), small(network={"width": 5})]))


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    return Checkpoints(tmp_path / "sweeps")


@pytest.fixture
def outcomes(asked: list[PlannedCell], checkpoints: Checkpoints) -> list[PackOutcome]:
    """What the packs came to; the checkpoint of each holds its result."""
    return [outcome_after(pack, ExecutionContext(1, checkpoints)) for pack in plan(asked, {}, PLENTY).packs]


def recorded(
    store: Store, asked: Sequence[PlannedCell], checkpoints: Checkpoints, outcomes: Sequence[PackOutcome]
) -> Recorder:
    with Recorder(store, asked, checkpoints) as recorder:  # type: ignore[arg-type]
        for outcome in outcomes:
            recorder.take(outcome)
            recorder.wait()
    return recorder


def test_what_the_store_holds_has_no_checkpoint_any_more(
    asked: list[PlannedCell], checkpoints: Checkpoints, outcomes: list[PackOutcome]
) -> None:
    recorder = recorded(Store(), asked, checkpoints, outcomes)
    assert (recorder.unrecorded, recorder.lost) == ([], set())
    assert checkpoints.packs() == []


def test_what_was_refused_is_tried_once_more_and_else_keeps_its_checkpoint(
    asked: list[PlannedCell], checkpoints: Checkpoints, outcomes: list[PackOutcome]
) -> None:
    recorder = recorded(Store(refused=[0, 1, 2]), asked, checkpoints, outcomes)
    assert recorder.unrecorded == outcomes, "at the end the second is not tried where the first failed"
    assert set(checkpoints.packs()) == {one.planned.fingerprints for one in outcomes}


def test_what_was_recorded_by_half_keeps_its_checkpoint(
    asked: list[PlannedCell], checkpoints: Checkpoints, outcomes: list[PackOutcome]
) -> None:
    """Its runs may stand in the store already, though its history or its rows of the plan do not."""
    recorder = recorded(Store(refused=[0, 2], half=[0, 2]), asked, checkpoints, outcomes)
    assert recorder.unrecorded == outcomes[:1]
    assert checkpoints.packs() == [outcomes[0].planned.fingerprints]


def test_what_the_store_has_lost_is_recorded_again_from_its_checkpoint(
    asked: list[PlannedCell], checkpoints: Checkpoints, outcomes: list[PackOutcome]
) -> None:
    store = Store(at_the_end=True)
    recorder = recorded(store, asked, checkpoints, outcomes)
    assert [one.pack for one in store.tried] == [outcomes[number].planned.digest for number in (0, 1, 0)]
    first, again = (store.tried[number].runs[0] for number in (0, 2))
    assert first.weights_digest
    assert (again.fingerprint, again.weights_digest) == (first.fingerprint, first.weights_digest)
    assert (recorder.lost, checkpoints.packs()) == (set(), [])


def test_what_is_recorded_again_is_tried_twice_too(
    asked: list[PlannedCell], checkpoints: Checkpoints, outcomes: list[PackOutcome]
) -> None:
    recorder = recorded(Store(refused=[2], at_the_end=True), asked, checkpoints, outcomes)
    assert (recorder.unrecorded, recorder.lost, checkpoints.packs()) == ([], set(), [])


def test_what_is_lost_and_refused_waits_and_is_not_lost(
    asked: list[PlannedCell], checkpoints: Checkpoints, outcomes: list[PackOutcome]
) -> None:
    """The same command records it from its checkpoint."""
    recorder = recorded(Store(refused=[2, 3], at_the_end=True), asked, checkpoints, outcomes)
    assert [one.planned for one in recorder.unrecorded if isinstance(one, PackOutcome)] == [outcomes[0].planned]
    assert recorder.lost == set()
    assert checkpoints.packs() == [outcomes[0].planned.fingerprints]


def test_what_is_lost_without_a_checkpoint_is_lost(
    asked: list[PlannedCell], checkpoints: Checkpoints, outcomes: list[PackOutcome]
) -> None:
    class Dropping(Store):
        def verified(self) -> Verified:
            checkpoints.drop(outcomes[0].planned)
            return super().verified()

    recorder = recorded(Dropping(at_the_end=True), asked, checkpoints, outcomes)
    assert recorder.lost == set(outcomes[0].planned.fingerprints)


def test_a_failure_that_is_lost_is_recorded_again_though_a_checkpoint_tells_of_the_time_before(
    asked: list[PlannedCell], checkpoints: Checkpoints, outcomes: list[PackOutcome]
) -> None:
    failed = replace(outcomes[0], ends=[None], reason="MemoryError: no room")
    store = Store(at_the_end=True)
    recorded(store, asked, checkpoints, [failed])
    assert [one.runs[0].reason for one in store.tried] == ["MemoryError: no room"] * 2


def test_at_the_end_one_failure_is_enough(
    asked: list[PlannedCell], checkpoints: Checkpoints, outcomes: list[PackOutcome]
) -> None:
    """Each may take as long as the patience with a server: the sweep does not wait for one after the other."""
    at_the_end, store = Event(), Store(refused=range(9))

    class Ending(Recorder):
        def wait(self) -> None:
            at_the_end.set()
            super().wait()

        def _record(self, outcome: PackOutcome) -> None:  # type: ignore[override]
            at_the_end.wait()
            super()._record(outcome)

    with Ending(store, asked, checkpoints) as recorder:  # type: ignore[arg-type]
        for outcome in outcomes:
            recorder.take(outcome)
    assert [one.pack for one in store.tried] == [outcomes[0].planned.digest] * 2
    assert recorder.unrecorded == outcomes
