"""Columns of zeros are left out of the first layer's products, and no number changes, nor is anything else written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

pytest.importorskip("numba", reason="runs where Numba is installed")

from workbench.data.dataset import Dataset
from workbench.data.run_data import RunData, prepare
from workbench.engine.kernels.compiled import kernel, nonzero_columns, products
from workbench.engine.kernels.compiled.example_reading import Examples, read
from workbench.engine.kernels.compiled.jit import compiled
from workbench.engine.kernels.compiled.kernel import places_of
from workbench.engine.kernels.compiled.nonzero_columns import (
    LEAST_COLUMNS,
    LEAST_ROWS,
    in_whole_vectors,
    may_leave_out,
    nonzero_for,
)
from workbench.engine.kernels.compiled.products import PANEL_DEPTH, PANEL_SIZE, tiles
from workbench.engine.kernels.compiled.sharers import threads_for
from workbench.engine.kernels.compiled.tile import LANES, PANEL
from workbench.engine.training.group import Group
from workbench.engine.training.loop import train
from workbench.engine.training.pack import Pack

from .cases import assert_same_trainings, pack_of

EXAMPLES, MARGIN, MARK = 300, PANEL, np.float32(7)
COLUMNS = 3 * 256  # so many fill whole vectors on every processor


@compiled
def by_nonzero_columns(examples, rows, x, nonzero, w, places, z, dl_dz, g, zeros, panel):  # type: ignore[no-untyped-def]
    nonzero_columns.forget(nonzero)
    nonzero_columns.read_nonzero(examples, 0, rows, x, w, 0, places, nonzero)
    if nonzero_columns.are_left_out(nonzero):
        nonzero_columns.weighted_sums(w, 0, places, x, rows.size, z, panel, nonzero)
        nonzero_columns.weight_gradient(dl_dz, rows.size, x, places, g, zeros, panel, nonzero)


@compiled
def read_only(examples, rows, x, nonzero, w, places):  # type: ignore[no-untyped-def]
    nonzero_columns.forget(nonzero)
    nonzero_columns.read_nonzero(examples, 0, rows, x, w, 0, places, nonzero)


@compiled
def whole(examples, rows, x, w, places, z, dl_dz, g, zeros, panel):  # type: ignore[no-untyped-def]
    read(examples, 0, rows, x)
    products.weighted_sums(w, 0, places, 0, x, 0, rows.size, z, MARGIN, panel)
    products.weight_gradient(dl_dz, 0, rows.size, x, 0, places, 0, g, zeros, panel)


def examples_with(nonzero: np.ndarray, draw: np.random.Generator) -> Examples:
    """Images of bytes in which only these columns are ever nonzero, each in some of the images."""
    images = np.zeros((EXAMPLES, COLUMNS), np.uint8)
    images[:, nonzero] = draw.integers(1, 256, (EXAMPLES, len(nonzero))) * (draw.random((EXAMPLES, len(nonzero))) < 0.3)
    none, floats = np.zeros(0, np.int64), np.zeros(0, np.float32)
    scaling = np.full((1, COLUMNS), 1 / 255, np.float32), np.zeros((1, COLUMNS), np.float32)
    return Examples(images.ravel(), floats, none, none, floats, *scaling, np.zeros(1, np.float32), (0, 0, 0))


@given(
    nonzero=st.sets(st.integers(0, COLUMNS - 1), min_size=1, max_size=COLUMNS * 3 // 4),
    batch=st.sampled_from([1, LANES - 1, LANES, 33, 100, PANEL_DEPTH + 7]),
    rows=st.sampled_from([1, 10, LANES, PANEL - 1, PANEL, PANEL + 1, 2 * PANEL + 5, 400]),
    content=st.integers(0, 9),
)
@example(nonzero={COLUMNS - 1}, batch=1, rows=1, content=0)
@example(nonzero={0}, batch=100, rows=400, content=0)
@example(nonzero=set(range(PANEL_DEPTH)), batch=33, rows=10, content=0)
@example(nonzero=set(range(0, COLUMNS, 2)), batch=PANEL_DEPTH, rows=PANEL + 1, content=0)
def test_both_products_are_those_of_the_whole_bit_for_bit(
    nonzero: set[int], batch: int, rows: int, content: int
) -> None:
    draw = np.random.default_rng(content)
    examples = examples_with(np.array(sorted(nonzero)), draw)
    chosen = draw.integers(0, EXAMPLES, batch)
    size = rows * COLUMNS
    w, dl_dz = (
        draw.standard_normal(size + rows + PANEL, np.float32),
        draw.standard_normal(batch * rows + PANEL, np.float32),
    )
    place = np.array([[0, size, 0, rows, COLUMNS, rows, 0, 0, 0, 0, tiles()]], np.int64)

    def buffers() -> tuple[np.ndarray, ...]:
        x = np.full(in_whole_vectors(batch) * COLUMNS + PANEL, MARK)
        z, g = (np.full(count + 2 * MARGIN, MARK) for count in (batch * rows, size))
        return x, z, g, np.zeros(PANEL, np.float32), np.full(PANEL_SIZE + PANEL, MARK)

    x, z, g, zeros, panel = buffers()
    room = nonzero_for(rows, COLUMNS)
    by_nonzero_columns(examples, chosen, x, room, w, place, z[MARGIN:], dl_dz, g[MARGIN:], zeros, panel)
    seen = (examples.images.reshape(EXAMPLES, COLUMNS)[chosen] != 0).any(axis=0)
    assert room.found.tolist() == [seen.sum(), 1]
    if not seen.any():
        return
    other_x, other_z, other_g, other_zeros, other_panel = buffers()
    whole(examples, chosen, other_x, w, place, other_z, dl_dz, other_g[MARGIN:], other_zeros,
          other_panel)  # fmt: skip
    np.testing.assert_array_equal(z, other_z)
    np.testing.assert_array_equal(g, other_g)
    assert not zeros.any()
    assert (panel[PANEL_SIZE:] == MARK).all()


def sparse(scaling: list[str], columns: int = COLUMNS, share: float = 0.5) -> RunData:
    """Images of which a share of the columns is dark, for runs with these scalings; the classes hang on some pixels."""
    draw = np.random.default_rng(3)
    inputs = (draw.integers(0, 256, (EXAMPLES, columns)) * (draw.random((EXAMPLES, columns)) < 0.2)).astype(np.uint8)
    inputs[:, draw.permutation(columns)[: int(share * columns)]] = 0
    targets = inputs[:, np.flatnonzero(inputs.any(axis=0))[:30]].reshape(EXAMPLES, 3, 10).sum(axis=2).argmax(axis=1)
    dataset = Dataset("sparse", inputs, targets, 3, None, 255.0, "0" * 16)
    runs = len(scaling)
    return prepare(dataset, np.arange(runs), np.zeros(runs), scaling, None, 0.2, 0.2)


def fast(scaling: list[str], **given: Any) -> Pack:
    return pack_of(len(scaling), **{"dtype": "float32", "kernel": "compiled", "batch_size": 48, "width": 26} | given)


def left_out(pack: Pack, data: RunData) -> int:
    """How many columns the last minibatch of an epoch was trained without."""
    group = Group(pack, data)
    group.epoch(), group.epoch()
    found = int(group._trainer._scratch.nonzero.found[0])  # type: ignore[attr-defined]
    return data.inputs.shape[1] - found if found else 0


MIXED: dict[str, dict[str, Any]] = {
    "plain": {},
    "one example at a time": {"batch_size": 1, "epochs": 1},
    "a batch that fills no vectors": {"batch_size": 37},
    "all examples": {"batch_size": 180, "width": LEAST_ROWS},
    "dropout": {"dropout_rate": 0.5},
    "dropout of some runs' inputs": {"input_dropout_rate": [0.0, 0.3, 0.0]},
    "bounded norms": {"max_norm": [0.0, 0.5, 1.0], "l2": 0.01},
    "learned slopes": {"activation": "prelu"},
    "maxout": {"activation": "maxout"},
    "more rows than a panel": {"width": 70},
    "squared error": {"loss": "softmax_squared_error"},
}


@pytest.mark.parametrize("name", MIXED)
def test_training_and_evaluation_are_those_of_all_columns_bit_for_bit(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scaling = ["unit", "unit", "standard"]  # in a standardised column a dark pixel is no zero
    pack, data = fast(scaling, optimizer="adam", **MIXED[name]), sparse(scaling)
    found = list(train(pack, data, workers=2))
    monkeypatch.setattr(nonzero_columns, "may_leave_out", lambda *_given: False)
    assert_same_trainings(found, list(train(pack, data)), pack.runs)


def test_dark_columns_are_left_out_where_a_dark_pixel_is_zero() -> None:
    data = sparse(["unit"])
    dark = int((~data.inputs.any(axis=0)).sum())
    assert dark >= COLUMNS // 2
    assert left_out(fast(["unit"]), data) >= dark
    assert left_out(fast(["unit"], batch_size=1), data) > COLUMNS * 3 // 4  # most pixels of one image are dark
    assert left_out(fast(["unit"], input_dropout_rate=0.2), data) == 0
    assert left_out(fast(["standard"]), sparse(["standard"])) == dark  # those that never vary
    assert left_out(fast(["unit"]), sparse(["unit"], share=0.0)) == 0  # too few


@pytest.mark.parametrize("rate", [1e3, 1e12, 1e30])
def test_a_run_that_diverges_ends_as_by_itself_whoever_trains_it(rate: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Zero times infinity is NaN, also in a dark column; threads that share a run read all columns."""
    pack = fast(["unit"], learning_rate=rate, width=600, depth=3, batch_size=90, optimizer="momentum")
    data = sparse(["unit"])
    assert threads_for(pack.layout(data), places_of(pack.layout(data)), pack.batch_size, 2) == 2
    found, shared = list(train(pack, data)), list(train(pack, data, workers=2))
    assert found[-1].ended[0].outcome == "diverged"
    monkeypatch.setattr(nonzero_columns, "may_leave_out", lambda *_given: False)
    whole_course = list(train(pack, data))
    assert_same_trainings(found, whole_course, 1)
    assert_same_trainings(shared, whole_course, 1)


def test_none_is_left_out_while_a_weight_is_not_finite() -> None:
    examples, w = examples_with(np.arange(100), np.random.default_rng(0)), np.ones(10 * COLUMNS, np.float32)
    room, place = nonzero_for(10, COLUMNS), np.array([[0, 0, 0, 10, COLUMNS, 10, 0, 0, 0, 0, tiles()]], np.int64)
    x, found = np.zeros(LANES * COLUMNS + PANEL, np.float32), []
    for number in (1, -np.inf, 3e38, np.nan):
        w[-1] = number
        read_only(examples, np.arange(5), x, room, w, place)
        found.append(room.found[0] > 0)
    assert found == [True, False, True, False]


def test_the_last_examples_of_an_evaluation_may_be_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "EVALUATED_AT_ONCE", 25)
    pack, data = fast(["unit"]), sparse(["unit"])
    assert data.validation.index.shape[1] % 25 > 0
    found = list(train(pack, data))
    monkeypatch.setattr(nonzero_columns, "may_leave_out", lambda *_given: False)
    assert_same_trainings(found, list(train(pack, data)), 1)


def test_whole_vectors_of_many_bytes_are_what_may_be_left_out() -> None:
    assert may_leave_out(LEAST_ROWS, 784)
    assert not may_leave_out(LEAST_ROWS - 1, 784)
    assert not may_leave_out(100, LEAST_COLUMNS - LANES)
    assert not may_leave_out(100, 784 + 1)
    assert left_out(fast(["unit"]), replace(sparse(["unit"]), inputs=sparse(["unit"]).inputs.astype(np.float32))) == 0
