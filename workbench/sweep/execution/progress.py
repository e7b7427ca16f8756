"""What a person sees while a sweep trains: a line for each pack in flight, one for the whole, with the time to go."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from workbench.engine.training.epoch import Epoch
from workbench.output import is_quiet
from workbench.sweep.execution.log import counted, note, on_a_terminal, say
from workbench.sweep.planning.speed import in_words

QUIET_SECONDS = 60.0  # without a terminal, a pack that takes longer is heard of at least as often


@dataclass
class Flight:
    """A pack in flight: what it is, of so many runs and epochs, where it stands and where it went on from."""

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
        """The work done in this sitting."""
        return self.cost * (self.epoch - self.began) / max(self.epochs, 1)

    @property
    def cost_to_do(self) -> float:
        """The work that was left when it began."""
        return self.cost * (self.epochs - self.began) / max(self.epochs, 1)


class Watcher(Protocol):
    """Is told what happens to the packs of a sweep. `cost` is any unit of work, the same for all packs.

    `key` tells packs apart where several are in flight.
    """

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def pack_started(self, label: str, runs: int, epochs: int, cost: float, key: str = "") -> None:
        """A pack of so many runs begins; its longest run has so many epochs."""

    def pack_resumed(self, epoch: int, ended: int, key: str = "") -> None:
        """The pack goes on after that epoch, when so many of its runs had ended."""

    def epoch_done(self, epoch: Epoch, key: str = "") -> None:
        """The pack finished an epoch."""

    def pack_done(self, failed: int, key: str = "") -> None:
        """The pack is over."""

    def pack_given_up(self, key: str = "") -> None:
        """The pack is not over, but its runs are to be trained in other packs."""


class Tally:
    """Counts what is done and says how long the rest will take, from the work done so far.

    `runs` is how many the sweep asks for, `reused` of them the store held already; `cost` is the work of the others.
    """

    def __init__(self, runs: int, cost: float, reused: int = 0) -> None:
        self.runs, self.cost, self.reused = runs, cost, reused
        self.runs_done = self.failed = self.diverged = self.examples = 0
        self.cost_done = 0.0
        self._started = monotonic()

    def rate(self) -> float:
        """Training examples a second, over all runs."""
        return self.examples / max(monotonic() - self._started, 1e-9)

    def time_to_go(self, cost_in_flight: float = 0.0) -> str:
        """Like "1:23", or "?" before anything is known."""
        done = self.cost_done + cost_in_flight
        if done <= 0:
            return "?"
        return in_words((monotonic() - self._started) * max(self.cost - done, 0) / done)

    def words(self) -> str:
        """Like "96/432 runs, 40 reused, 1 diverged, 61,000 examples/s"."""
        words = [f"{self.runs_done + self.reused}/{self.runs} runs"]
        counts = (("reused", self.reused), ("diverged", self.diverged), ("failed", self.failed))
        words += [f"{count} {name}" for name, count in counts if count]
        return ", ".join([*words, f"{self.rate():,.0f} examples/s"])


class Display:
    """What both displays share: the tally, and the packs in flight. It says nothing itself."""

    def __init__(self, runs: int, cost: float, reused: int = 0) -> None:
        self._tally = Tally(runs, cost, reused)
        self._flights: dict[str, Flight] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    def pack_started(self, label: str, runs: int, epochs: int, cost: float, key: str = "") -> None:
        self._flights[key] = Flight(label, runs, epochs, cost)

    def pack_resumed(self, epoch: int, ended: int, key: str = "") -> None:
        flight = self._flights[key]
        flight.epoch = flight.began = epoch
        self._tally.cost -= flight.cost - flight.cost_to_do
        self._count(flight, ended, 0)

    def epoch_done(self, epoch: Epoch, key: str = "") -> None:
        flight = self._flights[key]
        flight.epoch = epoch.number
        self._tally.examples += epoch.examples
        self._count(flight, len(epoch.ended), sum(end.outcome == "diverged" for end in epoch.ended))

    def pack_done(self, failed: int, key: str = "") -> None:
        flight = self._flights.pop(key)
        self._tally.failed += failed
        self._tally.cost_done += flight.cost_to_do
        self._tell(f"{flight.label} ({counted(flight.runs, 'run')})")

    def pack_given_up(self, key: str = "") -> None:
        flight = self._flights.pop(key)
        self._tally.cost += flight.cost - flight.cost_to_do
        self._count(flight, -flight.ended, -flight.diverged)

    def _count(self, flight: Flight, ended: int, diverged: int) -> None:
        flight.ended += ended
        flight.diverged += diverged
        self._tally.runs_done += ended
        self._tally.diverged += diverged

    def _tell(self, what: str) -> None:
        note(f"  {what} · {self._so_far()}")

    def _so_far(self) -> str:
        in_flight = sum(flight.cost_done for flight in self._flights.values())
        return f"{self._tally.words()} · to go {self._tally.time_to_go(in_flight)}"


class Bars(Display):
    """Lines that renew themselves, for a terminal: one a pack in flight, and one for the whole."""

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

    def pack_started(self, label: str, runs: int, epochs: int, cost: float, key: str = "") -> None:
        super().pack_started(label, runs, epochs, cost, key)
        self._tasks[key] = self._bars.add_task(label, total=epochs, words=counted(runs, "run"))

    def pack_resumed(self, epoch: int, ended: int, key: str = "") -> None:
        super().pack_resumed(epoch, ended, key)
        self._bars.update(self._tasks[key], completed=epoch, words=f"goes on after epoch {epoch}")

    def epoch_done(self, epoch: Epoch, key: str = "") -> None:
        super().epoch_done(epoch, key)
        words = f"{counted(len(epoch.runs), 'run')}, epoch {epoch.number}/{self._flights[key].epochs}"
        self._bars.update(self._tasks[key], completed=epoch.number, words=words)
        self._show_whole()

    def pack_done(self, failed: int, key: str = "") -> None:
        super().pack_done(failed, key)
        self._bars.remove_task(self._tasks.pop(key))
        self._show_whole()

    def pack_given_up(self, key: str = "") -> None:
        super().pack_given_up(key)
        self._bars.remove_task(self._tasks.pop(key))

    def _show_whole(self) -> None:
        done = self._tally.cost_done + sum(flight.cost_done for flight in self._flights.values())
        self._bars.update(self._whole, total=self._tally.cost, completed=done, words=self._so_far())


class Lines(Display):
    """Plain lines for a file or a pipe: one a pack, and now and then one of a pack that takes long."""

    def __init__(self, runs: int, cost: float, reused: int = 0) -> None:
        super().__init__(runs, cost, reused)
        self._heard = monotonic()

    def epoch_done(self, epoch: Epoch, key: str = "") -> None:
        super().epoch_done(epoch, key)
        if monotonic() - self._heard >= QUIET_SECONDS:
            flight = self._flights[key]
            self._tell(f"{flight.label} ({counted(flight.runs, 'run')}), epoch {epoch.number}/{flight.epochs}")

    def _tell(self, what: str) -> None:
        self._heard = monotonic()
        say(f"  {what} · {self._so_far()}")


def watcher(runs: int, cost: float, reused: int = 0) -> Watcher:
    """Bars where the standard error is a terminal, plain lines elsewhere."""
    return Bars(runs, cost, reused) if on_a_terminal() and not is_quiet() else Lines(runs, cost, reused)
