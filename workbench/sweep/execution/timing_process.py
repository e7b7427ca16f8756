"""Timings in processes of their own, a new one for each seed.

Where a process happens to have its code and its arrays decides a part of every time that is taken in it, so repetitions
within one process agree with each other more than they should. A repetition is a process.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from types import TracebackType

from workbench import places
from workbench.config import RunConfig
from workbench.config.own_rules import load_own_rules
from workbench.engine.training.workers import without_main_module
from workbench.signals import held, leave_to_parent
from workbench.sweep.instruments import Instruments, Measured


class TimingProcesses:
    """Takes measurements in a process that lives as long as their seed stays the same."""

    def __init__(self, instruments: Instruments) -> None:
        self._instruments = instruments
        self._process: ProcessPoolExecutor | None = None
        self._seed: int | None = None

    def measure(self, config: RunConfig) -> Measured:
        """The measurement that `config.measure` names, taken in the process of its seed.

        Raises BrokenProcessPool if the process died; the next measurement has a new one.
        """
        if self._process is None or config.seed != self._seed:
            self._end()
            self._process = ProcessPoolExecutor(1, get_context("spawn"), _begin)
            self._seed = config.seed
        try:
            with held(), without_main_module():
                asked = self._process.submit(self._instruments.measure, config)
            return asked.result()
        except BrokenProcessPool:
            self._end()
            raise

    def __enter__(self) -> TimingProcesses:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        if self._process is not None:
            self._process.shutdown()
        self._process = None


def _begin() -> None:
    leave_to_parent()
    load_own_rules(places.theirs("rules"))
