"""The folder that pages are written into, and what their files are called."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryFile

from workbench.engine.errors import BadInput
from workbench.filenames import file_name

REPORTS = Path("reports")  # in the working folder
_RESERVED = ("index",)
# As other pages are called, and other files of a page.
_TAKEN = re.compile(r"compare-.*|.*\.(html|json)", re.IGNORECASE)


def make(folder: Path) -> None:
    """Make the folder where it is not there. Raises BadInput if that, or writing a file there, cannot be done."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):  # permissions alone do not say it: a full disk, a root who may not, a quota
            pass
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(
            f"{folder!s:.200}: found no folder that can be made or used ({reason}); pages lie there"
        ) from None


def stem(name: str, folder: Path) -> str:
    """What a sweep's files in `folder` are called: as the sweep where that can be, and no other page's is."""
    return file_name(name, folder, (name.lower(),) if _TAKEN.fullmatch(name) else _RESERVED)


def page_file(name: str, folder: Path) -> Path:
    """Where the page of a sweep is written."""
    return folder / f"{stem(name, folder)}.html"
