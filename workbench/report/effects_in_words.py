"""What a factor did, in sentences: its two ends with their difference, and what the comparison leaves out."""

from __future__ import annotations

import math

from workbench.report import wording
from workbench.report.language.words import joined, say, word
from workbench.report.statistics.effects import Effect

MOST_TIED = 3  # levels with exactly the same mean that are named


def effect_in_words(effect: Effect, named: bool = False) -> str:
    """ "test accuracy averages 94.2 % with relu against 71.3 % with sigmoid, a difference of 22.9 pp (...)"

    It begins with "it averages" if the metric is `named` already.
    """
    name = word("it") if named else wording.metric(effect.metric).name.lower()
    if not math.isfinite(effect.change):
        return _not_compared(effect, name)
    top, bottom = (wording.amount(effect.levels[end].mean, effect.metric) for end in (effect.top, effect.bottom))
    if effect.change == 0:
        return say("effect.alike", name=name, top=top, levels=_tied(effect, effect.top), certainty=_certainty(effect))
    return say(
        "effect.against", name=name, top=top, best=_tied(effect, effect.top), bottom=bottom,
        worst=_tied(effect, effect.bottom), certainty=_certainty(effect),
        change=wording.change(abs(effect.change), effect.metric, signed=False),
    )  # fmt: skip


def _not_compared(effect: Effect, name: str) -> str:
    """Why no two levels are compared."""
    if not effect.finished:
        return say("effect.nothing_finished")
    if len(effect.finished) == 1:
        return say("effect.one_level", level=effect.levels[effect.finished[0]].label, name=name)
    return say("effect.not_matched")


def left_out(effect: Effect) -> str:
    """What the comparison of a factor's levels leaves out, in sentences; "" if nothing."""
    parts = []
    if effect.matched and (others := [one for one in effect.finished if not math.isfinite(effect.levels[one].mean)]):
        labels = wording.listing([_level(effect, effect.levels[one].label) for one in others])
        parts.append(say("effect.not_compared", labels=labels))
    if effect.set_aside:
        runs = wording.plural(effect.set_aside, "run")
        parts.append(say("effect.set_aside", runs=runs))
    if effect.matched and effect.unpaired:
        runs = wording.plural(effect.unpaired, "run")
        parts.append(say("effect.unpaired", runs=runs))
    return joined(parts)


def _certainty(effect: Effect) -> str:
    """The interval of an effect in brackets, or the reason why there is none."""
    low, high = sorted(math.copysign(1.0, effect.change) * end for end in effect.interval)
    if not math.isfinite(low):
        return say("effect.no_interval")
    if low == high:
        return say("effect.same_in_all", seeds=effect.seeds)
    interval = wording.between(low, high, effect.metric, signed=low < 0)
    return say("effect.interval", interval=interval, seeds=effect.seeds)


def _tied(effect: Effect, place: int) -> str:
    """The level at a place, with those that have exactly the same mean."""
    mean = effect.levels[place].mean
    labels = [_level(effect, level.label) for level in effect.levels if level.mean == mean]
    if len(labels) <= MOST_TIED:
        return wording.listing(labels)
    key = "effect.all_levels" if len(labels) == effect.compared else "effect.each_level"
    return say(key, count=len(labels), factor=effect.factor.name)


def _level(effect: Effect, label: str) -> str:
    """A level in a sentence: the name of its factor is added to a bare number."""
    if label[:1].isdigit() or label in ("none", "null"):
        return say("setting.one", name=effect.factor.name, value=label)
    return label
