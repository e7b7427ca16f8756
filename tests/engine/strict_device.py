"""A strict stand-in for CuPy without a device: host and device mix-ups show on any machine.

Its arrays are not NumPy arrays. As with CuPy, they refuse to meet arrays of the host in arithmetic, refuse to become
one implicitly, come home by `.get()` alone, and are handed NumPy's functions. As with CuPy, host arrays may be used as
an index. Strictly less than CuPy allows is allowed here: only what `_UFUNCS`, `_FUNCTIONS` and the methods name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

_UFUNCS = {
    np.absolute, np.add, np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.cos, np.divide, np.equal, np.exp, np.expm1,
    np.greater, np.greater_equal, np.invert, np.isfinite, np.left_shift, np.less, np.less_equal, np.log, np.log1p,
    np.matmul, np.maximum, np.minimum, np.multiply, np.negative, np.not_equal, np.power, np.right_shift, np.sign,
    np.sin, np.sqrt, np.square, np.subtract, np.tanh,
}  # fmt: skip
_FUNCTIONS = {np.asarray, np.empty_like, np.ones_like, np.stack, np.where, np.zeros_like}
_METHODS = ("all", "any", "argmax", "astype", "copy", "max", "mean", "min", "reshape", "std", "sum", "swapaxes", "view")
_SCALARS = (bool, int, float, np.generic)


class DeviceArray(NDArrayOperatorsMixin):
    """An array that lies on the pretended device."""

    def __init__(self, on_device: np.ndarray) -> None:
        self._array = on_device

    dtype = property(lambda self: self._array.dtype)
    shape = property(lambda self: self._array.shape)
    ndim = property(lambda self: self._array.ndim)
    size = property(lambda self: self._array.size)

    def __len__(self) -> int:
        return len(self._array)

    def __iter__(self) -> Iterator[DeviceArray]:
        return (DeviceArray(row) for row in self._array)

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise TypeError("implicit conversion to a host array: use .get()")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if ufunc not in _UFUNCS or method != "__call__" or set(options) - {"out"}:
            raise NotImplementedError(f"{ufunc.__name__}.{method} with {sorted(options)}")
        if "out" in options:
            (out,) = options["out"]
            assert isinstance(out, DeviceArray), f"{ufunc.__name__} on the device writes to {type(out)}"
            ufunc(*map(_inside, inputs), out=out._array)
            return out
        return DeviceArray(np.asarray(ufunc(*map(_inside, inputs))))

    def __array_function__(self, function: Any, _types: Any, args: Any, options: Any) -> Any:
        if function not in _FUNCTIONS:
            raise NotImplementedError(f"{function.__name__} of device arrays")
        options = {name: value for name, value in options.items() if name != "like"}
        if function is np.asarray:  # with like=, a host array is sent to the device
            return asarray(*args, **options)
        return DeviceArray(function(*(_inside(arg) for arg in args), **options))

    def __getitem__(self, index: Any) -> DeviceArray:
        return DeviceArray(np.asarray(self._array[_index(index)]))

    def __setitem__(self, index: Any, value: Any) -> None:
        self._array[_index(index)] = _inside(value)

    def __bool__(self) -> bool:
        raise TypeError("the truth of a device array waits for the device")

    def get(self) -> np.ndarray:
        """A copy in the host's memory."""
        return self._array.copy()

    def sort(self, axis: int = -1) -> None:
        self._array.sort(axis=axis)

    def take(self, index: Any, axis: int, out: Any) -> None:
        assert isinstance(index, DeviceArray)
        assert isinstance(out, DeviceArray)
        np.take(self._array, index._array, axis=axis, out=out._array, mode="clip")


def _method(name: str) -> Any:
    def call(self: DeviceArray, *args: Any, **options: Any) -> DeviceArray:
        return DeviceArray(np.asarray(getattr(self._array, name)(*args, **options)))

    return call


for _name in _METHODS:
    setattr(DeviceArray, _name, _method(_name))


def _inside(value: Any) -> Any:
    """What lies on the device behind a value that may meet device arrays."""
    if isinstance(value, DeviceArray):
        return value._array
    if isinstance(value, list | tuple):
        return [_inside(part) for part in value]
    if isinstance(value, _SCALARS) or (isinstance(value, np.ndarray) and value.ndim == 0):
        return value
    raise TypeError(f"{type(value).__name__} meets a device array: host and device are mixed")


def _index(index: Any) -> Any:
    if isinstance(index, tuple):
        return tuple(map(_index, index))
    return index._array if isinstance(index, DeviceArray) else index


# --- the module's functions, as the engine calls them of `xp` ---------------------------------------------------------


def asarray(array: Any, dtype: Any = None) -> DeviceArray:
    """Send a host array to the device: a copy, as there."""
    return array if isinstance(array, DeviceArray) else DeviceArray(np.array(array, dtype))


def zeros(shape: Any, dtype: Any) -> DeviceArray:
    return DeviceArray(np.zeros(shape, dtype))


def ones(shape: Any, dtype: Any) -> DeviceArray:
    return DeviceArray(np.ones(shape, dtype))


def arange(*args: Any, dtype: Any = None) -> DeviceArray:
    return DeviceArray(np.arange(*args, dtype=dtype))


def concatenate(parts: list[DeviceArray], axis: int) -> DeviceArray:
    return DeviceArray(np.concatenate(_inside(parts), axis=axis))


def get_array_module(array: Any) -> Any:
    """This module for its own arrays, NumPy for all others."""
    import sys

    return sys.modules[__name__] if isinstance(array, DeviceArray) else np
