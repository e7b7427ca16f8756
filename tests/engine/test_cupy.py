"""Both backends agree: the same starts, minibatches and masks, and numbers within float tolerance."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from workbench.engine.backend import cuda_is_usable
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.rules.losses import LOSSES
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.training.loop import train
from workbench.engine.training.randomness import Purpose, bits, keys, lanes, permutations

from .cases import STRENGTHS, data_for, mixed_pack, pack_of

pytestmark = pytest.mark.skipif(not cuda_is_usable(), reason="runs where CuPy finds a device: benchmarks/on_gpu.py")

RUNS, TOLERANCE = 4, 1e-7


def assert_backends_agree(tolerance: float = TOLERANCE, **given: Any) -> None:
    pack = mixed_pack(RUNS, diverging=None, **{"patience": 0} | given)
    data = data_for(pack, stored=np.uint8)
    here, there = list(train(pack, data)), list(train(replace(pack, device="cuda"), data))
    assert len(here) == len(there)
    for one, two in zip(here, there, strict=True):
        assert np.array_equal(one.runs, two.runs)
        for kind in ("metrics", "probes"):
            for name, values in getattr(one, kind).items():
                found = getattr(two, kind)[name]
                np.testing.assert_allclose(found, values, rtol=tolerance, atol=tolerance, err_msg=name)
        for end, other in zip(one.ended, two.ended, strict=True):
            assert (end.run, end.outcome, end.epochs) == (other.run, other.outcome, other.epochs)
            for name, value in end.summary.items():
                assert other.summary[name] == pytest.approx(value, rel=tolerance, nan_ok=True)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_backends_agree_for_every_activation(activation: str) -> None:
    assert_backends_agree(content=1, activation=activation)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_backends_agree_for_every_optimizer(optimizer: str) -> None:
    assert_backends_agree(content=2, optimizer=optimizer, activation="tanh")


@pytest.mark.parametrize("loss", LOSSES)
def test_backends_agree_for_every_loss(loss: str) -> None:
    assert_backends_agree(content=3, loss=loss, activation="tanh")


def test_backends_agree_with_penalties_of_every_kind() -> None:
    assert_backends_agree(content=4, activation="tanh", **STRENGTHS)


def test_backends_agree_in_single_precision() -> None:
    assert_backends_agree(tolerance=2e-3, content=5, activation="tanh", dtype="float32")


def test_equal_starts_are_equal_bit_for_bit() -> None:
    pack = pack_of(3, seed=[4, 5, 6])
    data = data_for(pack)
    one, two = (next(iter(train(replace(pack, device=device), data))).state() for device in ("cpu", "cuda"))
    assert np.array_equal(one["weights"], two["weights"])


@pytest.mark.parametrize("draw", [bits, lanes, permutations])
def test_random_integers_are_those_of_the_host(draw: Any) -> None:
    import cupy

    stream = keys(np.arange(5), Purpose.DROPOUT, step=3)
    assert np.array_equal(draw(cupy.asarray(stream), 1001, cupy).get(), draw(stream, 1001))


def test_a_run_that_diverges_leaves_its_neighbours_alone() -> None:
    pack = replace(mixed_pack(RUNS, content=6, activation="tanh", patience=0), device="cuda")
    data = data_for(pack)
    ends = {end.run: end for epoch in train(pack, data) for end in epoch.ended}
    assert {run for run, end in ends.items() if end.outcome == "diverged"} == {1}
    for run in (0, 2, 3):
        *_, last = train(pack.take([run]), data.take(np.array([run])))
        expected = last.ended[0].summary["last_test_loss"]
        assert ends[run].summary["last_test_loss"] == pytest.approx(expected, rel=TOLERANCE)


def test_interruption_changes_nothing_on_the_device() -> None:
    pack = replace(mixed_pack(RUNS, content=7, optimizer="adam", diverging=None, epochs=4, patience=0), device="cuda")
    data = data_for(pack)
    full = list(train(pack, data))
    epochs = train(pack, data)
    state = [next(epochs).state() for _ in range(2)][-1]
    for one, two in zip(train(pack, data, state=state), full[2:], strict=True):
        np.testing.assert_allclose(one.metrics["test_loss"], two.metrics["test_loss"], rtol=TOLERANCE)
