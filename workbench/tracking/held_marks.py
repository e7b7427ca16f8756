"""Marks of the runs that a sweep holds, as tags of its parent run.

To find out whether a run is held, the tags of all sweeps are read by one paged query, and then only the plans of those
sweeps that may hold it. A mark is four bytes of a digest, so a plan may be read in vain, but none is left out. A sweep
has its marks from its end to its next start. While it runs, or after a kill, its plan is read.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Iterable, Mapping
from hashlib import sha256

from workbench.tracking import names

_MARK = 4  # bytes
_PER_TAG = 1400  # marks; a tag takes 8000 characters


def marks_of(fingerprints: Iterable[str]) -> dict[str, str]:
    """The tags for the runs of these fingerprints: at least one, also for none."""
    marks = sorted({_mark(fingerprint) for fingerprint in fingerprints})
    parts = [marks[first : first + _PER_TAG] for first in range(0, max(len(marks), 1), _PER_TAG)]
    return {f"{names.HOLDS}{number}": _written(part) for number, part in enumerate(parts)}


def without_marks(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags that take back the marks among these."""
    return {name: "" for name in tags if name.startswith(names.HOLDS)}


def has_marks(tags: Mapping[str, str]) -> bool:
    """Whether the marks of a sweep are complete among its tags: it has ended, and every child is in its plan."""
    return bool(tags.get(f"{names.HOLDS}0"))


def may_hold(tags: Mapping[str, str], wanted: Iterable[str]) -> bool:
    """Whether a sweep with these tags may hold one of the runs."""
    if not has_marks(tags):
        return True
    held: set[bytes] = set()
    for name, text in tags.items():
        if name.startswith(names.HOLDS) and text:
            try:
                found = b64decode(text.partition(":")[2], validate=True)
            except (Error, ValueError):
                return True  # somebody changed it
            held.update(found[first : first + _MARK] for first in range(0, len(found), _MARK))
    return any(_mark(fingerprint) in held for fingerprint in wanted)


def _written(marks: Iterable[bytes]) -> str:
    return f"v1:{b64encode(b''.join(marks)).decode()}"


def _mark(fingerprint: str) -> bytes:
    return sha256(fingerprint.encode("utf-8", "replace")).digest()[:_MARK]
