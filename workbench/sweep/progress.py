"""What a person sees while a sweep trains: one line for the pack in flight, one for the whole, with the time to go."""

from __future__ import annotations

import sys
from time import monotonic
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from workbench.engine.epoch import Epoch


class Watcher(Protocol):
    """Is told what happens to the packs of a sweep. `cost` is any unit of work, the same for all packs."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def pack_started(self, label: str, runs: int, epochs: int, cost: float) -> None:
        """A pack of so many runs begins; its longest run has so many epochs."""

    def epoch_done(self, epoch: Epoch) -> None:
        """The pack in flight finished an epoch."""

    def pack_done(self, failed: int) -> None:
        """The pack in flight is over."""


class Tally:
    """Counts what is done and says how long the rest will take, from the work done so far."""

    def __init__(self, runs: int, cost: float) -> None:
        self.runs, self.cost = runs, cost
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
        seconds = round((monotonic() - self._started) * max(self.cost - done, 0) / done)
        return f"{seconds // 60}:{seconds % 60:02d}"

    def words(self) -> str:
        """Like "96/432 runs, 1 diverged, 61,000 examples/s"."""
        words = [f"{self.runs_done}/{self.runs} runs"]
        words += [f"{count} {name}" for name, count in (("diverged", self.diverged), ("failed", self.failed)) if count]
        return ", ".join([*words, f"{self.rate():,.0f} examples/s"])


class Bars:
    """Two lines that renew themselves, for a terminal."""

    def __init__(self, runs: int, cost: float) -> None:
        self._tally = Tally(runs, cost)
        self._bars = Progress(
            TextColumn("{task.description}"), BarColumn(bar_width=28), TextColumn("{task.fields[words]}"),
            TimeElapsedColumn(), TextColumn("{task.fields[to_go]}"), console=Console(stderr=True), transient=True,
        )  # fmt: skip
        self._whole = self._bars.add_task("sweep", total=cost, words="", to_go="")
        self._pack: TaskID | None = None
        self._cost = 0.0

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def pack_started(self, label: str, runs: int, epochs: int, cost: float) -> None:
        self._cost = cost
        self._pack = self._bars.add_task(label, total=epochs, words=f"{runs} runs", to_go="")

    def epoch_done(self, epoch: Epoch) -> None:
        assert self._pack is not None
        tally = self._tally
        tally.examples += epoch.examples
        tally.runs_done += len(epoch.ended)
        tally.diverged += sum(end.outcome == "diverged" for end in epoch.ended)
        self._bars.update(self._pack, completed=epoch.number, words=f"{len(epoch.runs)} runs, epoch {epoch.number}")
        pack = next(task for task in self._bars.tasks if task.id == self._pack)
        in_flight = self._cost * epoch.number / max(pack.total or 1, 1)
        self._bars.update(
            self._whole, completed=tally.cost_done + in_flight, words=tally.words(),
            to_go=f"to go {tally.time_to_go(in_flight)}",
        )  # fmt: skip

    def pack_done(self, failed: int) -> None:
        assert self._pack is not None
        self._tally.cost_done += self._cost
        self._tally.failed += failed
        self._bars.remove_task(self._pack)
        self._bars.update(self._whole, completed=self._tally.cost_done, words=self._tally.words())


class Lines:
    """One plain line a pack, for a file or a pipe."""

    def __init__(self, runs: int, cost: float) -> None:
        self._tally = Tally(runs, cost)
        self._label, self._cost, self._runs = "", 0.0, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    def pack_started(self, label: str, runs: int, epochs: int, cost: float) -> None:
        self._label, self._runs, self._cost = label, runs, cost

    def epoch_done(self, epoch: Epoch) -> None:
        self._tally.examples += epoch.examples
        self._tally.runs_done += len(epoch.ended)
        self._tally.diverged += sum(end.outcome == "diverged" for end in epoch.ended)

    def pack_done(self, failed: int) -> None:
        self._tally.failed += failed
        self._tally.cost_done += self._cost
        to_go = self._tally.time_to_go()
        print(
            f"  {self._label} ({self._runs} runs) · {self._tally.words()} · to go {to_go}", file=sys.stderr, flush=True
        )


def watcher(runs: int, cost: float) -> Watcher:
    """Bars where the standard error is a terminal, plain lines elsewhere."""
    return Bars(runs, cost) if sys.stderr.isatty() else Lines(runs, cost)
