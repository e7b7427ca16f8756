"""Every setting of a run explains itself, and its default is allowed."""

from __future__ import annotations

import pytest

from workbench.config import SECTIONS, SETTINGS, RunConfig, allowed, check, flatten
from workbench.engine.training.pack import COLUMNS, Pack


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS.keys())
def test_every_setting_says_what_it_means_and_what_it_takes(setting):
    assert setting.help
    assert setting.unit or setting.choices or setting.kind is bool
    assert not (setting.kind in (int, float) and setting.low is None)
    assert setting.role in ("static", "per_run", "none")
    assert allowed(setting)


@pytest.mark.parametrize("key", SETTINGS)
def test_every_default_is_allowed(key):
    assert check(key, SETTINGS[key].default) == SETTINGS[key].default


def test_every_column_of_a_pack_is_a_setting_of_each_run():
    assert {setting.engine for setting in SETTINGS.values() if setting.role == "per_run"} >= set(COLUMNS)


def test_every_static_field_of_a_pack_is_a_static_setting():
    static = {setting.engine for setting in SETTINGS.values() if setting.role == "static"}
    assert static >= set(Pack.__dataclass_fields__) - {"columns", "rules"}


def test_what_belongs_to_the_sweep_decides_no_numbers():
    assert not any(setting.numbers for setting in SETTINGS.values() if setting.role == "none")


def test_flat_settings_are_the_schema_in_its_order():
    flat = flatten(RunConfig())
    assert list(flat) == list(SETTINGS)
    assert flat == {key: setting.default for key, setting in SETTINGS.items()}


def test_sections_are_the_groups_of_dotted_keys():
    assert set(SECTIONS) == {key.partition(".")[0] for key in SETTINGS if "." in key}
