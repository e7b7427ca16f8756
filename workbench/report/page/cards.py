"""A claim as the page shows it: its verdict, the facts behind it, and its figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.report import wording
from workbench.report.figures.base import DrawnFigure
from workbench.report.figures.units import is_loss
from workbench.report.statistics.tests import most_lost
from workbench.report.verdicts import sentences
from workbench.report.verdicts.claim_rules import Claim, Identity, Rule, digest
from workbench.report.verdicts.verdict import Verdict


@dataclass(frozen=True)
class Card:
    """A claim with its verdict, as shown; `line` says in one what happened."""

    claim: Claim
    verdict: Verdict
    rule: str
    digest: str
    facts: tuple[tuple[str, str], ...]
    figures: tuple[DrawnFigure, ...]
    also: tuple[tuple[str, Verdict], ...] = ()
    warning: str = ""
    line: str = ""

    @property
    def withheld(self) -> str:
        """Why the verdict is withheld, in a sentence; "" if it is not."""
        text = self.verdict.sentence
        if not text.startswith("Withheld"):
            return ""
        return text.partition(". On this dataset")[0].partition(". Here ")[0].rstrip(".") + "."


def card(claim: Claim, verdict: Verdict, figures: Sequence[DrawnFigure], units: str) -> Card:
    """The card of a claim: what was found, and by which rule; with the `units` of losses if these must be named."""
    facts = [*_found(claim, verdict), ("Diverged or collapsed", _lost(verdict))]
    if verdict.ruled_out:
        facts.insert(0, ("Predicted effect", "ruled out"))
    if units and is_loss(claim.rule.metric):
        facts.append(("Unit", "standardised targets"))
    also = tuple((sentences.rule_in_words(rule), one) for rule, one in zip(claim.also, verdict.also, strict=True))
    return Card(
        claim, verdict, sentences.rule_in_words(claim.rule), digest(claim.rule), tuple(facts), tuple(figures), also,
        sentences.rule_warning(verdict), in_a_line(claim, verdict),
    )  # fmt: skip


def in_a_line(claim: Claim, verdict: Verdict) -> str:
    """What happened in plain words: both arms and their difference; of a conditional claim on what it depends, and what
    happened in the other setting.
    """
    parts = [_what_happened(claim.rule, verdict)]
    if verdict.verdict == "conditional":
        if claim.tuned is not None and verdict.tuned is not None and verdict.condition == claim.condition:
            parts += [f"in the other setting: {_what_happened(claim.tuned, verdict.tuned)}"]
        parts += [f"so {verdict.condition.rstrip('.')}"]
    elif verdict.verdict != verdict.by_itself:
        also = [pair for pair in zip(claim.also, verdict.also, strict=True) if pair[1].verdict == verdict.verdict]
        parts += [_what_happened(*pair) for pair in also[:1]]
    return " ".join(f"{part[:1].upper()}{part[1:]}." for part in parts)


def _what_happened(rule: Rule, found: Verdict) -> str:
    metric = rule.metric
    if isinstance(rule, Identity):
        what = sentences.largest(rule).replace("relative ", "")
        runs = wording.plural(found.n, "run")
        return f"the {what} in {runs} is {wording.number(found.worst)}, and {rule.tolerance:g} is allowed"
    if not found.arms or not found.n:
        return "there is nothing to compare yet"
    means = [f"{wording.amount(float(np.mean(values)), metric)} ({label})" for label, values in found.arms]
    span = wording.between(*found.interval, metric)
    inner = f"95 % interval {span}, {wording.plural(found.n, 'seed')}" if span else wording.plural(found.n, "seed")
    name = wording.metric(metric).name.lower()
    arms = " against ".join(means) if len(means) == 2 else wording.listing(means)
    return f"{name} {arms}: a difference of {wording.change(found.effect, metric)} ({inner})"


def _found(claim: Claim, verdict: Verdict) -> list[tuple[str, str]]:
    """The numbers behind a verdict, as (name, text)."""
    metric = claim.rule.metric
    if isinstance(claim.rule, Identity):
        worst = wording.number(verdict.worst)
        facts = [("Largest error", worst), ("Allowed", f"{claim.rule.tolerance:g}")]
    else:
        worst = wording.change(verdict.worst, metric)
        facts = [
            ("Effect", wording.change(verdict.effect, metric)),
            ("95 % interval", wording.between(*verdict.interval, metric) or "\u2013"),
            ("Seeds", f"{verdict.n} of {len(claim.rule.seeds)}"),
        ]
    if np.isfinite(verdict.p):
        both = f"{wording.probability(verdict.p)}, {wording.probability(verdict.p_holm)}"
        facts.append(("p, Holm\u2019s p", both))
        if verdict.n:
            facts.append(("Typical, share of seeds", f"{wording.change(verdict.typical, metric)}, {_share(verdict)}"))
    if verdict.fails and np.isfinite(verdict.p_within) and verdict.verdict != "contradicted":
        shown = verdict.p_short if verdict.ruled_out else verdict.p_within
        facts.append(("Holm\u2019s p of its absence", wording.probability(shown)))
    if verdict.worst_seed is not None:
        facts.append(("Worst", f"{worst}, seed {verdict.worst_seed}"))
    return facts


def _share(verdict: Verdict) -> str:
    return f"{100 * verdict.improvement:.0f}{wording.SPACE}% as predicted"


def _lost(verdict: Verdict) -> str:
    if not any(one.lost for one in verdict.failures):
        seeds = max((one.seeds for one in verdict.failures), default=0)
        return f"none; up to {100 * most_lost(seeds):.2g}{wording.SPACE}% may be, unseen" if seeds else "none"
    return "; ".join(dict.fromkeys(f"{one.lost} of {one.seeds} ({one.arm})" for one in verdict.failures))
