"""The compiled passes of the layers that read images: convolution, activation, pooling and dropout, stage by stage.

The minibatch is cut into blocks of examples, which stay in cache (`image_loops`). Lanes beyond the batch are zero in
the inputs and in dl/da, so they add nothing to a gradient. The passes are functions of addresses and sizes, so that
the passes of a network (`passes`), which call them, are compiled without them. `images_at` is the address of the head
of a network's integers, behind which lie the rows of its stages.
"""

from __future__ import annotations

from collections import namedtuple
from functools import cache

from workbench.engine.kernels.compiled import image_loops
from workbench.engine.kernels.compiled.image_head import (
    BACK,
    BLOCK_LANES,
    BLOCK_SIZE,
    CONVOLVE,
    CONVOLVE_BACK,
    DL_DA,
    DL_DMAPS,
    ENDS_AVERAGED,
    FEATURES,
    HEAD,
    MAPS,
    OF_SLOPES,
    RUN_SLOPE,
    SPREAD,
    STAGES,
    TURNED,
    WEIGHT_GRADIENTS,
    ZEROS,
    X,
    numbers_left,
    row_of_stage,
)
from workbench.engine.kernels.compiled.image_loops import (
    A_AT,
    ACROSS,
    CHANNELS,
    DOWN,
    FILTERS,
    IMAGE_HEIGHT,
    IMAGE_WIDTH,
    KERNEL,
    MASK_AT,
    POOL_SIZE,
    POOLED_AT,
    POOLED_DOWN,
    READS_AT,
    STAGE_COLUMNS,
    STRIDE,
    Z_AT,
    fill_zeros,
    pool,
    pool_back,
    turned_place,
)
from workbench.engine.kernels.compiled.image_masks import apply_mask, draw_masks, drops, mask_inputs
from workbench.engine.kernels.compiled.jit import ZERO, inner
from workbench.engine.kernels.compiled.native import FLOAT_BYTES, call, floats, integers
from workbench.engine.kernels.compiled.part import part
from workbench.engine.kernels.compiled.place_means import mean_over_places, share_over_places
from workbench.engine.kernels.compiled.products import (
    BACKWARD_LOOP,
    BIASES_PLACE,
    FORWARD_LOOP,
    GAIN_LOOP,
    OWN_SLOPES,
    ROW_COUNT,
    SLOPES_FROM,
    SLOPES_PLACE,
    UNIT_COUNT,
    WEIGHTS_PLACE,
)
from workbench.engine.kernels.compiled.rule_loops import address
from workbench.engine.kernels.compiled.sums import total
from workbench.engine.kernels.compiled.tile import LANES
from workbench.engine.kernels.compiled.turning import turn_in, turn_out

ImagePasses = namedtuple("ImagePasses", "forward backward input_gradient of_stage convolve convolve_back gradients")
MAP_Z, MAP_A, MAP_GAIN = range(3)  # what `of_stage` gives


@cache
def image_passes() -> ImagePasses:
    """The addresses of the passes and of the loops they call, compiled, in the order of the head."""
    loops = image_loops.convolve, image_loops.convolve_back, image_loops.gradients
    return ImagePasses(*(address(one) for one in (forward, backward, input_gradient, of_stage, *loops)))


def forward(images_at, w_at, batch, thresholds_at, keys_at, scales_at):
    """x (batch, pixels) -> features (batch, features), what the first dense layer reads.

    The run's thresholds and scales and the step's keys, one for each dropout layer, say what is dropped. If the address
    of the thresholds is 0, nothing is.
    """
    images = integers(images_at, HEAD)
    is_kept, first = images[BLOCK_SIZE] > 0, integers(row_of_stage(images_at, 0), STAGE_COLUMNS)
    last = integers(row_of_stage(images_at, images[STAGES] - 1), STAGE_COLUMNS)
    pixels, left = first[IMAGE_HEIGHT] * first[IMAGE_WIDTH] * first[CHANNELS], numbers_left(last)
    if thresholds_at != 0:
        mask_inputs(floats(images[X], batch * pixels), images, thresholds_at, keys_at, scales_at)
        for number in range(images[STAGES]):
            draw_masks(images_at, number, batch, thresholds_at, keys_at, scales_at)
    x, maps, features = floats(images[X], 1), floats(images[MAPS], 1), floats(images[FEATURES], 1)
    for start in range(0, batch, images[BLOCK_LANES]):
        block, count = (start // images[BLOCK_LANES]) * images[BLOCK_SIZE], min(images[BLOCK_LANES], batch - start)
        block_at = images[MAPS] + FLOAT_BYTES * block
        # Where nothing is kept for a backward pass, the last block has no empty vectors, and every row of a pooling
        # takes the place of the one before, which stays in cache.
        lanes = images[BLOCK_LANES] if is_kept else -(-count // LANES) * LANES
        turn_in(x, start * pixels, pixels, count, maps, block + first[READS_AT] * lanes, lanes)
        for number in range(images[STAGES]):
            stage_at = row_of_stage(images_at, number)
            stage = integers(stage_at, STAGE_COLUMNS)
            z_at, a_at, slopes, _, rows, units = _of_activation(images, stage, w_at, block_at, lanes)
            weights, biases = w_at + FLOAT_BYTES * stage[WEIGHTS_PLACE], w_at + FLOAT_BYTES * stage[BIASES_PLACE]
            read_at = block_at + FLOAT_BYTES * stage[READS_AT] * lanes
            # A row of the pooling is done with while the places that it reads are in cache.
            for y in range(stage[POOLED_DOWN] + 1):
                top = y * stage[POOL_SIZE]
                end = top + stage[POOL_SIZE] if y < stage[POOLED_DOWN] else stage[DOWN]  # at last what is left over
                if top == end:
                    continue
                before, places = top * stage[ACROSS], (end - top) * stage[ACROSS]
                of_z, of_a = z_at, a_at
                if is_kept:
                    of_z, of_a = z_at + FLOAT_BYTES * before * rows, a_at + FLOAT_BYTES * before * units
                call(images[CONVOLVE], (stage_at, weights, biases, read_at, of_z, lanes, top, end))
                call(stage[FORWARD_LOOP], (of_z, of_a, slopes, places, rows, units))
                if y < stage[POOLED_DOWN]:
                    pool(stage, floats(of_a, 1), maps, block + stage[POOLED_AT] * lanes, lanes, y)
            if thresholds_at != 0 and drops(thresholds_at, number):
                size = numbers_left(stage) * lanes
                apply_mask(part(maps, block + stage[POOLED_AT] * lanes, size),
                          part(maps, block + stage[MASK_AT] * lanes, size))  # fmt: skip
        out_at = block + last[POOLED_AT] * lanes
        if images[ENDS_AVERAGED]:
            mean_over_places(maps, out_at, left, last[UNIT_COUNT], lanes, count, features, start)
        else:
            turn_out(maps, out_at, left, count, lanes, features, start * left)


def backward(images_at, w_at, g_at, batch, thresholds_at):
    """Write the gradients of every stage to the row at `g_at`, given dl/d features in dl_da; dl/dz stays in z."""
    images = integers(images_at, HEAD)
    lanes, last = images[BLOCK_LANES], integers(row_of_stage(images_at, images[STAGES] - 1), STAGE_COLUMNS)
    left, upper = numbers_left(last), floats(images[DL_DA], 1)
    maps, back, dl_da, g = (
        floats(images[MAPS], 1),
        floats(images[BACK], 1),
        floats(images[DL_DMAPS], 1),
        floats(g_at, 1),
    )
    for number in range(1, images[STAGES]):
        _turn_weights(
            integers(row_of_stage(images_at, number), STAGE_COLUMNS), floats(w_at, 1), floats(images[TURNED], 1)
        )
    for start in range(0, batch, lanes):
        block, count = (start // lanes) * images[BLOCK_SIZE], min(lanes, batch - start)
        block_at = images[MAPS] + FLOAT_BYTES * block
        if images[ENDS_AVERAGED]:
            share_over_places(upper, start, left, last[UNIT_COUNT], count, back, lanes)
        else:
            turn_in(upper, start * left, left, count, back, 0, lanes)
        for number in range(images[STAGES] - 1, -1, -1):
            stage_at = row_of_stage(images_at, number)
            stage = integers(stage_at, STAGE_COLUMNS)
            z_at, a_at, slopes, places, rows, units = _of_activation(images, stage, w_at, block_at, lanes)
            if thresholds_at != 0 and drops(thresholds_at, number):
                size = numbers_left(stage) * lanes
                apply_mask(part(back, 0, size), part(maps, block + stage[MASK_AT] * lanes, size))
            # Learned slopes are summed over all places at once; else a row of the pooling is done with while in cache.
            at_once, of_row = stage[SLOPES_FROM] == OWN_SLOPES, stage[POOL_SIZE] * stage[ACROSS]
            done, of_slopes, of_maps = stage[POOLED_DOWN] * of_row, images[OF_SLOPES], images[DL_DMAPS]
            for y in range(stage[POOLED_DOWN]):
                before = y * of_row
                pool_back(stage, floats(block_at, 1), back, dl_da, before * units if at_once else 0, lanes, y)
                if not at_once:
                    of_z, of_a = z_at + FLOAT_BYTES * before * rows, a_at + FLOAT_BYTES * before * units
                    call(stage[BACKWARD_LOOP], (of_maps, of_z, of_a, slopes, of_slopes, of_row, rows, units))
            before = 0 if at_once else done
            if done < places:  # what is left over at the border gets nothing
                fill_zeros(part(dl_da, done * units if at_once else 0, (places - done) * units))
            if before < places:
                of_z, of_a = z_at + FLOAT_BYTES * before * rows, a_at + FLOAT_BYTES * before * units
                call(stage[BACKWARD_LOOP], (of_maps, of_z, of_a, slopes, of_slopes, places - before, rows, units))
            if at_once:
                _sum_slopes(floats(of_slopes, 1), lanes, part(g, stage[SLOPES_PLACE], stage[UNIT_COUNT]), start == 0)
            call(images[WEIGHT_GRADIENTS], (stage_at, block_at, g_at, 1 if start == 0 else 0, lanes))
            if number > 0:
                _through(images, stage_at, stage, z_at)


def input_gradient(images_at, w_at, batch, out_at):
    """dl/dx after `backward`, written to `out_at` (batch, pixels)."""
    images, stage = integers(images_at, HEAD), integers(row_of_stage(images_at, 0), STAGE_COLUMNS)
    lanes, pixels = images[BLOCK_LANES], stage[IMAGE_HEIGHT] * stage[IMAGE_WIDTH] * stage[CHANNELS]
    _turn_weights(stage, floats(w_at, 1), floats(images[TURNED], 1))
    for start in range(0, batch, lanes):
        z_at = images[MAPS] + FLOAT_BYTES * ((start // lanes) * images[BLOCK_SIZE] + stage[Z_AT] * lanes)
        _through(images, row_of_stage(images_at, 0), stage, z_at)
        count = min(lanes, batch - start)
        turn_out(floats(images[BACK], 1), 0, pixels, count, lanes, floats(out_at, 1), start * pixels)


def of_stage(images_at, w_at, number, which, batch, out_at):
    """A map of a stage's convolution example by example, (batch, places, rows or units), written to `out_at`: z, dl/dz
    after `backward`; a; or the derivative of its activation.
    """
    images, stage = integers(images_at, HEAD), integers(row_of_stage(images_at, number), STAGE_COLUMNS)
    lanes, width = images[BLOCK_LANES], stage[ROW_COUNT] if which == MAP_Z else stage[UNIT_COUNT]
    size = stage[DOWN] * stage[ACROSS] * width
    for start in range(0, batch, lanes):
        block_at = images[MAPS] + FLOAT_BYTES * (start // lanes) * images[BLOCK_SIZE]
        z_at, a_at, slopes, places, rows, units = _of_activation(images, stage, w_at, block_at, lanes)
        if which == MAP_GAIN:
            call(stage[GAIN_LOOP], (z_at, a_at, slopes, images[DL_DMAPS], places, rows, units))
        source = z_at if which == MAP_Z else a_at if which == MAP_A else images[DL_DMAPS]
        turn_out(floats(source, 1), 0, size, min(lanes, batch - start), lanes, floats(out_at, 1), start * size)


@inner
def _of_activation(images, stage, w_at, block_at, lanes):
    """What the loops of a stage's activation are called with: the addresses of z, a and the slopes, and the places,
    rows and units. Examples lie beside each unit, so a unit is as many units to them.
    """
    units = stage[UNIT_COUNT]
    spread, w, slope = floats(images[SPREAD], 1), floats(w_at, 1), floats(images[RUN_SLOPE], 1)[0]
    for unit in range(units):
        value = w[stage[SLOPES_PLACE] + unit] if stage[SLOPES_FROM] == OWN_SLOPES else slope
        of_unit = part(spread, unit * lanes, lanes)
        for lane in range(lanes):
            of_unit[lane] = value
    z_at, a_at = block_at + FLOAT_BYTES * stage[Z_AT] * lanes, block_at + FLOAT_BYTES * stage[A_AT] * lanes
    return z_at, a_at, images[SPREAD], stage[DOWN] * stage[ACROSS], stage[ROW_COUNT] * lanes, units * lanes


@inner
def _through(images, stage_at, stage, z_at):
    """dl/d what a stage reads, written to back: the reversed network's convolution, by the weights turned round."""
    turned = images[TURNED] + FLOAT_BYTES * stage[WEIGHTS_PLACE]
    call(images[CONVOLVE_BACK], (stage_at, turned, images[ZEROS], z_at, images[BACK], images[BLOCK_LANES]))


@inner
def _turn_weights(stage, w, turned):
    """turned (channels, kernel, kernel, rows) <- the weights (rows, kernel, kernel, channels), by 180 degrees."""
    channels, rows, kernel, stride = stage[CHANNELS], stage[FILTERS], stage[KERNEL], stage[STRIDE]
    places = kernel * kernel
    weights = part(w, stage[WEIGHTS_PLACE], rows * places * channels)
    target = part(turned, stage[WEIGHTS_PLACE], weights.size)
    for ky in range(kernel):
        for kx in range(kernel):
            place = turned_place(ky, kernel, stride) * kernel + turned_place(kx, kernel, stride)
            for row in range(rows):
                for channel in range(channels):
                    to = (channel * places + place) * rows + row
                    target[to] = weights[(row * places + ky * kernel + kx) * channels + channel]


@inner
def _sum_slopes(source, lanes, target, is_first):
    for unit in range(target.size):
        before = ZERO if is_first else target[unit]
        target[unit] = before + total(part(source, unit * lanes, lanes))
