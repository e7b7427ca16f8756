"""The integers and numbers that the passes over images (`images`) work on, for one network and one batch size.

A stage is a convolution with the pooling and dropout behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from workbench.engine.backend import zeros
from workbench.engine.kernels.compiled import image_head, image_loops, images
from workbench.engine.kernels.compiled.products import UNIT_COUNT
from workbench.engine.kernels.compiled.tile import LANES, PANEL
from workbench.engine.layers.average_pooling import AveragePooling
from workbench.engine.layers.base import Layer
from workbench.engine.layers.convolution import Convolution
from workbench.engine.layers.global_average import GlobalAverage
from workbench.engine.layers.max_pooling import MaxPooling
from workbench.engine.training.layout import Layout
from workbench.engine.training.scratch import lanes_of_block

_KINDS: dict[type[Layer], int] = {MaxPooling: image_loops.MAX_POOL, AveragePooling: image_loops.AVERAGE_POOL}
_LINE = 16  # numbers of a cache line, on which every buffer begins


def images_of(
    layout: Layout,
    heads: Sequence[Sequence[int]],
    batch: int,
    masks: bool,
    given: dict[int, np.ndarray],
    learning: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """The integers of `images`, and the buffers they hold addresses of as one array, which the caller keeps.

    heads: the first columns of each stage, its places, shape and loops; `masks`: whether units may be dropped; given:
    buffers that lie elsewhere, by their columns. Without `learning` nobody reads the maps of a block once its features
    are written: all blocks lie in one place, and so do all rows of z and a that a row of a pooling reads.
    """
    table = _table(layout, heads)
    sizes, lanes, block = _sizes(layout, table, batch, masks, learning)
    starts = np.concatenate([[0], np.cumsum([-(-size // _LINE) * _LINE for size in sizes.values()])])
    maps = zeros((int(starts[-1]) + PANEL,), np.float32, np)
    head = np.zeros(image_head.HEAD, np.int64)
    averaged = any(isinstance(layer, GlobalAverage) for layer in layout.sequence)
    head[: image_head.X] = [len(table), lanes, block, averaged, *images.image_passes()]
    for column, start in zip(sizes, starts, strict=False):
        head[column] = maps.ctypes.data + maps.itemsize * int(start)
    for column, buffer in given.items():
        head[column] = buffer.ctypes.data
    return np.concatenate([head, table.reshape(-1)]), maps


def _table(layout: Layout, heads: Sequence[Sequence[int]]) -> np.ndarray:
    """A row for each stage, (stages, columns) int64."""
    rows, at = [], 0
    for (layer, pooling), head in zip(_stages(layout), heads, strict=True):
        pooled = layer.outputs if pooling is None else pooling.outputs
        kind, size = (image_loops.NO_POOL, 1) if pooling is None else (_KINDS[type(pooling)], pooling.size)
        (height, width, channels), (down, across), (above, left) = layer.inputs, layer.places, layer.before
        kernel, filters = layer.kernel, layer.neurons.rows
        windows = [height, width, channels, kernel, filters, above, left, down, across, layer.stride]
        z_at = at + height * width * channels
        a_at = z_at + down * across * filters
        left_at = a_at + down * across * layer.units
        rows.append([*head, *windows, kind, size, *pooled[:2], at, z_at, a_at, left_at, 0])
        at = left_at
    table = np.array(rows, np.int64).reshape(-1, image_loops.STAGE_COLUMNS)
    # Masks lie behind all other numbers: they are there only while units are dropped.
    table[:, image_loops.MASK_AT] = _numbers(table) + np.cumsum(_left(table)) - _left(table)
    return table


def _sizes(
    layout: Layout, table: np.ndarray, batch: int, masks: bool, learning: bool
) -> tuple[dict[int, int], int, int]:
    """The sizes of the buffers by their columns, the lanes of a block, and how far it is from one to the next."""
    size = _numbers(table) + (int(_left(table).sum()) if masks else 0)
    lanes = lanes_of_block(batch, _numbers(table), learning, LANES)
    reads = table[:, [image_loops.IMAGE_HEIGHT, image_loops.IMAGE_WIDTH, image_loops.CHANNELS]].prod(axis=1)
    of_a = table[:, [image_loops.DOWN, image_loops.ACROSS, UNIT_COUNT]].prod(axis=1)
    widest = int(table[:, UNIT_COUNT].max()) * lanes
    return (
        {
            image_head.RUN_SLOPE: 1,
            image_head.MAPS: (-(-batch // lanes) if learning else 1) * size * lanes,
            image_head.DRAWN: batch * max(int(_left(table).max()), layout.inputs) if masks else 0,
            image_head.TURNED: layout.weights_end,
            image_head.BACK: max(int(reads.max()), int(_left(table).max())) * lanes + widest,
            image_head.DL_DMAPS: int(of_a.max()) * lanes,
            image_head.SPREAD: widest,
            image_head.OF_SLOPES: widest,
            image_head.ZEROS: max(int(table[:, image_loops.CHANNELS].max()), PANEL),
        },
        lanes,
        size * lanes if learning else 0,
    )


def _stages(layout: Layout) -> Iterator[tuple[Convolution, MaxPooling | AveragePooling | None]]:
    """Every convolution with its pooling, if it has one."""
    for layer, following in pairwise(layout.without_dropout):
        if isinstance(layer, Convolution):
            yield layer, following if isinstance(following, MaxPooling | AveragePooling) else None


def _left(table: np.ndarray) -> np.ndarray:
    """How many numbers of an example each stage leaves behind its pooling."""
    left: np.ndarray = table[:, [image_loops.POOLED_DOWN, image_loops.POOLED_ACROSS, UNIT_COUNT]].prod(axis=1)
    return left


def _numbers(table: np.ndarray) -> int:
    """How many numbers of an example all stages keep, without masks."""
    return int(table[-1, image_loops.POOLED_AT] + _left(table)[-1])
