"""Matrix products through a cuBLAS handle of our own.

CuPy refuses its own handle while a stream captures (CuPy issue 6290), copies transposed and strided operands of
`matmul`, and offers no choice of precision. This handle is bound to one stream, and to a workspace that lives as long
as the handle does, so that captured products can be replayed.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.engine.kernels.cuda.launches import Operand, Product, gemm

if TYPE_CHECKING:
    import cupy

LIBRARIES = ("libcublas.so.13", "libcublas.so.12", "cublas64_13.dll", "cublas64_12.dll")
WORKSPACE = 32 * 2**20  # bytes: NVIDIA's recommendation for Hopper, and more than enough for older devices
WORKSPACES = 2  # of a machine: one for each of its streams
_FLOAT32, _DEFAULT_ALGORITHM = 0, -1  # cudaDataType_t, cublasGemmAlgo_t
_FACTOR = ctypes.POINTER(ctypes.c_float)
_OPERAND = (ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_longlong)  # pointer, type, leading, stride
_GEMM = (
    ctypes.c_void_p, *5 * (ctypes.c_int,), _FACTOR, *_OPERAND, *_OPERAND, _FACTOR, *_OPERAND, *3 * (ctypes.c_int,),
)  # fmt: skip


@dataclass(frozen=True)
class Precision:
    """One row of `PRECISIONS`: how a product of float32 numbers is computed.

    `compute` is a `cublasComputeType_t`, `updating` the kernel of a product that updates weights at once.
    """

    summary: str
    compute: int
    updating: str


PRECISIONS: dict[str, Precision] = {
    "float32": Precision("products of float32 numbers as they are", 68, "update_by_product"),
    "tf32": Precision(
        "factors rounded to 10 bits of mantissa, on tensor cores: kernel graph only", 77, "update_by_tf32_product"
    ),
}


class CublasError(RuntimeError):
    """cuBLAS is missing, or a call of it failed."""


class Cublas:
    """One handle. `stream` is a CuPy stream, `workspace` an array of bytes on the device."""

    def __init__(self, stream: cupy.cuda.Stream, workspace: cupy.ndarray, precision: str) -> None:
        self._library, self._workspace, self._compute = loaded(), workspace, PRECISIONS[precision].compute
        self._library.cublasGemmStridedBatchedEx.argtypes = _GEMM
        self._library.cublasSetStream_v2.argtypes = (ctypes.c_void_p, ctypes.c_void_p)
        self._library.cublasSetWorkspace_v2.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
        self._one, self._zero = ctypes.c_float(1), ctypes.c_float(0)
        self._handle = ctypes.c_void_p()
        self._check("cublasCreate", self._library.cublasCreate_v2(ctypes.byref(self._handle)))
        self._check("cublasSetStream", self._library.cublasSetStream_v2(self._handle, stream.ptr))
        # After the stream, because choosing a stream restores the library's own workspace.
        status = self._library.cublasSetWorkspace_v2(self._handle, workspace.data.ptr, workspace.nbytes)
        self._check("cublasSetWorkspace", status)

    def multiply(self, product: Product) -> None:
        """Put the product on the stream."""
        m, n, k, a, b, c = gemm(product)
        status = self._library.cublasGemmStridedBatchedEx(
            self._handle, a.transposed, b.transposed, m, n, k, self._one, *_described(a), *_described(b), self._zero,
            *_described(c), product.runs, self._compute, _DEFAULT_ALGORITHM,
        )  # fmt: skip
        self._check("cublasGemmStridedBatchedEx", status)

    @staticmethod
    def _check(call: str, status: int) -> None:
        if status != 0:
            raise CublasError(f"{call}: status {status}")


def _described(operand: Operand) -> tuple[int, int, int, int]:
    """Pointer, type, leading dimension and stride."""
    matrix = operand.matrix
    pointer = matrix.array.data.ptr + matrix.start * matrix.array.itemsize
    return pointer, _FLOAT32, operand.leading, matrix.stride


def loaded() -> ctypes.CDLL:
    """The cuBLAS that CuPy has loaded into this process: once a library is loaded, it is found by its bare name."""
    import cupy

    cupy.cuda.device.get_cublas_handle()  # CuPy finds it in its own way
    for name in LIBRARIES:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise CublasError(f"cuBLAS: found none of {', '.join(LIBRARIES)} in this process")
