"""A command that is proposed trains the run that was looked at, but for what it changes."""

from __future__ import annotations

import shlex
from pathlib import Path

import pandas as pd
import pytest
import yaml

from workbench.config import SETTINGS
from workbench.config.setting import Setting, Value
from workbench.report import wording
from workbench.report.advice.commands import SET_BY_CHOICES, command_with

LONGER = (("training.epochs", "*3"),)
DECIDED_ELSEWHERE = {
    "seed", "from_run", "device", "kernel", "measure", "analyses",  # another run, machine or question
    "data.name", "network.name", "optimizer.name",  # named by their group
    "data.path", "training.bounds", "training.epochs",
}  # fmt: skip
REPEATED = [key for key, setting in SETTINGS.items() if setting.numbers and key not in DECIDED_ELSEWHERE]
CHOICES = Path(__file__).parents[3] / "conf"


def command(changes: tuple[tuple[str, str], ...] = LONGER, **settings: object) -> str:
    """The command for a run that is stored with these settings, "__" for a dot."""
    return command_with(pd.Series({key.replace("__", "."): value for key, value in settings.items()}), changes)


def another(setting: Setting) -> Value:
    """A value that is not the default, and can be typed."""
    if setting.key in ("network.init", "network.loss"):
        return {"network.init": "normal", "network.loss": "softmax_squared_error"}[setting.key]
    if names := setting.names():
        return next(name for name in names if name != setting.default)
    if setting.listed:
        return "[3,2]"
    if setting.kind is bool:
        return not setting.default
    return next(value for value in ((0.25, 0.5) if setting.kind is float else (5, 6)) if value != setting.default)


@pytest.mark.parametrize("key", REPEATED)
def test_every_setting_that_decides_numbers_is_repeated(key: str) -> None:
    value = another(SETTINGS[key])
    assert f"{key}={wording.value(value)}" in shlex.split(command(**{key: value}))


@pytest.mark.parametrize("group", ["data", "network", "optimizer"])
def test_what_a_choice_sets_by_itself_is_known(group: str) -> None:
    for file in (CHOICES / group).glob("*.yaml"):
        for name, value in yaml.safe_load(file.read_text(encoding="utf-8")).items():
            key = f"{group}.{name}"
            if key not in (f"{group}.name", "optimizer.learning_rate") and value != SETTINGS[key].default:
                assert file.stem in SET_BY_CHOICES[key], key


def test_a_default_is_said_where_the_choice_has_another() -> None:
    assert "optimizer.learning_rate=0.1" in command(optimizer__name="adam", optimizer__learning_rate=0.1)
    assert "data.scaling=standard" in command(data__name="mnist", data__scaling="standard")
    assert command(data__name="digits", data__scaling="standard", optimizer__learning_rate=0.1) == (
        "workbench training.epochs=60 'seed=range(12)'"
    )


def test_a_convolutional_network_stays_one() -> None:
    said = command(network__name="cnn", network__channels="[4,8]", network__depth=2)
    assert said == "workbench network=cnn 'network.channels=[4,8]' network.depth=2 training.epochs=60 'seed=range(12)'"


def test_the_file_of_own_arrays_is_left_to_fill_in() -> None:
    assert command(data__name="npz").startswith("workbench data=npz data.path=FILE.npz ")


def test_a_number_of_a_rule_that_is_not_here_is_repeated() -> None:
    said = command(optimizer__name="lion", optimizer__learning_rate=0.003, optimizer__fading=0.9)
    assert "optimizer=lion optimizer.learning_rate=0.003 optimizer.fading=0.9 " in said


def test_what_the_engine_chose_is_left_to_it() -> None:
    said = command(network__activation="tanh", network__init="glorot", network__loss="cross_entropy",
                   optimizer__momentum=0.9, optimizer__momentum_start=0.9)  # fmt: skip
    assert said == "workbench network.activation=tanh training.epochs=60 'seed=range(12)'"


def test_another_optimizer_brings_its_own_numbers() -> None:
    to_adam = (("optimizer", "adam"), ("optimizer.learning_rate", "0.001"))
    said = command(to_adam, optimizer__name="momentum", optimizer__momentum=0.5, optimizer__schedule="inverse_sqrt")
    assert shlex.split(said) == [
        "workbench", "optimizer=adam", "optimizer.schedule=inverse_sqrt", "optimizer.learning_rate=0.001",
        "seed=range(12)",
    ]  # fmt: skip


@pytest.mark.parametrize("change", [("dropout.rate", "0.5"), ("network.width", "*8")])
def test_what_the_network_does_not_read_is_not_proposed(change: tuple[str, str]) -> None:
    assert command((change,), network__depth=0) == ""
    assert command((change,), network__depth=1) != ""


def test_a_penalty_that_is_there_is_not_proposed_again() -> None:
    to_l2 = (("penalty", "l2"), ("penalty.strength", "0.003"))
    assert command(to_l2, penalty__l2=0.01, penalty__l1=0.0) == ""
    assert command(to_l2, penalty__l2=0.0, penalty__l1=0.01) == (
        "workbench penalty=l2 penalty.strength=0.003 'seed=range(12)'"
    )
    assert "penalty.l1=0.01" in command(penalty__l2=0.0, penalty__l1=0.01)
