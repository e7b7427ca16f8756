"""A number that the engine would round to what its range forbids, or something that it would round to nothing."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.config import SETTINGS, Setting, run_config
from workbench.engine.errors import BadInput
from workbench.engine.training.pack import COLUMNS

FLOATS = [s for s in SETTINGS.values() if s.kind is float and s.role == "per_run" and s.engine in COLUMNS]
SHARES = [key for key in SETTINGS if key.startswith("dropout.")]  # held in 65536 levels, whatever the dtype


def configured(key: str, value: float, **more: object) -> float:
    section, _, name = key.rpartition(".")
    return getattr(getattr(run_config({section: {name: value}, **more}), section), name)


def ids(setting: Setting) -> str:
    return setting.key


def test_the_settings_are_those_the_engine_holds_as_numbers() -> None:
    floats = {name for name, default in COLUMNS.items() if isinstance(default, float)} - {
        "momentum_ramp_epochs",
        "momentum_end_epochs",
    }
    assert {setting.engine for setting in FLOATS} == floats


@pytest.mark.parametrize("setting", [s for s in FLOATS if s.open_high], ids=ids)
def test_what_rounds_to_a_forbidden_upper_bound_is_refused(setting: Setting) -> None:
    assert setting.high is not None
    for below in (1e-8, 1e-16):
        with pytest.raises(BadInput, match=f"^{setting.key} is 0.9999.*, and 1 in .*; allowed: a number, 0 <= x < 1"):
            configured(setting.key, setting.high - below)
    assert configured(setting.key, setting.high - 1e-4) < setting.high


@pytest.mark.parametrize("setting", FLOATS, ids=ids)
def test_what_rounds_to_nothing_is_refused_and_zero_is_not(setting: Setting) -> None:
    with pytest.raises(BadInput, match=f"^{setting.key} is 1e-50, and 0 in .*; allowed: a number"):
        configured(setting.key, 1e-50)
    if not setting.open_low:
        assert configured(setting.key, 0.0) == 0


@pytest.mark.parametrize("setting", [s for s in FLOATS if s.high is None], ids=ids)
def test_what_float32_cannot_hold_is_refused(setting: Setting) -> None:
    with pytest.raises(BadInput, match=rf"^{setting.key} is 1e\+39, and inf in float32; .*dtype=float64 may hold it"):
        configured(setting.key, 1e39)


@pytest.mark.parametrize("setting", [s for s in FLOATS if s.key not in SHARES], ids=ids)
def test_float64_holds_what_float32_does_not(setting: Setting) -> None:
    for value in (1e-50, 1 - 1e-12):
        assert configured(setting.key, value, dtype="float64") == value


@pytest.mark.parametrize("setting", FLOATS, ids=ids)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_taken_is_within_the_range_as_the_engine_holds_it(setting: Setting, dtype: str) -> None:
    for value in (0.0, 1e-320, 1e-44, 1e-9, 0.3, 1 - 2.0**-17, 1 - 2.0**-25, 1 - 2.0**-53, 1.0, 1e38, 1e300):
        try:
            configured(setting.key, value, dtype=dtype)
        except BadInput:
            continue
        with np.errstate(over="ignore", under="ignore"):
            held = float(np.dtype(dtype).type(value))
        assert np.isfinite(held)
        assert (held == 0) == (value == 0)
        assert setting.high is None or held < setting.high or (held == setting.high and not setting.open_high)


def test_a_measurement_computes_as_it_likes() -> None:
    assert configured("optimizer.epsilon", 1e-50, measure="adam_algorithm") == 1e-50
