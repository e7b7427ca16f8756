"""Ctrl-C, SIGTERM and a closed terminal in two steps: the first is noted, the second ends the process at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from tests.waiting import CEILING, wait_until
from workbench import places
from workbench.sweep.execution.interruption import EXIT_INTERRUPTED, SIGNALS, Interruption

LONG_WAIT = """
import threading
from workbench.sweep.execution.interruption import Interruption
with Interruption() as interruption:
    print("ready", flush=True)
    threading.Event().wait()  # as for an epoch that takes hours
"""


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_is_noted_and_does_not_strike(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.signal(number, ends)  # it may be ignored here, as under nohup
    try:
        assert_noted(number, capsys)
    finally:
        signal.signal(number, before)


def ends(number: int, frame: object) -> None:
    raise AssertionError(f"signal {number} struck at {frame}")


def assert_noted(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    with Interruption() as interruption:
        assert not interruption.asked
        os.kill(os.getpid(), number)
        wait_until(lambda: interruption.asked)
    assert capsys.readouterr().err == "stopping after this epoch; once more stops at once\n"
    assert signal.getsignal(number) is ends


def test_the_second_stops_at_once_whatever_the_main_thread_waits_for() -> None:
    environment = {**os.environ, "PYTHONPATH": str(places.ours("conf").parent)}
    with subprocess.Popen(
        [sys.executable, "-c", LONG_WAIT], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            assert process.stdout.readline() == "ready\n"
            process.send_signal(signal.SIGINT)
            assert "stopping after this epoch" in process.stderr.readline()
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=CEILING) == EXIT_INTERRUPTED
            assert process.stderr.read() == "stopped at once; the same command goes on from the last checkpoints\n"
        finally:
            process.kill()  # else a test that fails would wait for it for ever


def test_what_was_ignored_stays_ignored_as_under_nohup() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interruption() as interruption:
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert not interruption.asked
    finally:
        signal.signal(signal.SIGHUP, before)


def test_outside_the_main_thread_it_leaves_signals_alone() -> None:
    def enter() -> None:
        with Interruption() as interruption:
            assert not interruption.asked

    thread = threading.Thread(target=enter)
    before = signal.getsignal(signal.SIGINT)
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGINT) is before
