"""The command in a process of its own, but without the seconds that its imports take.

A server imports everything once and is forked for every command: real processes, which can be killed. What they lack
of `workbench` is the start-up, and the figures of their pages; who asks about these starts the real one.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any, NoReturn

from tests.waiting import CEILING, wait_until

ROOT = Path(__file__).resolve().parents[1]
GATE = "go on"


class Command:
    """One command, as `subprocess.Popen` shows a process."""

    def __init__(self, out: int, errors: int, life: int) -> None:
        self.stdout, self.stderr = os.fdopen(out, encoding="utf-8"), os.fdopen(errors, encoding="utf-8")
        self._life = os.fdopen(life, "rb", buffering=0)  # its number, and once it has ended its exit status
        self.pid, self.returncode = int(self._life.readline()), None

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait(self, timeout: float) -> int:
        """Its exit status, minus the signal where it was killed. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            if not self._has_news(timeout):
                raise subprocess.TimeoutExpired("workbench", timeout)
            self.returncode = int(self._life.readline())
        return self.returncode

    def has_ended(self) -> bool:
        """Whether it has."""
        return self.returncode is not None or self._has_news(0)

    def _has_news(self, timeout: float) -> bool:
        """Whether there is something to read, within so many seconds. `select` knows no descriptors above 1,023."""
        poll = select.poll()
        poll.register(self._life, select.POLLIN)
        return bool(poll.poll(timeout * 1000))

    def communicate(self) -> tuple[str, str]:
        """All of its output and errors, once it has ended."""
        with self.stdout, self.stderr, self._life:
            errors, output = self.stderr.read(), self.stdout.read()
            self.wait(CEILING)
        return output, errors


class Commands:
    """Starts commands. To be entered."""

    def __enter__(self) -> Commands:
        self._started: list[Command] = []
        self._socket, theirs = socket.socketpair()
        command = [sys.executable, "-m", "tests.commands", str(theirs.fileno())]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with theirs:
            self._server = subprocess.Popen(
                command, cwd=ROOT, env=environment, pass_fds=[theirs.fileno()], stdout=subprocess.DEVNULL
            )
        return self

    def __exit__(self, *_: object) -> None:
        for command in self._started:
            if not command.has_ended():
                command.send_signal(signal.SIGKILL)
        self._socket.close()
        self._server.wait()

    def start(self, folder: Path, arguments: Sequence[str], hold: int | None = None) -> Command:
        """Start the command with these arguments in `folder`.

        The pack number `hold` (from 0) waits in its third epoch until the file `GATE` lies in the folder.
        """
        pipes = [os.pipe() for _ in range(3)]
        order = json.dumps([str(folder), hold, *arguments]).encode()
        socket.send_fds(self._socket, [order], [written for _, written in pipes])
        for _, written in pipes:
            os.close(written)
        self._started.append(Command(*(read for read, _ in pipes)))
        return self._started[-1]


def _serve(connection: socket.socket) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who watch
    while True:
        order, pipes, *_ = socket.recv_fds(connection, 2**16, 3)
        if not order:
            return
        if os.fork() == 0:
            connection.close()
            _watch(*json.loads(order), pipes=pipes)
        for pipe in pipes:
            os.close(pipe)


def _watch(folder: str, hold: int | None, *arguments: str, pipes: list[int]) -> NoReturn:
    """In a process of its own: fork the command, tell its number and, when it has ended, how."""
    out, errors, life = pipes
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    command = os.fork()
    if command == 0:
        os.close(life)
        os.dup2(out, 1)
        os.dup2(errors, 2)
        os.chdir(folder)
        from workbench.sweep.hydra.command import main

        if hold is not None:
            _hold(hold)

        raise SystemExit(main(arguments))
    os.close(out)
    os.close(errors)
    os.write(life, f"{command}\n".encode())
    _, status = os.waitpid(command, 0)
    os.write(life, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _hold(pack: int) -> None:
    from workbench.sweep.execution import pack_training as training

    honest, numbers, gate = training.train, count(), Path(GATE).absolute()

    def train(*given: Any) -> Iterator[Any]:
        held = next(numbers) == pack
        for epoch in honest(*given):
            if held and epoch.number == 3:
                wait_until(gate.exists)
            yield epoch

    training.train = train


if __name__ == "__main__":
    import matplotlib.backends.backend_svg  # noqa: F401
    import mlflow.store.tracking.sqlalchemy_store
    import mlflow.tracking  # noqa: F401
    import sklearn.datasets  # noqa: F401
    from sqlalchemy.orm import configure_mappers

    import workbench.app
    import workbench.report.page.sweep
    import workbench.sweep.hydra.command
    import workbench.tracking.write  # noqa: F401
    from tests.blank import leave_out
    from workbench.engine.kernels.choice import numba_fault
    from workbench.report.experiments import known_claims

    configure_mappers()
    numba_fault()
    known_claims()
    leave_out(setattr)
    _serve(socket.socket(fileno=int(sys.argv[1])))
