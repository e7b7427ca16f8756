"""The folder that pages are written into, and the names of their files."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryFile

from workbench.engine.errors import BadInput
from workbench.filenames import file_name

REPORTS = Path("reports")  # in the working folder
_RESERVED = ("index",)
# the names of other pages, and of other files of a page
_TAKEN = re.compile(r"compare-.*|.*\.(html|json)", re.IGNORECASE)


def make(folder: Path) -> None:
    """Make the folder unless it exists. Raises BadInput if that, or writing a file there, is impossible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(
            dir=folder
        ):  # permissions alone do not show it: the disk may be full, root may be restricted, a quota may be used up
            pass
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(
            f"{folder!s:.200}: found no folder that can be made or used ({reason}); pages lie there"
        ) from None


def stem(name: str, folder: Path) -> str:
    """The name of a sweep's files in `folder`: the sweep's own name, if a file can have it and no other page does."""
    return file_name(name, folder, (name.lower(),) if _TAKEN.fullmatch(name) else _RESERVED)


def page_file(name: str, folder: Path) -> Path:
    """The path of a sweep's page."""
    return folder / f"{stem(name, folder)}.html"
