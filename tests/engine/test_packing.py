"""Packing changes nothing but the time: packed is alone, bit for bit, and so are workers, groups and order."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from tests.repetitions import crossed
from workbench.engine.errors import BadInput
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.rules.initializers import INITIALIZERS
from workbench.engine.rules.losses import LOSSES
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.rules.penalties import PENALTIES
from workbench.engine.rules.schedules import SCHEDULES
from workbench.engine.training import workers
from workbench.engine.training.loop import train
from workbench.engine.training.pack import COLUMNS, Pack

from .cases import (
    HUGE_RATE,
    STRENGTHS,
    alone,
    assert_packing_changes_nothing,
    assert_same_course,
    assert_same_trainings,
    course,
    data_for,
    mixed_pack,
    pack_of,
)

RUNS = 5
DTYPES = ["float32", "float64"]


@pytest.mark.parametrize(("dtype", "activation"), crossed(DTYPES, ACTIVATIONS))
def test_packed_is_alone_for_every_activation(activation: str, dtype: str) -> None:
    assert_packing_changes_nothing(mixed_pack(RUNS, content=1, activation=activation, dtype=dtype))


@pytest.mark.parametrize(("dtype", "optimizer"), crossed(DTYPES, OPTIMIZERS))
def test_packed_is_alone_for_every_optimizer(optimizer: str, dtype: str) -> None:
    assert_packing_changes_nothing(mixed_pack(RUNS, content=2, optimizer=optimizer, dtype=dtype))


@pytest.mark.parametrize(("dtype", "loss"), crossed(DTYPES, LOSSES))
def test_packed_is_alone_for_every_loss(loss: str, dtype: str) -> None:
    assert_packing_changes_nothing(mixed_pack(RUNS, content=3, loss=loss, activation="tanh", dtype=dtype))


@pytest.mark.parametrize(("optimizer", "penalty"), crossed(OPTIMIZERS, PENALTIES))
def test_packed_is_alone_for_every_penalty_beside_runs_without(penalty: str, optimizer: str) -> None:
    strengths = STRENGTHS[penalty] * np.array([0, 1, 0, 2.0, 0])
    pack = pack_of(RUNS, optimizer=optimizer, dtype="float32", **{penalty: strengths})
    assert_packing_changes_nothing(pack)


def test_packed_is_alone_for_all_initializers_and_schedules_side_by_side() -> None:
    names, schedules = list(INITIALIZERS), list(SCHEDULES)
    runs = len(names)
    schedule = [schedules[run % len(schedules)] for run in range(runs)]
    pack = pack_of(runs, activation="tanh", optimizer="momentum", init=names, schedule=schedule, schedule_factor=0.97)
    assert_packing_changes_nothing(pack)


@pytest.mark.parametrize("content", range(12))
def test_packed_is_alone_for_random_mixes(content: int) -> None:
    draw = np.random.default_rng(1000 + content)
    given: dict[str, Any] = {
        "activation": draw.choice(list(ACTIVATIONS)),
        "optimizer": draw.choice(list(OPTIMIZERS)),
        "loss": draw.choice(list(LOSSES)),
        "depth": int(draw.integers(0, 4)),
        "width": int(draw.choice([1, 3, 16, 33])),
        "pieces": int(draw.integers(2, 4)),
        "batch_size": int(draw.choice([1, 7, 40])),
        "dtype": draw.choice(DTYPES),
    }
    given = {name: str(value) if isinstance(value, np.str_) else value for name, value in given.items()}
    runs = int(draw.integers(2, 8))
    pack = mixed_pack(runs, content, diverging=int(draw.integers(0, runs)), **given)
    stored = np.uint8 if draw.random() < 0.5 else np.float32
    assert_packing_changes_nothing(pack, stored=stored, label_noise=float(draw.choice([0, 0.2])))


@pytest.mark.parametrize(
    ("content", "given"),
    [
        (35, {"activation": "sigmoid", "optimizer": "nesterov", "loss": "softmax_squared_error", "depth": 1}),
        (74, {"activation": "tanh", "optimizer": "adam", "loss": "binary_cross_entropy"}),
        (224, {"activation": "softplus", "optimizer": "adagrad", "loss": "squared_error", "dtype": "float32"}),
    ],
)
def test_packed_is_alone_where_runs_diverge_slowly(content: int, given: dict[str, Any]) -> None:
    """Their weights become infinite or not a number in many ways, of which none may show in a digest."""
    draw = np.random.default_rng(content)
    rates = 10 ** draw.uniform(-1, 5 if given.get("dtype") == "float32" else 40, RUNS)
    pack = mixed_pack(RUNS, content, diverging=None, **given, batch_size=7, epochs=6, learning_rate=rates)
    assert_packing_changes_nothing(pack)


def test_packed_is_alone_in_nets_as_large_as_people_use() -> None:
    rates = [0.1, 0.01, 0.05]
    pack = pack_of(3, depth=2, width=130, batch_size=64, epochs=2, learning_rate=rates, dtype="float32")
    assert_packing_changes_nothing(pack, examples=900)


def test_the_mix_has_runs_that_end_in_every_way() -> None:
    pack = mixed_pack(8, content=4, activation="relu", epochs=6, patience=[0, 0, 1, 1, 1, 1, 0, 0], learning_rate=0.4)
    pack.columns["learning_rate"][1] = HUGE_RATE["float64"]
    ends = [end for epoch in train(pack, data_for(pack)) for end in epoch.ended]
    assert sorted(end.run for end in ends) == list(range(8))
    assert ends[0].outcome == "diverged"
    assert any(end.outcome == "finished" and end.epochs < 6 for end in ends)
    assert any(end.outcome == "finished" and end.epochs == 6 for end in ends)


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_the_size_of_the_groups_changes_nothing(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pack = mixed_pack(RUNS, content=5, optimizer="adam")
    data = data_for(pack)
    monkeypatch.setattr(workers, "runs_per_group", lambda _pack, _data: RUNS)
    expected = list(train(pack, data))
    monkeypatch.setattr(workers, "runs_per_group", lambda _pack, _data: size)
    assert_same_trainings(list(train(pack, data)), expected, RUNS)


@pytest.mark.parametrize("count", [2, 3, 9])
def test_the_number_of_workers_changes_nothing(count: int) -> None:
    pack = mixed_pack(RUNS, content=6, optimizer="momentum", dtype="float32")
    data = data_for(pack)
    assert_same_trainings(list(train(pack, data, workers=count)), list(train(pack, data)), RUNS)


def test_workers_of_wide_nets_change_nothing() -> None:
    pack = pack_of(2, width=150, batch_size=64, epochs=2, dtype="float32", learning_rate=0.05)
    data = data_for(pack, examples=700)
    assert_same_trainings(list(train(pack, data, workers=2)), list(train(pack, data)), 2)


def test_the_order_of_the_runs_changes_nothing() -> None:
    pack = mixed_pack(RUNS, content=7, optimizer="nesterov")
    data = data_for(pack)
    order = np.array([3, 0, 4, 2, 1])
    expected, found = list(train(pack, data)), list(train(pack.take(order), data.take(order)))
    for place, run in enumerate(order):
        assert_same_course(course(found, place), course(expected, int(run)))


def test_a_run_twice_in_a_pack_is_the_same_run_twice() -> None:
    pack = mixed_pack(RUNS, content=8).take([0, 2, 2, 3])
    epochs = list(train(pack, data_for(pack)))
    assert_same_course(course(epochs, 1), course(epochs, 2))


def test_a_pack_trains_twice_to_the_same_numbers() -> None:
    pack = mixed_pack(RUNS, content=9)
    data = data_for(pack)
    assert_same_trainings(list(train(pack, data)), list(train(pack, data)), RUNS)


# Shifts are of images alone: `test_shifts.py`.
@pytest.mark.parametrize("name", sorted(set(COLUMNS) - {"init", "momentum_start", "alpha", "shift_pixels"}))
def test_a_number_of_one_run_does_not_reach_its_neighbours(name: str) -> None:
    others = {
        "schedule": "inverse_sqrt",
        "patience": 1,
        "epochs": 2,
        "seed": 17,
        "momentum_ramp_epochs": 2,
        "bounds": "1:0.01",
    }
    pack = pack_of(3, optimizer="nesterov", activation="leaky_relu", dropout_rate=[0, 0.2, 0.2], epochs=3)
    data = data_for(pack)
    expected = list(train(pack, data))
    changed = Pack(**{field: getattr(pack, field) for field in pack.__dataclass_fields__} | {"columns": pack.columns})
    values = (
        pack.columns[name].copy().astype(type(others.get(name, 0.3)) if name not in ("schedule", "bounds") else "U20")
    )
    values[1] = others.get(name, 0.3)
    changed = Pack(**{**vars(changed), "columns": {**pack.columns, name: values}})
    found = list(train(changed, data))
    for run in (0, 2):
        assert_same_course(course(found, run), course(expected, run))


def test_a_pack_is_a_plain_value_that_survives_pickling() -> None:
    pack = mixed_pack(RUNS, content=9)
    data = data_for(pack)
    again, data_again = pickle.loads(pickle.dumps((pack, data)))
    assert_same_trainings(list(train(again, data_again)), list(train(pack, data)), RUNS)


def test_epochs_report_the_runs_that_trained_in_ascending_order() -> None:
    pack = pack_of(4, epochs=[1, 4, 2, 4])
    epochs = list(train(pack, data_for(pack)))
    assert [epoch.runs.tolist() for epoch in epochs] == [[0, 1, 2, 3], [0, 1, 2, 3], [1, 2, 3], [1, 3], [1, 3]]
    assert [[end.run for end in epoch.ended] for epoch in epochs] == [[], [0], [2], [], [1, 3]]


def test_examples_count_what_was_trained_on() -> None:
    pack = pack_of(4, epochs=[1, 4, 2, 4], batch_size=8)
    data = data_for(pack)
    per_run = data.train.index.shape[1] // 8 * 8
    assert [epoch.examples for epoch in train(pack, data)][1:] == [per_run * runs for runs in (4, 3, 2, 2)]


def test_training_writes_nothing_to_the_pack_or_the_data() -> None:
    pack = mixed_pack(RUNS, content=10)
    data = data_for(pack)
    for array in (data.inputs, data.scale, data.shift, data.train.index, data.train.targets, *pack.columns.values()):
        array.setflags(write=False)
    assert len(list(train(pack, data))) > 1


def test_a_batch_larger_than_the_training_split_is_refused_in_one_line() -> None:
    pack = pack_of(1, batch_size=43)
    with pytest.raises(BadInput, match=r"training\.batch_size: found 43, allowed are 1 to 42") as caught:
        list(train(pack, data_for(pack)))
    assert "\n" not in str(caught.value)


def test_a_loss_that_does_not_fit_the_data_is_refused_in_one_line() -> None:
    pack = pack_of(1, loss="squared_error")
    with pytest.raises(BadInput, match=r"network\.loss: squared_error is for regression, and the data are 3 classes"):
        list(train(pack, data_for(pack_of(1))))


@pytest.mark.parametrize("wrong", [{"speed": np.zeros(2)}, {"l1": np.zeros(3)}, {"l1": 0.5}])
def test_a_column_of_the_wrong_name_or_shape_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=next(iter(wrong))):
        Pack(1, 2, "relu", "cross_entropy", "sgd", 4, {"seed": np.arange(2)} | wrong)


def test_alone_is_deterministic_in_the_seed() -> None:
    pack = pack_of(2, seed=[3, 3])
    data = data_for(pack)
    assert_same_course(course(alone(pack, data, 0), 0), course(alone(pack, data, 1), 0))


def test_packed_is_alone_with_unequal_widths() -> None:
    pack = mixed_pack(4, widths=(7, 3, 5))
    assert [layer.outputs for layer in pack.architecture(5, 3).layers] == [(7,), (3,), (5,), (3,)]
    assert_packing_changes_nothing(pack)
