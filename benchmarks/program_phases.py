"""A stop watch for `workbench`: `python -m benchmarks.program_phases FILE STARTED OVERRIDE...`.

Runs the very command and writes to FILE, as JSON, how its wall time since STARTED (unix seconds) divides into phases.
The watch hangs on names that other parts of the program reach for anyway; nothing in the program knows of it.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import wraps
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from time import time
from typing import Any

from workbench import blas

STARTUP, REST, TRAINING, TRACKING, COMPILING, EXIT = "start-up", "rest", "training", "tracking", "compiling", "exit"
BESIDE = "recording, beside training"
PHASES = (STARTUP, "planning", COMPILING, TRAINING, TRACKING, "reporting", REST, EXIT)
# module, name in it, phase that a call of it belongs to.
HOOKS = (
    ("workbench.sweep.hydra.launcher", "cells", "planning"),
    ("workbench.app", "identified", "planning"),
    ("workbench.app", "remaining", "planning"),
    ("workbench.sweep.planning.sweep_record", "facts", "planning"),
    ("workbench.report.sweep_page", "write_report", "reporting"),
    *(("workbench.tracking.write", f"MlflowStore.{name}", TRACKING) for name in ("__init__", "held", "begin", "end")),
    ("workbench.tracking.write", "MlflowStore.attach", TRACKING),
)


class Watch:
    """Wall time of the main thread by phase, each moment counted once: an inner phase stops the outer one."""

    def __init__(self, started: float) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._phases, self._since = [STARTUP], started

    def enter(self, phase: str) -> None:
        """A phase begins within the present one. With the first, start-up is over."""
        self._count()
        self._phases[0] = REST
        self._phases.append(phase)

    def leave(self) -> None:
        """The innermost phase ends."""
        self._count()
        self._phases.pop()

    def timed(self, function: Callable[..., Any], phase: str) -> Callable[..., Any]:
        """The function, its calls counted as a phase."""

        @wraps(function)
        def call(*arguments: Any, **named: Any) -> Any:
            self.enter(phase)
            try:
                return function(*arguments, **named)
            finally:
                self.leave()

        return call

    def training(self, executor_train: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
        """An executor's `train`, its time counted as training and what its caller does with outcomes as tracking."""

        @wraps(executor_train)
        def train(*arguments: Any) -> Iterator[Any]:
            self.enter(TRAINING)
            try:
                for message in executor_train(*arguments):
                    self.enter(TRACKING if getattr(message, "outcome", None) else TRAINING)
                    yield message
                    self.leave()
            finally:
                self.leave()

        return train

    def beside(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, which another thread calls: its time overlaps the phases and is counted apart."""

        @wraps(function)
        def call(*arguments: Any) -> Any:
            started = time()
            try:
                return function(*arguments)
            finally:
                self.seconds[BESIDE] += time() - started

        return call

    def _count(self) -> None:
        now = time()
        self.seconds[self._phases[-1]] += now - self._since
        self._since = now


class Compiler:
    """How long Numba was compiling, in whatever thread: nested and simultaneous compilations count once."""

    def __init__(self) -> None:
        self.seconds, self._depth, self._since, self._lock = 0.0, 0, 0.0, threading.Lock()

    def starts(self, _event: object = None) -> None:
        """A compilation starts."""
        with self._lock:
            if not self._depth:
                self._since = time()
            self._depth += 1

    def ends(self, _event: object = None) -> None:
        """A compilation ends."""
        with self._lock:
            self._depth -= 1
            if not self._depth:
                self.seconds += time() - self._since

    def watch(self) -> None:
        """Have Numba report."""
        from numba.core import event

        listener = type(
            "Listener", (event.Listener,), {"on_start": self._hears("starts"), "on_end": self._hears("ends")}
        )
        event.register("numba:compile", listener())

    def _hears(self, name: str) -> Callable[[object, object], None]:
        return lambda _listener, event: getattr(self, name)(event)


def hang(watch: Watch) -> None:
    """Hang the watch on everything of `HOOKS`, on the executor, and on the recorder."""
    for module, name, phase in HOOKS:
        owner, attribute = _place(module, name)
        setattr(owner, attribute, watch.timed(getattr(owner, attribute), phase))
    store, record = _place("workbench.tracking.write", "MlflowStore.record")
    setattr(store, record, watch.beside(getattr(store, record)))
    executor = import_module("workbench.sweep.execution.executors").EXECUTORS["inline"]
    executor.train = watch.training(executor.train)


def _place(module: str, name: str) -> tuple[Any, str]:
    """The owner of a dotted name in a module, and its last part."""
    *path, last = name.split(".")
    owner = import_module(module)
    for part in path:
        owner = getattr(owner, part)
    return owner, last


def main(file: str, started: float, overrides: list[str]) -> int:
    """Run the command under the watch; its exit status."""
    from workbench.sweep.hydra.command import main as command

    watch, compiler = Watch(started), Compiler()
    if find_spec("numba"):
        compiler.watch()
    hang(watch)
    status = command(overrides)
    watch.enter(REST)
    seconds = dict(watch.seconds) | {COMPILING: compiler.seconds}
    seconds[TRAINING] = max(0.0, seconds.get(TRAINING, 0.0) - compiler.seconds)
    Path(file).write_text(json.dumps(seconds), encoding="utf-8")
    return status


if __name__ == "__main__":
    blas.one_thread_unless_set()  # as `python -m workbench` does
    raise SystemExit(main(sys.argv[1], float(sys.argv[2]), sys.argv[3:]))
