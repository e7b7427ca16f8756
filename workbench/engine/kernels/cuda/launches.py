"""A step as a plain list: kernels to launch and matrix products to compute, in order, with everything they read and
write.

Nothing is run here. A machine runs it: the device captures the list as a graph, and the tests execute it on the host.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from workbench.engine.kernels.cuda.codes import LARGEST_GRID, SHARING_LANES, SMALL_BLOCK
from workbench.untyped import DeviceArray

Argument = DeviceArray | int | float

# A library takes 5 to 52 us for these on an H200 (2026-11-26, one run of MNIST's shape), whatever their size.
THIN, FEW_ELEMENTS = 16, 2**14
# Blocks that fill a device twice over: 132 multiprocessors, eight blocks of 256 threads on each.
FILLING = 2 * 132 * 8


@dataclass(frozen=True)
class Launch:
    """One kernel of `source.STEP_KERNELS` over a grid of `blocks` (x, y); arguments in the order of its parameters.

    An int is passed as C's int, a float as its float, an array as a pointer to its first element. `waits`: it reads
    what the products before it have written that are `aside`.
    """

    kernel: str
    blocks: tuple[int, int]
    threads: int
    arguments: tuple[Argument, ...]
    shared: int = 0  # bytes of shared memory besides those that the kernel declares
    waits: bool = False


@dataclass(frozen=True)
class Matrix:
    """A matrix of every run: (rows, columns), row after row, from element `start` of the run's stretch of `array`.

    `stride` elements lie between the stretches of two runs; `transposed` says how a product reads it.
    """

    array: DeviceArray
    stride: int
    rows: int
    columns: int
    start: int = 0
    transposed: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """The matrix as a product reads it."""
        return (self.columns, self.rows) if self.transposed else (self.rows, self.columns)

    @property
    def turned(self) -> Matrix:
        """The transposed matrix, in the same memory."""
        return Matrix(self.array, self.stride, self.rows, self.columns, self.start, not self.transposed)


@dataclass(frozen=True)
class Product:
    """out = left @ right for each of `runs` runs; `out` is not transposed.

    `aside`: only launches that wait read the result, and until then nothing overwrites its factors. A device may
    compute it beside what follows.
    """

    out: Matrix
    left: Matrix
    right: Matrix
    runs: int
    aside: bool = False

    def __post_init__(self) -> None:
        (rows, inner), (other, columns) = self.left.shape, self.right.shape
        assert inner == other, f"{self.left.shape} meets {self.right.shape}"
        assert (rows, columns) == self.out.shape, f"{(rows, columns)} goes to {self.out.shape}"
        assert not self.out.transposed


Plan = Sequence[Launch | Product]


class Operand(NamedTuple):
    """A matrix as BLAS sees it: column after column, `leading` elements apart."""

    matrix: Matrix
    transposed: bool
    leading: int


class Gemm(NamedTuple):
    """A product as BLAS sees it: C (m, n) = op(A) (m, k) @ op(B) (k, n), all column after column."""

    m: int
    n: int
    k: int
    a: Operand
    b: Operand
    c: Operand


class Program(Protocol):
    """A plan, ready to run."""

    def run(self, times: int) -> None:
        """Run it that many times, one after the other. Returns when everything is done."""
        ...


class Machine(Protocol):
    """Runs plans."""

    def program(self, plan: Plan) -> Program:
        """Prepare a plan. The program keeps its arrays alive."""
        ...


def gemm(product: Product) -> Gemm:
    """A product of row-major matrices, in the terms of a column-major library.

    Such a library sees each of our matrices as its transpose, so it computes out^T = right^T @ left^T.
    """
    rows, columns = product.out.shape
    a, b, c = (
        Operand(matrix, matrix.transposed, matrix.columns) for matrix in (product.right, product.left, product.out)
    )
    return Gemm(columns, rows, product.left.shape[1], a, b, c)


def tiles(elements: int, each: int) -> int:
    """How many blocks share that many elements, `each` of them a block. If there are more than the grid holds, blocks
    take several turns.
    """
    return max(1, min(-(-elements // each), LARGEST_GRID))


def turns(elements: int, threads: int, runs: int) -> int:
    """How many blocks of so many threads share the elements of a run: fewer than `tiles` if there are many runs, since
    a block that takes several turns reads what is the same for all elements once.
    """
    return min(tiles(elements, threads), -(-FILLING // runs))


def multiplied(product: Product) -> Launch | Product:
    """The product; our own kernel computes it if it is thin and has few elements in all."""
    (rows, columns), inner = product.out.shape, product.left.shape[1]
    if min(rows, columns, inner) > THIN or product.runs * rows * columns > FEW_ELEMENTS:
        return product
    numbers = [number for matrix in (product.left, product.right) for number in _steps(matrix)]
    numbers += [product.out.start, product.out.stride, rows, inner, columns]
    arrays = (product.left.array, product.right.array, product.out.array)
    blocks = (product.runs, tiles(rows * columns, SMALL_BLOCK // SHARING_LANES))
    return Launch("small_product", blocks, SMALL_BLOCK, (*arrays, *numbers))


def _steps(matrix: Matrix) -> tuple[int, int, int, int]:
    """The start, and the distance between two runs, two rows and two columns, as a product reads it."""
    row, column = (1, matrix.columns) if matrix.transposed else (matrix.columns, 1)
    return matrix.start, matrix.stride, row, column


def fours(elements: int) -> int:
    """The units of work of the threads: four elements each if the number is divisible by four, else one."""
    return elements if elements % 4 else elements // 4


def threads_for(elements: int, largest: int) -> int:
    """The threads of a block that share that many elements: a power of two, at least a warp."""
    return min(largest, max(32, 1 << (elements - 1).bit_length()))
