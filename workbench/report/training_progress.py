"""How far a sweep has come while it trains, by the messages of its executor. Nothing is read from the store."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock

from workbench.config.setting import Value
from workbench.report import wording
from workbench.report.language.words import say, word
from workbench.report.page.begun import LevelProgress, PackProgress, Progress
from workbench.report.statistics.design import SEED
from workbench.sweep.execution.messages import (
    EpochDone,
    Message,
    PackDone,
    PackResumed,
    PackRetried,
    PackStarted,
    PackStopped,
)
from workbench.sweep.execution.outcome import PackOutcome
from workbench.sweep.execution.progress import InTraining, TalliedPacks
from workbench.sweep.planning.plan import Plan
from workbench.sweep.run_outcomes import DIVERGED, FINISHED, PENDING
from workbench.sweep.store import RunRecord

BEST_SO_FAR = ("best_validation_accuracy", "best_validation_loss")  # shown is the first that any run has
MOST_LEVELS = 24  # of a factor that is shown; one that is drawn at random has a level for every setting


@dataclass(frozen=True)
class _Count:
    """Of some runs, how many ended in which way."""

    finished: int = 0
    diverged: int = 0
    failed: int = 0

    @property
    def ended(self) -> int:
        return self.finished + self.diverged + self.failed

    def __add__(self, other: _Count) -> _Count:
        return _Count(self.finished + other.finished, self.diverged + other.diverged, self.failed + other.failed)

    def of(self, runs: int) -> dict[str, int]:
        """By outcome, with those of so many runs that are pending."""
        return {"finished": self.finished, "diverged": self.diverged, "failed": self.failed,
                "pending": max(runs - self.ended, 0)}  # fmt: skip


@dataclass
class _Level:
    """The runs at a level of a factor, and the best of those that finished, by metric."""

    runs: int = 0
    ended: int = 0
    best: dict[str, float] = field(default_factory=dict)


class TrainingProgress:
    """What is trained of a sweep. One thread may give it messages while another asks how far it is.

    Packs with the same label stand in one row. A level counts the runs of this start: what was held is not read.
    """

    def __init__(self, cells: Sequence[RunRecord], work: Plan) -> None:
        self._lock = Lock()
        self._cells = {cell.fingerprint: cell for cell in cells}
        self._reused = sum(cell.outcome != PENDING for cell in self._cells.values())
        self._unfit = _Count(failed=len(work.unfit))
        self._runs: dict[str, int] = {}
        for pack in work.packs:
            self._runs[pack.label] = self._runs.get(pack.label, 0) + pack.pack.runs
        self._planned = frozenset(self._runs)
        self._over: dict[str, _Count] = {}
        self._training: dict[str, InTraining] = {}
        self._tallied = TalliedPacks(work.runs_to_do, work.cost)
        self._levels = _levels([cell for cell in self._cells.values() if cell.outcome == PENDING])

    def on_message(self, message: Message) -> None:
        """Something happened to a pack."""
        with self._lock:
            self._note(message)
            self._tallied.on_message(message)

    def now(self) -> Progress:
        """How far it is."""
        with self._lock:
            over, training = dict(self._over), [replace(pack) for pack in self._training.values()]
            levels = self._levels_now()
            runs, to_go = dict(self._runs), self._tallied.time_to_go()
        count = sum((*over.values(), *map(_count, training)), self._unfit)
        outcomes = {"finished": count.finished, "reused": self._reused, **count.of(len(self._cells) - self._reused)}
        metric, rows = levels
        packs = [_row(label, of, over.get(label, _Count()), training) for label, of in runs.items()]
        return Progress(count.ended + self._reused, len(self._cells), outcomes, packs, metric, rows, to_go)

    def _note(self, message: Message) -> None:
        match message:
            case PackStarted():
                self._training[message.pack] = InTraining(message.label, message.runs, message.epochs, message.cost)
                if message.label not in self._planned:  # measurements, which are in no pack of the plan
                    self._runs[message.label] = self._runs.get(message.label, 0) + message.runs
            case PackResumed():
                pack = self._training[message.pack]
                pack.epoch, pack.ended = message.epoch, message.ended
            case EpochDone():
                pack = self._training[message.pack]
                pack.epoch = message.epoch
                pack.ended += message.ended
                pack.diverged += message.diverged
            case PackRetried() | PackStopped():
                del self._training[message.pack]
            case PackDone():
                self._end(self._training.pop(message.pack), message)

    def _end(self, pack: InTraining, message: PackDone) -> None:
        count = _count(pack) + _Count(failed=message.failed)
        if message.outcome:
            words = message.outcome.words()
            count = _Count(words.count(FINISHED), words.count(DIVERGED), message.outcome.failed)
            self._learn(message.outcome)
        self._over[pack.label] = self._over.get(pack.label, _Count()) + count

    def _learn(self, outcome: PackOutcome) -> None:
        """Take what the runs of a pack came to into their levels."""
        for mark, end in zip(outcome.planned.fingerprints, outcome.ends, strict=True):
            for level in self._levels_of(mark):
                level.ended += 1
                if end is not None and end.outcome == FINISHED:
                    _take(level.best, end.summary)

    def _levels_of(self, mark: str) -> Iterable[_Level]:
        factors = self._cells[mark].factors if mark in self._cells else {}
        return [levels[factors[key]] for key, levels in self._levels.items() if key in factors]

    def _levels_now(self) -> tuple[str, list[LevelProgress]]:
        """The metric that is shown and a row for every level; none before any run has finished."""
        every = [level for levels in self._levels.values() for level in levels.values()]
        metric = next((name for name in BEST_SO_FAR if any(name in level.best for level in every)), "")
        if not metric:
            return "", []
        names = wording.factors(list(self._levels))
        return wording.metric(metric).name, [
            LevelProgress(names[key], label, level.ended, level.runs,
                          wording.amount(level.best.get(metric, math.nan), metric))
            for key, levels in self._levels.items()
            for label, level in zip(wording.labels(list(levels)), levels.values(), strict=True)
        ]  # fmt: skip


def _count(pack: InTraining) -> _Count:
    return _Count(pack.ended - pack.diverged, pack.diverged)


def _take(best: dict[str, float], summary: Mapping[str, float]) -> None:
    for name in BEST_SO_FAR:
        value, sign = summary.get(name, math.nan), wording.metric(name).better
        if math.isfinite(value):
            best[name] = sign * max(sign * value, sign * best.get(name, value))


def _levels(cells: Sequence[RunRecord]) -> dict[str, dict[Value, _Level]]:
    """The runs at every level of every factor that varies, without seeds; levels that are numbers by their size."""
    found: dict[str, dict[Value, _Level]] = {}
    for cell in cells:
        for key, value in cell.factors.items():
            found.setdefault(key, {}).setdefault(value, _Level()).runs += 1
    return {key: _ordered(levels) for key, levels in found.items() if key != SEED and 1 < len(levels) <= MOST_LEVELS}


def _ordered(levels: dict[Value, _Level]) -> dict[Value, _Level]:
    numbers = {value: level for value, level in levels.items() if isinstance(value, int | float)}
    return dict(sorted(numbers.items())) if len(numbers) == len(levels) else levels


def _row(label: str, runs: int, over: _Count, training: Sequence[InTraining]) -> PackProgress:
    """The row of the packs with this label."""
    mine = [pack for pack in training if pack.label == label]
    count = sum(map(_count, mine), over)
    state = word("pending") if count.ended < runs else word("ended")
    if mine:
        state = say("page.at_epoch", epoch=min(pack.epoch for pack in mine), epochs=max(pack.epochs for pack in mine))
    return PackProgress(label, count.ended, runs, count.of(runs), state)
