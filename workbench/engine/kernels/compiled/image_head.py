"""What the passes over images read of a network: the head of its integers, and behind it a row for each stage.

The head has the stages, lanes of a block, how far it is from one to the next, whether the stages end with the mean of
each channel; the addresses of the passes and loops; and of the buffers, each of float32 numbers.
"""

from __future__ import annotations

from workbench.engine.kernels.compiled.image_loops import POOLED_ACROSS, POOLED_DOWN, STAGE_COLUMNS
from workbench.engine.kernels.compiled.jit import inner
from workbench.engine.kernels.compiled.products import UNIT_COUNT

STAGES, BLOCK_LANES, BLOCK_SIZE, ENDS_AVERAGED = range(4)
RUN_FORWARD, RUN_BACKWARD, OF_INPUTS, OF_STAGE, CONVOLVE, CONVOLVE_BACK, WEIGHT_GRADIENTS = range(4, 11)
X, FEATURES, DL_DA, RUN_SLOPE, MAPS, DRAWN, TURNED, BACK, DL_DMAPS, SPREAD, OF_SLOPES, ZEROS = range(11, 23)
HEAD = 23


@inner
def row_of_stage(images_at, number):
    """The address of the row of a stage."""
    return images_at + 8 * (HEAD + number * STAGE_COLUMNS)


@inner
def numbers_left(stage):
    """How many numbers of an example a stage leaves behind its pooling."""
    return stage[POOLED_DOWN] * stage[POOLED_ACROSS] * stage[UNIT_COUNT]
