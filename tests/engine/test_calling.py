"""Compiled loops are called at their bodies, without the C function that Numba puts before each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba", reason="runs where Numba is installed")

from numba import types
from numba.core.registry import cpu_target

from workbench.engine.kernels.compiled import jit, rule_loops
from workbench.engine.kernels.compiled.native import floats


def twice(x_at: int, size: int) -> None:
    """x <- 2 x."""
    x = floats(x_at, size)
    for i in range(size):
        x[i] += x[i]


def broken(x_at: int, size: int) -> None:
    """A loop that raises if it is given nothing."""
    if size == 0:
        raise ValueError(x_at)


def doubled(loop: int) -> list[float]:
    """1, 2 and 3 after a loop."""
    x = np.array([1, 2, 3], np.float32)
    rule_loops.called(loop, x.ctypes.data, x.size)
    return x.tolist()


def test_a_body_is_found_where_it_was_compiled_and_where_it_was_kept() -> None:
    made = [jit.c_function(twice) for _ in range(2)]  # the second is read from the cache, if there is one
    for one in made:
        assert jit.entry(one) not in (0, one.address)
        assert doubled(jit.entry(one)) == [2, 4, 6]


def test_numba_puts_as_many_addresses_before_the_arguments_as_we_do() -> None:
    kind = cpu_target.target_context.call_conv.get_function_type(types.none, [types.int64] * 3)
    assert len(kind.args) == jit.BEFORE_ARGUMENTS + 3


@pytest.mark.parametrize("found", [("renamed", 1), ("cfunc.lost", 0)])
def test_a_body_that_is_not_found_is_said(found: tuple[str, int]) -> None:
    class Made:
        native_name = found[0]

        class _library:  # noqa: N801 - as Numba names it
            @staticmethod
            def get_pointer_to_function(_name: str) -> int:
                return found[1]

    made: Any = Made
    with pytest.raises(RuntimeError, match=f"{found[0]} has no body"):
        jit.entry(made)


def test_a_loop_that_raises_is_said() -> None:
    with pytest.raises(RuntimeError, match="raised something"):
        rule_loops.called(rule_loops.address(broken), 0, 0)
