"""How often a claim was put to the test: every question asked of it in this store, on the same data, is an attempt.

Asked often enough, any rule is reproduced once. So each further attempt decides with alpha divided by their number.
The same question asked again is no further attempt, for its runs are the same; timings are, for they are taken anew.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.measure import MEASUREMENTS
from workbench.report.language.words import say, word
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
    listed = _listed(claim, tables.facts.get("attempts") or "[]")
    listed = [(facts, attempt) for facts, attempt in listed if all(map(is_data, deviations(facts)))]
    here = [attempt for facts, attempt in listed if data_of(facts) == data_of(listed[-1][0])]
    found: dict[str, Attempt] = {}
    for place, attempt in enumerate(here):
        key = str(place) if _times(tables) else attempt.question
        found.pop(key, None)
        found[key] = attempt
    return tuple(found.values())


def _listed(claim: Claim, stored: str) -> list[tuple[dict[str, str], Attempt]]:
    """The attempts on a claim that the store tells of, each with the facts of its sweep that say on which data; none if
    it cannot be read.
    """
    try:
        sweeps = json.loads(stored)
    except ValueError:
        return []
    found = []
    for one in sweeps if isinstance(sweeps, list) else ():
        claims = one.get("claims") if isinstance(one, dict) else None
        if not isinstance(claims, dict):
            return []
        if isinstance(held := claims.get(claim.id), dict):
            facts = {name: str(one.get(name, "")) for name in ("departures", "data_digest")}
            started, question, verdict = one.get("started", ""), held.get("question", ""), held.get("verdict", "")
            found.append((facts, Attempt(str(started), str(question), str(verdict))))
    return found


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
    share, confidence = f"{alpha:.3g}", f"{100 * (1 - alpha):.4g}"
    first = say("attempt.count", count=count, alpha=f"{ALPHA:g}", share=share, confidence=confidence)
    rest = [
        say("attempt.earlier", place=place, started=one.started,
            question=one.question or say("attempt.of_an_older_form"),
            verdict=word(one.verdict) if one.verdict else say("attempt.no_verdict"))
        for place, one in enumerate(attempts[:-1], start=1)
    ]  # fmt: skip
    return (first, *rest)
