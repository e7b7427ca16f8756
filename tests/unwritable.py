"""A folder that this process may read and not write to, also where the tests run as root."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

_VERSION = 0x20080522  # of Linux's capabilities
_WRITES_EVERYWHERE = 0b110  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: what makes root write where nobody may


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("process", ctypes.c_int))


@contextmanager
def unwritable(folder: Path) -> Iterator[None]:
    """While it is entered, nothing in the folder can be written, made or taken away by this thread."""
    places = [folder, *folder.rglob("*")]
    modes = {place: place.stat().st_mode & 0o777 for place in places}
    with ExitStack() as stack:
        for place, mode in modes.items():
            place.chmod(mode & ~0o222)
            stack.callback(place.chmod, mode)
        if os.geteuid() == 0 and sys.platform == "linux":
            stack.enter_context(_as_anybody())
        yield


@contextmanager
def _as_anybody() -> Iterator[None]:
    """Root without the right to pass over permissions, in this thread."""
    system = ctypes.CDLL(None, use_errno=True)
    header, data = _Header(_VERSION, 0), (ctypes.c_uint32 * 6)()
    assert system.capget(ctypes.byref(header), ctypes.byref(data)) == 0
    before = data[0]
    data[0] = before & ~_WRITES_EVERYWHERE
    assert system.capset(ctypes.byref(header), ctypes.byref(data)) == 0
    try:
        yield
    finally:
        data[0] = before
        assert system.capset(ctypes.byref(header), ctypes.byref(data)) == 0
