"""Reading IDX files, the format of MNIST: a magic number, the dimensions, then unsigned bytes; plain or gzipped.

The magic number is two zero bytes, the type of the values (8: unsigned byte) and the number of dimensions; it and the
dimensions are big-endian 32-bit integers (LeCun, Cortes and Burges, "The MNIST database", 1998).
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from workbench.data.dataset import require
from workbench.engine.errors import BadInput

UNSIGNED_BYTE = 0x08
GZIP_START = b"\x1f\x8b"
CONTENTS = {1: "labels", 3: "images"}


def read(path: Path, origin: Path | str | None = None) -> bytes:
    """The bytes of a file, unpacked if it is gzipped (told by its content: some browsers unpack and keep the name).

    Raises BadInput, which names `origin` (default: the path), where it cannot be read or the gzip file is broken.
    """
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if raw.startswith(GZIP_START) else raw
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BadInput(f"{origin or path}: the gzip file is broken or truncated ({_one_line(error)})") from None
    except OSError as error:
        raise BadInput(f"{origin or path}: cannot be read ({error.strerror or _one_line(error)})") from None


def decode(content: bytes, origin: Path | str, dimensions: int) -> np.ndarray:
    """The uint8 array of an IDX file's unpacked bytes; `dimensions` is 1 for labels and 3 for images.

    Raises BadInput, which names `origin`, where the magic number or the length is not what it should be.
    """
    expected = CONTENTS[dimensions]
    header = 4 * (1 + dimensions)
    require(len(content) >= 4, f"{origin}: found {len(content)} bytes, too few for an IDX file of {expected}")
    _check_magic(int.from_bytes(content[:4], "big"), origin, dimensions)
    require(len(content) >= header, f"{origin}: found {len(content)} bytes, but the header alone takes {header}")
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", count=dimensions, offset=4))
    length = header + math.prod(shape)
    sizes = " x ".join(map(str, shape))
    require(
        len(content) == length,
        f"{origin}: found {len(content)} bytes, expected {length} ({header} of header, {sizes} of {expected}); "
        f"the file is {'truncated' if len(content) < length else 'followed by something else'}",
    )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


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
