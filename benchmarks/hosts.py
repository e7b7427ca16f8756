"""Processes in which contestants sit while they take turns: imported, compiled and warm, and idle in between."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.connection import Connection
from time import perf_counter
from traceback import format_exc
from typing import Any

import numpy as np

from benchmarks.works import CORES, Work
from workbench.blas import ONE_THREAD

ALL_THREADS = dict.fromkeys(ONE_THREAD, str(CORES))


@dataclass(frozen=True)
class TeamKind:
    """One process for the whole machine, or one a core and bound to it; `variables` of their environment."""

    one_a_core: bool
    variables: dict[str, str] = field(default_factory=dict)


TEAMS: dict[str, TeamKind] = {
    "ours": TeamKind(False, ONE_THREAD),
    "ours pinned": TeamKind(True, ONE_THREAD),
    "torch processes": TeamKind(True, ONE_THREAD),
    "torch threads": TeamKind(False, ALL_THREADS),
    "jax": TeamKind(
        True, ONE_THREAD | {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"}
    ),
    "jax threads": TeamKind(False, ALL_THREADS),
}


class Host:
    """One process. Questions are answered in the order they are put."""

    def __init__(self, core: int | None, variables: dict[str, str]) -> None:
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, core))
        with environment(variables):
            self._process.start()
        theirs.close()

    def put(self, seat: str, question: str, *arguments: Any) -> None:
        """Ask without waiting: a method of whoever sits there, or `sit` (module:name and its arguments), or `leave`."""
        self._pipe.send((seat, question, arguments))

    def answer(self) -> Any:
        """Wait for the oldest question's answer. Raises RuntimeError where it failed."""
        answer = self._pipe.recv()
        if isinstance(answer, _Failure):
            raise RuntimeError(answer.text)
        return answer

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(timeout=10)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


@dataclass(frozen=True)
class Turn:
    """What a team did in a turn: wall time of all its processes together, and updates of single runs."""

    seconds: float
    run_steps: int


class Team:
    """The processes of a row of `TEAMS`. Each has its share of the runs of whatever sits there."""

    def __init__(self, kind: TeamKind) -> None:
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [None] * CORES
        self._hosts = [Host(core, kind.variables) for core in (cores if kind.one_a_core else [None])]
        self._taken: dict[str, list[Host]] = {}

    def sit(self, seat: str, factory: str, work: Work, options: dict[str, Any]) -> float:
        """Build a contestant in every process that gets a run; seconds it took."""
        started = perf_counter()
        shares = [share for share in np.array_split(np.arange(work.runs), len(self._hosts)) if len(share)]
        self._taken[seat] = self._hosts[: len(shares)]
        for host, share in zip(self._taken[seat], shares, strict=True):
            host.put(seat, "sit", factory, (work, share), options)
        self._answers(seat)
        return perf_counter() - started

    def turn(self, seat: str, units: int) -> Turn:
        """Let a contestant train so many units of its own in every process."""
        started = perf_counter()
        steps = sum(self.ask(seat, "turn", units))
        return Turn(perf_counter() - started, steps)

    def ask(self, seat: str, question: str, *arguments: Any) -> list[Any]:
        """The answers of all processes."""
        for host in self._taken[seat]:
            host.put(seat, question, *arguments)
        return self._answers(seat)

    def leave(self, seat: str) -> None:
        """Take a contestant away, with all its memory."""
        self.ask(seat, "leave")
        del self._taken[seat]

    def close(self) -> None:
        """End all processes."""
        for host in self._hosts:
            host.close()

    def _answers(self, seat: str) -> list[Any]:
        return [host.answer() for host in self._taken[seat]]


class Teams:
    """The teams in use, each started when it is first asked for."""

    def __init__(self) -> None:
        self._teams: dict[str, Team] = {}

    def __getitem__(self, kind: str) -> Team:
        if kind not in self._teams:
            self._teams[kind] = Team(TEAMS[kind])
        return self._teams[kind]

    def __enter__(self) -> Teams:
        return self

    def __exit__(self, *_: object) -> None:
        for team in self._teams.values():
            team.close()


@dataclass(frozen=True)
class _Failure:
    text: str


def _serve(pipe: Connection, core: int | None) -> None:
    if core is not None:
        os.sched_setaffinity(0, {core})
    seats: dict[str, Any] = {}
    while True:
        try:
            seat, question, arguments = pipe.recv()
        except (EOFError, OSError, KeyboardInterrupt):
            return
        try:
            pipe.send(_answer(seats, seat, question, arguments))
        except Exception:
            pipe.send(_Failure(format_exc()))


def _answer(seats: dict[str, Any], seat: str, question: str, arguments: Sequence[Any]) -> Any:
    if question == "sit":
        factory, positional, options = arguments
        module, _, name = factory.partition(":")
        seats[seat] = getattr(import_module(module), name)(*positional, **options)
        return None
    if question == "leave":
        getattr(seats.pop(seat), "close", int)()
        gc.collect()
        return None
    return getattr(seats[seat], question)(*arguments)


@contextmanager
def environment(variables: dict[str, str]) -> Iterator[None]:
    """A process takes over the environment it is started from, and BLAS reads it once."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
