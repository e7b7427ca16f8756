"""Workers take no notice of the signals that ask a process to end, from their first instruction on."""

from __future__ import annotations

import os
import signal
from multiprocessing import get_context
from multiprocessing.connection import Connection

import pytest

from workbench.engine.training.workers import without_main_module
from workbench.signals import SIGNALS, held, leave_to_parent


def serve(pipe: Connection) -> None:
    pipe.send(sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])))  # as it was born
    leave_to_parent()
    for number in SIGNALS:
        os.kill(os.getpid(), number)
    pipe.send(sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])))


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_worker_is_born_deaf_and_stays_so(method: str) -> None:
    context = get_context(method)
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs,))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    with held(), without_main_module():
        process.start()
        for number in SIGNALS:
            assert process.pid is not None
            os.kill(process.pid, number)  # before it has run a line
    theirs.close()
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before
    assert set(SIGNALS) <= set(ours.recv())
    assert not set(SIGNALS) & set(ours.recv())
    process.join()
    assert process.exitcode == 0
