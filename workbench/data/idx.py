"""Reading IDX files, the format of MNIST: a magic number, the dimensions, then unsigned bytes; plain or gzipped.

The magic number is two zero bytes, the type of the values (8: unsigned byte) and the number of dimensions; it and the
dimensions are big-endian 32-bit integers (LeCun, Cortes and Burges, "The MNIST database", 1998).
"""

from __future__ import annotations

import gzip
import math
import zlib
from io import BufferedIOBase
from pathlib import Path

import numpy as np

from workbench.data.archive import CHUNK_BYTES
from workbench.data.dataset import require
from workbench.engine.errors import BadInput

UNSIGNED_BYTE = 0x08
GZIP_START = b"\x1f\x8b"
CONTENTS = {1: "labels", 3: "images"}


def read(path: Path, dimensions: int, largest: int, origin: Path | str | None = None) -> bytes:
    """The bytes of a file, unpacked if its content is gzipped. Its name is no sign: some browsers unpack and keep it.

    The bytes are those of a valid IDX file (see `decode`). The header is read first, and then no more than it promises,
    at most `largest` bytes. Raises BadInput, which names `origin` (default: the path), if the file cannot be
    read, the gzip file is broken, or it is no such IDX file.
    """
    name = origin or path
    try:
        with path.open("rb") as file:
            packed = file.read(len(GZIP_START)) == GZIP_START
            file.seek(0)
            content = _read(gzip.GzipFile(fileobj=file) if packed else file, name, dimensions, largest)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BadInput(f"{name}: the gzip file is broken or truncated ({_one_line(error)})") from None
    except OSError as error:
        raise BadInput(f"{name}: cannot be read ({error.strerror or _one_line(error)})") from None
    decode(content, name, dimensions)
    return content


def _read(stream: BufferedIOBase, origin: Path | str, dimensions: int, largest: int) -> bytes:
    """The header, the bytes that it promises, and one byte more if there is one."""
    content = bytearray(stream.read(4 * (1 + dimensions)))
    length = _length(_shape(content, origin, dimensions))
    require(length <= largest, f"{origin}: its header promises {length} bytes; allowed are at most {largest}")
    while len(content) <= length and (chunk := stream.read(min(CHUNK_BYTES, length + 1 - len(content)))):
        content += chunk
    return bytes(content)


def decode(content: bytes, origin: Path | str, dimensions: int) -> np.ndarray:
    """The uint8 array of an IDX file's unpacked bytes; `dimensions` is 1 for labels and 3 for images.

    Raises BadInput, which names `origin`, if the magic number or the length is wrong.
    """
    shape = _shape(content, origin, dimensions)
    length, header = _length(shape), 4 * (1 + dimensions)
    sizes, found = " x ".join(map(str, shape)), f"{len(content)} bytes"
    require(
        len(content) == length,
        f"{origin}: found {found if len(content) < length else f'at least {found}'}, expected {length} ({header} of "
        f"header, {sizes} of {CONTENTS[dimensions]}); "
        f"the file is {'truncated' if len(content) < length else 'followed by something else'}",
    )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def _shape(content: bytes | bytearray, origin: Path | str, dimensions: int) -> tuple[int, ...]:
    """The shape that a header gives."""
    header, found = 4 * (1 + dimensions), len(content)
    require(found >= 4, f"{origin}: found {found} bytes, too few for an IDX file of {CONTENTS[dimensions]}")
    _check_magic(int.from_bytes(content[:4], "big"), origin, dimensions)
    require(found >= header, f"{origin}: found {found} bytes, but the header alone takes {header}")
    return tuple(int(size) for size in np.frombuffer(content, ">u4", count=dimensions, offset=4))


def _length(shape: tuple[int, ...]) -> int:
    """Bytes of a file of that shape, header included."""
    return 4 * (1 + len(shape)) + math.prod(shape)


def _check_magic(magic: int, origin: Path | str, dimensions: int) -> None:
    expected = UNSIGNED_BYTE << 8 | dimensions
    if magic == expected:
        return
    other = {UNSIGNED_BYTE << 8 | number: kind for number, kind in CONTENTS.items()}.get(magic)
    found = f"it holds {other}" if other else "it is no such IDX file"
    raise BadInput(
        f"{origin}: {found}: found the magic number 0x{magic:08x}, "
        f"expected 0x{expected:08x} for {CONTENTS[dimensions]} in unsigned bytes"
    )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
