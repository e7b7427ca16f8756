"""Atomic writes: a temporary file is written, flushed to the disk, and renamed over the old file."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_KNOWS_NO_FLUSHING = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)  # some file systems, mostly of folders
UNFINISHED = ".new"  # how the name of a file ends that is still being written


@contextmanager
def whole(file: Path) -> Iterator[Path]:
    """The path to write to: where the block ends well, what it wrote takes the place of `file`, in one step.

    Where it raises, `file` stays as it was. After a kill a hidden file may be left (`clear`).
    """
    unnamed = file.with_name(f".{secrets.token_hex(8)}{UNFINISHED}")
    try:
        yield unnamed
        _flush(unnamed)
        unnamed.replace(file)
    except OSError as error:
        if error.filename == str(unnamed):  # nobody has heard of that one
            error.filename = str(file)
        raise
    finally:
        unnamed.unlink(missing_ok=True)
    with suppress(OSError):  # the file is there; whether its name outlives a loss of power is the system's affair
        _flush(file.parent)


def write(file: Path, content: str | bytes) -> None:
    """Write a file whole; text as UTF-8, with "?" for what UTF-8 has no bytes for."""
    with whole(file) as unnamed:
        unnamed.write_bytes(content.encode("utf-8", "replace") if isinstance(content, str) else content)


def clear(folder: Path) -> None:
    """Delete temporary files that kills left in a folder; no other process may be writing there."""
    for left in folder.glob(f".*{UNFINISHED}"):
        with suppress(OSError):
            left.unlink()


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _KNOWS_NO_FLUSHING:
            raise
    finally:
        os.close(handle)
