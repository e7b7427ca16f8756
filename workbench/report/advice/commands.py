"""The command that trains a stored run again with some settings changed: it is to be typed as it stands.

It says whatever differs from what the choices it names would set by themselves. What the store has no word of, the file
of a person's own arrays, stands there as a place to fill in.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace

import numpy as np
import pandas as pd

from workbench.config import SECTIONS, SETTINGS, DataConfig, RunConfig, table, unread
from workbench.config.setting import Value
from workbench.report import wording
from workbench.report.statistics.design import SEED

NEW_SEEDS = f"{SEED}=range(12)"
OWN_FILE = "FILE.npz"  # no store keeps the path of a file
_USUAL_CHOICES: Mapping[str, Value] = {"data": "digits", "network": "mlp", "optimizer": "sgd", "penalty": "none"}
_FURTHER = ("dtype", "precision")  # settings of no section that a command repeats
# What choices set by themselves (`conf/`): beside them even the schema's default has to be said.
SET_BY_CHOICES: Mapping[str, tuple[str, ...]] = {
    "data.scaling": ("mnist", "fashion_mnist", "quadratic"), "network.depth": ("cnn",),
    "optimizer.weight_decay": ("adamw",),
}  # fmt: skip
# What the choices of groups stand for, what no store keeps, and what only a search or the engine decides.
_NOT_REPEATED = ("data.name", "network.name", "optimizer.name", "penalty.name", "data.path", "data.dir", "data.digest",
                 "training.bounds")  # fmt: skip
_DERIVED_FROM = ("penalty.strength", "penalty.l1_ratio")  # of the numbers of a penalty, which the store has
_CUSTOMARY_LOSSES = ("cross_entropy", "binary_cross_entropy")


def command_with(row: pd.Series, changes: Sequence[tuple[str, str]]) -> str:
    """The command that trains the run of that row anew, on new seeds, with the changes; "" if they change nothing.

    A change is (key, value); a value like "*10" or "/10" multiplies or divides the one there is.
    """
    held = _held(row)
    new = {key: _changed(key, held.get(key), text) for key, text in changes}
    changed = {**_without_what_is_replaced(held, new), **new}
    before, after = _unread(held), _unread(changed)
    if all(held.get(key, _usual(key)) == value or key in after for key, value in new.items()):
        return ""
    if held.get(f"penalty.{new.get('penalty')}"):  # it has one of that kind already
        return ""
    gone = after - before | (after & new.keys())
    words = [
        shlex.quote(f"{key}={wording.value(value)}")
        for key, value in changed.items()
        if key not in gone and (key in new or _is_said(key, value, changed))
    ]
    return " ".join(["workbench", *words, shlex.quote(NEW_SEEDS)])


def _held(row: pd.Series) -> dict[str, Value]:
    """The choices and settings of a run that a command may repeat, in the order in which it does."""
    found: dict[str, Value] = {}
    for group in _USUAL_CHOICES:
        named = [text for key in (group, f"{group}.name") if isinstance(text := row.get(key), str)]
        found |= {group: named[0]} if named else {}
        found |= {"data.path": OWN_FILE} if group == "data" and found.get("data") == "npz" else {}
        found |= _of_section(row, f"{group}.")
    for section in ("dropout.", "training."):
        found |= _of_section(row, section)
    return found | _present(row, _FURTHER)


def _of_section(row: pd.Series, section: str) -> dict[str, Value]:
    """The settings of a section: the schema's, then those of rules that this folder does not have."""
    keys = [key for key in SETTINGS if key.startswith(section)]
    keys += [key for key in map(str, row.index) if key.startswith(section) and key not in SETTINGS]
    derived = _DERIVED_FROM if any(key in row for key in keys if key not in (*_DERIVED_FROM, *_NOT_REPEATED)) else ()
    return _present(row, [key for key in keys if key not in (*_NOT_REPEATED, *derived)])


def _present(row: pd.Series, keys: Sequence[str]) -> dict[str, Value]:
    found = {}
    for key in keys:
        value = row.get(key)
        if value is not None and not (isinstance(value, float) and math.isnan(value)):
            found[key] = value.item() if isinstance(value, np.generic) else value
    return found


def _is_said(key: str, value: Value, settings: Mapping[str, Value]) -> bool:
    """Whether a command has to say the setting: without it, it would not have this value."""
    if key == "network.init":  # the store has no "auto" any more
        return value != _customary_init(settings)
    if key == "network.loss":
        return value not in _CUSTOMARY_LOSSES
    if key == "optimizer.momentum_start":
        return value != settings.get("optimizer.momentum")
    group = key.partition(".")[0]
    choice = settings.get(group, _USUAL_CHOICES.get(group))
    if key == "optimizer.learning_rate" and choice != _USUAL_CHOICES[group]:  # each has a rate of its own
        return True
    return choice in SET_BY_CHOICES.get(key, ()) or value != _usual(key)


def _usual(key: str) -> Value:
    return _USUAL_CHOICES[key] if key in _USUAL_CHOICES else SETTINGS[key].default if key in SETTINGS else None


def _customary_init(settings: Mapping[str, Value]) -> Value:
    row = table("activations").get(str(settings.get("network.activation", SETTINGS["network.activation"].default)))
    return getattr(row, "init", None)


def _without_what_is_replaced(held: Mapping[str, Value], new: Mapping[str, Value]) -> dict[str, Value]:
    """The settings that stay: another optimizer or penalty brings numbers of its own."""
    replaced = tuple(f"{group}." for group in ("optimizer", "penalty") if group in new)
    return {
        key: value
        for key, value in held.items()
        if not key.startswith(replaced) or key.startswith("optimizer.schedule")
    }


def _unread(settings: Mapping[str, Value]) -> set[str]:
    """What a run of these settings does not read, those of its data aside."""
    config = RunConfig()
    for section in ("network", "optimizer", "dropout", "training"):
        names = {field.name for field in fields(SECTIONS[section])}
        own = {name: settings[f"{section}.{name}"] for name in names if f"{section}.{name}" in settings}
        if "name" in names and section in settings:
            own["name"] = settings[section]
        config = replace(config, **{section: replace(getattr(config, section), **own)})
    assert isinstance(config.data, DataConfig)
    return {key for key in unread(config) if not key.startswith("data.")}


def _changed(key: str, value: Value, text: str) -> Value:
    """The value of a setting (None: its default) after a change: multiplied, divided, or another one."""
    if text[:1] in "*/":
        value = SETTINGS[key].default if value is None else value
        number, factor = float(value or 0), float(text[1:])
        new = float(f"{number * factor if text[0] == '*' else number / factor:.6g}")
        return max(1, round(new)) if SETTINGS[key].kind is int else new
    if key in SETTINGS:
        kind = SETTINGS[key].kind
        return kind(text) if kind in (int, float) else text
    return text
