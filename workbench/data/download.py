"""Downloading one file from the first of several mirrors that gives the right one."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from workbench.engine.errors import BadInput

DOWNLOAD_CONNECT_SECONDS = 10
READ_SECONDS = 60
DOWNLOAD_CHUNK_BYTES = 1 << 16


class NoMirrorError(Exception):
    """No mirror delivered the file. The message is one line with the error of each."""


def download(name: str, mirrors: Sequence[str], folder: Path, accept: Callable[[Path, str], object]) -> Path:
    """Download the file `name` into `folder`, trying each mirror (the address of a folder) in turn; returns its path.

    `accept(path, address)` raises BadInput if the downloaded content is wrong. Only an accepted file gets its name, in
    one step, so that neither an interruption nor a second process leaves an incomplete file.
    Raises NoMirrorError if no mirror delivered it and BadInput if the folder cannot be written to.
    """
    failures = []
    for mirror in mirrors:
        address = f"{mirror.rstrip('/')}/{name}"
        temporary = _temporary_file(folder, name)
        try:
            _fetch(address, temporary)
            accept(temporary, address)
            temporary.replace(folder / name)
            return folder / name
        except BadInput as error:
            failures.append(str(error))
        except OSError as error:  # errors of requests are OSErrors too
            failures.append(f"{address}: {type(error).__name__}")
        finally:
            temporary.unlink(missing_ok=True)
    raise NoMirrorError("; ".join(failures))


def _temporary_file(folder: Path, name: str) -> Path:
    path = folder / f".{name}.{uuid.uuid4().hex}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.touch(exist_ok=False)
    except OSError as error:
        raise BadInput(f"{folder}: cannot be written to ({error.strerror}), so {name} cannot be downloaded") from None
    return path


def _fetch(address: str, path: Path) -> None:
    import pooch

    fetch = pooch.HTTPDownloader(chunk_size=DOWNLOAD_CHUNK_BYTES, timeout=(DOWNLOAD_CONNECT_SECONDS, READ_SECONDS))
    fetch(address, str(path), None)
