"""A run's fingerprint changes with what decides its numbers, and with nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.sweep.cases import small
from workbench.config import SETTINGS, RunConfig, as_read, flatten
from workbench.engine.training.pack import columns as pack_columns
from workbench.sweep.planning import identity
from workbench.sweep.planning.identity import (
    content,
    fingerprint,
    fingerprints_by_seed,
    numbers,
    pinned,
    run_name,
    settings_of_other_networks,
)


def mark(config: RunConfig) -> str:
    return fingerprint(numbers(as_read(config)), str(pinned(config.data).digest))


def changed(config: RunConfig, key: str) -> RunConfig:
    """The configuration with another allowed value of one setting."""
    setting, section, name = SETTINGS[key], *key.rpartition(".")[::2]
    value = another(setting.kind, flatten(config)[key], [name for name in setting.names() if name != "auto"])
    value = "[4]" if setting.listed else value
    if not section:
        return replace(config, **{name: value})
    return replace(config, **{section: replace(getattr(config, section), **{name: value})})


def another(kind: type, value: Any, names: list[str]) -> Any:
    if names:
        return next(name for name in reversed(names) if name != value)  # the first ones are what auto stands for
    if kind is bool:
        return not value
    if kind is str:
        return f"{value or ''}x"
    return (value or 0) + 1 if kind is int else 0.125 if value != 0.125 else 0.25


DEVICES = {"device", "precision"}  # another device, and what only a device offers, is not to be had everywhere
FIXED = {key for key, setting in SETTINGS.items() if len(setting.names()) == 1}
ABOUT_DATA = {"data.path", "data.digest"}  # they say which data these must be, whose digest decides
LABELS = [key for key, s in SETTINGS.items() if not s.numbers and key not in FIXED | ABOUT_DATA]
DECIDING = [key for key, setting in SETTINGS.items() if setting.numbers and key not in DEVICES]
# What reads a setting that a run of `small` does not.
IMAGES: dict[str, dict[str, Any]] = {"network": {"name": "cnn"}, "data": {"name": "digits"}}
READING: dict[str, dict[str, Any]] = {
    **dict.fromkeys(sorted(settings_of_other_networks("mlp")), IMAGES),
    "data.spectrum": {"data": {"name": "quadratic"}},
    "network.pieces": {"network": {"activation": "maxout"}},
    "network.slope": {"network": {"activation": "prelu"}},
    "network.init_scale": {"network": {"init": "normal"}},
    "optimizer.schedule_factor": {"optimizer": {"schedule": "exponential"}},
    "optimizer.momentum": {"optimizer": {"name": "momentum"}},
    "optimizer.momentum_start": {"optimizer": {"name": "momentum", "momentum_ramp_epochs": 3}},
    "optimizer.momentum_ramp_epochs": {"optimizer": {"name": "nesterov", "momentum_start": 0.5}},
    "optimizer.momentum_end": {"optimizer": {"name": "momentum", "momentum_end_epochs": 1}},
    "optimizer.momentum_end_epochs": {"optimizer": {"name": "momentum"}},
    "optimizer.schedule_time": {"optimizer": {"schedule": "inverse_time"}},
    "optimizer.alpha": {"optimizer": {"name": "rmsprop"}},
    "optimizer.beta1": {"optimizer": {"name": "adam"}},
    "optimizer.beta2": {"optimizer": {"name": "adam"}},
    "optimizer.epsilon": {"optimizer": {"name": "adagrad"}},
}


@pytest.mark.parametrize("key", LABELS)
def test_a_setting_that_decides_no_number_leaves_the_fingerprint_alone(key: str) -> None:
    assert mark(changed(small(), key)) == mark(small())


@pytest.mark.parametrize("key", DECIDING)
def test_a_setting_that_decides_numbers_changes_the_fingerprint(key: str) -> None:
    # Not every dataset and kernel is to be had everywhere.
    chosen = {"data.name": small(data={"name": "digits"}), "kernel": small(kernel="plain")}
    base = small(**READING.get(key, {}))
    config = chosen.get(key) or changed(base, key)
    assert mark(config) != mark(base)


@pytest.mark.parametrize("key", READING)
def test_a_setting_that_nothing_reads_leaves_the_fingerprint_alone(key: str) -> None:
    assert mark(changed(small(), key)) == mark(small())


def test_auto_and_what_it_stands_for_are_one_run() -> None:
    explicit = small(network={"init": "he", "loss": "cross_entropy"}, device="cpu")
    assert mark(small(device="auto")) == mark(explicit) or numbers(small(device="auto"))["device"] == "cuda"
    assert mark(small()) == mark(explicit)


def test_no_ramp_and_a_ramp_from_the_final_momentum_are_one_run() -> None:
    assert mark(small(optimizer={"momentum_start": 0.9})) == mark(small())


def test_a_dense_network_is_without_what_only_others_read() -> None:
    """So that its runs are those they were before there were others."""
    assert not settings_of_other_networks("mlp") & numbers(small()).keys()
    assert "network.name" not in numbers(small())
    assert settings_of_other_networks("mlp") <= numbers(small(**IMAGES)).keys()


def test_the_shape_of_images_decides_the_numbers_of_networks_that_read_them(tmp_path: Path) -> None:
    targets = np.arange(40) % 2

    def of(network: str, *shape: int) -> str:
        np.savez(tmp_path / "own.npz", inputs=np.arange(40 * 16, dtype=np.uint8).reshape(40, *shape), targets=targets)
        data = {"name": "npz", "path": str(tmp_path / "own.npz")}
        config = small(data=data, network={"name": network, "channels": [2]})
        return content(replace(config, data=pinned(config.data)))

    assert of("cnn", 4, 4) != of("cnn", 2, 8)
    assert of("mlp", 4, 4) == of("mlp", 2, 8)


def test_the_fingerprint_changes_with_the_numerical_version_of_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    before = mark(small())
    monkeypatch.setattr(identity, "NUMERICAL_VERSION", identity.NUMERICAL_VERSION + 1)
    assert mark(small()) != before


@pytest.mark.parametrize("seed", [0, 7, 2**63 - 1])
def test_fingerprints_by_seed_are_those_of_the_runs(seed: int) -> None:
    misleading = '["seed",0]'  # as a person may have it in a name
    for of in (numbers(small(seed=3)), {**numbers(small()), "arm": misleading}):
        expected = fingerprint({**of, "seed": seed}, misleading, [misleading])
        assert fingerprints_by_seed(of, misleading, [misleading])(seed) == expected


def test_the_fingerprint_changes_with_the_data() -> None:
    assert fingerprint(numbers(small()), "one digest") != fingerprint(numbers(small()), "another")


def test_nothing_is_left_as_auto() -> None:
    assert "auto" not in numbers(small()).values()


def test_a_run_is_named_by_what_a_person_looks_for() -> None:
    config = small(
        seed=3, network={"depth": 4}, optimizer={"name": "adam"}, penalty={"strength": 1e-4}, dropout={"rate": 0.5}
    )
    name = run_name(config, {"optimizer": "adamw", "penalty": "l1"}, {"seed": 3, "network.width": 4})
    assert name == "relu d4 adamw l1=0.0001 p=0.5 width=4 s3"


def test_a_name_leaves_out_what_is_off() -> None:
    assert run_name(small(), {"penalty": "none"}, {}) == "relu d1 sgd s0"


def test_runs_that_were_tested_after_every_epoch_are_still_known() -> None:
    """`training.test_every` came later: 1 is what all runs had, and so is left out of the fingerprint."""
    always = changed(small(), "training.test_every")
    always = replace(always, training=replace(always.training, test_every=1))
    assert "training.test_every" not in numbers(as_read(always))
    assert mark(always) != mark(small())


TOLD = [key for key in identity.NOT_ASKED_FOR if SETTINGS[key].engine in identity.STATIC | pack_columns().keys()]


@pytest.mark.parametrize("key", TOLD)
def test_the_engine_is_told_what_is_left_out_of_the_numbers(key: str) -> None:
    """Also where it is not the default, as `training.test_every` of 1."""
    value, (section, _, name) = identity.NOT_ASKED_FOR[key], key.rpartition(".")
    base = small(**READING.get(key, {}))
    decided = numbers(replace(base, **{section: replace(getattr(base, section), **{name: value})}))
    assert key not in decided
    columns = identity.engine_columns([decided])
    engine = SETTINGS[key].engine
    found = columns[engine][0] if engine in columns else getattr(identity.engine_pack(decided, columns), engine)
    assert found == value
