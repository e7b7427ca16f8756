"""Every probe is its definition, worked out by hand for one run of a small network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from workbench.data.run_data import RunData
from workbench.engine.rules.probes import NEAR_ZERO, PROBE_EXAMPLES, PROBES, SATURATED, gini
from workbench.engine.training.epoch import EPOCH_METRICS
from workbench.engine.training.loop import train
from workbench.engine.training.pack import Pack
from workbench.engine.training.probing import PlainProbes

from .cases import data_for, mixed_pack, pack_of, parameters_of

VALUE: dict[str, Any] = {
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "relu": lambda z: np.where(z > 0, z, 0),
}
DERIVATIVE: dict[str, Any] = {
    "sigmoid": lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2,
    "tanh": lambda z: 1 / np.cosh(z) ** 2,
    "relu": lambda z: (z > 0).astype(float),
}
STEEPEST = {"sigmoid": 0.25, "tanh": 1.0, "relu": 1.0}


def rms(array: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(array))))


def naive_gini(weights: np.ndarray) -> float:
    """Half the mean absolute difference of all pairs, relative to the mean."""
    sizes = np.abs(weights).ravel()
    return float(np.abs(sizes[:, None] - sizes[None, :]).mean() / (2 * sizes.mean()))


def naive_probes(
    pack: Pack, data: RunData, run: int, weights: np.ndarray, previous: np.ndarray | None
) -> tuple[dict[str, list[float]], float]:
    """All probes of one run, layer by layer, and the root mean square of dl/dx."""
    layers = parameters_of(pack, data, weights, run)
    x = data.inputs[data.train.index[run, :PROBE_EXAMPLES]] * data.scale[run] + data.shift[run]
    labels, activation = data.train.targets[run, :PROBE_EXAMPLES], pack.activation
    inputs, zs, outputs = [x], [], []
    for number, layer in enumerate(layers):
        z = inputs[-1] @ layer["weights"].T + layer["biases"]
        zs.append(z)
        outputs.append(z if number == pack.depth else VALUE[activation](z))
        inputs.append(outputs[-1])
    y = np.exp(zs[-1]) / np.exp(zs[-1]).sum(axis=1, keepdims=True)
    dl_dz = [y - np.eye(3)[labels]]
    for number in range(pack.depth, 0, -1):
        dl_dz.insert(0, (dl_dz[0] @ layers[number]["weights"]) * DERIVATIVE[activation](zs[number - 1]))
    nothing = [np.nan]
    gains = [DERIVATIVE[activation](z) for z in zs[:-1]]
    of_weights = [layer["weights"] for layer in layers]
    if previous is None:
        update_size = nothing * len(layers)
    else:
        before = [layer["weights"] for layer in parameters_of(pack, data, previous, run)]
        update_size = [rms(new - old) / rms(old) for new, old in zip(of_weights, before, strict=True)]
    found = {
        "activation_mean": [a.mean() for a in outputs],
        "activation_deviation": [a.std() for a in outputs],
        "saturated": [(gain < SATURATED * STEEPEST[activation]).mean() for gain in gains] + nothing,
        "gain": [np.sqrt((gain**2).mean()) for gain in gains] + nothing,
        "dead": [(gain == 0).all(axis=0).mean() for gain in gains] + nothing,
        "gradient_z": [rms(d) for d in dl_dz],
        "gradient_weights": [rms(d.T @ i / len(d)) for d, i in zip(dl_dz, inputs[:-1], strict=True)],
        "update_size": update_size,
        "weight_rms": [rms(w) for w in of_weights],
        "near_zero": [(np.abs(w) < NEAR_ZERO).mean() for w in of_weights],
        "exact_zero": [(w == 0).mean() for w in of_weights],
        "gini": [naive_gini(w) for w in of_weights],
    }
    return found, rms(dl_dz[0] @ layers[0]["weights"])


@pytest.mark.parametrize("depth", [0, 1, 3])
@pytest.mark.parametrize("activation", VALUE)
def test_every_probe_is_its_definition(activation: str, depth: int) -> None:
    # One minibatch an epoch, so that the weights before the last update are those of the epoch before. Large weights
    # and a large threshold make units saturate and die, and weights vanish.
    pack = pack_of(
        2,
        activation=activation,
        depth=depth,
        batch_size=42,
        epochs=[2, 3],
        init="normal",
        init_scale=[2.0, 0.5],
        learning_rate=0.02,
        l1_proximal=[0.0, 5.0],
    )
    data = data_for(pack)
    previous = None
    for epoch in train(pack, data):
        weights = epoch.state()["weights"]
        ending = {end.run for end in epoch.ended}
        for place, run in enumerate(epoch.runs):
            expected, of_inputs = naive_probes(pack, data, int(run), weights, previous)
            assert expected.keys() == PROBES.keys() == epoch.probes.keys()
            assert epoch.metrics["input_gradient"][place] == pytest.approx(of_inputs, rel=1e-9)
            for name, values in expected.items():
                wanted = values if PROBES[name].moment != "end" or run in ending else [np.nan] * (depth + 1)
                np.testing.assert_allclose(epoch.probes[name][place], wanted, rtol=1e-8, atol=1e-12, err_msg=name)
        previous = weights


def test_saturation_death_and_sparsity_do_occur_in_what_was_just_compared() -> None:
    pack = pack_of(2, batch_size=42, epochs=4, init="normal", init_scale=2.0, learning_rate=1.0, l1_proximal=[0.0, 0.1])
    *_, last = train(pack, data_for(pack))
    assert last.probes["exact_zero"][1].max() > 0.05
    assert not last.probes["exact_zero"][0].any()
    assert last.probes["dead"][:, 0].max() > 0
    assert (last.probes["saturated"] >= last.probes["dead"])[:, :-1].all()


@pytest.mark.parametrize(
    ("weights", "expected"),
    [([1, 1, 1, 1], 0), ([0, 0, 0, 5], 0.75), ([-1, 1, -1, 1], 0), ([1, 3], 0.25), ([2.0] * 7, 0)],
)
def test_gini_is_zero_among_equals_and_near_one_where_one_has_all(weights: list[float], expected: float) -> None:
    assert gini(np.array([weights], float))[0] == pytest.approx(expected)
    assert gini(np.array([weights, weights[::-1]], np.float32))[1] == pytest.approx(expected)


def test_probing_changes_no_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    pack = mixed_pack(3, content=3, optimizer="adam", activation="prelu")
    data = data_for(pack)
    with_probes = [epoch.state()["weights"] for epoch in train(pack, data)]
    monkeypatch.setattr(PlainProbes, "take", lambda _self, after_update: ({}, np.full(3, after_update)))
    monkeypatch.setattr(PlainProbes, "at_end", lambda _self, _ending: {})
    without = [epoch.state()["weights"] for epoch in train(pack, data)]
    for one, two in zip(with_probes, without, strict=True):
        assert np.array_equal(one, two, equal_nan=True)


def test_every_epoch_has_every_metric_and_probe_of_every_layer() -> None:
    pack = mixed_pack(4, content=2, depth=2)
    for epoch in train(pack, data_for(pack)):
        assert set(epoch.metrics) == set(EPOCH_METRICS)
        assert all(values.shape == (len(epoch.runs),) for values in epoch.metrics.values())
        assert set(epoch.probes) == set(PROBES)
        assert all(values.shape == (len(epoch.runs), 3) for values in epoch.probes.values())


def test_the_learning_rate_told_is_that_of_the_last_update() -> None:
    pack = pack_of(3, schedule=["constant", "inverse_sqrt", "exponential"], schedule_factor=0.9, learning_rate=0.3)
    data = data_for(pack)
    updates = data.train.index.shape[1] // pack.batch_size
    for epoch in list(train(pack, data))[1:]:
        last = epoch.number * updates - 1
        expected = [0.3, 0.3 / np.sqrt(last + 1), 0.3 * 0.9**last]
        np.testing.assert_allclose(epoch.metrics["learning_rate"], expected, rtol=1e-12)


def test_probes_of_weights_that_are_all_zero_are_no_warning() -> None:
    pack = pack_of(1, init="zero", activation="tanh", epochs=1)
    first, last = train(pack, data_for(pack))
    assert (first.probes["exact_zero"] == 1).all()
    assert np.isnan(last.probes["gini"][0, 0])
