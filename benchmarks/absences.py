"""Which committed verdicts rest on an absence that few pairs show: what a rule for absences would cost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parents[1] / "reports" / "verdicts.json"
ENOUGH = 29  # pairs of which one in ten collapses hold a collapsed one in 95 of 100 cases: 0.9^29 is under 5 %


def committed(file: Path = FILE) -> list[dict[str, Any]]:
    """The verdicts of the file."""
    return [
        claim for section in json.loads(file.read_text(encoding="utf-8"))["sections"] for claim in section["claims"]
    ]


def left_open(verdicts: list[dict[str, Any]]) -> list[str]:
    """The claims that would be inconclusive: an absence that too few pairs show is a part of what decides them."""
    return [
        _name(one) for one in verdicts if one["verdict"] != "inconclusive" and any(map(_is_absence_of_few, _own(one)))
    ]


def without_condition(verdicts: list[dict[str, Any]]) -> list[str]:
    """The conditional claims of the others that would be reproduced: too few pairs show where they fail."""
    opened = set(left_open(verdicts))
    found = []
    for one in verdicts:
        failing = list(_failing(one))
        if one["verdict"] == "conditional" and _name(one) not in opened and failing:
            found += [_name(one)] if all(map(_is_absence_of_few, failing)) else []
    return found


def _own(one: dict[str, Any]) -> list[dict[str, Any]]:
    """What a claim comes to by its own rule and by those that must hold as well."""
    return [one | {"verdict": one["by_itself"]}, *one["also"]]


def _failing(one: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for other in [one["tuned"], *one["vary"]]:
        if other and (other["verdict"] in ("not reproduced", "contradicted") or _is_ruled_out(other)):
            yield other


def _is_ruled_out(one: dict[str, Any]) -> bool:
    return one["verdict"] == "inconclusive" and "which rules out the predicted" in one["sentence"]


def _is_absence_of_few(one: dict[str, Any]) -> bool:
    if one["kind"] == "equivalence":
        return one["verdict"] == "reproduced" and one["n"] < ENOUGH
    return one["kind"] == "paired" and one["n"] < ENOUGH and (one["verdict"] == "not reproduced" or _is_ruled_out(one))


def _name(one: dict[str, Any]) -> str:
    data = str(one["dataset"]).partition(",")[0]
    return f"{one['id']} ({'MNIST' if data == 'mnist' else data})" if data not in ("", "digits") else str(one["id"])
