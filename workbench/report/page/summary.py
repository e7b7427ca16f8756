"""The page in a few plain sentences: what was asked, and what each factor did."""

from __future__ import annotations

import math
from collections.abc import Sequence

from workbench.report import wording
from workbench.report.statistics.design import SEED, Design
from workbench.report.statistics.effects import Effect, Interaction
from workbench.report.statistics.tests import FEWEST_SEEDS

MOST_TIED = 3  # levels with exactly the same mean that are named


def seed_notice(design: Design) -> str:
    """What the number of seeds permits one to conclude; "" from 12 on."""
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
    """The interval of an effect in brackets, or the reason why there is none."""
    if not effect.matched:
        return " (no interval: the levels could not be matched on the other factors)"
    low, high = sorted(math.copysign(1.0, effect.change) * end for end in effect.interval)
    if not math.isfinite(low):
        return " (no interval: fewer than two seeds)"
    if low == high:
        return f" (the same in all {effect.seeds} seeds)"
    return f" (95 % interval {wording.between(low, high, effect.metric, signed=low < 0)}, {effect.seeds} seeds)"


def _tied(effect: Effect, place: int) -> str:
    """The level at a place, with those that have exactly the same mean."""
    mean = effect.levels[place].mean
    labels = [_level(effect, level.label) for level in effect.levels if level.mean == mean]
    if len(labels) <= MOST_TIED:
        return wording.listing(labels)
    whole = "all" if len(labels) == effect.compared else "each of"
    return f"{whole} {len(labels)} levels of {effect.factor.name}"


def _level(effect: Effect, label: str) -> str:
    """A level in a sentence: the name of its factor is added to a bare number."""
    return f"{effect.factor.name} {label}" if label[:1].isdigit() or label in ("none", "null") else label


def summary(effects: Sequence[Effect], pairs: Sequence[Interaction], metric: str) -> str:
    """The page in a few sentences: the largest effects, the smallest, and the strongest interaction."""
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
