"""What a factor did, in sentences: its two ends with their difference, and what the comparison leaves out."""

from __future__ import annotations

import math

from workbench.report import wording
from workbench.report.statistics.effects import Effect

MOST_TIED = 3  # levels with exactly the same mean that are named


def effect_in_words(effect: Effect) -> str:
    """ "test accuracy averages 94.2 % with relu against 71.3 % with sigmoid, a difference of 22.9 pp (...)" """
    name = wording.metric(effect.metric).name.lower()
    if not math.isfinite(effect.change):
        return _not_compared(effect, name)
    top, bottom = (wording.amount(effect.levels[end].mean, effect.metric) for end in (effect.top, effect.bottom))
    if effect.change == 0:
        return f"{name} averages {top} with {_tied(effect, effect.top)} alike, no difference{_certainty(effect)}"
    return (
        f"{name} averages {top} with {_tied(effect, effect.top)} against {bottom} with "
        f"{_tied(effect, effect.bottom)}, a difference of "
        f"{wording.change(abs(effect.change), effect.metric, signed=False)}{_certainty(effect)}"
    )


def _not_compared(effect: Effect, name: str) -> str:
    """Why no two levels are compared."""
    if not effect.finished:
        return "nothing finished, so there is nothing to compare"
    if len(effect.finished) == 1:
        return f"only {effect.levels[effect.finished[0]].label} has finished runs with a {name}"
    return (
        "no two of its levels finished in one setting of the other factors with one seed, so that they differ in more "
        "than this factor, and are not compared"
    )


def left_out(effect: Effect) -> str:
    """What the comparison of a factor's levels leaves out, in sentences; "" if nothing."""
    parts = []
    if effect.matched and (others := [one for one in effect.finished if not math.isfinite(effect.levels[one].mean)]):
        labels = wording.listing([_level(effect, effect.levels[one].label) for one in others])
        parts.append(f"Not compared, for want of settings shared with the others: {labels}.")
    if effect.set_aside:
        runs = wording.plural(effect.set_aside, "run")
        parts.append(f"{runs} set aside: a partner at another level did not finish.")
    if effect.matched and effect.unpaired:
        runs = wording.plural(effect.unpaired, "run")
        parts.append(f"{runs} left out: not every level was asked for in their setting.")
    return " ".join(parts)


def _certainty(effect: Effect) -> str:
    """The interval of an effect in brackets, or the reason why there is none."""
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
