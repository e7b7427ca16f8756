"""The size of the compiled kernel's scratch for a batch of one run, in numbers, as its `scratch_for` allocates it."""

from __future__ import annotations

from math import prod

from workbench.engine.layers.convolution import Convolution
from workbench.engine.layers.dense import Dense
from workbench.engine.training.layout import Layout

BLOCK_BYTES = 768 * 1024  # for a block of examples: about the size of a second-level cache
MOST_VECTOR_PAIRS = 2  # in a block that learns; each lane of a vector is an example
WIDEST_VECTOR = 16  # lanes with AVX-512; with shorter vectors a block may have fewer examples


def lanes_of_block(batch: int, numbers: int, learning: bool, lanes: int = WIDEST_VECTOR) -> int:
    """How many examples a block has, if an example takes `numbers` numbers and a vector has `lanes` lanes.

    Without `learning` it is one pair of vectors: a few rows of its maps then fit into the first-level cache.
    """
    of_cache = BLOCK_BYTES // (4 * 2 * lanes * numbers) if learning else 1
    return 2 * lanes * min(-(-batch // (2 * lanes)), max(1, min(MOST_VECTOR_PAIRS, of_cache)))


def numbers_of(layout: Layout, batch: int, drops: bool, learning: bool = True) -> int:
    """The size of a scratch in numbers. `drops`: it is used for training, and units may be dropped; `learning`: a
    backward pass reads its maps.
    """
    convolutions = [layer for layer in layout.layers if isinstance(layer, Convolution)]
    if not convolutions:
        return batch * (layout.inputs + sum(layer.held for layer in layout.without_dropout))
    return batch * _of_dense_layers(layout) + _of_images(layout, convolutions, batch, drops, learning)


def _of_dense_layers(layout: Layout) -> int:
    """For each example: its inputs, those of the first dense layer, and every layer's z, a, masked a and mask, each as
    wide as the widest layer; then the slopes and dl/da.
    """
    dense = [layer for layer in layout.layers if isinstance(layer, Dense)]
    rows, units = max(layer.rows for layer in dense), max(max(prod(layer.inputs), layer.units) for layer in dense)
    return layout.inputs + prod(dense[0].inputs) + len(dense) * (rows + 3 * units) + 2 * units


def _of_images(layout: Layout, convolutions: list[Convolution], batch: int, drops: bool, learning: bool) -> int:
    """The maps of all blocks, or of one that they share, the masks, and the buffers of a block's backward pass."""
    places = [prod(layer.places) for layer in convolutions]
    a = [count * layer.units for count, layer in zip(places, convolutions, strict=True)]
    left = [prod(layer.inputs) for layer in convolutions[1:]] + [_left_at_last(layout)]
    z = sum(count * layer.neurons.rows for count, layer in zip(places, convolutions, strict=True))
    numbers = layout.inputs + z + sum(a) + sum(left)
    lanes = lanes_of_block(batch, numbers, learning)
    blocks = -(-batch // lanes)
    masks = blocks * lanes * sum(left) + batch * max(*left, layout.inputs) if drops else 0
    back = lanes * (max(*left, layout.inputs) + max(a))
    return (blocks if learning else 1) * lanes * numbers + masks + back + layout.weights_end


def _left_at_last(layout: Layout) -> int:
    """How many numbers of an example reach the layer that flattens or averages them."""
    last = max(place for place, layer in enumerate(layout.sequence) if isinstance(layer, Convolution))
    return next(prod(layer.inputs) for layer in layout.sequence[last + 1 :] if len(layer.outputs) == 1)
