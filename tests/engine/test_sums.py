"""A sum has one order, which is written down in `sums.py`; so dense networks end the same, bit for bit, whatever the
width of the processor's vectors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("numba", reason="runs where Numba is installed")

from workbench.engine.kernels.compiled.jit import compiled
from workbench.engine.kernels.compiled.sums import (
    PARTIAL_SUMS,
    total,
    total_of_squared_differences,
    total_of_squares,
)
from workbench.engine.training.loop import train
from workbench.engine.vectors import FEATURES_VARIABLE, features_without_avx512, vector_bits

from .cases import data_for, pack_of

ROOT = Path(__file__).parents[2]
SIZES = st.integers(0, 5 * PARTIAL_SUMS)


@compiled
def sums_of(x, y, centre, found):  # type: ignore[no-untyped-def]
    found[0], found[1], found[2] = total(x), total_of_squares(x, centre), total_of_squared_differences(x, y)


def numbers(size: int, part: int) -> np.ndarray:
    return np.random.default_rng([size, part]).normal(1, 3, size).astype(np.float32)


def written_down(terms: np.ndarray) -> np.float32:
    """Element i belongs to partial sum i mod `PARTIAL_SUMS`; the partial sums are added in halves."""
    rows = np.zeros((-(-max(terms.size, 1) // PARTIAL_SUMS), PARTIAL_SUMS), np.float32)
    rows.reshape(-1)[: terms.size] = terms
    sums = np.zeros(PARTIAL_SUMS, np.float32)
    for row in rows:
        sums = sums + row
    while sums.size > 1:
        sums = sums[: sums.size // 2] + sums[sums.size // 2 :]
    return np.float32(sums[0])


@given(SIZES)
def test_a_sum_is_the_one_that_is_written_down(size: int) -> None:
    x, found = numbers(size, 0), np.zeros(3, np.float32)
    sums_of(x, x, np.float32(0), found)
    assert found[0] == written_down(x)


@given(SIZES)
def test_squares_are_summed_around_a_centre_and_between_two_arrays(size: int) -> None:
    x, y, found = numbers(size, 0), numbers(size, 1), np.zeros(3, np.float32)
    sums_of(x, y, np.float32(0.7), found)
    exact = [((x.astype(float) - 0.7) ** 2).sum(), ((x.astype(float) - y) ** 2).sum()]
    np.testing.assert_allclose(found[1:], exact, rtol=2e-6)


@given(SIZES, st.integers(1, PARTIAL_SUMS))
def test_what_stands_behind_an_array_is_not_summed(size: int, behind: int) -> None:
    whole, found = np.concatenate([numbers(size, 0), np.full(behind, np.nan, np.float32)]), np.zeros(3, np.float32)
    sums_of(whole[:size], whole[:size], np.float32(1), found)
    assert np.isfinite(found).all()
    assert found[2] == 0


def trained_bits() -> str:
    """The digests of weights, metrics and probes of runs of every kind, trained compiled."""
    lines = []
    for given_ in ({}, {"max_norm": [0.6, 1.0]}, {"dropout_rate": [0.0, 0.4], "activation": "sigmoid"}):
        pack = pack_of(2, widths=(70, 33), epochs=3, kernel="compiled", dtype="float32", **given_)
        for epoch in train(pack, data_for(pack, examples=150)):
            numbers_of = [*epoch.metrics.values(), *epoch.probes.values()]
            lines += [end.weights_digest for end in epoch.ended]
            lines.append(np.concatenate([np.ravel(found) for found in numbers_of]).tobytes().hex())
    return "\n".join(lines)


@pytest.mark.thorough  # it compiles everything once more
@pytest.mark.skipif(vector_bits() != 512, reason="runs where the processor has AVX-512")
def test_no_digit_depends_on_the_width_of_the_vectors() -> None:
    asked = {**os.environ, FEATURES_VARIABLE: features_without_avx512()}
    command = [sys.executable, "-c", "from tests.engine.test_sums import trained_bits; print(trained_bits())"]
    done = subprocess.run(command, cwd=ROOT, env=asked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == trained_bits()
