"""What the host tests of device kernels share: packs that learn mildly, and the comparison with the plain kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from workbench.engine.training.loop import train
from workbench.engine.training.pack import Pack

from .cases import data_for, pack_of

RUNS = 5


def assert_agrees_with_plain(trained: Any, pack: Pack, tolerance: float = 2e-5, **data_options: Any) -> None:
    """The same metrics and updates after every epoch of a few, within float32's rounding."""
    data = data_for(pack, **data_options)
    for plain, fast in zip(train(pack, data), trained(pack, data), strict=True):
        for name, values in plain.metrics.items():
            np.testing.assert_allclose(fast.metrics[name], values, rtol=tolerance, atol=tolerance, err_msg=name)
        sizes, expected = fast.probes["update_size"], plain.probes["update_size"]
        np.testing.assert_allclose(sizes, expected, rtol=1e-3, atol=tolerance)  # a difference of nearly equal weights
        for end, other in zip(plain.ended, fast.ended, strict=True):
            for name, value in end.summary.items():
                assert other.summary[name] == pytest.approx(value, rel=tolerance, abs=tolerance, nan_ok=True)


def mild(**given: Any) -> Pack:
    """A float32 pack that learns, with dropout on some runs, and that small roundings do not send elsewhere."""
    return pack_of(
        RUNS, dtype="float32", epochs=2, dropout_rate=[0, 0.5, 0.2, 0, 0], input_dropout_rate=[0, 0, 0.2, 0, 0], **given
    )


def rounded_to_tf32(numbers: np.ndarray) -> np.ndarray:
    """float32 numbers with 10 bits of mantissa, halves away from zero, as tensor cores take them."""
    return ((numbers.view(np.uint32) + np.uint32(1 << 12)) & np.uint32(0xFFFFE000)).view(np.float32)
