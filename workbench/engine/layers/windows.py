"""Windows that move over an image: which pixel is at which place of a window, along one axis."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from workbench.engine.backend import Array


def places_along(size: int, window: int, stride: int, padding: str) -> int:
    """How many windows fit along an axis of `size` pixels.

    With `padding` "valid" every window lies within the image. With "same" there is a window for every `stride`-th
    pixel, and places beyond the border read zeros.
    """
    return -(-size // stride) if padding == "same" else (size - window) // stride + 1


def pixels_before(size: int, window: int, stride: int, padding: str) -> int:
    """How many pixels before the image the first window begins: half of the padding of both borders, rounded down."""
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
    """The pixels at each place within the adjacent square tiles of an image, `size` pixels wide, as views.

    (runs, batch, height, width, channels) -> size * size times (runs, batch, height // size, width // size, channels).
    Pixels left over at the lower and right border belong to no tile.
    """
    height, width = (images.shape[axis] // size * size for axis in (2, 3))
    for row, column in product(range(size), repeat=2):
        yield images[:, :, row:height:size, column:width:size]
