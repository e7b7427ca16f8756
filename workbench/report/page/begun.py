"""The page of a sweep that has begun, before anything is drawn: what is asked, and how many runs have ended.

It takes milliseconds where a page with figures takes seconds, so it is there at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from workbench import files, quantities
from workbench.report import wording
from workbench.report.language import texts
from workbench.report.language.words import say
from workbench.report.page.folder import make, page_file
from workbench.report.page.rendering import render
from workbench.report.page.view import heading


def write_begun(name: str, facts: Mapping[str, str], ended: int, runs: int, folder: Path, after: float) -> Path:
    """Write the page, and nothing beside it. The browser loads it again every few seconds.

    `after` are the seconds of training after which there may be figures.
    """
    make(folder)
    shown = {
        "name": name, "title": heading(name, facts), "description": texts.translated(facts.get("description", "")),
        "command": facts.get("command", ""), "after": quantities.duration(after, wording.SPACE),
        "live": say("page.live_at", ended=ended, runs=runs, time=f"{datetime.now(UTC):%H:%M:%S} UTC"),
    }  # fmt: skip
    file = page_file(name, folder)
    files.write(file, render("begun", shown))
    return file
