"""How often a claim was put to the test: every question asked of it in this store, on the same data, is an attempt.

Asked often enough, any rule is reproduced once. So each further attempt decides with alpha divided by their number.
The same question asked again is no further attempt, for its runs are the same; timings are, for they are taken anew.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.measure import MEASUREMENTS
from workbench.report import wording
from workbench.report.statistics.tests import ALPHA
from workbench.report.verdicts.claim_rules import Claim
from workbench.report.verdicts.deviations import data_of, deviations, is_data

if TYPE_CHECKING:
    from workbench.tracking.read import SweepTables


@dataclass(frozen=True)
class Attempt:
    """A question asked of a claim: when its sweep started, its digest, and its verdict, "" if no page says one."""

    started: str
    question: str
    verdict: str


def attempts_on(claim: Claim, tables: SweepTables) -> tuple[Attempt, ...]:
    """The attempts on a claim up to this sweep, which is the last one; empty if the store tells of none."""
    try:
        listed = [one for one in json.loads(tables.facts.get("attempts") or "[]") if claim.id in one["claims"]]
    except (ValueError, KeyError, TypeError):
        return ()
    listed = [one for one in listed if all(map(is_data, deviations(one)))]
    here = [one for one in listed if data_of(one) == data_of(listed[-1])]
    found: dict[str, Attempt] = {}
    for place, one in enumerate(here):
        attempt = _attempt(claim, one)
        key = str(place) if _times(tables) else attempt.question
        found.pop(key, None)
        found[key] = attempt
    return tuple(found.values())


def _attempt(claim: Claim, one: dict[str, Any]) -> Attempt:
    held = one["claims"][claim.id]
    return Attempt(str(one.get("started", "")), str(held.get("question", "")), str(held.get("verdict", "")))


def _times(tables: SweepTables) -> bool:
    kinds = set(tables.runs["measure"].dropna()) if "measure" in tables.runs else set()
    return any(MEASUREMENTS[kind].timing for kind in kinds if kind in MEASUREMENTS)


def alpha_of(attempts: tuple[Attempt, ...]) -> float:
    """The level of the last attempt: 0.05 divided by how many there are."""
    return ALPHA / max(1, len(attempts))


def in_words(attempts: tuple[Attempt, ...]) -> tuple[str, ...]:
    """A note of how many attempts there are and what they cost, and one of each earlier one; none of a single one."""
    if len(attempts) < 2:
        return ()
    count, alpha = len(attempts), alpha_of(attempts)
    first = (
        f"Attempt {count} on this claim in this store: alpha is {ALPHA:g} divided by {count}, {alpha:.3g}, so "
        f"intervals of {100 * (1 - alpha):.4g}{wording.SPACE}% decide"
    )
    rest = [
        f"Attempt {place}, started {one.started}, question {one.question or 'of an older form'}: "
        f"{one.verdict or 'no verdict kept'}"
        for place, one in enumerate(attempts[:-1], start=1)
    ]
    return (first, *rest)
