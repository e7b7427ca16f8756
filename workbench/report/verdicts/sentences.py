"""What a rule asks and what was found, in one or two plain sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.report import wording
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
        return f"{what}: the largest relative error of {rule.arm.label} is at most {rule.tolerance:g}."
    if isinstance(rule, Equivalence):
        edge = wording.margin(rule.tolerance, rule.metric)
        return (
            f"{what}: {rule.measured.label} minus {rule.predicted.label}, by seed, with its whole 95 % interval within "
            f"\u00b1{edge}, over {len(rule.seeds)} seeds.{_premises(rule)}"
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


def _premises(rule: Paired | Equivalence) -> str:
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
        parts.append(f"Diverged or collapsed: {wording.listing(shares)}; the verdict rests on the sign-flip test.")
    return " ".join(parts)


def sentence_of(rule: Rule, evidence: Evidence | None, found: Verdict, data: str) -> str:
    """The finding behind a verdict."""
    place = f"On this dataset ({data})," if data else "Here"
    if isinstance(rule, Identity) or evidence is None:
        runs = wording.plural(found.n, "run")
        return f"{place} the largest relative error over {runs} is {wording.number(found.worst)}."
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
        test = f", Holm p = {wording.probability(found.p_holm)}".replace("= <", "<")
    else:
        edge, reason = f"\u00b1{wording.margin(rule.tolerance, rule.metric)}", _AGREEMENT[found.verdict]
    if evidence.missing or evidence.failures:
        reason = ""
    span = wording.between(*found.interval, rule.metric)
    inner = f"95 % interval {span}" if span else "one seed gives no interval"
    ending = f", {reason.format(edge=edge)}" if reason else ""
    finding = f"{place} {what} is {size} ({inner}{test}, {found.n} seeds){ending}."
    return " ".join(part for part in (finding, gaps, _more(found)) if part)


def _more(found: Verdict) -> str:
    """How many seeds would settle it. They would decide alone, since looking again at the same seeds inflates false
    verdicts.
    """
    if found.new_seeds is None or any(arm.lost for arm in found.failures):
        return ""
    seeds = wording.plural(found.new_seeds, "new seed")
    return f"At the effect and the spread seen, about {seeds} would settle it, deciding without those seen here."


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
