"""The page of a sweep that has begun, before anything is drawn: what is asked, and how many runs have ended.

It takes milliseconds where a page with figures takes seconds, so it is there at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from workbench import files
from workbench.report.language import texts
from workbench.report.language.words import say
from workbench.report.page.folder import make, page_file
from workbench.report.page.rendering import render
from workbench.report.page.view import heading


def write_begun(name: str, facts: Mapping[str, str], ended: int, runs: int, folder: Path) -> Path:
    """Write the page, and nothing beside it. The browser loads it again every few seconds."""
    make(folder)
    shown = {
        "name": name, "title": heading(name, facts), "description": texts.translated(facts.get("description", "")),
        "live": say("page.live", ended=ended, runs=runs),
    }  # fmt: skip
    file = page_file(name, folder)
    files.write(file, render("begun", shown))
    return file
