"""The products of a step's convolutions alone, by the compiled kernel's loops, called as its passes call them."""

from __future__ import annotations

from typing import Any

import numba

from workbench.engine.kernels.compiled import image_head
from workbench.engine.kernels.compiled.image_loops import DOWN, READS_AT, STAGE_COLUMNS, Z_AT
from workbench.engine.kernels.compiled.native import FLOAT_BYTES, call, integers
from workbench.engine.kernels.compiled.products import BIASES_PLACE, WEIGHTS_PLACE

njit: Any = numba.njit


@njit  # type: ignore[untyped-decorator]
def multiply_forward(images_at, w_at, batch):  # type: ignore[no-untyped-def]
    """z of every stage, block by block, from whatever stands in the place of what it reads."""
    head = integers(images_at, image_head.HEAD)
    lanes = head[image_head.BLOCK_LANES]
    for block in range((batch + lanes - 1) // lanes):
        block_at = head[image_head.MAPS] + FLOAT_BYTES * block * head[image_head.BLOCK_SIZE]
        for number in range(head[image_head.STAGES]):
            stage_at = images_at + 8 * (image_head.HEAD + number * STAGE_COLUMNS)
            stage = integers(stage_at, STAGE_COLUMNS)
            weights, biases = w_at + FLOAT_BYTES * stage[WEIGHTS_PLACE], w_at + FLOAT_BYTES * stage[BIASES_PLACE]
            read_at, z_at = (
                block_at + FLOAT_BYTES * stage[READS_AT] * lanes,
                block_at + FLOAT_BYTES * stage[Z_AT] * lanes,
            )
            call(head[image_head.CONVOLVE], (stage_at, weights, biases, read_at, z_at, lanes, 0, stage[DOWN]))


@njit  # type: ignore[untyped-decorator]
def multiply_backward(images_at, g_at, batch):  # type: ignore[no-untyped-def]
    """The gradients of every stage's weights, and dl/d what it reads but of the first."""
    head = integers(images_at, image_head.HEAD)
    lanes = head[image_head.BLOCK_LANES]
    for block in range((batch + lanes - 1) // lanes):
        block_at = head[image_head.MAPS] + FLOAT_BYTES * block * head[image_head.BLOCK_SIZE]
        for number in range(head[image_head.STAGES] - 1, -1, -1):
            stage_at = images_at + 8 * (image_head.HEAD + number * STAGE_COLUMNS)
            stage = integers(stage_at, STAGE_COLUMNS)
            call(head[image_head.WEIGHT_GRADIENTS], (stage_at, block_at, g_at, 1 if block == 0 else 0, lanes))
            if number > 0:
                turned = head[image_head.TURNED] + FLOAT_BYTES * stage[WEIGHTS_PLACE]
                z_at = block_at + FLOAT_BYTES * stage[Z_AT] * lanes
                call(
                    head[image_head.CONVOLVE_BACK],
                    (stage_at, turned, head[image_head.ZEROS], z_at, head[image_head.BACK], lanes),
                )
