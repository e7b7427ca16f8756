"""Sweeps of `workbench reproduce` in lanes: processes that run one sweep after the other, with a share of the cores.

One sweep leaves cores idle: while its cells are composed, its trained networks analysed, its runs recorded and its
page drawn. Another one trains meanwhile. A sweep that takes times runs alone, on all cores, when the others have ended.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from signal import Signals
from tempfile import TemporaryFile
from threading import Thread
from time import perf_counter
from typing import BinaryIO

from workbench import blas, output, streams
from workbench.engine.errors import BadInput
from workbench.engine.training.workers import without_main_module
from workbench.entry import BAD_INPUT
from workbench.quantities import counted, duration
from workbench.signals import EXIT_INTERRUPTED, end_at_once, held, leave_to_parent
from workbench.sweep.execution.cores import cores, leave_others_all_but
from workbench.sweep.execution.failures import EXIT_FAILED
from workbench.sweep.execution.interruption import Interruption, ask
from workbench.sweep.planning.free_memory import share_among
from workbench.words.in_turn import EndedSweep, exit_status, progress, run, run_one, settle
from workbench.words.lane_plan import longest_first

_STOP_NOTICED_SECONDS = 0.2  # between two looks whether Ctrl-C was pressed
_LANE_END_SECONDS = 10.0


@dataclass(frozen=True)
class Job:
    """A sweep for a lane: `settled` as in `--settle`; `cores` are its share, and `sharers` the lanes that plan for the
    memory of this machine while it runs.
    """

    stem: str
    command: Sequence[str]
    options: Sequence[str]
    settled: bool
    cores: int
    sharers: int


@dataclass(frozen=True)
class Answer:
    """How a job ended, one sweep or with `settled` one for each look, and what it printed."""

    ended: Sequence[EndedSweep]
    output: str
    errors: str


def run_in_lanes(
    commands: Mapping[str, Sequence[str]], alone: Sequence[str], count: int, options: Sequence[str], settled: bool
) -> list[EndedSweep]:
    """Run the sweeps in `count` lanes, the longest first, those in `alone` after the others and one at a time.

    The result is in the order of the commands, without those that Ctrl-C kept from beginning.
    """
    began, lanes = perf_counter(), _Lanes(commands, options, settled)
    try:
        lanes.open(count)
        with Interruption() as interruption:
            lanes.work(longest_first(stem for stem in commands if stem not in alone), interruption)
            lanes.close(keep=1)
            lanes.work(alone, interruption)
    finally:
        lanes.close()
    if not lanes.stopping:
        # What is left found no lane: the machine has no room for a process.
        for stem in [stem for stem in commands if stem not in lanes.ended]:
            lanes.ended[stem] = (settle if settled else run)({stem: commands[stem]}, options)
        _write_index()
        progress(f"{counted(len(commands), 'sweep')} took {duration(perf_counter() - began)}")
    return [one for stem in commands for one in lanes.ended.get(stem, ())]


def _write_index() -> None:
    """The index anew, of all pages: of two lanes that write it at a time, either may miss the other's page."""
    from workbench.report.experiments import known_claims
    from workbench.report.page.folder import REPORTS
    from workbench.report.page.index import INDEX, write_index

    if (REPORTS / INDEX).is_file():
        write_index(REPORTS, known_claims())


class _Lanes:
    """The lanes and what they have come to: `ended` holds the sweeps of each stem, `stopping` says that Ctrl-C was
    pressed.
    """

    def __init__(self, commands: Mapping[str, Sequence[str]], options: Sequence[str], settled: bool) -> None:
        self.ended: dict[str, Sequence[EndedSweep]] = {}
        self._commands, self._options, self._settled = commands, options, settled
        self._places = {stem: f"[{place} of {len(commands)}] {stem}" for place, stem in enumerate(commands, start=1)}
        self._lanes: list[_Lane] = []
        self.stopping = False

    def open(self, count: int) -> None:
        """Start lanes until there are so many, or until the machine has no room for another process."""
        with suppress(OSError):
            while len(self._lanes) < count:
                self._lanes.append(_Lane.start())

    def work(self, stems: Sequence[str], interruption: Interruption) -> None:
        """Run these sweeps, each in the lane that is free first."""
        queue = deque(stems)
        while self._busy() or (queue and self._lanes and not self.stopping):
            for lane in self._lanes:
                if lane.stem is None and queue and not self.stopping:
                    self._hand_out(lane, queue.popleft())
            for lane in self._answered():
                self._receive(lane)
            if interruption.asked:
                self._stop()

    def close(self, keep: int = 0) -> None:
        """End all lanes but these. One that still trains is killed: what it has trained is kept in checkpoints."""
        for lane in self._lanes[keep:]:
            lane.close()
        del self._lanes[keep:]

    def _busy(self) -> list[_Lane]:
        return [lane for lane in self._lanes if lane.stem is not None]

    def _hand_out(self, lane: _Lane, stem: str) -> None:
        progress(self._places[stem])
        sharers = len(self._lanes)
        lane.give(Job(stem, self._commands[stem], self._options, self._settled, max(1, cores() // sharers), sharers))

    def _answered(self) -> list[_Lane]:
        ready = wait([lane.jobs for lane in self._busy()], _STOP_NOTICED_SECONDS)
        return [lane for lane in self._lanes if lane.jobs in ready]

    def _receive(self, lane: _Lane) -> None:
        """Print what a sweep has printed, and how it ended."""
        stem, lane.stem = lane.stem, None
        assert stem is not None
        try:
            answer: Answer = lane.jobs.recv()
        except (EOFError, OSError):
            answer = self._lost(lane, stem)
        print(answer.errors, end="", file=sys.stderr, flush=True)
        print(answer.output, end="", flush=True)
        self.ended[stem] = answer.ended
        status = exit_status(answer.ended)
        progress(f"{self._places[stem]} took {duration(perf_counter() - lane.began)}, exit status {status}")
        if status == EXIT_INTERRUPTED:
            self._stop()

    def _lost(self, lane: _Lane, stem: str) -> Answer:
        """The answer of a lane that has ended without one: it was asked to stop, or killed. Another takes its place."""
        self._lanes.remove(lane)
        ending = lane.close()
        if self.stopping:
            status, line = EXIT_INTERRUPTED, f"{stem}: interrupted; the same command goes on where this one stopped"
        else:
            status, line = EXIT_FAILED, f"{stem}: its process was killed ({ending}); the same command goes on"
            self.open(len(self._lanes) + 1)
        seconds = perf_counter() - lane.began
        return Answer([EndedSweep(stem, self._commands[stem], status, seconds)], "", f"{line}\n")

    def _stop(self) -> None:
        """Let every sweep stop after its epoch; no further one begins."""
        if not self.stopping:
            self.stopping = True
            for lane in self._busy():
                lane.stop()


@dataclass
class _Lane:
    """A lane as the main process sees it: `stem` is the sweep that it runs, None for none, since `began`."""

    process: BaseProcess
    jobs: Connection
    stops: Connection
    stem: str | None = None
    began: float = 0.0

    @classmethod
    def start(cls) -> _Lane:
        """A new process that waits for jobs."""
        blas.one_thread_unless_set()
        context = get_context("spawn")
        (jobs, their_jobs), (stops, their_stops) = context.Pipe(), context.Pipe()
        process = context.Process(target=_serve, args=(their_jobs, their_stops), daemon=False)
        try:
            with held(), without_main_module():
                process.start()
        finally:
            their_jobs.close()
            their_stops.close()
        return cls(process, jobs, stops)

    def give(self, job: Job) -> None:
        """Hand over a job. A dead lane is noticed when its answer is read."""
        self.stem, self.began = job.stem, perf_counter()
        with suppress(OSError):
            self.jobs.send(job)

    def stop(self) -> None:
        """Ask the sweep to stop after its epoch."""
        with suppress(OSError):
            self.stops.send(None)

    def close(self) -> str:
        """End the process. Returns how it ended."""
        if self.stem is not None:
            self.process.kill()
        self.jobs.close()
        self.process.join(timeout=_LANE_END_SECONDS)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.stops.close()
        code = self.process.exitcode
        return f"signal {Signals(-code).name}" if code is not None and code < 0 else f"exit status {code}"


def _serve(jobs: Connection, stops: Connection) -> None:
    """The main function of a lane: run the sweeps it receives until the pipe is closed."""
    leave_to_parent()
    streams.secure()
    printed = [_captured(1), _captured(2)]
    Thread(target=_heed, args=(stops,), name="stops", daemon=True).start()
    with suppress(EOFError, OSError):
        while True:
            ended = _worked(jobs.recv())
            jobs.send(Answer(ended, *map(_taken, printed)))


def _worked(job: Job) -> list[EndedSweep]:
    """Run a sweep. An error of ours costs this sweep alone."""
    leave_others_all_but(job.cores)
    share_among(job.sharers)
    began = perf_counter()
    with output.chosen(json="--json" in job.options, quiet="--quiet" in job.options):
        try:
            if job.settled:
                return settle({job.stem: job.command}, job.options)
            return [run_one(job.stem, job.command, job.options)]
        except BadInput as error:
            print(output.on_one_line(str(error)), file=sys.stderr)
            return [EndedSweep(job.stem, job.command, BAD_INPUT, perf_counter() - began)]
        except Exception:
            traceback.print_exc()
            return [EndedSweep(job.stem, job.command, EXIT_FAILED, perf_counter() - began)]


def _heed(stops: Connection) -> None:
    """Stop the sweep when the main process says so: after its epoch, or at once where it does not train."""
    with suppress(EOFError, OSError):
        stops.recv()
        if not ask():
            end_at_once("interrupted")


def _captured(descriptor: int) -> BinaryIO:
    """A file that takes what this process and those it starts print there, from now on."""
    file = TemporaryFile(buffering=0)  # noqa: SIM115  (until the process ends)
    os.dup2(file.fileno(), descriptor)
    return file


def _taken(file: BinaryIO) -> str:
    """What was printed since the last time."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    file.seek(0)
    text = file.read().decode("utf-8", "replace")
    file.truncate(0)
    file.seek(0)
    return text
