"""The journal of a search: the trials so far, in one file of the sweep's folder that is replaced after every batch.

It also identifies the search. A missing trial is suggested again with the same values, so a batch in training need
not be written down.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from workbench.sweep.execution.log import warn
from workbench.sweep.planning.study import Trial, TrialResult

Part = TypeVar("Part")
JOURNAL_FILE = "search.json"


@dataclass(frozen=True)
class JournalContent:
    """A search as its file holds it: its identity (part -> value), the version of Optuna, and its trials in order."""

    search: Mapping[str, object]
    optuna: str
    results: list[TrialResult]


class Journal:
    """The file of a search in the folder of its sweep."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / JOURNAL_FILE

    def read(self) -> JournalContent | None:
        """The content of the file; None if there is none. A damaged file is set aside with a message."""
        try:
            text = self.file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            self._set_aside(str(error))
            return None
        try:
            return _kept(json.loads(text))
        except (ValueError, KeyError, TypeError, RecursionError):
            self._set_aside("it is not what was written")
            return None

    def write(self, kept: JournalContent) -> None:
        """Replace the file atomically: a kill leaves either the old or the new content."""
        trials = [
            {"values": one.trial.values, "value": _as_held(one.values), "runs": one.runs, "reason": one.reason}
            | _early(one)
            for one in kept.results
        ]
        content = {"search": dict(kept.search), "optuna": kept.optuna, "trials": trials}
        self.file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.file.with_name(f".{JOURNAL_FILE}.new")
        try:
            with temporary.open("w", encoding="utf-8") as target:
                json.dump({"digest": _digest(content), "content": content}, target, indent=1)
                target.flush()
                os.fsync(target.fileno())
            temporary.replace(self.file)
        finally:
            temporary.unlink(missing_ok=True)

    def _set_aside(self, why: str) -> None:
        aside = self.file.with_suffix(".json.broken")
        with suppress(OSError):
            self.file.replace(aside)
        warn(
            f"{aside}: a broken file was set aside ({why}); the search tries the same again, from what the store holds"
        )


def _kept(held: object) -> JournalContent:
    """Raises ValueError, KeyError or TypeError if it is not what `Journal.write` wrote."""
    content = _part(held, "content", dict)
    if _part(held, "digest", str) != _digest(content):
        raise ValueError("its digest does not fit")
    results = [_result(number, one) for number, one in enumerate(_part(content, "trials", list))]
    return JournalContent(_part(content, "search", dict), _part(content, "optuna", str), results)


def _result(number: int, held: object) -> TrialResult:
    values = _values(_part(held, "value", object))
    trial = Trial(number, _part(held, "values", dict))
    curve = _part(held, "curve", list) if isinstance(held, dict) and "curve" in held else []
    if not all(isinstance(loss, int | float) for loss in curve):
        raise TypeError("curve is no list of numbers")
    runs, reason = _part(held, "runs", str), _part(held, "reason", str)
    return TrialResult(
        trial, values, runs, reason, tuple(map(float, curve)), bool(curve) and _part(held, "pruned", bool)
    )


def _as_held(values: tuple[float, ...] | None) -> float | list[float] | None:
    """What a trial came to: a number by a single goal, a list by several."""
    if values is None:
        return None
    return values[0] if len(values) == 1 else list(values)


def _values(held: object) -> tuple[float, ...] | None:
    """The reverse of `_as_held`. Raises TypeError if it is none."""
    if held is None:
        return None
    values = held if isinstance(held, list) else [held]
    if not values or not all(isinstance(value, int | float) for value in values):
        raise TypeError("value is no number")
    return tuple(values)


def _early(result: TrialResult) -> dict[str, object]:
    """What only a search that stops bad trials early keeps."""
    return {"curve": list(result.curve), "pruned": result.pruned} if result.curve else {}


def _part(held: object, key: str, kind: type[Part]) -> Part:
    """A part of an object of JSON. Raises KeyError if it is missing, TypeError if it is of another kind."""
    if not isinstance(held, dict) or not isinstance(held[key], kind):
        raise TypeError(f"{key} is no {kind.__name__}")
    part: Part = held[key]
    return part


def changed(before: Mapping[str, object], now: Mapping[str, object]) -> str:
    """The first part in which two searches differ, in words; "" if they are the same."""
    for key in dict.fromkeys((*now, *before)):
        one, other = (_shown(side[key]) if key in side else "nothing" for side in (before, now))
        if one != other:
            return f"{key} {one}, and now it is {other}"
    return ""


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _digest(content: Mapping[str, object]) -> str:
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
