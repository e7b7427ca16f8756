"""What a run does not read changes none of its numbers, and what it reads does: every row of every family's table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.measure.cases import tiny
from tests.measure.test_measurements import suited
from tests.repetitions import mostly_thorough
from workbench.config import SETTINGS, RunConfig, as_read, flatten, run_config, unread
from workbench.config.reading import idle
from workbench.data import DATASETS, load, prepare
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.rules.initializers import INITIALIZERS
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.rules.schedules import MADE_FROM, SCHEDULES
from workbench.engine.training.architecture import NETWORKS
from workbench.engine.training.loop import train
from workbench.measure import INSTRUMENTS, MEASUREMENTS
from workbench.sweep.planning.identity import engine_pack, numbers

# Another allowed value of every setting that a row may read or not; of all others a step from the default.
OTHER: dict[str, Any] = {
    "optimizer.momentum": 0.3,
    "optimizer.momentum_start": 0.2,
    "optimizer.momentum_ramp_epochs": 2,
    "optimizer.momentum_end": 0.2,
    "optimizer.momentum_end_epochs": 2,
    "optimizer.schedule_factor": 0.9,
    "optimizer.schedule_time": 2.0,
    "optimizer.epsilon": 0.1,
    "optimizer.alpha": 0.5,
    "optimizer.beta1": 0.5,
    "optimizer.beta2": 0.7,
    "network.init_scale": 0.3,
    "network.slope": 0.5,
    "network.pieces": 3,
    "network.width": 9,
    "network.depth": 1,
    "network.widths": "[5,4,3]",
    "network.activation": "tanh",
    "dropout.rate": 0.5,
    "data.examples": 140,
    "data.noise": 0.4,
    "data.test": 0.3,
    "data.spectrum": "[4,1]",
}
# What only networks of images read.
OF_IMAGES: dict[str, Any] = {
    "network.channels": "[3]",
    "network.kernel": 2,
    "network.stride": 2,
    "network.padding": "valid",
    "network.pool": "average",
    "network.pool_size": 3,
    "network.global_average": True,
    "dropout.map_rate": 0.5,
    "dropout.channel_rate": 0.5,
}
SMALL_IMAGES = {"name": "cnn", "channels": "[2]"}
BASES: dict[str, dict[str, Any]] = (
    {f"optimizer {name}": {"optimizer": {"name": name}} for name in OPTIMIZERS}
    | {f"ramp of {name}": {"optimizer": {"name": name, "momentum_ramp_epochs": 1}} for name in OPTIMIZERS}
    | {f"start of {name}": {"optimizer": {"name": name, "momentum_start": 0.5}} for name in OPTIMIZERS}
    | {f"end of {name}": {"optimizer": {"name": name, "momentum_end_epochs": 1}} for name in OPTIMIZERS}
    | {f"schedule {name}": {"optimizer": {"schedule": name}} for name in SCHEDULES}
    | {f"activation {name}": {"network": {"activation": name}} for name in ACTIVATIONS}
    | {f"init {name}": {"network": {"init": name}} for name in INITIALIZERS}
    | {"unequal widths": {"network": {"widths": "[6,3]"}}}
    | {"no hidden layer": {"network": {"depth": 0}}, "none of its weights": {"network": {"depth": 0, "init": "he"}}}
    | {"digits": {"data": {"name": "digits", "train_size": 60}}}
    | {
        f"images {name}": {"network": SMALL_IMAGES | network, "data": {"name": "digits", "train_size": 60}}
        for name, network in {"pooled": {}, "not pooled": {"pool": "none"}, "no hidden layer": {"depth": 0}}.items()
    }
)
# The section that a base is about: another one's settings are asked for elsewhere.
ASKED = {"optimizer": "optimizer.", "ramp": "optimizer.momentum", "start": "optimizer.momentum",
         "end": "optimizer.momentum", "schedule": "optimizer.schedule", "activation": "network.", "init": "network.",
         "images": ("network.", "dropout.")}  # fmt: skip


def is_quick(base: str) -> bool:
    """Whether a base counts always: momentum over time does so once for each kind of optimizer."""
    _, _, name = base.partition(" of ")
    return not name or name in ("sgd", "nesterov")


def changed(config: RunConfig, key: str, value: Any) -> RunConfig:
    section, _, name = key.rpartition(".")
    nested: dict[str, Any] = {}
    for each, own in flatten(config).items():
        part, _, last = each.rpartition(".")
        (nested.setdefault(part, {}) if part else nested)[last] = own
    (nested[section] if section else nested)[name] = value
    return run_config(nested)


def weights_after(config: RunConfig) -> bytes:
    """The weights a run ends with, by the plain kernel."""
    decided = numbers(config)
    columns = {s.engine: np.array([decided.get(key, s.default)]) for key, s in SETTINGS.items() if s.role == "per_run"
               if not key.startswith("data.") and key != "analyses"}  # fmt: skip
    pack, share = engine_pack(decided | {"kernel": "plain"}, columns), config.data
    noise, scaling = np.array([share.label_noise]), [share.scaling]
    data = prepare(load(share), [config.seed], noise, scaling, share.train_size, share.validation, share.test)
    *_, last = train(pack, data)
    return last.weights([0]).final.tobytes()


@pytest.mark.parametrize("base", mostly_thorough(BASES, *(base for base in BASES if is_quick(base))))
def test_what_a_run_does_not_read_changes_no_weight_and_what_it_reads_does(base: str) -> None:
    config = tiny(training={"epochs": 2, "batch_size": 32}, **BASES[base])
    before, without = weights_after(config), unread(config)
    assert set(without) <= {*OTHER, *OF_IMAGES, "data.path", "data.dir"}
    values = OTHER | OF_IMAGES if base.startswith("images") else OTHER
    asked = [key for key in values if key.startswith(ASKED.get(base.partition(" ")[0], ""))]
    others = {key: "sigmoid" if values[key] == flatten(config)[key] else values[key] for key in asked}
    moved = {key for key, value in others.items() if weights_after(changed(config, key, value)) != before}
    read = {key for key in asked if key not in without}
    if base == "init zero":  # what is zero everywhere shows nothing of a slope or a piece
        assert moved <= read
    else:
        assert moved == read


@pytest.mark.parametrize("name", [name for name in MEASUREMENTS if not MEASUREMENTS[name].timing])
def test_what_a_measurement_does_not_take_changes_nothing_it_measures(name: str) -> None:
    config = suited(name, data={"name": "blobs"})
    before = INSTRUMENTS.measure(config)
    others = {"data.label_noise": 0.2, "data.noise": 0.4, "dropout.rate": 0.5, "optimizer.momentum": 0.3, "seed": 5}
    for key in unread(config).keys() & others.keys():
        assert INSTRUMENTS.measure(changed(config, key, others[key])).metrics == before.metrics, key


def test_runs_that_differ_in_nothing_read_are_one_run() -> None:
    assert as_read(tiny(optimizer={"momentum": 0.5})) == as_read(tiny())
    assert as_read(tiny(optimizer={"name": "momentum", "momentum": 0.5})) != as_read(
        tiny(optimizer={"name": "momentum"})
    )
    measuring = tiny(measure="matrix_form", dropout={"rate": 0.5})
    assert as_read(measuring) is measuring


def test_a_reason_names_the_setting_and_what_reads() -> None:
    why = unread(tiny())["optimizer.momentum"]
    assert (why.because, why.remedy) == ("optimizer=sgd", "optimizer=momentum or nesterov")
    assert unread(tiny(network={"depth": 0}))["dropout.rate"].because == "network.depth=0"
    assert unread(run_config({"data": {"name": "mnist"}}))["data.test"].because.startswith(
        "data=mnist, which has a test"
    )
    assert unread(tiny(measure="matrix_form"))["training.epochs"].because == "measure=matrix_form"


@pytest.mark.parametrize("family", [OPTIMIZERS, ACTIVATIONS, INITIALIZERS, SCHEDULES, DATASETS, NETWORKS])
def test_a_row_reads_settings_that_there_are(family: dict[str, Any]) -> None:
    names = {key.rpartition(".")[2] for key in SETTINGS} | {*MADE_FROM, *SETTINGS}
    assert {name for row in family.values() for name in row.reads} <= names


@pytest.mark.parametrize(
    "asked",
    [
        *({"optimizer": {"name": name}} for name in OPTIMIZERS),
        *({"network": {"activation": name}} for name in ACTIVATIONS),
        *({"network": {"init": name}} for name in INITIALIZERS),
        *({"optimizer": {"schedule": name}} for name in SCHEDULES),
        {"optimizer": {"name": "sgd", "momentum": 0.5}},
    ],
    ids=str,
)
def test_what_is_idle_can_be_had_from_the_rest(asked: dict[str, dict[str, Any]]) -> None:
    decided = numbers(run_config(asked))
    left = {key: value for key, value in decided.items() if key not in idle(decided)}
    sections: dict[str, Any] = {}
    for key, value in left.items():
        section, _, name = key.rpartition(".")
        (sections.setdefault(section, {}) if section else sections)[name] = value
    assert numbers(run_config(sections)) == decided
    assert len(left) < len(decided)


def test_a_setting_that_was_changed_is_never_idle_and_neither_is_one_of_an_unknown_choice() -> None:
    plain = numbers(run_config({}))
    assert "optimizer.momentum" in idle(plain)
    assert "optimizer.momentum" not in idle(plain | {"optimizer.momentum": 0.5})
    assert "optimizer.momentum" not in idle(plain | {"optimizer.name": "mine"})
    assert not idle(plain | {"measure": "shifted_sigmoids"})
