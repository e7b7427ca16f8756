"""A claim as the page shows it: its verdict, the facts behind it, and its figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.report import wording
from workbench.report.figures.base import DrawnFigure
from workbench.report.figures.units import is_loss
from workbench.report.language.words import Words, begun, joined, say, semicolons, word
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
        return sentences.reason_withheld(self.verdict.sentence)


def card(claim: Claim, verdict: Verdict, figures: Sequence[DrawnFigure], units: str) -> Card:
    """The card of a claim: what was found, and by which rule; with the `units` of losses."""
    facts = [*_found(claim, verdict), ("Diverged or collapsed", _lost(verdict))]
    if verdict.ruled_out:
        facts.insert(0, ("Predicted effect", word("ruled out")))
    if units and is_loss(claim.rule.metric):
        facts.append(("Unit", units))
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
            parts += [say("card.other_setting", found=_what_happened(claim.tuned, verdict.tuned))]
        parts += [say("card.so", condition=_without_stop(verdict.condition))]
    elif verdict.verdict != verdict.by_itself:
        also = [pair for pair in zip(claim.also, verdict.also, strict=True) if pair[1].verdict == verdict.verdict]
        parts += [_what_happened(*pair) for pair in also[:1]]
    return joined([say("card.line", text=begun(part)) for part in parts])


def _without_stop(text: str) -> str:
    return Words(text.rstrip("."), text.chinese.rstrip("。")) if isinstance(text, Words) else text.rstrip(".")


def _what_happened(rule: Rule, found: Verdict) -> str:
    metric = rule.metric
    if isinstance(rule, Identity) and found.n:
        runs = wording.plural(found.n, "run")
        what = sentences.largest(rule, short=True)
        return say(
            "card.identity",
            what=what,
            runs=runs,
            worst=wording.number(found.worst),
            allowed=wording.typeset(f"{rule.tolerance:g}"),
        )
    if not found.arms or not found.n:
        return say("card.nothing_yet")
    means = [
        say("card.arm", value=wording.amount(float(np.mean(values)), metric), arm=label) for label, values in found.arms
    ]
    span, seeds = wording.between(*found.interval, metric), wording.plural(found.n, "seed")
    certainty = say("card.interval", interval=span, seeds=seeds) if span else seeds
    arms = say("card.two_arms", first=means[0], second=means[1]) if len(means) == 2 else wording.listing(means)
    return say(
        "card.what_happened", name=wording.metric(metric).name.lower(), arms=arms,
        change=wording.change(found.effect, metric), certainty=certainty,
    )  # fmt: skip


def _found(claim: Claim, verdict: Verdict) -> list[tuple[str, str]]:
    """The numbers behind a verdict, as (name, text)."""
    metric = claim.rule.metric
    if isinstance(claim.rule, Identity):
        worst = wording.number(verdict.worst)
        facts = [("Largest error", worst), ("Allowed", wording.typeset(f"{claim.rule.tolerance:g}"))]
    else:
        worst = wording.change(verdict.worst, metric)
        facts = [
            ("Effect", wording.change(verdict.effect, metric)),
            ("95 % interval", wording.between(*verdict.interval, metric) or "\u2013"),
            ("Seeds", say("card.of_seeds", count=verdict.n, all=len(claim.rule.seeds))),
        ]
    if np.isfinite(verdict.p):
        both = f"{wording.probability(verdict.p)}, {wording.probability(verdict.p_holm)}"
        facts.append(("p, Holm\u2019s p", both))
        if verdict.n:
            share = f"{100 * verdict.improvement:.0f}"
            typical = say("card.typical", typical=wording.change(verdict.typical, metric), share=share)
            facts.append(("Typical, share of seeds", typical))
    if verdict.fails and np.isfinite(verdict.p_within) and verdict.verdict != "contradicted":
        shown = verdict.p_short if verdict.ruled_out else verdict.p_within
        facts.append(("Holm\u2019s p of its absence", wording.probability(shown)))
    if verdict.worst_seed is not None:
        facts.append(("Worst", say("card.worst", worst=worst, seed=verdict.worst_seed)))
    return facts


def _lost(verdict: Verdict) -> str:
    if not any(one.lost for one in verdict.failures):
        seeds = max((one.seeds for one in verdict.failures), default=0)
        return say("card.none_lost", share=f"{100 * most_lost(seeds):.2g}") if seeds else say("card.none")
    shares = [say("card.lost", lost=one.lost, seeds=one.seeds, arm=one.arm) for one in verdict.failures]
    return semicolons(list(dict.fromkeys(shares)))
