"""Logarithmic ranges are written out as lists: evenly spaced, round where they can be, and refused in one line."""

from __future__ import annotations

import pytest

from workbench.engine.errors import BadInput
from workbench.sweep.hydra.log_range import ALLOWED, written_out


@pytest.mark.parametrize(
    ("typed", "values"),
    [
        ("optimizer.learning_rate=logspace(1e-4,1e-1,4)", "0.0001,0.001,0.01,0.1"),
        ("optimizer.learning_rate=logspace(1,10,3)", "1.0,3.16228,10.0"),
        ("optimizer.learning_rate=logspace(0.1, 0.001, 3)", "0.1,0.01,0.001"),
        ("network.width=logspace(8,64,4)", "8,16,32,64"),
        ("network.width=logspace(1,2,9)", "1,2"),
    ],
)
def test_it_is_written_out(typed: str, values: str) -> None:
    assert written_out(typed) == f"{typed.partition('=')[0]}={values}"


@pytest.mark.parametrize("typed", ["seed=range(3)", "optimizer=adam", "description='logspace(1,2,3) is a range'"])
def test_anything_else_is_left_alone(typed: str) -> None:
    assert written_out(typed) == typed


@pytest.mark.parametrize(
    "inner", ["", "1,2", "0,1,3", "1,2,1", "1,-2,3", "1,2,3,4", "a,b,c", "1,inf,3", "1,2,1e9", "1,2,99999"]
)
def test_a_range_that_is_none_is_refused_in_a_line(inner: str) -> None:
    with pytest.raises(BadInput) as raised:
        written_out(f"optimizer.learning_rate=logspace({inner})")
    assert str(raised.value).endswith(ALLOWED)
