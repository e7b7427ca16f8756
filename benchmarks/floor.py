"""The floor: the matrix products of a training step alone, in sequence, at the step's own shapes.

No step that multiplies all numbers is faster. The compiled kernel leaves out pixels that are dark in a whole minibatch.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any

import numpy as np

from benchmarks.works import Work, layout_of
from workbench.engine.kernels.choice import numba_fault
from workbench.engine.layers.base import Layer
from workbench.engine.layers.convolution import Convolution
from workbench.engine.layers.windows import reached
from workbench.engine.training.layout import Layout

STEPS = 32


def flops_of_step(work: Work) -> int:
    """Multiplications and additions of the products of one update of one run: forward, dL/dW, and dl/dx but of the
    inputs. What a patch reads beyond the border of an image is not multiplied.
    """
    sizes = [_products_of(layer) for layer in layout_of(work).layers]
    return 2 * work.batch_size * (3 * sum(sizes) - sizes[0])


def _products_of(layer: Layer) -> int:
    """How often a weight is multiplied with what it reads, for one example."""
    weights = next(tensor for tensor in layer.tensors if tensor.is_weights)
    if not isinstance(layer, Convolution):
        return weights.size
    uses = [
        sum(_length(reached(offset, size, places, layer.stride, before)[0]) for offset in range(layer.kernel))
        for size, places, before in zip(layer.inputs[:2], layer.places, layer.before, strict=True)
    ]
    return weights.size // layer.kernel**2 * prod(uses)


def _length(windows: slice) -> int:
    return windows.stop - windows.start


class Products:
    """Products alone, on one core: those of the compiled kernel where Numba is there, else BLAS's through NumPy.

    A unit is `STEPS` steps of one run.
    """

    def __init__(self, work: Work, runs: np.ndarray) -> None:
        layout, draw = layout_of(work), np.random.default_rng(int(runs[0]))
        widest = max(_places(layer) * max(rows, columns) for layer, rows, columns in _matrices(layout))
        w, a, z = (draw.random(size, np.float32) for size in (layout.size, *(2 * [work.batch_size * (widest + 64)])))
        arguments = layout, work.batch_size, w, a, z
        self._steps = partial(multiply, *arguments) if numba_fault() else compiled_steps(*arguments)

    def turn(self, units: int) -> int:
        """Multiply; the updates of single runs whose products were done."""
        self._steps(units * STEPS)
        return units * STEPS

    def losses(self) -> dict[tuple[int, int], float]:
        """None: nothing is trained."""
        return {}


def multiply(layout: Layout, batch: int, w: np.ndarray, a: np.ndarray, z: np.ndarray, steps: int) -> None:
    """The products of so many steps of one run, through NumPy. a and z are large enough for any layer's.

    A convolution reads its patches as examples.
    """
    weights = [matrices[0] for matrices in layout.weights(w[None])]
    examples = [batch * _places(layer) for layer in layout.layers]
    for _ in range(steps):
        for matrix, count in zip(weights, examples, strict=True):
            rows, columns = matrix.shape
            x = a[: count * columns].reshape(count, columns)
            np.matmul(x, matrix.T, out=z[: count * rows].reshape(count, rows))
        for number, (matrix, count) in reversed(list(enumerate(zip(weights, examples, strict=True)))):
            rows, columns = matrix.shape
            dl_dz = z[: count * rows].reshape(count, rows)
            np.matmul(dl_dz.T, a[: count * columns].reshape(count, columns))
            if number > 0:
                np.matmul(dl_dz, matrix)


def _places(layer: Layer) -> int:
    """How often a layer's neurons are used for one example."""
    return prod(layer.places) if isinstance(layer, Convolution) else 1


def _matrices(layout: Layout) -> list[tuple[Layer, int, int]]:
    """Every layer with the rows and columns of its weights."""
    return [(layer, rows, columns) for layer, (_, rows, columns) in zip(layout.layers, layout.rows(), strict=True)]


def compiled_steps(layout: Layout, batch: int, w: np.ndarray, a: np.ndarray, z: np.ndarray) -> Callable[[int], None]:
    """The same through the compiled kernel's own products, called as its step calls them."""
    import numba

    from benchmarks.image_floor import multiply_backward, multiply_forward
    from workbench.engine.kernels.compiled.kernel import places_of, scratch_for
    from workbench.engine.kernels.compiled.products import through_weights, weight_gradient, weighted_sums

    njit: Any = numba.njit
    scratch, places, gradients = scratch_for(layout, batch), places_of(layout), np.zeros_like(w)
    scratch.a[:], scratch.x[:], scratch.features[:], scratch.maps[:] = a[0], a[1], a[1], a[0]
    images_at, w_at, g_at = scratch.images.ctypes.data, w.ctypes.data, gradients.ctypes.data
    has_images = scratch.images.size > 0

    @njit(_nrt=False)  # as the kernel's own functions: no references are counted
    def multiply_steps(w, g, z, places, batch, scratch, steps):  # type: ignore[no-untyped-def]
        of_a = scratch.strides[1]
        for _ in range(steps):
            if has_images:
                multiply_forward(images_at, w_at, batch)
            for layer in range(len(places)):
                x, x_at = (scratch.a, (layer - 1) * of_a) if layer else (scratch.features, 0)
                weighted_sums(w, 0, places, layer, x, x_at, batch, z, 0, scratch.panel)
            for layer in range(len(places) - 1, -1, -1):
                x, x_at = (scratch.a, (layer - 1) * of_a) if layer else (scratch.features, 0)
                weight_gradient(z, 0, batch, x, x_at, places, layer, g, scratch.zeros, scratch.panel)
                if layer or has_images:
                    through_weights(z, 0, batch, w, 0, places, layer, scratch.dl_da, scratch.zeros, scratch.panel)
            if has_images:
                multiply_backward(images_at, g_at, batch)

    return partial(multiply_steps, w, gradients, z, places, batch, scratch)
