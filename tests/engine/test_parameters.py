"""All parameters of a run lie in one row: weights, biases, slopes; apart from each other, aligned, padded with zero."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.engine.backend import ALIGNMENT, zeros
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.training.architecture import Architecture
from workbench.engine.training.layout import PADDING, Layout
from workbench.engine.training.loop import train

from .cases import STRENGTHS, data_for, layout_of, pack_of, parameter_count

SHAPES = [(3, 4, 0, 5), (1, 1, 1, 1), (7, 3, 2, 5), (33, 2, 3, 32), (64, 10, 1, 64)]


def layouts(activation: str) -> list[Layout]:
    return [
        Layout(Architecture(inputs, outputs, depth, width, activation, pieces=3))
        for inputs, outputs, depth, width in SHAPES
    ]


def padding_of(layout: Layout) -> np.ndarray:
    """Which places of a row hold no parameter: (size,) bool."""
    is_padding = np.ones((1, layout.size), bool)
    for view in layout.views(is_padding):
        for tensor in view.values():
            tensor[...] = False
    return is_padding[0]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_no_two_tensors_overlap_and_every_parameter_has_a_place(activation: str) -> None:
    for layout in layouts(activation):
        count = np.zeros((2, layout.size), int)
        for view in layout.views(count):
            for tensor in view.values():
                assert np.shares_memory(tensor, count)
                tensor += 1
        assert set(np.unique(count)) <= {0, 1}
        assert count.sum() == 2 * parameter_count(layout)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_shapes_are_a_row_a_neuron(activation: str) -> None:
    layout = Layout(Architecture(7, 3, 2, 5, activation, pieces=3))
    rows = 15 if activation == "maxout" else 5
    views = layout.views(np.zeros((4, layout.size)))
    assert [view["weights"].shape for view in views] == [(4, rows, 7), (4, rows, 5), (4, 3, 5)]
    assert [view["biases"].shape for view in views] == [(4, rows), (4, rows), (4, 3)]
    learned = [(4, 5), (4, 5), None] if activation == "prelu" else [None] * 3
    assert [view["slopes"].shape if "slopes" in view else None for view in views] == learned


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_tensor_of_every_run_starts_on_a_cache_line(activation: str, dtype: str) -> None:
    for layout in layouts(activation):
        assert layout.size % PADDING == 0
        buffer = zeros((3, layout.size), dtype, np)
        for view in layout.views(buffer):
            for tensor in view.values():
                for run in range(3):
                    assert tensor[run].ctypes.data % ALIGNMENT == 0


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_weights_come_first_so_that_penalties_act_on_a_prefix(activation: str) -> None:
    for layout in layouts(activation):
        marked = np.zeros((1, layout.size))
        for view in layout.views(marked):
            view["weights"][...] = 1
        assert not marked[:, layout.weights_end :].any()
        weights = sum(rows * columns for _, rows, columns in layout.rows())
        assert marked[:, : layout.weights_end].sum() == weights


def test_parameters_are_counted_as_on_paper() -> None:
    assert parameter_count(Layout(Architecture(64, 10, 2, 50, "relu"))) == 64 * 50 + 50 + 50 * 50 + 50 + 50 * 10 + 10
    assert parameter_count(Layout(Architecture(64, 10, 0, 50, "relu"))) == 64 * 10 + 10
    assert parameter_count(Layout(Architecture(3, 2, 1, 4, "prelu"))) == 3 * 4 + 4 + 4 + 4 * 2 + 2
    assert parameter_count(Layout(Architecture(3, 2, 1, 4, "maxout", 3))) == 3 * 12 + 12 + 4 * 2 + 2


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("activation", ["prelu", "maxout", "sigmoid"])
def test_padding_stays_zero_while_training(activation: str, optimizer: str) -> None:
    pack = pack_of(2, activation=activation, optimizer=optimizer, epochs=2, weight_decay=0.01, **STRENGTHS)
    data = data_for(pack)
    is_padding = padding_of(layout_of(pack, data))
    assert is_padding.any()
    for epoch in train(pack, data):
        state = epoch.state()
    for name in ("weights", "best_weights", *OPTIMIZERS[optimizer].slots):
        assert not state[name][:, is_padding].any(), name


def test_a_row_as_named_arrays_is_a_copy_of_its_tensors() -> None:
    layout = Layout(Architecture(3, 2, 1, 4, "prelu"))
    row = np.arange(layout.size, dtype=float)
    hidden, output = layout.to_numpy(row)
    assert set(hidden) == {"weights", "biases", "slopes"}
    assert set(output) == {"weights", "biases"}
    assert np.array_equal(hidden["weights"], np.arange(12.0).reshape(4, 3))
    hidden["weights"][...] = -1
    assert row[0] == 0


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64", "int64"])
@pytest.mark.parametrize("shape", [(3, 5), (1,), (2, 0, 4), (2, 3, 4)])
def test_zeros_are_aligned_zeros(shape: tuple[int, ...], dtype: str) -> None:
    array = zeros(shape, dtype, np)
    assert array.shape == shape
    assert array.dtype == dtype
    assert not array.any()
    assert array.size == 0 or array.ctypes.data % ALIGNMENT == 0
    assert array.flags.c_contiguous
    assert array.flags.writeable
