"""The places of `conf` and `experiments`, ours and the user's, and of the user's `rules`."""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def ours(name: str) -> Path:
    """Our folder `conf` or `experiments`: beside the package in a checkout, inside it once installed."""
    installed = _PACKAGE / name
    return installed if installed.is_dir() else _PACKAGE.parent / name


def theirs(name: str) -> Path | None:
    """A person's own folder of that name in the working folder; None if there is none or it is ours."""
    folder = Path.cwd() / name
    return folder if folder.is_dir() and folder.resolve() != ours(name).resolve() else None


def cache() -> Path | None:
    """Our cache folder. It need not exist yet.

    None for a user without a home folder, such as a container's user without a name. A missing home is not made.
    """
    named = os.environ.get("XDG_CACHE_HOME", "")
    if Path(named).is_absolute():
        return Path(named) / "workbench"
    home = at_home("~")
    return home / ".cache" / "workbench" if home.is_absolute() and os.path.isdir(home) else None  # noqa: PTH112


def at_home(path: str) -> Path:
    """The path with a leading `~` or `~user` replaced by that home folder; unchanged if the home is unknown.

    Path.expanduser and Path.home raise then.
    """
    return Path(os.path.expanduser(path))  # noqa: PTH111


def both(name: str) -> list[Path]:
    """Our folder, then a person's own if there is one. Of two files with one name, ours is found first."""
    own = theirs(name)
    return [ours(name)] if own is None else [ours(name), own]


def find(name: str, file: str) -> Path | None:
    """The file `file` in the folders `name`, ours first; None if neither has it.

    A file outside of these folders is never found, however it is named: a store that somebody else made may name any.
    """
    parts = file.split("/")
    if any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in parts):
        return None
    try:
        return next((folder / file for folder in both(name) if (folder / file).is_file()), None)
    except OSError:  # a name that is too long
        return None
