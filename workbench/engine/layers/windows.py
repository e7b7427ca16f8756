"""Windows that move over an image: which pixel stands at which place of a window, along one axis."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from workbench.engine.backend import Array


def places_along(size: int, window: int, stride: int, padding: str) -> int:
    """How many windows fit along an axis of `size` pixels.

    `padding` is "valid", where every window lies within the image, or "same", where there is a window at every
    `stride`-th pixel, and what reaches beyond the border reads zeros.
    """
    return -(-size // stride) if padding == "same" else (size - window) // stride + 1


def pixels_before(size: int, window: int, stride: int, padding: str) -> int:
    """How many pixels the first window begins before the image: half of what is beyond both borders, rounded down."""
    if padding == "valid":
        return 0
    return max((places_along(size, window, stride, padding) - 1) * stride + window - size, 0) // 2


def reached(offset: int, size: int, places: int, stride: int, before: int) -> tuple[slice, slice]:
    """The windows whose pixel number `offset` lies within the image, and these pixels, as slices of equal length."""
    first = max(0, -(-(before - offset) // stride))
    last = min(places - 1, (size - 1 + before - offset) // stride)
    if last < first:
        return slice(0, 0), slice(0, 0)
    start = first * stride + offset - before
    return slice(first, last + 1), slice(start, start + (last - first) * stride + 1, stride)


def tiles(images: Array, size: int) -> Iterator[Array]:
    """The pixels of each place within square tiles of an image, side by side and of `size`, as views.

    (runs, batch, height, width, channels) -> size * size times (runs, batch, height // size, width // size, channels).
    What is left over at the lower and right border belongs to no tile.
    """
    height, width = (images.shape[axis] // size * size for axis in (2, 3))
    for row, column in product(range(size), repeat=2):
        yield images[:, :, row:height:size, column:width:size]
