"""The page in a few plain sentences: what was asked, and what each factor did."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from workbench.report import wording
from workbench.report.effects_in_words import effect_in_words
from workbench.report.figures.search_importance import LITTLE
from workbench.report.language.words import commas, joined, say, semicolons
from workbench.report.statistics.design import SEED, Design, Factor, alike, extreme
from workbench.report.statistics.effects import Effect, Interaction
from workbench.report.statistics.pareto import Pareto
from workbench.report.statistics.searched import Searched
from workbench.report.statistics.shared_settings import SharedSettings, shared_settings
from workbench.report.statistics.tests import FEWEST_SEEDS

MOST_LISTED = 12  # values of a factor that are listed one by one
MOST_LETTERS = 60  # of numbers that are listed so


def seed_notice(design: Design, judged: bool = False) -> str:
    """What the number of seeds permits one to conclude; "" from 12 on. `judged`: the page has verdicts, of rules that
    need no such number.
    """
    count = len(design.seeds)
    if count >= FEWEST_SEEDS:
        return ""
    found = say("notice.one_seed") if count < 2 else say("notice.few_seeds", count=count)
    return say("notice.judged" if judged else "notice.not_judged", found=found, needed=FEWEST_SEEDS)


def summary(effects: Sequence[Effect], pairs: Sequence[Interaction], metric: str) -> str:
    """The page in a few sentences: the largest effects, the smallest, and the strongest interaction."""
    real = [effect for effect in effects if math.isfinite(effect.change)]
    name = wording.metric(metric).name.lower()
    if not real:
        return ""
    first, name_of_first = real[0], real[0].factor.name
    count = say("summary.of_factors", count=len(real)) if len(real) > 1 else ""
    effect = effect_in_words(first)
    if len(real) == 1:
        lead = say("summary.one_factor", factor=name_of_first)
    elif first.change == 0:
        return say("summary.none_moved", count=count, name=name, factor=name_of_first, effect=effect)
    else:
        lead, effect = say("summary.moved_most", factor=name_of_first, name=name), effect_in_words(first, named=True)
    text = [say("summary.lead", count=count, lead=lead, effect=effect)]
    rest = [say("summary.then_one", factor=one.factor.name, size=_in_short(one)) for one in real[1:]]
    if rest:
        text.append(say("summary.then", rest=wording.listing(rest)))
    strongest = [pair for pair in pairs if math.isfinite(pair.size)][:1]
    if strongest and strongest[0].size > 0:
        pair = strongest[0]
        size = wording.change(pair.size, metric, signed=False)
        text.append(say("summary.strongest", first=pair.first.name, second=pair.second.name, size=size))
    return joined(text)


def _in_short(effect: Effect) -> str:
    if effect.change == 0:
        return say("summary.no_difference")
    size = wording.change(abs(effect.change), effect.metric, signed=False)
    end = wording.metric(effect.metric).ends[0]
    return say("summary.best_level", size=size, end=end, level=effect.levels[effect.top].label)


def extremes(design: Design) -> str:
    """The two ends of the finished runs in one sentence, or the only run, or that none has finished."""
    count = int((design.runs["outcome"].eq("finished") & design.runs[design.main].notna()).sum())
    best, worst = (extreme(design, worst) for worst in (False, True))
    if best is None or worst is None:
        return say("summary.none_finished")
    name = wording.metric(design.main).name.lower()
    values = [wording.amount(float(run[design.main]), design.main) for run in (worst, best)]
    if count == 1:
        return say("summary.only_run", cell=int(best["cell"]), name=name, value=values[1])
    if best[design.main] == worst[design.main]:
        return say("summary.all_the_same", count=count, name=name, value=values[0])
    parts = [
        say("summary.end", end=end, cell=int(run["cell"]), value=value, settings=_settings(design, run),
            more=_more_like(design, run))
        for end, run, value in zip(reversed(wording.metric(design.main).ends), (worst, best), values, strict=True)
    ]  # fmt: skip
    return say("summary.ends", name=name, ends=semicolons(parts))


def share_of_mean(design: Design, cost_of_mean: float) -> str:
    """What the best run of a regression costs beside predicting the mean, in a sentence; "" of a classification.

    Its R² is against the mean of the training targets. That against the test examples' own mean, which only kept
    predictions tell, stands beside them (`figures/answered.py`).
    """
    best = extreme(design, worst=False)
    if best is None or not math.isfinite(cost_of_mean) or not design.main.endswith("_loss"):
        return ""
    share = float(best[design.main]) / cost_of_mean
    cost, of_it, r2 = (wording.number(value) for value in (cost_of_mean, 100 * share, 1 - share))
    return say("summary.share_of_mean", cost=cost, share=of_it, r2=r2)


def _settings(design: Design, run: pd.Series) -> str:
    where = [
        say("setting.one", name=factor.name, value=factor.labels[int(run[f"level:{factor.key}"])])
        for factor in design.factors
    ]
    return commas([*where, say("setting.seed", seed=int(run[SEED]))])


def _more_like(design: Design, run: pd.Series) -> str:
    same = alike(design, float(run[design.main])) - 1
    return say("summary.more_like", count=same) if same else ""


def of_search(found: Searched) -> str:
    """A search in a few sentences: how far it went, its best trial, and which factor had most to do with it."""
    metric, best = wording.metric(found.metric), found.ranked[0]
    settings = [
        say("setting.one", name=one.name, value=one.labels[level])
        for one, level in zip(found.factors, best.levels, strict=True)
    ]
    span = wording.span(*best.interval, found.metric)
    interval = say("search.interval", interval=span, seeds=wording.plural(len(best.values), SEED)) if span else ""
    ended = "" if len(found.trials) == found.asked else say("search.ended", count=len(found.trials))
    text = say(
        "search.summary", trials=wording.plural(found.asked, "trial"), ended=ended, metric=metric.noted,
        number=best.number, value=wording.amount(best.mean, found.metric), interval=interval,
        settings=commas(settings),
    )  # fmt: skip
    important = max(found.trends, key=lambda one: one.importance if math.isfinite(one.importance) else -math.inf)
    if math.isfinite(important.importance) and found.explained >= LITTLE:
        return joined([text, say("search.important", factor=important.axis.factor.name.capitalize())])
    return text


def of_pareto(found: Pareto, asked: int) -> str:
    """A search by several metrics in two sentences: how far it went, and how many trials are on its Pareto front."""
    ended = "" if len(found.trials) == asked else say("search.ended", count=len(found.trials))
    names = wording.listing([wording.metric(metric).noted for metric in found.metrics])
    return say(
        "search.front", trials=wording.plural(asked, "trial"), ended=ended, names=names,
        front=wording.plural(len(found.front), "trial"),
    )  # fmt: skip


def lost_in_words(design: Design) -> list[str]:
    """What the runs that diverged share, and those that failed, in a sentence each."""
    return [text for outcome in ("diverged", "failed") if (text := _lost(shared_settings(design, outcome), outcome))]


def _lost(found: SharedSettings | None, outcome: str) -> str:
    if found is None:
        return ""
    many = say(f"lost.runs_{outcome}", runs=wording.plural(found.lost, "run"))
    if found.settings:
        shared = [
            say("setting.one", name=factor.name, value=wording.listing(labels, "or"))
            for factor, labels in found.settings
        ]
        keys = (
            ("lost.all_have", "lost.all_have_and_one_has") if found.lost > 1 else ("lost.it_has", "lost.it_alone_has")
        )
        key = keys[0 if found.with_them > 1 else 1]
        runs = wording.plural(found.with_them, "run")
        return say(key, many=many, shared=wording.listing(shared), runs=runs)
    if found.commonest is None or found.lost < 2:
        return ""
    factor, label, count = found.commonest
    return say(f"lost.commonest_{outcome}", many=many, factor=factor.name, label=label, count=count)


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
    return say(
        "kept.networks", networks=wording.plural(len(kept), "trained network"), run=best["run_id"],
        cell=int(best["cell"]), end=metric.ends[0], name=metric.name.lower(),
    )  # fmt: skip


def in_brief(factor: Factor) -> str:
    """The labels of a factor; of many numbers how many they are, and their ends."""
    numbers = all(isinstance(one, float) for one in factor.values)
    if len(factor.labels) <= MOST_LISTED and not (numbers and sum(map(len, factor.labels)) > MOST_LETTERS):
        return commas(factor.labels)
    ends = [
        wording.number(one) if isinstance(one, float) else str(one) for one in (factor.values[0], factor.values[-1])
    ]
    return say("factor.many_values", count=len(factor.labels), first=ends[0], last=ends[1])


def asked(design: Design) -> str:
    """ "432 runs: activation (sigmoid, relu) x depth (1, 2, 4), 12 seeds"; with commas if it is not the whole grid."""
    lists = [say("design.factor", name=factor.name, values=in_brief(factor)) for factor in design.factors]
    runs, seeds = wording.plural(len(design.runs), "run"), wording.plural(len(design.seeds), SEED)
    if not lists:
        return say("design.asked_alone", runs=runs, seeds=seeds)
    grid = len(design.seeds) * math.prod(len(factor.labels) for factor in design.factors)
    swept = joined(lists, " \u00d7 ", " \u00d7 ") if grid == len(design.runs) else commas(lists)
    return say("design.asked", runs=runs, swept=swept, seeds=seeds)
