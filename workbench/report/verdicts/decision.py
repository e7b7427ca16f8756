"""From a rule and a sweep to a verdict, exactly as the rule says and nothing beyond it.

Five verdicts. Of a paired rule P(m): *reproduced*, the whole interval lies beyond m in the predicted direction and
Holm's p is under 0.05; *not reproduced*, the interval lies within +-m and Holm's p of that is under 0.05;
*contradicted*, it lies wholly beyond -m and Holm's p is under 0.05; *inconclusive*, anything else, and whenever a seed
the rule names has no result yet. Of an equivalence T(t): reproduced within +-t, contradicted wholly outside, else
inconclusive. Of an identity E(t): reproduced or not reproduced. *Conditional*: it is reproduced in one of two settings
and fails in the other: there the whole interval lies short of what was predicted, and Holm's p of that is under 0.05,
whether or not the opposite can be shown. The other setting is the tuned one, or a variation, whose one changed setting
the verdict names. Where a claim has several rules, it is contradicted or not reproduced if any of them is, and
reproduced if all are.

The interval is the rule's own, made as wide as a bootstrap-t interval at a quarter of the error. Absence is not shown
if runs were lost, pairs stand apart or the differences are skewed (`basis`); then a presence must hold of the pairs
that trained as well as of all. How often verdicts are false is simulated in docs/calibration.md.

A rule was fixed for the settings of its sweep file. Where the runs have other ones every verdict is withheld as
inconclusive, and says which; another dataset is named in the sentence instead. So is that of an identity unless every
cell of the sweep file was asked for, that of an arm which leaves open what the sweep varies, and that of a rule one of
whose premises fails.

Each further attempt on a claim (`attempts`) decides at 0.05 divided by their number: Holm's p is held against that,
and the interval is as much wider. So is each of the looks of a rule that names some (`looks`), at its share of alpha.

Where runs diverged or collapsed the sign-flip test over all pairs decides, with every pair that has no number counted
against the conclusion, together with the interval of the pairs that trained. Where fewer than half of them did,
Fisher's exact test of the shares that were lost stands in its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from workbench.report.language.words import begun, joined, say, word
from workbench.report.statistics.tests import holm
from workbench.report.verdicts.attempts import Attempt, attempts_on, in_words
from workbench.report.verdicts.claim_rules import Claim, Equivalence, Identity, Paired, Rule, rules_of
from workbench.report.verdicts.deviations import described, unasked
from workbench.report.verdicts.evidence import Evidence, with_measure
from workbench.report.verdicts.judging import Corrected, decided, finish, weigh, weighed
from workbench.report.verdicts.looks import look_at
from workbench.report.verdicts.stored_rules import fixed_beforehand, stored_entry
from workbench.report.verdicts.variations import condition, left_open, turning
from workbench.report.verdicts.verdict import VERDICTS, Verdict

if TYPE_CHECKING:
    from workbench.tracking.read import SweepTables

__all__ = ["VERDICTS", "Verdict", "decide", "decide_all", "decide_one"]


def _adjusted(found: Sequence[tuple[Rule, Evidence | None, Verdict]]) -> dict[int, Corrected]:
    """Holm's p by identity of the verdict: over the paired rules of these claims, as members of their family.

    Presences are one family, effects short of the margin another, and effects within it a third. A rule that is
    withheld counts as p = 1, and so does every member on another page: that only makes a verdict harder to reach.
    """
    mine = [one for one in found if isinstance(one[0], Paired)]
    size = max((rule.family for rule, *_ in mine if isinstance(rule, Paired)), default=0)
    raw = [(1.0, 1.0, 1.0) if e and e.undecided else (v.p, v.p_short, v.p_within) for _, e, v in mine]
    families = [holm([p[kind] for p in raw], size) for kind in range(3)]
    return {
        id(verdict): Corrected(*(float(family[place]) for family in families))
        for place, (*_, verdict) in enumerate(mine)
    }


def decide_all(claims: Sequence[Claim], tables: SweepTables) -> list[Verdict]:
    """The verdicts of claims that share a page, corrected for all members of their families."""
    found = []
    for claim in claims:
        runs, failure = with_measure(claim, tables)
        looks = [look_at(rule, runs, tables.factors) for rule in rules_of(claim)]
        found.append([(look, *_noted(weigh(claim, look.rule, runs, tables.factors), failure)) for look in looks])
    weighed_rules = [(look.rule, evidence, verdict) for group in found for look, evidence, verdict in group]
    adjusted = _adjusted(weighed_rules)
    withheld, data = described(tables)
    verdicts = []
    for claim, group in zip(claims, found, strict=True):
        attempts = attempts_on(claim, tables)
        done = []
        for look, evidence, verdict in group:
            rule = look.rule
            one = decided(rule, evidence, verdict, adjusted, max(1, len(attempts)) / look.share)
            one = finish(rule, evidence, one, data, 0 if look.looks else max(1, len(attempts)))
            one = replace(one, notes=(*one.notes, look.in_words())) if look.looks else one
            done.append(_withheld(one, withheld or _reason(rule, evidence, one, tables)))
        verdicts.append(_with_history(_combined(claim, done), claim, tables.facts.get("rules", ""), attempts))
    return verdicts


def _with_history(found: Verdict, claim: Claim, stored: str, attempts: tuple[Attempt, ...]) -> Verdict:
    """The verdict with what came before it: whether its question was stored, and the earlier attempts."""
    return replace(
        found, fixed=fixed_beforehand(claim, stored), stored=bool(stored_entry(claim.id, stored)),
        notes=(*found.notes, *in_words(attempts)), attempts=max(1, len(attempts)),
    )  # fmt: skip


def _noted(weighed: tuple[Evidence | None, Verdict], note: str) -> tuple[Evidence | None, Verdict]:
    evidence, found = weighed
    return evidence, replace(found, notes=(*found.notes, note)) if note else found


def _reason(rule: Rule, evidence: Evidence | None, found: Verdict, tables: SweepTables) -> str:
    """Why a rule decides nothing here, though its sweep was run as the file says; "" if it decides."""
    if isinstance(rule, Identity):
        return unasked(tables.facts) or (say("verdict.withheld_for", why=found.doubt) if found.doubt else "")
    return say("verdict.withheld_for", why=evidence.undecided) if evidence is not None and evidence.undecided else ""


def _withheld(found: Verdict, why: str) -> Verdict:
    if not why:
        return found
    sentence = joined([why, found.sentence])
    return replace(found, verdict="inconclusive", new_seeds=None, fails=False, sentence=sentence)


def _combined(claim: Claim, done: Sequence[Verdict]) -> Verdict:
    """One verdict out of those by the claim's rules, in the order of `rules_of`."""
    first, rest = done[0], list(done[1:])
    also = tuple(rest.pop(0) for _ in claim.also)
    tuned = rest.pop(0) if claim.tuned is not None else None
    own = replace(_by_its_own_rules(first, also), tuned=tuned, varied=tuple(rest))
    if note := left_open(claim.vary, rest):
        own = replace(own, notes=(*own.notes, note))
    if tuned and ((own.verdict == "reproduced" and tuned.fails) or (own.fails and tuned.verdict == "reproduced")):
        outcomes = {"own": word(own.outcome).capitalize(), "other": word(tuned.outcome)}
        return _conditional(
            own, say("verdict.in_both_settings", **outcomes, condition=claim.condition), claim.condition
        )
    turned = turning(first, claim.vary, rest)
    if not turned:
        return own
    words = condition(first, turned)
    if all(one.verdict == "reproduced" for one in also):
        return _conditional(own, begun(words), words)
    return replace(own, notes=(*own.notes, say("verdict.by_itself", words=words)))


def _by_its_own_rules(first: Verdict, also: tuple[Verdict, ...]) -> Verdict:
    """The joint verdict of a claim's rule and of its further ones, in the settings of the sweep file."""
    verdict = _jointly([first.verdict, *(one.verdict for one in also)])
    fails = any(one.fails for one in (first, *also))
    own = replace(first, by_itself=first.verdict, also=also, verdict=verdict, fails=fails)
    if own.ruled_out and not first.ruled_out:
        return replace(own, sentence=say("verdict.by_further_rule", sentence=own.sentence))
    return own


def _conditional(own: Verdict, sentence: str, words: str) -> Verdict:
    text = say("verdict.with_sentence", head=sentence, sentence=own.sentence)
    return replace(own, verdict="conditional", condition=words, sentence=text)


def _jointly(verdicts: Sequence[str]) -> str:
    """The joint verdict of several rules: the worst of them, and reproduced only if all are."""
    worst_first = ("contradicted", "not reproduced", "inconclusive", "reproduced")
    return next(verdict for verdict in worst_first if verdict in verdicts)


def decide_one(rule: Paired | Equivalence, evidence: Evidence, divisor: float = 1.0) -> Verdict:
    """The verdict of a rule by itself on evidence that was gathered, at 0.05 divided by `divisor`: for simulations."""
    found = weighed("", rule, evidence)
    return decided(rule, evidence, found, _adjusted([(rule, evidence, found)]), divisor)


def decide(claim: Claim, tables: SweepTables) -> Verdict:
    """The verdict of one claim; see `decide_all`."""
    return decide_all([claim], tables)[0]
