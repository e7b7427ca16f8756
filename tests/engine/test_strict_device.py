"""The engine keeps host and device apart: on a stand-in for CuPy that refuses to mix them, with NumPy's numbers."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.rules.losses import LOSSES
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.training.loop import train
from workbench.engine.training.randomness import Purpose, bits, keys, lanes, normal, permutations, uniform

from . import strict_device
from .cases import assert_same_trainings, data_for, mixed_pack

RUNS = 4


@pytest.fixture(autouse=True)
def _stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", strict_device)


def assert_the_device_changes_nothing(**given: Any) -> None:
    pack = mixed_pack(RUNS, **given)
    data = data_for(pack, stored=np.uint8)
    on_device = replace(pack, device="cuda")
    assert_same_trainings(list(train(on_device, data)), list(train(pack, data)), RUNS)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_runs_on_the_device(activation: str, dtype: str) -> None:
    assert_the_device_changes_nothing(content=1, activation=activation, dtype=dtype)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_runs_on_the_device(optimizer: str) -> None:
    assert_the_device_changes_nothing(content=2, optimizer=optimizer, dtype="float32")


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_runs_on_the_device(loss: str) -> None:
    assert_the_device_changes_nothing(content=3, loss=loss, activation="tanh")


def test_penalties_of_every_kind_run_on_the_device() -> None:
    assert_the_device_changes_nothing(content=4, l1=0.01, l2=0.02, decay=0.02, l1_proximal=0.01, max_norm=0.8)


def test_a_device_takes_up_what_a_cpu_began_and_the_other_way_round() -> None:
    pack = mixed_pack(RUNS, content=5, optimizer="adam", epochs=[5, 2, 4, 5])
    data = data_for(pack)
    on_device = replace(pack, device="cuda")
    for first, second in ((pack, on_device), (on_device, pack)):
        epochs = train(first, data)
        state = [next(epochs).state() for _ in range(3)][-1]
        expected = [epoch for epoch in train(first, data) if epoch.number > 2]
        found = list(train(second, data, state=state))
        assert [epoch.number for epoch in found] == [epoch.number for epoch in expected]
        for one, two in zip(found, expected, strict=True):
            assert np.array_equal(one.metrics["test_loss"], two.metrics["test_loss"])
            assert [end.weights_digest for end in one.ended] == [end.weights_digest for end in two.ended]


def test_the_weights_of_ended_runs_come_home_from_the_device() -> None:
    pack = mixed_pack(RUNS, content=6)
    data = data_for(pack)
    for there, here in zip(train(replace(pack, device="cuda"), data), train(pack, data), strict=True):
        runs = [end.run for end in here.ended]
        if runs:
            for name in ("last", "best", "final"):
                found = getattr(there.weights(runs), name)
                assert type(found) is np.ndarray
                assert np.array_equal(found, getattr(here.weights(runs), name), equal_nan=True)


@pytest.mark.parametrize("draw", [bits, lanes, uniform, normal, permutations])
def test_draws_on_the_device_are_those_of_the_host(draw: Any) -> None:
    stream = keys(np.arange(3), Purpose.DROPOUT, step=5)
    found = draw(strict_device.asarray(stream), 11, strict_device)
    assert np.array_equal(found.get(), draw(stream, 11))


def test_the_stand_in_is_strict() -> None:
    there, here = strict_device.asarray(np.ones(3)), np.ones(3)
    for mixing in (
        lambda: there + here,
        lambda: here * there,
        lambda: np.add(there, 1, out=here),
        lambda: np.asarray(there),
        lambda: np.maximum(there, here),
        lambda: there.__setitem__(slice(None), here),
        lambda: here.__setitem__(slice(None), there),
        lambda: float(there[0] > 0 and 1),
    ):
        with pytest.raises((TypeError, AssertionError)):
            mixing()
    assert np.array_equal((there * 2.0 + np.float64(1)).get(), here * 3)
