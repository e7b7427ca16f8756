"""Max pooling in vector instructions is NumPy's, for tiles of every size, and hands a gradient to one winner."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba", reason="runs where Numba is installed")

from workbench.engine.kernels.compiled.jit import compiled
from workbench.engine.kernels.compiled.pool_tile import USUAL_SIZE, keep_largest, to_winners
from workbench.engine.kernels.compiled.tile import LANES

from .cases import needs_numba

pytestmark = needs_numba


@compiled
def there_and_back(a, upper, pooled, target, size, count):  # type: ignore[no-untyped-def]
    """Pool a tile (size, size, count), and send `upper` (count,) back to its winners."""
    keep_largest(a, 0, pooled, 0, count, size * count, size, count)
    to_winners(a, 0, upper, 0, target, 0, count, size * count, size, count)


@pytest.mark.parametrize("size", [1, USUAL_SIZE, USUAL_SIZE + 1])
def test_the_largest_is_kept_and_its_first_place_gets_the_gradient(size: int) -> None:
    count, draw = 2 * LANES, np.random.default_rng(size)
    a = draw.integers(-3, 3, (size * size, count)).astype(np.float32)  # with many ties
    a[:, 0], a[:, 1], a[-1, 2], a[0, 3] = -np.inf, np.inf, np.nan, np.nan
    upper = draw.standard_normal(count).astype(np.float32)
    pooled, target = np.empty(count, np.float32), np.empty((size * size, count), np.float32)
    there_and_back(a.reshape(-1), upper, pooled, target.reshape(-1), size, count)
    np.testing.assert_array_equal(pooled, a.max(axis=0))
    is_first = np.arange(size * size)[:, None] == np.argmax(a, axis=0)
    expected = np.where(is_first & ~np.isnan(a.max(axis=0)), upper, 0)
    np.testing.assert_array_equal(target, expected)
