"""The page of a sweep that has begun, before anything is drawn: what is asked, and how far it is.

It takes milliseconds where a page with figures takes seconds, so it is there at once, and is written anew as packs end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from workbench import files, quantities
from workbench.report import wording
from workbench.report.language import texts
from workbench.report.language.words import say
from workbench.report.page.folder import make, page_file
from workbench.report.page.rendering import render
from workbench.report.page.view import heading
from workbench.sweep.execution.progress import UNKNOWN


@dataclass(frozen=True)
class PackProgress:
    """How far the packs of one label are: runs that ended, of how many, by outcome, and where training is."""

    label: str
    ended: int
    runs: int
    outcomes: Mapping[str, int]
    state: str


@dataclass(frozen=True)
class LevelProgress:
    """How many runs at a level of a factor have ended, of how many, and the best value of those that finished."""

    factor: str
    level: str
    ended: int
    runs: int
    best: str


@dataclass(frozen=True)
class Progress:
    """How far a sweep is: runs that ended, of how many, by outcome; its packs; levels, by which `metric`; and the time
    to go, as the terminal says it. Who does not see the packs train says how many have ended, of how many.

    Whoever knows only some of it leaves the rest empty.
    """

    ended: int
    runs: int
    outcomes: Mapping[str, int] = field(default_factory=dict)
    packs: Sequence[PackProgress] = ()
    metric: str = ""
    levels: Sequence[LevelProgress] = ()
    to_go: str = UNKNOWN
    packs_ended: int = 0
    all_packs: int = 0


def write_begun(name: str, facts: Mapping[str, str], progress: Progress, folder: Path, after: float) -> Path:
    """Write the page, and nothing beside it. The browser loads it again every few seconds.

    `after` are the seconds of training after which there may be figures.
    """
    make(folder)
    shown = {
        "name": name, "title": heading(name, facts), "description": texts.translated(facts.get("description", "")),
        "command": facts.get("command", ""), "after": quantities.duration(after, wording.SPACE),
        "live": standing(progress, datetime.now(UTC)), "progress": progress,
    }  # fmt: skip
    file = page_file(name, folder)
    files.write(file, render("begun", shown))
    return file


def standing(progress: Progress, at: datetime) -> str:
    """How many runs had ended at a time in UTC, with what else is known: packs, and the time to go."""
    said = say("page.live_at", ended=progress.ended, runs=progress.runs, time=f"{at:%H:%M:%S} UTC")
    if progress.all_packs:
        packs = wording.plural(progress.all_packs, "pack")
        said = say("page.live_packs", standing=said, ended=progress.packs_ended, packs=packs)
    return said if progress.to_go == UNKNOWN else say("page.live_to_go", standing=said, to_go=progress.to_go)
