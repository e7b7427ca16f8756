"""The page in a few plain sentences: what was asked, and what each factor did."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from workbench.report import wording
from workbench.report.effects_in_words import effect_in_words
from workbench.report.figures.search_importance import LITTLE
from workbench.report.statistics.design import SEED, Design, Factor, alike, extreme
from workbench.report.statistics.effects import Effect, Interaction
from workbench.report.statistics.searched import Searched
from workbench.report.statistics.shared_settings import SharedSettings, shared_settings
from workbench.report.statistics.tests import FEWEST_SEEDS

MOST_LISTED = 12  # values of a factor that are listed one by one


def seed_notice(design: Design, judged: bool = False) -> str:
    """What the number of seeds permits one to conclude; "" from 12 on. `judged`: the page has verdicts, of rules that
    need no such number.
    """
    count = len(design.seeds)
    if count >= FEWEST_SEEDS:
        return ""
    found = "One seed only: nothing here has an interval" if count < 2 else f"{count} seeds: intervals are wide"
    if judged:
        return f"{found}. A verdict on a difference needs {FEWEST_SEEDS} seeds or more; those above rest on none."
    return f"{found}, and no verdict is possible. A verdict needs {FEWEST_SEEDS} seeds or more."


def summary(effects: Sequence[Effect], pairs: Sequence[Interaction], metric: str) -> str:
    """The page in a few sentences: the largest effects, the smallest, and the strongest interaction."""
    real = [effect for effect in effects if math.isfinite(effect.change)]
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
    return f"{size}, {wording.metric(effect.metric).ends[0]} {effect.levels[effect.top].label}"


def extremes(design: Design) -> str:
    """The two ends of the finished runs in one sentence, or the only run, or that none has finished."""
    count = int((design.runs["outcome"].eq("finished") & design.runs[design.main].notna()).sum())
    best, worst = (extreme(design, worst) for worst in (False, True))
    if best is None or worst is None:
        return "No run has finished yet."
    metric = wording.metric(design.main)
    values = [wording.amount(float(run[design.main]), design.main) for run in (worst, best)]
    if count == 1:
        return f"The one finished run, cell {int(best['cell'])}, came to a {metric.name.lower()} of {values[1]}."
    if best[design.main] == worst[design.main]:
        return f"All {count:,} finished runs came to the same {metric.name.lower()}, {values[0]}."
    parts = [
        f"the {word} is cell {int(run['cell'])} with {value} ({_settings(design, run)}){_more_like(design, run)}"
        for word, run, value in zip(reversed(metric.ends), (worst, best), values, strict=True)
    ]
    luck = " Of many runs these two are partly luck: a new seed would likely come out between them."
    return f"By {metric.name.lower()}, {'; '.join(parts)}.{luck}"


def explained(design: Design, cost_of_mean: float) -> str:
    """How much of a regression its best run explains, in a sentence; "" of a classification."""
    best = extreme(design, worst=False)
    if best is None or not math.isfinite(cost_of_mean) or not design.main.endswith("_loss"):
        return ""
    share = 1 - float(best[design.main]) / cost_of_mean
    return (
        f"Predicting the mean of the training targets costs about {wording.number(cost_of_mean)}, so the best run's "
        f"R\u00b2 is about {wording.number(share)}."
    )


def _settings(design: Design, run: pd.Series) -> str:
    where = [f"{factor.name} {factor.labels[int(run[f'level:{factor.key}'])]}" for factor in design.factors]
    return ", ".join([*where, f"seed {int(run[SEED])}"])


def _more_like(design: Design, run: pd.Series) -> str:
    same = alike(design, float(run[design.main])) - 1
    return f", and {same:,} more came to the same" if same else ""


def of_search(found: Searched) -> str:
    """A search in a few sentences: how far it went, its best trial, and which factor had most to do with it."""
    metric, best = wording.metric(found.metric), found.ranked[0]
    settings = [f"{one.name} {one.labels[level]}" for one, level in zip(found.factors, best.levels, strict=True)]
    span = wording.span(*best.interval, found.metric)
    inner = f" (95 % interval {span}, {wording.plural(len(best.values), SEED)})" if span else ""
    ended = "" if len(found.trials) == found.asked else f", of which {len(found.trials)} have a result"
    text = (
        f"A search of {wording.plural(found.asked, 'trial')}{ended}. The best by {metric.noted} is trial {best.number} "
        f"with {wording.amount(best.mean, found.metric)}{inner}: {', '.join(settings)}."
    )
    important = max(found.trends, key=lambda one: one.importance if math.isfinite(one.importance) else -math.inf)
    if math.isfinite(important.importance) and found.explained >= LITTLE:
        text += f" {important.axis.factor.name.capitalize()} had most to do with how a trial came out."
    return text


def lost_in_words(design: Design) -> list[str]:
    """What the runs that diverged share, and those that failed, in a sentence each."""
    return [text for outcome in ("diverged", "failed") if (text := _lost(shared_settings(design, outcome), outcome))]


def _lost(found: SharedSettings | None, outcome: str) -> str:
    if found is None:
        return ""
    many = f"{wording.plural(found.lost, 'run')} {outcome}"
    if found.settings:
        shared = [f"{factor.name} {wording.listing(labels, 'or')}" for factor, labels in found.settings]
        return (
            f"{many}. {'All of them have' if found.lost > 1 else 'It has'} {wording.listing(shared)}; "
            f"{wording.plural(found.with_them, 'run')} {'have' if found.with_them > 1 else 'has'} these settings."
        )
    if found.commonest is None or found.lost < 2:
        return ""
    factor, label, count = found.commonest
    return (
        f"{many}; they share no setting. Of those with {factor.name} {label}, {count:,} {outcome}, the largest share."
    )


def kept_networks(design: Design) -> str:
    """How many networks were kept, and how to have the best of them; "" if none were."""
    runs = design.runs
    if "analyses" not in runs:
        return ""
    kept = runs[
        (runs["outcome"] == "finished") & runs["analyses"].fillna("").str.split("+").map(lambda all: "model" in all)
    ]
    if not len(kept):
        return ""
    metric = wording.metric(design.main)
    values = (metric.better or 1) * kept[design.main].to_numpy(dtype=float)
    best = kept.iloc[int(np.nanargmax(values)) if np.isfinite(values).any() else 0]
    return (
        f'{wording.plural(len(kept), "trained network")} kept. workbench.load_run("{best["run_id"]}") is that of cell '
        f"{int(best['cell'])}, the {metric.ends[0]} of them by {metric.name.lower()}."
    )


def in_brief(factor: Factor) -> str:
    """The labels of a factor; of many numbers how many they are, and their ends."""
    if len(factor.labels) <= MOST_LISTED:
        return ", ".join(factor.labels)
    ends = [
        wording.number(one) if isinstance(one, float) else str(one) for one in (factor.values[0], factor.values[-1])
    ]
    return f"{len(factor.labels)} values from {ends[0]} to {ends[1]}"


def asked(design: Design) -> str:
    """ "432 runs: activation (sigmoid, relu) x depth (1, 2, 4), 12 seeds" """
    lists = [f"{factor.name} ({in_brief(factor)})" for factor in design.factors]
    seeds = wording.plural(len(design.seeds), SEED)
    swept = " \u00d7 ".join(lists) + ", " if lists else ""
    return f"{wording.plural(len(design.runs), 'run')}: {swept}{seeds}"
