"""The real NFS that some tests need, and its clients, as a test sees them; `scripts/services/nfs-up` starts it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from tests.commands import ROOT
from tests.sweep.nfs_client import READY, write
from tests.waiting import wait_until

FOLDER = "WORKBENCH_TEST_NFS"  # the variable that names its folder
Answer = tuple[int, str, str]


def needs_nfs() -> Path:
    """The folder of the NFS; the test is skipped, with the reason, where none was started for tests."""
    if FOLDER not in os.environ:
        pytest.skip('needs an NFS for tests: eval "$(scripts/services/nfs-up)"')
    return Path(os.environ[FOLDER])


def the_server_fails_and_comes_back() -> None:
    """As by a power failure. It is up when this returns, and lets its clients have their locks again for a while."""
    subprocess.run(
        [str(ROOT / "scripts/services/nfs-restart")], check=True, env={**os.environ, FOLDER: str(needs_nfs())}
    )


class Client:
    """A machine that has the exported folder as its working folder. It is started at once, and waited for.

    `options` are those of its mount, as in "vers=3,nolock"; "" for what `nfs-on` mounts with.
    """

    def __init__(self, number: int, options: str = "") -> None:
        self._number, self._place, self._numbers = number, needs_nfs() / str(number), count()
        self._orders = self._place / "orders"
        shutil.rmtree(self._orders, ignore_errors=True)
        self._orders.mkdir()
        command = [sys.executable, "-m", "tests.sweep.nfs_client", str(self._orders)]
        given = {"NFS_OPTIONS": options} if options else {}
        self._machine = subprocess.Popen(
            [str(ROOT / "scripts/services/nfs-on"), str(number), *command],
            env={**os.environ, "PYTHONPATH": str(ROOT), "NFS_CLOCK": self.clock, **given},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def clock(self) -> str:
        """Where it stands: the clocks of no two machines agree."""
        return f"{self._number * 10 - 15} minutes"

    def kill(self) -> None:
        """As by pulling its plug."""
        if self.has_ended():
            return
        os.killpg(int((self._place / "pid").read_text()), signal.SIGKILL)
        self._machine.communicate()

    def has_ended(self) -> bool:
        """Whether it has."""
        return self._machine.poll() is not None

    def begin(self, folder: str, *arguments: str, hold: int | None = None) -> Callable[[], Answer]:
        """Start `workbench` in a folder of the disk; its answer is waited for when it is asked for."""
        return self._order({"folder": folder, "arguments": arguments, "hold": hold})

    def run(self, folder: str, *arguments: str) -> Answer:
        """Exit status, output and errors of `workbench` in a folder of the disk."""
        return self.begin(folder, *arguments)()

    def shell(self, words: str) -> str:
        """What the shell says to these words, which must succeed."""
        status, output, errors = self._order({"shell": words})()
        assert status == 0, errors
        return output

    def _order(self, order: object) -> Callable[[], Answer]:
        wait_until(lambda: self.has_ended() or (self._orders / READY).exists())
        file = self._orders / f"{next(self._numbers)}.order"
        write(file, order)

        def answer() -> Answer:
            wait_until(lambda: self.has_ended() or file.with_suffix(".answer").exists())
            assert not self.has_ended(), (self._place / "log").read_text()[-2000:]
            status, output, errors = json.loads(file.with_suffix(".answer").read_text())
            return status, output, errors

        return answer
