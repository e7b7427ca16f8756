"""Dropout between the stages of a network of images: the masks of a stage's units and of its channels."""

from __future__ import annotations

from workbench.engine.kernels.compiled.image_head import (
    BLOCK_LANES,
    BLOCK_SIZE,
    DRAWN,
    HEAD,
    MAPS,
    numbers_left,
    row_of_stage,
)
from workbench.engine.kernels.compiled.image_loops import MASK_AT, STAGE_COLUMNS
from workbench.engine.kernels.compiled.jit import ONE, inner
from workbench.engine.kernels.compiled.masks import apply_fresh_mask, fresh_mask
from workbench.engine.kernels.compiled.native import floats, integers, keys, thresholds
from workbench.engine.kernels.compiled.part import part
from workbench.engine.kernels.compiled.products import UNIT_COUNT


@inner
def drops(thresholds_at, number):
    """Whether units or channels of a stage are dropped: the second or third dropout layer counted from its own."""
    found = thresholds(thresholds_at, 2 * number + 3)
    return found[2 * number + 1] > 0 or found[2 * number + 2] > 0


@inner
def mask_inputs(x, images, thresholds_at, keys_at, scales_at):
    """x (batch * pixels,) <- x times a fresh mask, if the inputs are dropped."""
    threshold = thresholds(thresholds_at, 1)[0]
    if threshold > 0:
        drawn = floats(images[DRAWN], x.size)
        apply_fresh_mask(x, x, drawn, keys(keys_at, 1)[0], threshold, floats(scales_at, 1)[0])


@inner
def draw_masks(images_at, number, batch, thresholds_at, keys_at, scales_at):
    """The masks over what the pooling of a stage left, of units times of channels, for every block."""
    if not drops(thresholds_at, number):
        return
    images, stage = integers(images_at, HEAD), integers(row_of_stage(images_at, number), STAGE_COLUMNS)
    lanes, units, maps = images[BLOCK_LANES], stage[UNIT_COUNT], floats(images[MAPS], 1)
    for kind in range(2):
        dropout, size = 2 * number + 1 + kind, units if kind else numbers_left(stage)
        threshold, drawn = thresholds(thresholds_at, dropout + 1)[dropout], floats(images[DRAWN], batch * size)
        if threshold > 0:
            fresh_mask(drawn, keys(keys_at, dropout + 1)[dropout], threshold, floats(scales_at, dropout + 1)[dropout])
        else:
            for i in range(drawn.size):
                drawn[i] = ONE
        for example in range(batch):
            at = (example // lanes) * images[BLOCK_SIZE] + stage[MASK_AT] * lanes + example % lanes
            mask = part(maps, at, numbers_left(stage) * lanes)
            for i in range(numbers_left(stage)):
                if kind:
                    mask[i * lanes] *= drawn[example * units + i % units]
                else:
                    mask[i * lanes] = drawn[example * size + i]


@inner
def apply_mask(x, mask):
    """x <- x times the mask."""
    for i in range(x.size):
        x[i] *= mask[i]
