"""What is expensive is made once a session, by whichever worker needs it first."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest

WORKER = "PYTEST_XDIST_WORKER"  # set in the processes that run tests side by side


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The session's folder NAME, filled by `make` for whoever asks first; whoever asks meanwhile waits.

    Tests only read what lies in it, and copy what they change.
    """
    own = factory.getbasetemp()
    everybody_s = own.parent if WORKER in os.environ else own
    folder, made = everybody_s / name, everybody_s / f"{name}.made"
    with (everybody_s / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            folder.mkdir()
            make(folder)
            made.touch()
    return folder
