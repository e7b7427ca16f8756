"""Marks of the runs that a sweep holds, as tags of its parent run.

To find out whether a run is held, the tags of all sweeps are read by one paged query, and then only the plans of those
sweeps that may hold it. A mark is four bytes of a digest, so a plan may be read in vain, but none is left out. A sweep
has the marks of what it trained from its end to its next start. While it runs, and after a kill, it has those of what
it is to train: its plan, and the tables of its packs, are read only by who asks for one of these runs.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING

from workbench.tracking import names

if TYPE_CHECKING:
    from mlflow.entities import Run

_MARK = 4  # bytes
_PER_TAG = 1400  # marks; a tag takes 8000 characters


def marks_of(fingerprints: Iterable[str], prefix: str = names.HOLDS) -> dict[str, str]:
    """The tags for the runs of these fingerprints: at least one, also for none.

    The first part comes last: while it is not written, the others do not count.
    """
    marks = sorted({mark(fingerprint) for fingerprint in fingerprints})
    parts = [marks[first : first + _PER_TAG] for first in range(0, max(len(marks), 1), _PER_TAG)]
    return {f"{prefix}{number}": _written(part) for number, part in reversed(list(enumerate(parts)))}


def without_marks(tags: Iterable[str]) -> dict[str, str]:
    """Tags that take back the marks among those of these names; the first parts come first."""
    found = [name for name in tags if name.startswith((names.HOLDS, names.ASKS))]
    return dict.fromkeys(sorted(found, key=lambda name: not name.endswith(".0")), "")


def has_marks(tags: Mapping[str, str]) -> bool:
    """Whether the marks of a sweep are complete among its tags: it has ended, and every child is in its plan."""
    return bool(tags.get(f"{names.HOLDS}0"))


def holders(sweeps: Iterable[Run], wanted: Iterable[str]) -> list[Run]:
    """Those of the parent runs that may hold one of the runs with these fingerprints; none if there are none."""
    marks = {mark(fingerprint) for fingerprint in wanted}
    return [parent for parent in sweeps if marks and may_hold(parent.data.tags, marks)]


def may_hold(tags: Mapping[str, str], marks: set[bytes]) -> bool:
    """Whether a sweep with these tags may hold a run with one of these marks."""
    prefix = names.HOLDS if has_marks(tags) else names.ASKS
    if not tags.get(f"{prefix}0"):
        return True
    held: set[bytes] = set()
    for name, text in tags.items():
        if name.startswith(prefix) and text:
            try:
                found = b64decode(text.partition(":")[2], validate=True)
            except (Error, ValueError):
                return True  # somebody changed it
            held.update(found[first : first + _MARK] for first in range(0, len(found), _MARK))
    return not held.isdisjoint(marks)


def _written(marks: Iterable[bytes]) -> str:
    return f"v1:{b64encode(b''.join(marks)).decode()}"


def mark(fingerprint: str) -> bytes:
    """The mark of a run with this fingerprint."""
    return sha256(fingerprint.encode("utf-8", "replace")).digest()[:_MARK]
