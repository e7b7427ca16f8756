"""A run computes in its own dtype throughout: no update, penalty or buffer silently becomes double."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from tests.repetitions import crossed
from workbench.engine.errors import BadInput
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.rules.penalties import PENALTIES
from workbench.engine.training.loop import train
from workbench.engine.training.network import Network

from .cases import STRENGTHS, data_for, mixed_pack, pack_of, small_layout

DTYPES = [np.float32, np.float64]


@pytest.mark.parametrize(("dtype", "optimizer"), crossed(DTYPES, OPTIMIZERS))
def test_an_update_stays_in_its_dtype(optimizer: str, dtype: type) -> None:
    row, w = OPTIMIZERS[optimizer], np.ones((3, 8), dtype)
    at = SimpleNamespace(**{name: np.full((3, 1), 0.5, dtype) for name in row.reads})
    for result in row.update(w, w, *(w for _ in row.slots), at=at):
        assert result.dtype == dtype


@pytest.mark.parametrize(("dtype", "penalty"), crossed(DTYPES, PENALTIES))
def test_a_penalty_stays_in_its_dtype(penalty: str, dtype: type) -> None:
    row = PENALTIES[penalty]
    shape = (3, 4, 8) if row.moment == "rows" else (3, 8)
    w, column = np.ones(shape, dtype), np.full((3, *[1] * (len(shape) - 1)), 0.5, dtype)
    assert row.apply(w, w, SimpleNamespace(learning_rate=column, **{penalty: column})).dtype == dtype


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ["sigmoid", "prelu", "maxout"])
def test_a_network_stays_in_its_dtype(activation: str, dtype: type) -> None:
    layout = small_layout(activation, depth=2)
    network = Network(layout, np.ones((2, layout.size), dtype), np.zeros((2, layout.size), dtype), np.ones(2, dtype), 5)
    delta = np.ones_like(network.forward())
    network.backward(delta)
    assert delta.dtype == dtype
    assert network.input_gradient().dtype == dtype
    assert all(array.dtype == dtype for layer in network.layers for array in (layer.z, layer.a))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_states_are_in_the_dtype_of_the_pack_and_metrics_are_double(optimizer: str, dtype: str) -> None:
    pack = mixed_pack(3, optimizer=optimizer, dtype=dtype, diverging=None)
    for epoch in train(pack, data_for(pack, stored=np.uint8)):
        state = epoch.state()
        for name in ("weights", "best_weights", *OPTIMIZERS[optimizer].slots):
            assert state[name].dtype == dtype
        for values in (*epoch.metrics.values(), *epoch.probes.values()):
            assert values.dtype == np.float64


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_single_precision_follows_double_precision(optimizer: str) -> None:
    single, double = (
        pack_of(2, optimizer=optimizer, dtype=dtype, activation="tanh", epochs=2, **STRENGTHS)
        for dtype in ("float32", "float64")
    )
    data = data_for(double)
    for one, two in zip(train(single, data), train(double, data), strict=True):
        np.testing.assert_allclose(
            one.metrics["validation_loss"], two.metrics["validation_loss"], rtol=2e-4, err_msg=optimizer
        )


def test_a_kernel_is_refused_what_it_cannot_train() -> None:
    pack = mixed_pack(2, optimizer="adam", dtype="float64", kernel="compiled", diverging=None)
    with pytest.raises(
        BadInput, match=r"kernel: found compiled with device=cpu, dtype=float64; allowed are auto and plain"
    ):
        next(train(pack, data_for(pack)))
