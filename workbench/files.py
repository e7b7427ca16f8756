"""Atomic writes: a temporary file is written, flushed to the disk, and renamed over the old file."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_KNOWS_NO_FLUSHING = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)  # some file systems, mostly of folders
UNFINISHED = ".new"  # the ending of a file that is being written


@contextmanager
def whole(file: Path) -> Iterator[Path]:
    """The path to write to. If the block succeeds, the new file replaces `file` in one step.

    If the block raises, `file` is unchanged. A kill may leave a hidden file (see `clear`).
    """
    unnamed = file.with_name(f".{secrets.token_hex(8)}{UNFINISHED}")
    try:
        yield unnamed
        _flush(unnamed)
        unnamed.replace(file)
    except OSError as error:
        if error.filename == str(unnamed):  # report the name of the file, not the temporary one
            error.filename = str(file)
        raise
    finally:
        unnamed.unlink(missing_ok=True)
    with suppress(OSError):  # the content is on the disk; a power failure could only lose the renaming
        _flush(file.parent)


def write(file: Path, content: str | bytes) -> None:
    """Write a file atomically; text as UTF-8, with "?" for characters that UTF-8 cannot encode."""
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
