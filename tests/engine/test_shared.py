"""Several threads may share a run of a wide network; no number depends on how many there are."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from time import sleep
from typing import Any

import pytest

pytest.importorskip("numba", reason="runs where Numba is installed")

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.repetitions import repetitions
from workbench.engine.kernels.compiled import shared, sharers
from workbench.engine.kernels.compiled.jit import BEFORE_ARGUMENTS
from workbench.engine.kernels.compiled.kernel import places_of
from workbench.engine.kernels.compiled.products import BACKWARD_LOOP, FORWARD_LOOP, TILES_LOOP
from workbench.engine.rules.losses import LOSSES
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.training import group
from workbench.engine.training.loop import train
from workbench.engine.training.pack import Pack

from .cases import assert_same_trainings, data_for, layout_of, mixed_pack, pack_of

ELEMENTWISE = ["relu", "sigmoid", "leaky_relu", "maxout"]
STEP = {"widths": (70, 130), "batch_size": 13, "kernel": "compiled", "dtype": "float32"}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Runs are shared however small they are; the threads that were asked, one number a call."""
    seen: list[int] = []
    monkeypatch.setattr(sharers, "FLOPS_OF_A_THREAD", 1)
    monkeypatch.setattr(group, "LARGE_EVALUATION", 0)
    share = shared.share_epoch

    def noted(*arguments: Any) -> None:
        seen.append(arguments[-4])
        share(*arguments)

    monkeypatch.setattr(shared, "share_epoch", noted)
    return seen


@given(
    content=st.integers(0, 10**6),
    workers=st.integers(2, 7),
    activation=st.sampled_from(ELEMENTWISE),
    optimizer=st.sampled_from(list(OPTIMIZERS)),
    loss=st.sampled_from(list(LOSSES)),
    batch=st.integers(1, 40),
)
@settings(max_examples=repetitions(3, 60))
def test_a_run_that_threads_share_ends_as_by_itself(
    content: int, workers: int, activation: str, optimizer: str, loss: str, batch: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sharers, "FLOPS_OF_A_THREAD", 1)
        patch.setattr(group, "LARGE_EVALUATION", 0)
        kind = STEP | {"batch_size": batch, "activation": activation, "optimizer": optimizer, "loss": loss}
        pack = mixed_pack(1, content, diverging=None, **kind)
        data = data_for(pack)
        assert_same_trainings(list(train(pack, data, workers)), list(train(pack, data)), 1)


@pytest.mark.parametrize("slow", [0, 1, 2])
def test_a_thread_that_comes_late_to_everything_is_waited_for(
    slow: int, calls: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No other reads what the late one has not written, or writes what it has not read."""
    kind: dict[str, Any] = {"dropout_rate": 0.3, "input_dropout_rate": 0.2, "max_norm": 0.5, "epochs": 2}
    pack = pack_of(1, **STEP, **kind)
    data = data_for(pack)
    alone, share, kept = list(train(pack, data)), shared.share_epoch, list[Any]()

    def late(loop: int, arguments: int) -> int:
        return _late(loop, arguments, kept)

    def share_late(loss: int, updating: Any, places: Any, *rest: Any) -> None:
        if rest[-4] == slow:
            loss, places = late(loss, 7), places.copy()
            updating = updating._replace(optimizer=late(updating.optimizer, 6))
            places[:-1, FORWARD_LOOP] = late(int(places[0, FORWARD_LOOP]), 6)
            places[:-1, BACKWARD_LOOP] = late(int(places[0, BACKWARD_LOOP]), 8)
            places[:, TILES_LOOP] = late(int(places[0, TILES_LOOP]), 13)
        share(loss, updating, places, *rest)

    monkeypatch.setattr(shared, "share_epoch", share_late)
    assert_same_trainings(list(train(pack, data, 3)), alone, 1)
    assert set(calls) == {0, 1, 2}


def _late(loop: int, arguments: int, kept: list[Any]) -> int:
    """The address of a function that does the same as the one at this address, some time later."""
    kinds = [*[ctypes.c_void_p] * BEFORE_ARGUMENTS, *[ctypes.c_int64] * arguments]
    kind: Callable[..., Any] = ctypes.CFUNCTYPE(ctypes.c_int32, *kinds)
    at_once = kind(loop)

    def later(*given: int) -> int:
        sleep(0.002)
        return int(at_once(*given))

    kept.append(kind(later))  # its address is in use as long as it lives
    return ctypes.cast(kept[-1], ctypes.c_void_p).value or 0


def test_as_many_threads_share_a_run_as_there_are_workers_for_it(calls: list[int]) -> None:
    pack = pack_of(2, **STEP, epochs=1)
    list(train(pack, data_for(pack), 7))
    assert sorted(calls) == [0, 0, 1, 1, 2, 2], "two runs, three threads each"


def test_one_that_ends_early_leaves_the_other_as_it_is(calls: list[int]) -> None:
    pack = pack_of(2, **STEP, epochs=[1, 4])
    data = data_for(pack)
    assert_same_trainings(list(train(pack, data, 4)), list(train(pack, data)), 2)
    assert calls


@pytest.mark.parametrize("kind", [{"activation": "prelu", "slope": 0.1}, {"widths": (6,)}])
def test_what_cannot_be_shared_or_is_small_trains_by_itself(kind: dict[str, Any]) -> None:
    pack = pack_of(1, **STEP | kind)
    assert threads_of(pack, 8) == 1


def test_the_more_there_is_to_do_the_more_threads_share_it() -> None:
    found = [threads_of(pack_of(1, **STEP | {"widths": (width, width)}), 8) for width in (64, 512, 2048)]
    assert found[0] == 1
    assert found[0] < found[1] < found[2] == 8


def threads_of(pack: Pack, most: int) -> int:
    layout = layout_of(pack, data_for(pack))
    return sharers.threads_for(layout, places_of(layout), pack.batch_size, most)
