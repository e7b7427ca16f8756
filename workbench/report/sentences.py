"""What was found, in one or two plain sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench.report import wording
from workbench.report.claims import Equivalence, Identity, Paired, Rule
from workbench.report.design import SEED, Design
from workbench.report.effects import Effect, Interaction
from workbench.report.evidence import Evidence
from workbench.report.statistics import FEWEST_SEEDS

if TYPE_CHECKING:
    from workbench.report.verdicts import Verdict

MOST_TIED = 3  # levels with the very same mean that are named one by one
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
            f"\u00b1{edge}, over {len(rule.seeds)} seeds."
        )
    edge = wording.margin(rule.margin, rule.metric)
    pair = f"{rule.treatment.label} minus {rule.baseline.label}"
    if rule.against:
        pair = f"({pair}) minus ({rule.against[0].label} minus {rule.against[1].label})"
    family = f", Holm-corrected over a family of {rule.family}" if rule.family > 1 else ""
    return (
        f"{what}: {pair}, paired by seed, is {rule.direction} by more than {edge} with its whole 95 % interval, "
        f"over {len(rule.seeds)} seeds{family}."
    )


def _gaps(evidence: Evidence, seeds: int) -> str:
    """Why there is no verdict, or what stands beside it: missing and lost seeds."""
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
    place = f"On this dataset ({data})," if data else "On this dataset,"
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
        reason = _REASONS["ruled out" if found.fails and found.verdict == "inconclusive" else found.verdict]
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
    """How many seeds would settle it. They decide alone: to look again at the same seeds inflates false verdicts."""
    if found.new_seeds is None or any(arm.lost for arm in found.failures):
        return ""
    seeds = wording.plural(found.new_seeds, "new seed")
    return f"At the effect and the spread seen, about {seeds} would settle it, deciding without those seen here."


def rule_warning(found: Verdict) -> str:
    """What a reader must know of when the rule was fixed; empty where it stood before the sweep started."""
    if found.fixed:
        return ""
    if found.stored:
        return (
            "The rule has changed since the sweep started: the store holds another one for this claim. "
            "Read this verdict as exploratory."
        )
    return "The store holds no such rule from before the sweep started: read this verdict as exploratory."


def seed_notice(design: Design) -> str:
    """What the number of seeds allows to be said; empty from 12 on."""
    count = len(design.seeds)
    if count >= FEWEST_SEEDS:
        return ""
    verdicts = f"A verdict needs {FEWEST_SEEDS} seeds or more."
    if count < 2:
        return f"One seed only: nothing here has an interval, and no verdict is possible. {verdicts}"
    return f"{count} seeds: intervals are wide, and no verdict is possible. {verdicts}"


def effect_in_words(effect: Effect) -> str:
    """ "test accuracy averages 94.2 % with relu against 71.3 % with sigmoid, a difference of 22.9 pp (...)" """
    if not math.isfinite(effect.change):
        return "nothing finished, so there is nothing to compare"
    name = wording.metric(effect.metric).name.lower()
    if effect.top == effect.bottom:
        return f"only {effect.levels[effect.top].label} has finished runs with a {name}"
    top, bottom = (wording.amount(effect.levels[end].mean, effect.metric) for end in (effect.top, effect.bottom))
    if effect.change == 0:
        return f"{name} averages {top} with {_tied(effect, effect.top)} alike, no difference{_certainty(effect)}"
    return (
        f"{name} averages {top} with {_tied(effect, effect.top)} against {bottom} with "
        f"{_tied(effect, effect.bottom)}, a difference of "
        f"{wording.change(abs(effect.change), effect.metric, signed=False)}{_certainty(effect)}"
    )


def _certainty(effect: Effect) -> str:
    """The interval of an effect in brackets, or why there is none."""
    if not effect.matched:
        return " (no interval: the levels could not be matched on the other factors)"
    low, high = sorted(math.copysign(1.0, effect.change) * end for end in effect.interval)
    if not math.isfinite(low):
        return " (no interval: fewer than two seeds)"
    if low == high:
        return f" (the same in all {effect.seeds} seeds)"
    return f" (95 % interval {wording.between(low, high, effect.metric, signed=low < 0)}, {effect.seeds} seeds)"


def _tied(effect: Effect, place: int) -> str:
    """The level at a place, with those whose mean is the very same."""
    mean = effect.levels[place].mean
    labels = [_level(effect, level.label) for level in effect.levels if level.mean == mean]
    if len(labels) <= MOST_TIED:
        return wording.listing(labels)
    whole = "all" if len(labels) == effect.compared else "each of"
    return f"{whole} {len(labels)} levels of {effect.factor.name}"


def _level(effect: Effect, label: str) -> str:
    """A level in a sentence: a bare number says of what it is one."""
    return f"{effect.factor.name} {label}" if label[:1].isdigit() or label in ("none", "null") else label


def summary(effects: Sequence[Effect], pairs: Sequence[Interaction], metric: str) -> str:
    """The page in a few sentences: the largest effects, the least, and the strongest interaction."""
    real = [effect for effect in effects if math.isfinite(effect.change) and effect.top != effect.bottom]
    name = wording.metric(metric).name.lower()
    if not real:
        return ""
    count = f"Of {len(real)} factors, " if len(real) > 1 else ""
    if len(real) == 1:
        lead = f"The one factor was {real[0].factor.name}"
    elif real[0].change == 0:
        return f"{count}none moved {name}: with {real[0].factor.name}, {effect_in_words(real[0])}."
    else:
        lead = f"{real[0].factor.name} moved {name} most"
    text = [f"{count}{lead}: {effect_in_words(real[0])}."]
    rest = [f"{one.factor.name} ({_in_short(one)})" for one in real[1:]]
    if rest:
        text.append(f"Then {wording.listing(rest)}.")
    strongest = [pair for pair in pairs if math.isfinite(pair.size)][:1]
    if strongest and strongest[0].size > 0:
        pair = strongest[0]
        text.append(
            f"The strongest interaction is {pair.first.name} with {pair.second.name}: taken together they depart from "
            f"the sum of their effects by up to {wording.change(pair.size, metric, signed=False)}."
        )
    return " ".join(text)


def _in_short(effect: Effect) -> str:
    if effect.change == 0:
        return "no difference"
    size = wording.change(abs(effect.change), effect.metric, signed=False)
    return f"{size}, best {effect.levels[effect.top].label}"


def asked(design: Design) -> str:
    """ "432 runs: activation (sigmoid, relu) x depth (1, 2, 4), 12 seeds" """
    lists = [f"{factor.name} ({', '.join(factor.labels)})" for factor in design.factors]
    seeds = wording.plural(len(design.seeds), SEED)
    swept = " \u00d7 ".join(lists) + ", " if lists else ""
    return f"{wording.plural(len(design.runs), 'run')}: {swept}{seeds}"
