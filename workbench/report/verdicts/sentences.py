"""What a rule asks and what was found, in one or two plain sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.report import wording
from workbench.report.verdicts.basis import shares_of
from workbench.report.verdicts.claim_rules import Equivalence, Identity, Paired, Rule
from workbench.report.verdicts.evidence import Evidence
from workbench.report.verdicts.premises import in_words

if TYPE_CHECKING:
    from workbench.report.verdicts.verdict import Verdict

_REASONS = {
    "reproduced": "all of it beyond {edge}, in the predicted direction",
    "contradicted": "all of it beyond {edge}, in the opposite direction",
    "not reproduced": "all of it within {edge}",
    "inconclusive": "which does not settle it against {edge}",
    "ruled out": "which rules out the predicted {edge}, but leaves open whether the opposite is there",
}
SIGNS = "\u00b1\u2212+"
_NOT_INFERIOR = {
    "reproduced": "all of it short of {edge}",
    "contradicted": "all of it beyond {edge}",
    "inconclusive": "which does not settle it against {edge}",
}
_AGREEMENT = {
    "reproduced": "all of it within {edge}",
    "contradicted": "all of it outside {edge}",
    "inconclusive": "which does not settle it against {edge}",
}


def rule_in_words(rule: Rule) -> str:
    """The rule as a reader would state it."""
    metric = wording.metric(rule.metric)
    what = f"{metric.name}{', ' + metric.note if metric.note else ''}"
    if isinstance(rule, Identity):
        return f"{what}: the {largest(rule)} of {rule.arm.label} is at most {rule.tolerance:g}.{_premises(rule)}"
    if isinstance(rule, Equivalence):
        edge = wording.margin(rule.tolerance, rule.metric)
        within = f"is {rule.worse} by less than {edge}" if rule.worse else f"within \u00b1{edge}"
        return (
            f"{what}: {rule.measured.label} minus {rule.predicted.label}, by seed, "
            f"{within} with its whole 95 % interval, over {len(rule.seeds)} seeds.{_premises(rule)}"
        )
    edge = wording.margin(rule.margin, rule.metric)
    pair = f"{rule.treatment.label} minus {rule.baseline.label}"
    if rule.against:
        pair = f"({pair}) minus ({rule.against[0].label} minus {rule.against[1].label})"
    family = f", Holm-corrected over a family of {rule.family}" if rule.family > 1 else ""
    return (
        f"{what}: {pair}, paired by seed, is {rule.direction} by more than {edge} with its whole 95 % interval, "
        f"over {len(rule.seeds)} seeds{family}.{_premises(rule)}"
    )


def largest(rule: Identity) -> str:
    """What an identity is decided by: the largest error, or the largest value of a metric that is none, say a count."""
    metric = rule.arm.metric or rule.metric
    return "largest relative error" if metric.endswith(("_error", "_gap", "_loss")) else "largest value"


def _premises(rule: Rule) -> str:
    """What must be true before the rule decides, as a sentence behind the rule; "" if nothing must."""
    parts = [
        f"{premise.arm.label if premise.arm else 'every arm'} {in_words(premise.kind, premise.bound)}"
        for premise in rule.premises
    ]
    return f" Decided only if {wording.listing(parts)}." if parts else ""


def _gaps(evidence: Evidence, seeds: int) -> str:
    """Why there is no verdict, or what limits it: missing and lost seeds."""
    parts = []
    if evidence.missing:
        count = len(evidence.missing)
        parts.append(f"{count} of the {seeds} seeds the rule names have no result yet, so it stays open.")
    if evidence.failures:
        shares = [f"{arm.lost} of {seeds} seeds of {arm.arm.label}" for arm in evidence.arms if arm.lost]
        parts.append(f"Diverged or collapsed: {wording.listing(shares)}{_shares(evidence)}. {_among_trained(evidence)}")
    return " ".join(parts)


def _shares(evidence: Evidence) -> str:
    p = shares_of(evidence)
    return f" (Fisher's p of equal shares {wording.probability(p)})" if p == p else ""


def _among_trained(evidence: Evidence) -> str:
    """What a verdict rests on if runs were lost."""
    return (
        f"A verdict rests on the sign-flip test over all of them, and on the {len(evidence.whole)} pairs that trained."
    )


def sentence_of(rule: Rule, evidence: Evidence | None, found: Verdict, data: str) -> str:
    """The finding behind a verdict."""
    place = f"On this dataset ({data})," if data else "Here"
    if isinstance(rule, Identity) or evidence is None:
        runs = wording.plural(found.n, "run")
        what = largest(rule) if isinstance(rule, Identity) else "largest relative error"
        return f"{place} the {what} over {runs} is {wording.number(found.worst)}."
    gaps = _gaps(evidence, len(rule.seeds))
    if not found.n:
        return f"{place} there is nothing to compare yet. {gaps}".strip()
    size = wording.change(found.effect, rule.metric)
    arms = [arm.arm.label for arm in evidence.arms]
    what = f"{arms[0]} minus {arms[1]}" if len(arms) == 2 else "the difference in differences"
    test = ""
    if isinstance(rule, Paired):
        edge = wording.margin(rule.margin, rule.metric)
        edge = f"\u00b1{edge}" if found.verdict == "not reproduced" else edge
        reason = _REASONS["ruled out" if found.ruled_out else found.verdict]
        p = found.p_within if found.verdict == "not reproduced" else found.p_holm
        test = f", Holm p = {wording.probability(p)}".replace("= <", "<")
    else:
        edge, reason = _edge(rule), (_NOT_INFERIOR if rule.worse else _AGREEMENT)[found.verdict]
    if withheld := _withheld_absence(rule, found):
        edge, reason = f"\u00b1{edge.lstrip(SIGNS)}", withheld
    if evidence.missing or evidence.failures:
        reason = ""
    span = wording.between(*found.interval, rule.metric)
    inner = f"95 % interval {span}" if span else "one seed gives no interval"
    ending = f", {reason.format(edge=edge)}" if reason else ""
    finding = f"{place} {what} is {size} ({inner}{test}, {found.n} seeds){ending}."
    return " ".join(part for part in (finding, gaps, _more(found)) if part)


def _edge(rule: Equivalence) -> str:
    """The tolerance as an edge, on both sides or on the one that counts."""
    sign = {"": "\u00b1", "lower": "\u2212", "higher": "+"}[rule.worse]
    return f"{sign}{wording.margin(rule.tolerance, rule.metric)}"


def _withheld_absence(rule: Paired | Equivalence, found: Verdict) -> str:
    """Why the absence of an effect is not said, though the whole interval lies within both edges; "" if it does not."""
    edge = rule.margin if isinstance(rule, Paired) else rule.tolerance
    if found.verdict != "inconclusive" or not found.interval.within(edge):
        return ""
    if found.doubt:
        return f"all of it within {{edge}}, which shows nothing, for {found.doubt}"
    if isinstance(rule, Paired):
        p = wording.probability(found.p_within)
        return f"all of it within {{edge}}, though not with the certainty asked for (Holm's p of that {p})"
    return "all of it within {edge}, though not with the certainty asked for"


def _more(found: Verdict) -> str:
    """How many seeds would settle it. They would decide alone, since looking again at the same seeds inflates false
    verdicts.
    """
    if found.new_seeds is None or any(arm.lost for arm in found.failures):
        return ""
    seeds = wording.plural(found.new_seeds, "new seed")
    return f"By the bounds of effect and spread, about {seeds} would settle it, deciding without those seen here."


def rule_warning(found: Verdict) -> str:
    """What a reader must know of when the rule was fixed; "" if it was stored before the sweep started."""
    if found.fixed:
        return ""
    if found.stored:
        return (
            "The rule, its measure or the code that decides has changed since the sweep started: the store holds "
            "another question for this claim. "
            "Read this verdict as exploratory."
        )
    return "The store holds no such rule from before the sweep started: read this verdict as exploratory."
