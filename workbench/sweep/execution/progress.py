"""The progress display: a line for each pack in training, and one for the sweep with the time left."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from workbench.quantities import clock, counted
from workbench.sweep.execution.log import note, say
from workbench.sweep.execution.messages import (
    EpochDone,
    Message,
    PackDone,
    PackResumed,
    PackRetried,
    PackStarted,
    PackStopped,
)
from workbench.sweep.execution.training_rate import TrainingRate

UNKNOWN = "?"  # a time to go before anything is known
QUIET_SECONDS = 60.0  # without a terminal: the longest time between two lines about a pack


@dataclass
class InTraining:
    """A pack in training: its description, the epoch it has reached, and the epoch from which it was resumed."""

    label: str
    runs: int
    epochs: int
    cost: float
    epoch: int = 0
    began: int = 0
    ended: int = 0
    diverged: int = 0

    @property
    def cost_done(self) -> float:
        """The work done since this start."""
        return self.cost * (self.epoch - self.began) / max(self.epochs, 1)

    @property
    def cost_to_do(self) -> float:
        """The work that was left at this start."""
        return self.cost * (self.epochs - self.began) / max(self.epochs, 1)


class Watcher(Protocol):
    """Displays the progress of a sweep's packs."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def on_message(self, message: Message) -> None:
        """Something happened to a pack."""


class Tally:
    """Counts finished work and estimates the time left from it.

    `runs` is how many the sweep asks for; `reused` of them were in the store already; `cost` is the work of the rest.
    """

    def __init__(self, runs: int, cost: float, reused: int = 0) -> None:
        self.runs, self.cost, self.reused = runs, cost, reused
        self.runs_done = self.failed = self.diverged = 0
        self.cost_done = 0.0
        self._started = monotonic()
        self._first_epoch: tuple[float, float] | None = None  # when one had ended, and the work done by then

    def epoch_ended(self, cost_in_flight: float) -> None:
        """An epoch has ended. The first one may have waited for the compiler, so no later estimate counts it."""
        if self._first_epoch is None:
            self._first_epoch = monotonic(), self.cost_done + cost_in_flight

    def seconds_to_go(self, cost_in_flight: float = 0.0) -> float | None:
        """None before anything is known."""
        done = self.cost_done + cost_in_flight
        since, before = self._first_epoch or (self._started, 0.0)
        left = max(self.cost - done, 0)
        if done <= before:
            return None if left or not done else 0.0
        return (monotonic() - since) * left / (done - before)

    def words(self) -> str:
        """Like "96/432 runs, 40 reused, 1 diverged"."""
        words = [f"{self.runs_done + self.reused}/{self.runs} runs"]
        counts = (("reused", self.reused), ("diverged", self.diverged), ("failed", self.failed))
        return ", ".join([*words, *(f"{count} {name}" for name, count in counts if count)])


def in_words(seconds: float | None) -> str:
    """A time to go like "1:23", or "?" before anything is known."""
    return UNKNOWN if seconds is None else clock(seconds)


class TalliedPacks:
    """The tally and the packs in training, by the messages of an executor. Nothing is printed."""

    def __init__(self, runs: int, cost: float, reused: int = 0) -> None:
        self._tally = Tally(runs, cost, reused)
        self._packs: dict[str, InTraining] = {}

    def seconds_to_go(self) -> float | None:
        """None before anything is known."""
        return self._tally.seconds_to_go(self._in_flight())

    def time_to_go(self) -> str:
        """Like "1:23", or "?" before anything is known."""
        return in_words(self.seconds_to_go())

    def on_message(self, message: Message) -> None:
        """Something happened to a pack."""
        match message:
            case PackStarted():
                self._on_started(message)
            case PackResumed():
                self._on_resumed(message)
            case EpochDone():
                self._on_epoch(message)
            case PackDone():
                self._on_done(message)
            case PackRetried() | PackStopped():
                self._on_not_over(message.pack)

    def _on_started(self, message: PackStarted) -> None:
        self._packs[message.pack] = InTraining(message.label, message.runs, message.epochs, message.cost)

    def _on_resumed(self, message: PackResumed) -> None:
        pack = self._packs[message.pack]
        pack.epoch = pack.began = message.epoch
        self._tally.cost -= pack.cost - pack.cost_to_do
        self._count(pack, message.ended, 0)

    def _on_epoch(self, message: EpochDone) -> None:
        pack = self._packs[message.pack]
        pack.epoch = message.epoch
        self._count(pack, message.ended, message.diverged)
        if message.epoch > pack.began:
            self._tally.epoch_ended(self._in_flight())

    def _on_done(self, message: PackDone) -> None:
        pack = self._packs.pop(message.pack)
        self._tally.failed += message.failed
        self._tally.cost_done += pack.cost_to_do
        self._on_over(pack)

    def _on_over(self, pack: InTraining) -> None:
        """A pack has ended and is counted."""

    def _on_not_over(self, digest: str) -> None:
        """The runs of this pack are to be trained in other packs, or later."""
        pack = self._packs.pop(digest)
        self._tally.cost += pack.cost - pack.cost_to_do
        self._count(pack, -pack.ended, -pack.diverged)

    def _count(self, pack: InTraining, ended: int, diverged: int) -> None:
        pack.ended += ended
        pack.diverged += diverged
        self._tally.runs_done += ended
        self._tally.diverged += diverged

    def _in_flight(self) -> float:
        """The work done of packs in training."""
        return sum(pack.cost_done for pack in self._packs.values())


class Display(TalliedPacks):
    """The common part of all displays. It prints only retries."""

    def __init__(self, runs: int, cost: float, reused: int = 0) -> None:
        super().__init__(runs, cost, reused)
        self._rate = TrainingRate()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    def on_message(self, message: Message) -> None:
        self._rate.on_message(message)
        super().on_message(message)
        if isinstance(message, PackRetried):
            say(message.line)

    def _on_over(self, pack: InTraining) -> None:
        self._show(f"{pack.label} ({counted(pack.runs, 'run')})")

    def _show(self, what: str) -> None:
        note(f"  {what} · {self._so_far()}")

    def _so_far(self) -> str:
        return f"{self._done_so_far()} · to go {self.time_to_go()}"

    def _done_so_far(self) -> str:
        return ", ".join(filter(None, (self._tally.words(), self._rate.words())))


class BarDisplay(Display):
    """Live lines for a terminal: one for each pack in training, and one for the sweep."""

    def __init__(self, runs: int, cost: float, reused: int = 0) -> None:
        super().__init__(runs, cost, reused)
        self._bars = Progress(
            TextColumn("{task.description}", markup=False), BarColumn(bar_width=24),
            TextColumn("{task.fields[words]}", markup=False),
            console=Console(stderr=True), transient=True,
        )  # fmt: skip
        self._whole = self._bars.add_task("sweep", total=cost, words="")
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def _on_started(self, message: PackStarted) -> None:
        super()._on_started(message)
        task = self._bars.add_task(message.label, total=message.epochs, words=counted(message.runs, "run"))
        self._tasks[message.pack] = task

    def _on_resumed(self, message: PackResumed) -> None:
        super()._on_resumed(message)
        words = f"goes on after epoch {message.epoch}"
        self._bars.update(self._tasks[message.pack], completed=message.epoch, words=words)

    def _on_epoch(self, message: EpochDone) -> None:
        super()._on_epoch(message)
        epochs = self._packs[message.pack].epochs
        words = f"{counted(message.runs, 'run')}, epoch {message.epoch}/{epochs}"
        self._bars.update(self._tasks[message.pack], completed=message.epoch, words=words)
        self._show_whole()

    def _on_done(self, message: PackDone) -> None:
        super()._on_done(message)
        self._bars.remove_task(self._tasks.pop(message.pack))
        self._show_whole()

    def _on_not_over(self, digest: str) -> None:
        super()._on_not_over(digest)
        self._bars.remove_task(self._tasks.pop(digest))

    def _show_whole(self) -> None:
        done = self._tally.cost_done + sum(pack.cost_done for pack in self._packs.values())
        self._bars.update(self._whole, total=self._tally.cost, completed=done, words=self._so_far())


class LineDisplay(Display):
    """Plain lines for a file or a pipe: one for each pack, and further ones for a pack that takes long."""

    def __init__(self, runs: int, cost: float, reused: int = 0) -> None:
        super().__init__(runs, cost, reused)
        self._shown = monotonic()

    def _on_epoch(self, message: EpochDone) -> None:
        super()._on_epoch(message)
        if monotonic() - self._shown >= QUIET_SECONDS:
            pack = self._packs[message.pack]
            self._show(f"{pack.label} ({counted(pack.runs, 'run')}), epoch {message.epoch}/{pack.epochs}")

    def _show(self, what: str) -> None:
        self._shown = monotonic()
        say(f"  {what} · {self._so_far()}")
