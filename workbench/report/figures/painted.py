"""Drawings that were painted before: painting takes most of the time of a page, and a page that is written again shows
mostly the same.

A drawing is kept in our cache folder under a digest of everything that it hangs on: the kind of figure, its data, the
sources of this package, and Matplotlib's version. What cannot be digested is painted every time: a figure of a person's
own hangs on code that is not ours.
"""

from __future__ import annotations

import io
import json
import os
import pickle
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from workbench import files, places
from workbench.engine.rules import rule_files

MOST_KEPT = 4096  # figures; the oldest go first
TO_GO = 1024  # at a time
# The modules that the data of our figures are made of. Code from anywhere else is in no digest.
KNOWN = ("workbench", "numpy", "pandas", "pyarrow", "builtins", "collections", "functools", "copyreg", "datetime")


def svgs(shown: object, paint: Callable[[], Sequence[str]]) -> list[str]:
    """What `paint` gives, painted now or before. `shown` is all that the drawings hang on but our own sources."""
    file = _file_of(shown)
    if file is None:
        return list(paint())
    found = _read(file)
    if found is None:
        found = list(paint())
        _keep(file, found)
    return found


def _file_of(shown: object) -> Path | None:
    """Where drawings of that are kept; None if there is no folder, or `shown` has no digest."""
    folder = places.cache()
    if folder is None:
        return None
    buffer = io.BytesIO()
    try:
        _Pickler(buffer, protocol=5).dump((shown, _own_rules()))
    except Exception:  # whatever somebody's class raises
        return None
    return folder / "figures" / f"{sha256(_sources() + buffer.getvalue()).hexdigest()[:40]}.json"


class _Pickler(pickle.Pickler):
    """Refuses what is pickled as the name of code that we do not know."""

    def reducer_override(self, held: object) -> str:  # pickle knows no type for NotImplemented
        named = getattr(held, "__module__", None) or type(held).__module__
        if named.partition(".")[0] not in KNOWN:
            raise pickle.PicklingError(f"{named} is not known")
        return NotImplemented


def _own_rules() -> list[str]:
    """The digests of the rules of a person's own: they name settings, which figures show."""
    return sorted({file.digest for file in rule_files.rows_of_own().values()})


@cache
def _sources() -> bytes:
    """A digest of everything that turns data into a drawing."""
    digest = sha256(version("matplotlib").encode())
    package = Path(__file__).resolve().parents[2]
    for file in sorted([*package.rglob("*.py"), *package.rglob("*.toml")]):
        digest.update(file.read_bytes())
    return digest.digest()


def _read(file: Path) -> list[str] | None:
    """The drawings of a file; None if it is not there, or is not what was written."""
    try:
        digest, _, text = file.read_text(encoding="utf-8").partition("\n")
    except (OSError, UnicodeError):
        return None
    return list(json.loads(text)) if digest == sha256(text.encode()).hexdigest() else None


def _keep(file: Path, drawings: Sequence[str]) -> None:
    """Write the drawings. If that fails, they are painted again the next time."""
    text = json.dumps([str(one) for one in drawings])
    with suppress(OSError, UnicodeError):
        file.parent.mkdir(parents=True, exist_ok=True)
        _make_room(file.parent)
        files.write(file, f"{sha256(text.encode()).hexdigest()}\n{text}")


def _make_room(folder: Path) -> None:
    if len(os.listdir(folder)) >= MOST_KEPT:  # noqa: PTH208  (thousands of paths for every figure took long)
        for old in sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime_ns)[:TO_GO]:
            old.unlink(missing_ok=True)
