"""Workers may go ahead: begin an epoch before the others end the one before, and before the caller asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf
from threading import active_count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.engine.training import loop
from workbench.engine.training.epoch import Epoch
from workbench.engine.training.loop import train
from workbench.engine.training.pack import Pack

from .cases import assert_same_trainings, data_for, mixed_pack, needs_numba, pack_of

RUNS = 5
KERNELS = ["plain", pytest.param("compiled", marks=needs_numba)]


@pytest.fixture(autouse=True)
def every_epoch_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "SHORT_EPOCH", inf)


def always() -> bool:
    return True


def ahead(pack: Pack, how: Callable[[], bool], workers: int = 2) -> Iterator[Epoch]:
    return train(pack, data_for(pack), workers, ahead=how)


@pytest.mark.parametrize("kernel", KERNELS)
def test_it_changes_no_number(kernel: str) -> None:
    pack = mixed_pack(RUNS, content=4, optimizer="adam", kernel=kernel, dtype="float32")
    assert_same_trainings(list(ahead(pack, always)), list(train(pack, data_for(pack))), RUNS)


@given(answers=st.lists(st.booleans(), max_size=6))
@settings(max_examples=8)
def test_whoever_takes_a_state_when_one_stands_goes_on_to_the_same_numbers(answers: list[bool]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "SHORT_EPOCH", inf)
        pack = mixed_pack(RUNS, content=2, optimizer="momentum")
        data, left = data_for(pack), list(answers)
        expected = list(train(pack, data))
        before: list[Epoch] = []
        for epoch in ahead(pack, lambda: left.pop() if left else False):
            before.append(epoch)
            if not epoch.stands or len(before) == len(expected):
                continue
            rest = train(pack, data, state=epoch.state())
            assert_same_trainings([*before, *rest], expected, RUNS)


@pytest.mark.parametrize("kernel", KERNELS)
def test_an_epoch_that_training_has_left_has_no_state_and_says_so(kernel: str) -> None:
    pack = pack_of(2, kernel=kernel, dtype="float32", epochs=4)
    _, _, second, *rest = ahead(pack, always)
    assert not second.stands
    with pytest.raises(RuntimeError, match="epoch 2 has no state: training had gone ahead"):
        second.state()
    with pytest.raises(RuntimeError, match="epoch 2 has no weights: training had gone ahead"):
        second.weights([0])
    assert [epoch.number for epoch in rest] == [3, 4]


@pytest.mark.parametrize("kernel", KERNELS)
def test_it_begins_once_an_epoch_that_trains_has_told_how_long_one_takes(kernel: str) -> None:
    """The untrained networks are only evaluated, which is short where a training epoch may take an hour."""
    pack = pack_of(2, kernel=kernel, dtype="float32", epochs=5)
    assert [epoch.stands for epoch in ahead(pack, always)][:3] == [True, True, False]
    epochs = train(pack, data_for(pack))
    reached = [next(epochs), next(epochs)][-1].state()
    goes_on = train(pack, data_for(pack), 2, reached, always)
    assert [(epoch.number, epoch.stands) for epoch in goes_on][:2] == [(2, True), (3, False)]


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_next_epoch_stands_when_the_caller_wants_a_state(kernel: str) -> None:
    stood: dict[int, bool] = {}
    for epoch in ahead(pack_of(2, kernel=kernel, dtype="float32", epochs=8), lambda: len(stood) <= 3):
        stood[epoch.number] = epoch.stands
    assert list(stood.values()) == [True, True, False, False, True, True, True, True, True]


def test_a_long_epoch_is_waited_for_so_that_to_stop_takes_one_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "SHORT_EPOCH", 0.0)
    assert all(epoch.stands for epoch in ahead(pack_of(2), always))


def test_a_worker_by_itself_has_nobody_to_wait_for() -> None:
    assert all(epoch.stands for epoch in ahead(pack_of(2), always, workers=1))


@needs_numba
def test_training_given_up_ahead_of_the_caller_leaves_no_thread_behind() -> None:
    before = active_count()
    epochs = ahead(pack_of(2, kernel="compiled", dtype="float32", epochs=50), always)
    next(epochs)
    assert active_count() > before
    epochs.close()  # type: ignore[attr-defined]
    assert active_count() == before
