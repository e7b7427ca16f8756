"""The end of a sweep: its exit status, and its failed runs with their overrides and reasons."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from workbench import output
from workbench.quantities import counted
from workbench.streams import EXIT_FAILED
from workbench.sweep.execution.interruption import EXIT_INTERRUPTED
from workbench.sweep.execution.log import note, say, warn
from workbench.sweep.planning.plan import PlannedCell
from workbench.sweep.run_outcomes import DIVERGED, FINISHED

# Exit statuses: every run finished, or something failed. A signal gives EXIT_INTERRUPTED, bad input 2.
EXIT_FINISHED = 0
ENDINGS = {EXIT_FINISHED: "finished", EXIT_FAILED: "failed", EXIT_INTERRUPTED: "interrupted"}


@dataclass(frozen=True)
class Ended:
    """How a sweep ended: why runs failed (fingerprint -> reason), how many packs were not recorded, whether it was
    interrupted, and how many runs the store has lost. `detached`: the rest is left to jobs of a cluster. `finished` and
    `diverged` count the runs that it trained or measured, `reused` those that the store held; `seconds` from its start.
    """

    reasons: Mapping[str, str]
    unrecorded: int
    interrupted: bool
    lost: int = 0
    detached: bool = False
    finished: int = 0
    diverged: int = 0
    reused: int = 0
    seconds: float = 0.0

    @property
    def status(self) -> int:
        """The exit status."""
        if self.interrupted:
            return EXIT_INTERRUPTED
        return EXIT_FAILED if self.reasons or self.unrecorded or self.lost else EXIT_FINISHED

    def with_batches(self, outcomes: Sequence[str], seconds: float) -> Ended:
        """The end of a search whose batches came to these outcomes before, in so many seconds: they are no reuse."""
        finished, diverged = outcomes.count(FINISHED), outcomes.count(DIVERGED)
        return replace(
            self, finished=self.finished + finished, diverged=self.diverged + diverged,
            reused=self.reused - finished - diverged, seconds=self.seconds + seconds,
        )  # fmt: skip

    @property
    def word(self) -> str:
        """How it ended, as the store's word for it."""
        return ENDINGS[EXIT_INTERRUPTED if self.detached else self.status]

    def in_a_line(self, name: str, runs: int) -> str:
        """Its end in one line, like "tour: 432 runs: 390 finished, 2 diverged, 40 reused, in 43 s"."""
        counted_by = (("finished", self.finished), ("diverged", self.diverged), ("failed", len(self.reasons)),
                      ("reused", self.reused))  # fmt: skip
        left = runs - sum(count for _, count in counted_by)
        parts = [f"{count:,} {word}" for word, count in (*counted_by, ("pending", left)) if count > 0]
        return f"{name}: {counted(runs, 'run')}: {', '.join(parts) or 'none'}, in {self.seconds:.0f} s"

    def words(self, folder: Path) -> list[str]:
        """What the same command will do; `folder` holds results that were not recorded."""
        lines = []
        if self.unrecorded:
            packs = counted(self.unrecorded, "pack")
            lines.append(f"{packs} could not be recorded; the same command goes on from what {folder} holds of them")
        if self.lost:
            lines.append(f"{counted(self.lost, 'run')} are gone from the store; the same command trains them again")
        if self.interrupted:
            lines.append("interrupted: the same command goes on where this one stopped")
        return lines


def conclude(ended: Ended, cells: Sequence[PlannedCell], folder: Path) -> None:
    """Print what failed, and what the same command will do about it."""
    for line in (*failures(ended.reasons, cells), *ended.words(folder)):
        warn(line)


def show_end(
    name: str, ended: Ended, status: int, cells: Sequence[PlannedCell], pages: Sequence[Path], addresses: Sequence[str]
) -> None:
    """Print how the sweep came out and where the pages are, or its end as JSON; `addresses` of the pages on a server,
    "" for none.
    """
    say(ended.in_a_line(name, len({cell.fingerprint for cell in cells})))
    text = "\n".join(f"report: {page}" for page in pages)
    for address in filter(None, addresses):
        say(f"in MLflow: {address}")
    note(text)
    output.show("sweep", text, lambda: as_document(name, ended, status, cells, pages))


def failures(reasons: Mapping[str, str], cells: Sequence[PlannedCell]) -> list[str]:
    """A line for every reason, and below it one for every cell that failed for it. `reasons`: fingerprint -> reason."""
    common = set.intersection(*(set(cell.cell.overrides) for cell in cells)) if len(cells) > 1 else set()
    by_reason: dict[str, list[PlannedCell]] = {}
    for cell in cells:
        if cell.fingerprint in reasons:
            by_reason.setdefault(reasons[cell.fingerprint], []).append(cell)
    return [line for reason, lost in by_reason.items() for line in _of_one_reason(reason, lost, common)]


def as_document(
    name: str, ended: Ended, status: int, cells: Sequence[PlannedCell], pages: Sequence[Path]
) -> dict[str, object]:
    """The end of the sweep as JSON data."""
    lost = [cell for cell in cells if cell.fingerprint in ended.reasons]
    return {
        "sweep": name,
        "outcome": "detached" if ended.detached else ENDINGS[status],
        "exit_status": status,
        "cells": len(cells),
        "runs": len({cell.fingerprint for cell in cells}),
        "failed": [
            {"cell": c.cell.index, "overrides": list(c.cell.overrides), "reason": ended.reasons[c.fingerprint]}
            for c in lost
        ],
        "finished": ended.finished,
        "diverged": ended.diverged,
        "reused": ended.reused,
        "seconds": round(ended.seconds, 3),
        "unrecorded_packs": ended.unrecorded,
        "lost_runs": ended.lost,
        "pages": [str(page) for page in pages],
    }


def _of_one_reason(reason: str, cells: Iterable[PlannedCell], common: Collection[str]) -> list[str]:
    """The lines for one reason. Overrides that all cells of the sweep share are left out."""
    own = {cell.cell.index: [text for text in cell.cell.overrides if text not in common] for cell in cells}
    lines = [f"  cell {cell}: {' '.join(overrides) or '(the defaults)'}" for cell, overrides in own.items()]
    return [f"{counted(len(lines), 'run')} failed: {reason}", *lines]
