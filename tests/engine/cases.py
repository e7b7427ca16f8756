"""What the engine's tests share: small data, packs of mixed runs, and the comparison of two trainings bit for bit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from workbench.data.dataset import Dataset
from workbench.data.run_data import RunData, prepare
from workbench.engine.kernels.choice import numba_fault
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.rules.losses import LOSSES
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.rules.penalties import PENALTIES
from workbench.engine.training.architecture import Architecture
from workbench.engine.training.epoch import Epoch
from workbench.engine.training.layout import Layout
from workbench.engine.training.loop import train
from workbench.engine.training.pack import Pack
from workbench.engine.training.pack import columns as known_columns
from workbench.engine.training.randomness import Purpose, keys, normal

FEATURES = 5
needs_numba = pytest.mark.skipif(bool(numba_fault()), reason="runs where Numba can be used, as in .ci/run")
# Of a row that is not named: its customary rate, and a strength that acts without ruling.
RATES = {name: row.learning_rate for name, row in OPTIMIZERS.items()}
RATES |= {"sgd": 0.2, "momentum": 0.05, "nesterov": 0.05, "adagrad": 0.1, "rmsprop": 0.01, "adam": 0.02}
STRENGTHS = dict.fromkeys(PENALTIES, 0.02) | {"l1": 0.01, "l2": 0.05, "decay": 0.05, "max_norm": 0.9}
HUGE_RATE = {"float32": 1e25, "float64": 1e200}


def classes_of(loss: str) -> int:
    """How many classes data for that loss have; 0 for a regression."""
    return {"classes": 3, "two_classes": 2, "regression": 0}[LOSSES[loss].task]


def toy(classes: int, examples: int = 70, stored: Any = np.float32) -> Dataset:
    """Examples that a small network can learn: noisy linear outputs, or the largest of them as the class."""
    draws = normal(keys(99, Purpose.DATASET, part=np.arange(FEATURES + 2)), examples)
    inputs = draws[:FEATURES].T
    directions = normal(keys(98, Purpose.DATASET, part=np.arange(max(classes, 2))), FEATURES)
    outputs = inputs @ directions.T + 0.1 * draws[FEATURES:, :].T.repeat(2, axis=1)[:, : max(classes, 2)]
    targets = outputs.argmax(axis=1) if classes else outputs
    inputs = np.clip(inputs * 40 + 128, 0, 255).astype(stored) if stored == np.uint8 else inputs.astype(stored)
    return Dataset("toy", inputs, targets, classes, None, 255.0, "0" * 16)


def data_for(pack: Pack, examples: int = 70, stored: Any = np.float32, label_noise: float = 0.0) -> RunData:
    """The data of a pack's runs: standardised, split by each run's seed."""
    classes = classes_of(pack.loss)
    noise = np.full(pack.runs, label_noise if classes else 0.0)
    scaling = ["standard"] * pack.runs
    return prepare(toy(classes, examples, stored), pack.columns["seed"], noise, scaling, None, 0.2, 0.2)


def pack_of(runs: int, **given: Any) -> Pack:
    """A small pack; per-run numbers are given as one value or as one a run."""
    shared = {"depth": 2, "width": 6, "activation": "relu", "loss": "cross_entropy", "optimizer": "sgd"}
    shared |= {"batch_size": 8, "dtype": "float64"}
    shared |= {name: given.pop(name) for name in list(given) if name not in known_columns()}
    given = {"seed": np.arange(runs), "epochs": 3, "learning_rate": RATES.get(str(shared["optimizer"]), 0.01)} | given
    columns = {name: np.broadcast_to(np.asarray(value), (runs,)).copy() for name, value in given.items()}
    init = ACTIVATIONS[str(shared["activation"])].init
    return Pack(**shared, columns={"init": np.full(runs, init)} | columns)  # type: ignore[arg-type]


def mixed_pack(runs: int, content: int = 0, diverging: int | None = 1, **given: Any) -> Pack:
    """Runs that differ in everything that may differ within a pack; one of them with an absurd learning rate."""
    draw = np.random.default_rng(content)
    columns: dict[str, Any] = {
        "seed": draw.integers(0, 50, runs),
        "learning_rate": RATES[given.get("optimizer", "sgd")] * draw.uniform(0.3, 1.5, runs),
        "momentum": draw.choice([0.0, 0.5, 0.9], runs),
        "momentum_start": draw.choice([0.0, 0.5], runs),
        "momentum_ramp_epochs": draw.choice([0.0, 1.5], runs),
        "beta1": draw.choice([0.8, 0.9], runs),
        "beta2": draw.choice([0.99, 0.999], runs),
        "schedule": draw.choice(["constant", "inverse_sqrt", "exponential"], runs),
        "schedule_factor": draw.choice([0.9, 0.99], runs),
        "slope": draw.choice([0.01, 0.2], runs),
        "init_scale": draw.choice([0.1, 0.4], runs),
        "weight_decay": draw.choice([0.0, 0.01], runs),
        "dropout_rate": draw.choice([0.0, 0.3, 0.5], runs),
        "input_dropout_rate": draw.choice([0.0, 0.2], runs),
        "epochs": draw.integers(2, 5, runs),
        "patience": draw.choice([0, 1, 2], runs),
    }
    for name, strength in STRENGTHS.items():
        columns[name] = strength * draw.choice([0.0, 0.0, 1.0], runs)
    if diverging is not None:
        columns["learning_rate"][diverging] = HUGE_RATE[given.get("dtype", "float64")]
    return pack_of(runs, **columns | given)


def alone(pack: Pack, data: RunData, run: int, **how: Any) -> list[Epoch]:
    """The training of one of a pack's runs by itself."""
    return list(train(pack.take([run]), data.take(np.array([run])), **how))


def course(epochs: Iterable[Epoch], run: int) -> dict[str, Any]:
    """All that is said of one run: every metric and probe of every epoch, and how it ended."""
    mine = [epoch for epoch in epochs if run in epoch.runs]
    places = [int(np.flatnonzero(epoch.runs == run)[0]) for epoch in mine]
    said: dict[str, Any] = {"epochs": np.array([epoch.number for epoch in mine])}
    for kind in ("metrics", "probes"):
        for name in getattr(mine[0], kind):
            rows = [getattr(epoch, kind)[name][place] for epoch, place in zip(mine, places, strict=True)]
            said[f"{kind} {name}"] = np.array(rows)
    ends = [end for epoch in mine for end in epoch.ended if end.run == run]
    assert len(ends) <= 1
    for end in ends:
        said |= {name: value for name, value in vars(end).items() if name not in ("run", "summary")}
        said |= end.summary
    return said


def assert_same_course(found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Bit for bit, NaN being equal to NaN."""
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        if isinstance(value, str):
            assert found[name] == value, f"{name}: {found[name]} is not {value}"
        else:
            same = np.array_equal(found[name], value, equal_nan=True)
            assert same, f"{name} differs:\n{found[name]}\n{value}"


def assert_same_trainings(found: Sequence[Epoch], expected: Sequence[Epoch], runs: int) -> None:
    """Bit for bit for every run of a pack."""
    assert [epoch.number for epoch in found] == [epoch.number for epoch in expected]
    for run in range(runs):
        assert_same_course(course(found, run), course(expected, run))


def assert_packing_changes_nothing(pack: Pack, **data_options: Any) -> list[Epoch]:
    """Packed is alone, bit for bit, for every run. Returns the epochs of the pack."""
    data = data_for(pack, **data_options)
    packed = list(train(pack, data))
    for run in range(pack.runs):
        assert_same_course(course(packed, run), course(alone(pack, data, run), 0))
    return packed


def parameters_of(pack: Pack, data: RunData, buffer: np.ndarray, run: int) -> list[dict[str, np.ndarray]]:
    """One run's parameters by layer and name, out of a state's `weights` or `best_weights`."""
    return layout_of(pack, data).to_numpy(buffer[run])


def layout_of(pack: Pack, data: RunData) -> Layout:
    """Where the parameters of the pack's networks lie."""
    return pack.layout(data)


def small_layout(activation: str = "relu", depth: int = 1, outputs: int = 3, width: int = 4, inputs: int = 3) -> Layout:
    """The layout of a small network."""
    return Layout(Architecture(inputs, outputs, depth, width, activation))


def targets_for(loss: str, runs: int, batch: int, outputs: int, draw: np.random.Generator) -> np.ndarray:
    """Random targets of the kind the loss reads."""
    if LOSSES[loss].task == "regression":
        return draw.normal(size=(runs, batch, outputs))
    return draw.integers(0, classes_of(loss), (runs, batch))


def parameter_count(layout: Layout) -> int:
    """How many parameters a run has, without padding."""
    return sum(tensor.size for layer in layout.layers for tensor in layer.tensors)
