"""Interruption changes nothing: taken up from the state of any epoch, training ends with the very same numbers."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from workbench.data.run_data import RunData
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.training import workers
from workbench.engine.training.epoch import Epoch, State
from workbench.engine.training.loop import train
from workbench.engine.training.pack import Pack

from .cases import assert_same_course, course, data_for, mixed_pack, pack_of

RUNS = 5
EPOCHS = np.array([6, 2, 4, 6, 5])


def with_states(epochs: Iterator[Epoch]) -> tuple[list[Epoch], list[State]]:
    """All epochs, and the state after each, as it comes back from a file."""
    seen, states = [], []
    for epoch in epochs:
        seen.append(epoch)
        states.append(pickle.loads(pickle.dumps(epoch.state())))
    return seen, states


def assert_goes_on(pack: Pack, data: RunData, full: list[Epoch], state: State, **how: Any) -> None:
    """From the state on, the very epochs that follow it in the uninterrupted training."""
    rest = [epoch for epoch in full if epoch.number > state["epoch"]]
    found = list(train(pack, data, state=state, **how))
    assert [epoch.number for epoch in found] == [epoch.number for epoch in rest]
    for run in range(pack.runs):
        if any(run in epoch.runs for epoch in rest):
            assert_same_course(course(found, run), course(rest, run))
        else:
            assert not any(run in epoch.runs for epoch in found)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_from_the_state_of_any_epoch_training_goes_on_as_if_never_interrupted(optimizer: str, dtype: str) -> None:
    pack = mixed_pack(RUNS, content=11, optimizer=optimizer, dtype=dtype, epochs=EPOCHS, patience=[0, 0, 0, 2, 1])
    data = data_for(pack, label_noise=0.1)
    full, states = with_states(train(pack, data))
    for state in states:
        assert_goes_on(pack, data, full, state)


@pytest.mark.parametrize("before", [1, 2])
@pytest.mark.parametrize("after", [1, 3])
def test_another_number_of_workers_may_take_up_the_work(before: int, after: int) -> None:
    pack = mixed_pack(RUNS, content=12, optimizer="adam", activation="prelu", epochs=EPOCHS)
    data = data_for(pack)
    full, states = with_states(train(pack, data, workers=before))
    for number in (0, 2, 4):
        assert_goes_on(pack, data, full, states[number], workers=after)


@pytest.mark.parametrize("before", [1, 2])
def test_groups_of_another_size_may_take_up_the_work(before: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a whole group ended at an earlier epoch than the others reached."""
    pack = mixed_pack(RUNS, content=13, optimizer="momentum", epochs=EPOCHS)
    data = data_for(pack)
    monkeypatch.setattr(workers, "runs_per_group", lambda _pack, _data: before)
    full, states = with_states(train(pack, data))
    for size in (1, 3, RUNS):
        monkeypatch.setattr(workers, "runs_per_group", lambda _pack, _data, size=size: size)
        for number in (2, 5):
            assert_goes_on(pack, data, full, states[number], workers=1)


def test_interrupted_again_and_again_training_ends_the_same() -> None:
    pack = mixed_pack(RUNS, content=14, optimizer="nesterov", epochs=EPOCHS)
    data = data_for(pack)
    full = list(train(pack, data))
    state, pieces = None, []
    for _ in full:
        epoch = next(iter(train(pack, data, state=state)))
        pieces.append(epoch)
        state = epoch.state()
    for run in range(RUNS):
        assert_same_course(course(pieces, run), course(full, run))
    assert list(train(pack, data, state=state)) == []


def test_some_of_the_runs_may_be_taken_up_alone() -> None:
    pack = mixed_pack(RUNS, content=15, optimizer="adam", epochs=EPOCHS)
    data = data_for(pack)
    full, states = with_states(train(pack, data))
    chosen = np.array([4, 0])
    state = workers.part_of(states[2], chosen)
    found = list(train(pack.take(chosen), data.take(chosen), state=state))
    for place, run in enumerate(chosen):
        assert_same_course(course(found, place), course([epoch for epoch in full if epoch.number > 2], int(run)))


def test_a_state_is_plain_arrays_with_a_row_for_every_run() -> None:
    pack = pack_of(3, optimizer="adam")
    for epoch in train(pack, data_for(pack)):
        state = epoch.state()
        assert int(state["epoch"]) == epoch.number
        for name, array in state.items():
            assert type(array) is np.ndarray
            assert name == "epoch" or len(array) == 3


def test_a_state_does_not_change_while_training_goes_on() -> None:
    pack = pack_of(3, optimizer="adam", epochs=[1, 3, 3])
    epochs = train(pack, data_for(pack))
    state = next(epochs).state()
    kept = {name: array.copy() for name, array in state.items()}
    list(epochs)
    for name, array in kept.items():
        assert np.array_equal(state[name], array), name


def test_taking_a_state_changes_nothing_and_writes_nothing_into_it() -> None:
    pack = mixed_pack(RUNS, content=16, optimizer="adam", epochs=EPOCHS)
    data = data_for(pack)
    full, states = with_states(train(pack, data))
    plain = list(train(pack, data))
    for run in range(RUNS):
        assert_same_course(course(full, run), course(plain, run))
    kept = pickle.dumps(states[1])
    list(train(pack, data, state=states[1]))
    assert pickle.dumps(states[1]) == kept


@pytest.mark.parametrize("count", [1, 2])
def test_the_state_of_a_past_epoch_is_refused(count: int) -> None:
    pack = pack_of(2)
    epochs = train(pack, data_for(pack), workers=count)
    past = next(epochs)
    next(epochs)
    with pytest.raises(RuntimeError, match="the state of epoch 0 is gone: training is at epoch 1"):
        past.state()
    epochs.close()  # type: ignore[attr-defined]


def test_training_given_up_half_way_leaves_no_process_behind() -> None:
    from multiprocessing import active_children

    pack, before = pack_of(2), set(active_children())
    epochs = train(pack, data_for(pack), workers=2)
    next(epochs)
    assert set(active_children()) - before
    epochs.close()  # type: ignore[attr-defined]
    assert not set(active_children()) - before


def test_a_worker_that_was_killed_is_said_in_one_line() -> None:
    from multiprocessing import active_children

    pack, before = pack_of(2), set(active_children())
    epochs = train(pack, data_for(pack), workers=2)
    next(epochs)
    for child in set(active_children()) - before:
        child.kill()
    with pytest.raises(workers.WorkerDied, match="a worker process died"):
        list(epochs)


@pytest.mark.parametrize("noticed", ["when it is asked", "when it is to answer"])
def test_how_it_ended_is_said_whenever_that_is_noticed(noticed: str) -> None:
    pack = pack_of(2)
    worker = workers.ProcessWorker(pack, data_for(pack), np.arange(2), None)
    worker.start_epoch()
    worker.finish_epoch()
    worker._process.kill()
    worker._process.join()
    with pytest.raises(workers.WorkerDied, match="a worker process died with exit status -9"):
        worker.start_epoch() if noticed == "when it is asked" else worker.finish_epoch()
    worker.close()


def test_an_error_in_a_worker_arrives_here() -> None:
    pack = pack_of(2)
    broken = pack_of(2, init="no such rule")
    with pytest.raises(KeyError, match="no such rule"):
        list(train(broken, data_for(pack), workers=2))
