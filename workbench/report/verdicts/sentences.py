"""What a rule asks and what was found, in one or two plain sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.report import wording
from workbench.report.language.words import Words, chinese_of, joined, say, table
from workbench.report.verdicts.basis import shares_of
from workbench.report.verdicts.claim_rules import Equivalence, Identity, Paired, Rule
from workbench.report.verdicts.evidence import Evidence
from workbench.report.verdicts.premises import in_words

if TYPE_CHECKING:
    from workbench.report.verdicts.verdict import Verdict

_REASONS = {
    "reproduced": "reason.beyond_as_predicted",
    "contradicted": "reason.beyond_opposite",
    "not reproduced": "reason.within",
    "inconclusive": "reason.not_settled",
    "ruled out": "reason.ruled_out",
}
_NOT_INFERIOR = {
    "reproduced": "reason.short_of",
    "contradicted": "reason.beyond",
    "inconclusive": "reason.not_settled",
}
_AGREEMENT = {
    "reproduced": "reason.within",
    "contradicted": "reason.outside",
    "inconclusive": "reason.not_settled",
}
_EQUIVALENCES = {"": "rule.within", "lower": "rule.not_lower", "higher": "rule.not_higher"}


def rule_in_words(rule: Rule) -> str:
    """The rule as a reader would state it."""
    metric = wording.metric(rule.metric)
    what = say("rule.measured", name=metric.name, note=metric.note) if metric.note else metric.name
    asked = {"what": what, "premises": _premises(rule)}
    if isinstance(rule, Identity):
        return say(
            "rule.identity",
            **asked,
            largest=largest(rule),
            arm=rule.arm.label,
            tolerance=wording.typeset(f"{rule.tolerance:g}"),
        )
    if isinstance(rule, Equivalence):
        arms = {"measured": rule.measured.label, "predicted": rule.predicted.label}
        edge = wording.margin(rule.tolerance, rule.metric)
        edge = edge if rule.worse else _both_sides(edge)
        return say(_EQUIVALENCES[rule.worse], **asked, **arms, edge=edge, seeds=len(rule.seeds))
    pair = say(_compared(rule), first=rule.treatment.label, second=rule.baseline.label)
    if rule.against:
        other = say("rule.minus", first=rule.against[0].label, second=rule.against[1].label)
        pair = say("rule.minus_minus", first=pair, second=other)
    family = say("rule.family", count=rule.family) if rule.family > 1 else ""
    edge = wording.margin(rule.margin, rule.metric)
    return say(f"rule.{rule.direction}", **asked, pair=pair, edge=edge, seeds=len(rule.seeds), family=family)


def _compared(rule: Paired | Equivalence) -> str:
    """How the two arms of a rule are put together: a difference of logarithms is one number over the other."""
    return "rule.over" if wording.metric(rule.metric).base else "rule.minus"


def largest(rule: Identity, short: bool = False) -> str:
    """What an identity is decided by: the largest error, or the largest value of a metric that is none, say a count."""
    metric = rule.arm.metric or rule.metric
    if not metric.endswith(("_error", "_gap", "_loss")):
        return say("largest.value")
    return say("largest.error" if short else "largest.relative_error")


def _premises(rule: Rule) -> str:
    """What must be true before the rule decides, as a sentence behind the rule; "" if nothing must."""
    parts = [
        say(
            "rule.premise", arm=premise.arm.label if premise.arm else say("rule.every_arm"),
            premise=in_words(premise.kind, premise.bound),
        )
        for premise in rule.premises
    ]  # fmt: skip
    return say("rule.only_if", premises=wording.listing(parts)) if parts else ""


def _gaps(evidence: Evidence, seeds: int) -> str:
    """Why there is no verdict, or what limits it: missing and lost seeds."""
    parts = []
    if evidence.missing:
        count = len(evidence.missing)
        parts.append(say("found.open", count=count, seeds=seeds))
    if evidence.failures:
        shares = [
            say("found.lost_of", lost=arm.lost, seeds=seeds, arm=arm.arm.label) for arm in evidence.arms if arm.lost
        ]
        p = shares_of(evidence)
        fisher = say("found.fisher", p=wording.probability(p)) if p == p else ""
        trained = len(evidence.whole)
        parts.append(say("found.lost", shares=wording.listing(shares), fisher=fisher, trained=trained))
    return joined(parts)


def sentence_of(rule: Rule, evidence: Evidence | None, found: Verdict, data: str) -> str:
    """The finding behind a verdict."""
    place = say("found.on_dataset", data=data) if data else say("found.here")
    if isinstance(rule, Identity) or evidence is None:
        if not found.n:
            return say("found.nothing_yet", place=place)
        runs = wording.plural(found.n, "run")
        what = largest(rule) if isinstance(rule, Identity) else say("largest.relative_error")
        return say("found.identity", place=place, what=what, runs=runs, worst=wording.number(found.worst))
    gaps = _gaps(evidence, len(rule.seeds))
    if not found.n:
        return joined([say("found.nothing_yet", place=place), gaps])
    arms = [arm.arm.label for arm in evidence.arms]
    what = say("found.difference_in_differences")
    if len(arms) == 2:
        what = say(_compared(rule), first=arms[0], second=arms[1])
    span = wording.between(*found.interval, rule.metric)
    interval = say("found.interval", interval=span) if span else say("found.no_interval")
    parts = {
        "place": place, "what": what, "size": wording.change(found.effect, rule.metric), "interval": interval,
        "test": _test(rule, found), "seeds": found.n,
    }  # fmt: skip
    if evidence.missing or evidence.failures:
        finding = say("found.finding", **parts)
    else:
        finding = say("found.finding_and_reason", **parts, reason=_reason(rule, found))
    return joined([finding, gaps, _more(found)])


def _test(rule: Paired | Equivalence, found: Verdict) -> str:
    """The p that a paired rule is decided by, as a part of the sentence; "" of another rule."""
    if not isinstance(rule, Paired):
        return ""
    p = wording.probability(found.p_within if found.verdict == "not reproduced" else found.p_holm)
    return say("found.test_under" if p.startswith("<") else "found.test", p=p)


def _reason(rule: Paired | Equivalence, found: Verdict) -> str:
    """What the interval says of the edge."""
    if withheld := _withheld_absence(rule, found):
        return withheld
    if not isinstance(rule, Paired):
        return say((_NOT_INFERIOR if rule.worse else _AGREEMENT)[found.verdict], edge=_edge(rule))
    edge = wording.margin(rule.margin, rule.metric)
    edge = _both_sides(edge) if found.verdict == "not reproduced" else edge
    return say(_REASONS["ruled out" if found.ruled_out else found.verdict], edge=edge)


def _both_sides(edge: str) -> str:
    return say("edge.factor_both" if edge.startswith(wording.FACTOR_SIGN) else "edge.both", edge=edge)


def _edge(rule: Equivalence) -> str:
    """The tolerance as an edge, on both sides or on the one that counts."""
    edge = wording.margin(rule.tolerance, rule.metric)
    if not rule.worse:
        return _both_sides(edge)
    if edge.startswith(wording.FACTOR_SIGN):
        return edge if rule.worse == "higher" else say("edge.factor_lower", edge=edge.removeprefix(wording.FACTOR_SIGN))
    return say(f"edge.{rule.worse}", edge=edge)


def _withheld_absence(rule: Paired | Equivalence, found: Verdict) -> str:
    """Why the absence of an effect is not said, though the whole interval lies within both edges; "" if it does not."""
    margin = rule.margin if isinstance(rule, Paired) else rule.tolerance
    if found.verdict != "inconclusive" or not found.interval.within(margin):
        return ""
    edge = _both_sides(wording.margin(margin, rule.metric))
    if found.doubt:
        return say("reason.within_but_doubt", edge=edge, doubt=found.doubt)
    if isinstance(rule, Paired):
        return say("reason.within_but_uncertain", edge=edge, p=wording.probability(found.p_within))
    return say("reason.within_but_not_certain", edge=edge)


def _more(found: Verdict) -> str:
    """How many seeds would settle it. They would decide alone, since looking again at the same seeds inflates false
    verdicts.
    """
    if found.new_seeds is None or any(arm.lost for arm in found.failures):
        return ""
    seeds = wording.plural(found.new_seeds, "new seed")
    return say("found.new_seeds", seeds=seeds)


def rule_warning(found: Verdict) -> str:
    """What a reader must know of when the rule was fixed; "" if it was stored before the sweep started."""
    if found.fixed:
        return ""
    if found.stored:
        return say("warning.changed")
    return say("warning.not_stored")


def reason_withheld(sentence: str) -> str:
    """Why a verdict is withheld, out of its sentence, which begins with that; "" if it is not."""
    if not sentence.startswith(_head("english", "verdict.withheld_for", "{why}")):
        return ""
    english = _before(sentence, "english", " ")
    return Words(english, _before(chinese_of(sentence), "chinese", "")) if isinstance(sentence, Words) else english


def _before(sentence: str, language: str, gap: str) -> str:
    """What stands before the place of a finding: "On this dataset", "Here"."""
    stop = table(language)["paper.sentence"].removeprefix("{text}")
    for place in (_head(language, "found.on_dataset", "{data}"), _head(language, "found.here", "{")):
        sentence = sentence.partition(f"{stop}{gap}{place}")[0]
    return sentence.rstrip(stop) + stop


def _head(language: str, key: str, placeholder: str) -> str:
    """What a sentence begins with, up to a placeholder."""
    return table(language)[key].partition(placeholder)[0]
