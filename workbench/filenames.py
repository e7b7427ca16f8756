"""From names to files and folders. Only this file converts them.

A name comes from a command line, a file's name, or a store made by somebody else. It may contain `..` or `/`, be
thousands of characters long, be a device name of Windows, or differ from another one only by case. The result is always
one plain name (`file_name`), so nothing is written, read or deleted outside of the intended folder.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection
from contextlib import suppress
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path

LONGEST_FILE_NAME = 100  # characters of a name that is kept unchanged
LINK_DEPTH = 3  # levels of folders that a name with "/" may have
_PLAIN = re.compile(
    rf"[A-Za-z0-9](?:[A-Za-z0-9._-]{{0,{LONGEST_FILE_NAME - 2}}}[A-Za-z0-9_-])?"
)  # Windows drops a dot at the end
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)  # of Windows, in every folder


def file_name(name: str, folder: Path, reserved: Collection[str] = ()) -> str:
    """The file or folder in `folder` that a name stands for: the name itself if it is a valid one and not reserved,
    else its valid part and a digest.

    Two names never share a file: if the file system ignores case, a name with capitals gets a digest.
    """
    plain = _PLAIN.fullmatch(name) and not _DEVICE.fullmatch(name) and name.lower() not in reserved
    if plain and (name == name.lower() or not ignores_case(folder)):
        return name
    left = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:40].strip("-")
    return f"{left or 'sweep'}-{sha256(name.encode('utf-8', 'replace')).hexdigest()[:8]}"


def folder_of(root: Path, name: str) -> Path:
    """The folder below `root` that belongs to a name; `a/b` is the folder `b` in that of `a`. It need not exist."""
    parts = name.split("/")
    if len(parts) > LINK_DEPTH:
        parts = [name]
    return root.joinpath(*(file_name(part, root) for part in parts))


def beside(path: Path) -> str:
    """ "did you mean own.npz? " for a file that is not there, if one of a like name lies beside; else "".

    Endings are not compared: they would make any two short names alike.
    """
    try:
        there = {file.stem: file for file in sorted(path.parent.iterdir()) if file.is_file()}
    except (OSError, ValueError):  # a path with a null character
        return ""
    close = get_close_matches(path.stem, there, n=1)
    return f"did you mean {there[close[0]]}? " if close else ""


def is_inside(path: Path, folder: Path) -> bool:
    """Whether a path lies below a folder, links followed."""
    try:
        return path.resolve().is_relative_to(folder.resolve()) and path.resolve() != folder.resolve()
    except (OSError, ValueError, RuntimeError):  # a loop of links, a NUL, a name that is too long
        return False


def remove(folder: Path) -> None:
    """Delete a folder with its content. If it is a link, only the link is deleted."""
    if folder.is_symlink():
        with suppress(OSError):
            folder.unlink()
    else:
        shutil.rmtree(folder, ignore_errors=True)


def ignores_case(folder: Path) -> bool:
    """Whether `A` and `a` are one file there; asked of the nearest folder that exists and has letters in its name."""
    for place in (found := folder.absolute(), *found.parents):
        other = place.with_name(place.name.swapcase()) if place.name else place
        with suppress(OSError, ValueError):
            if other != place and place.exists():
                return other.exists() and other.samefile(place)
    return False
