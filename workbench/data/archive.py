"""Reads an .npz file without trusting it: its headers are checked before any array is allocated.

An .npz file is a zip file of .npy files, each with its type and shape in a header. A header may claim more bytes than
the zip's directory, and both may claim more than the memory holds.
"""

from __future__ import annotations

import io
import math
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from workbench.data.dataset import require
from workbench.engine.errors import BadInput
from workbench.engine.host_memory import free_host_memory

CHUNK_BYTES = 1 << 20
HEADER_BYTES = 1 << 14  # NumPy reads no longer header
MEMORY_SHARE = 4  # the arrays may take this part of the free memory: their copies need room too
SMALL_BYTES = 1 << 26  # read in any case, since the free memory is only estimated
LONGEST_REASON = 160  # characters of a parser's message
PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_arrays(path: Path, holds: str, check_keys: Callable[[list[str]], None]) -> dict[str, np.ndarray]:
    """The arrays of numbers in an .npz file by key. Nothing is unpickled.

    `holds` says what the file is to hold, for messages; `check_keys` raises BadInput if its keys are not these.
    Raises BadInput, which names the file, if the file is damaged or its headers promise more than it holds.
    """
    with _one_line(path, holds), path.open("rb") as stream, zipfile.ZipFile(stream) as archive:
        members = archive.infolist()
        keys = [_shown(member.filename.removesuffix(".npy")) for member in members]
        twice = [key for key, count in Counter(keys).items() if count > 1]
        require(not twice, f"{path}: holds {', '.join(twice)} more than once; allowed is each key once")
        check_keys(keys)
        promised = sum(member.file_size for member in members)
        most = max(free_host_memory() // MEMORY_SHARE, SMALL_BYTES)
        require(
            promised <= most,
            f"{path}: promises {promised:,} bytes of arrays; allowed are {most:,}, a quarter of the free memory",
        )
        return {key: _array(path, key, archive, member) for key, member in zip(keys, members, strict=True)}


@contextmanager
def _one_line(path: Path, holds: str) -> Iterator[None]:
    """A context in which every error becomes one line: on untrusted bytes, parsers raise errors of any type."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a header in Python 2's notation is read too
            yield
    except BadInput:
        raise
    except MemoryError:
        raise BadInput(f"{path}: there is no memory for what it holds") from None
    except Exception as error:
        reason = _shown(" ".join(str(error).split()), LONGEST_REASON) or type(error).__name__
        raise BadInput(f"{path}: is no readable .npz file of {holds} ({reason})") from None


def _array(path: Path, key: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    """One array, in this machine's byte order."""
    require(not member.flag_bits & 1, f"{path}: {key} is encrypted; allowed are arrays without a password")
    require(
        member.compress_type in PACKINGS,
        f"{path}: {key} is packed by method {member.compress_type} of zip; allowed are those of np.savez and "
        f"np.savez_compressed, {' and '.join(map(str, PACKINGS))}",
    )
    with archive.open(member) as stream:
        content = bytearray(stream.read(HEADER_BYTES))
        shape, fortran, dtype, start = _header(bytes(content))
        require(not dtype.hasobject, f"{path}: {key} holds Python objects, which are not read; allowed are numbers")
        require(dtype.kind in "buifc", f"{path}: {key} is {_shown(str(dtype))}; allowed are numbers")
        length = start + math.prod(shape) * dtype.itemsize
        require(
            member.file_size == length,
            f"{path}: the header of {key} promises {length} bytes, {dtype} of shape {_shown(str(shape))}, but the "
            f"file holds {member.file_size} of it",
        )
        while chunk := stream.read(CHUNK_BYTES):
            content += chunk
    require(len(content) == length, f"{path}: {key} is truncated: found {len(content)} bytes, expected {length}")
    array = np.frombuffer(content, dtype, math.prod(shape), start) if math.prod(shape) else np.empty(0, dtype)
    return array.reshape(shape, order="F" if fortran else "C").astype(dtype.newbyteorder("="), copy=False)


def _header(head: bytes) -> tuple[tuple[int, ...], bool, np.dtype, int]:
    """Shape, whether the order is Fortran's, type, and start of the values. Raises ValueError for a broken header."""
    stream = io.BytesIO(head)
    try:
        shape, fortran, dtype = _HEADERS[np.lib.format.read_magic(stream)](stream)
    except Exception as error:  # the header is Python source: its parser raises anything from TokenError to MemoryError
        raise ValueError(f"the header of an array is broken: {type(error).__name__}: {error}") from None
    if any(size < 0 for size in shape):
        raise ValueError(f"an array's shape is {shape}")
    return tuple(map(int, shape)), fortran, dtype, stream.tell()


def _shown(text: str, longest: int = 60) -> str:
    """A text from the file for a message of one line: printable, and not too long."""
    printable = text if text.isprintable() else ascii(text)
    return printable if len(printable) <= longest else f"{printable[:longest]}..."
