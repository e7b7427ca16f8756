"""Logarithmic ranges are written out as lists: evenly spaced, round where they can be, and refused in one line."""

from __future__ import annotations

import pytest

from workbench.engine.errors import BadInput
from workbench.sweep.hydra.log_range import written_out


@pytest.mark.parametrize(
    ("typed", "values"),
    [
        ("optimizer.learning_rate=logspace(1e-4,1e-1,4)", "0.0001,0.001,0.01,0.1"),
        ("optimizer.learning_rate=logspace(1,10,3)", "1.0,3.16228,10.0"),
        ("optimizer.learning_rate=logspace(0.1, 0.001, 3)", "0.1,0.01,0.001"),
        ("network.width=logspace(8,64,4)", "8,16,32,64"),
        ("network.width=logspace(1,2,9)", "1,2"),
        ("network.width=logspace(64,8,4)", "64,32,16,8"),
        ("optimizer.learning_rate=logspace(0.1,0.1,5)", "0.1"),
    ],
)
def test_it_is_written_out(typed: str, values: str) -> None:
    assert written_out(typed) == f"{typed.partition('=')[0]}={values}"


@pytest.mark.parametrize("typed", ["seed=range(3)", "optimizer=adam", "description='logspace(1,2,3) is a range'"])
def test_anything_else_is_left_alone(typed: str) -> None:
    assert written_out(typed) == typed


OUT_OF_BOUNDS = {
    "": "found 1 of start, stop and count; allowed: logspace(start,stop,count), as ",
    "1,2": "found 2 of start, stop and count; ",
    "1,2,3,4": "found 4 of start, stop and count; ",
    "0,1,3": "start is '0'; allowed: a number, x > 0, ",
    "1,-2,3": "stop is '-2'; allowed: a number, x > 0, ",
    "nan,1,3": "start is 'nan'; ",
    "1,inf,3": "stop is 'inf'; ",
    "1,1e400,3": "stop is '1e400'; ",
    "1e-400,1,3": "start is '1e-400'; ",
    "a,1,3": "start is 'a'; ",
    ",1,3": "start is ''; ",
    "1,2,0": "count is '0'; allowed: an integer from 2 to 10,000, ",
    "1,2,1": "count is '1'; ",
    "1,2,-3": "count is '-3'; ",
    "1,2,3.5": "count is '3.5'; ",
    "1,2,1e9": "count is '1e9'; ",
    "1,2,10001": "count is '10001'; ",
    "1,2,1000000000": "count is '1000000000'; ",
}


@pytest.mark.parametrize("inner", OUT_OF_BOUNDS)
def test_a_range_that_is_none_is_refused_in_a_line_that_names_what_is_wrong(inner: str) -> None:
    typed = f"optimizer.learning_rate=logspace({inner})"
    with pytest.raises(BadInput) as raised:
        written_out(typed)
    assert str(raised.value).startswith(f"{typed}: {OUT_OF_BOUNDS[inner]}")
    assert len(str(raised.value).splitlines()) == 1


def test_ends_may_lie_as_far_apart_as_floats_go() -> None:
    assert (
        written_out("optimizer.learning_rate=logspace(1e-300,1e300,3)") == "optimizer.learning_rate=1e-300,1.0,1e+300"
    )
    assert written_out("optimizer.learning_rate=logspace(5e-324,1e308,2)") == "optimizer.learning_rate=5e-324,1e+308"
