"""The evidence of a rule in a sweep: one value per seed for every arm, and missing, lost or collapsed seeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from workbench.report import wording
from workbench.report.completed import completed
from workbench.report.language.words import say
from workbench.report.verdicts.arms import arms_of, is_value, open_arm, open_keys, select
from workbench.report.verdicts.claim_rules import Arm, Claim, Equivalence, Identity, Paired, Rule, Tuning, rules_of
from workbench.report.verdicts.premises import fault, in_words, with_derived

if TYPE_CHECKING:
    from workbench.tracking.read import SweepTables


@dataclass(frozen=True)
class ArmResult:
    """An arm on the deciding seeds: `values` by seed, the seeds still `missing`, and those without a number at all.

    `diverged` seeds have a run that diverged (no value); `collapsed` ones have a value that means a failed training.
    `undecided` says why nothing may rest on these runs, "" if something may.
    """

    arm: Arm
    values: dict[int, float]
    missing: tuple[int, ...]
    diverged: tuple[int, ...]
    collapsed: tuple[int, ...]
    notes: tuple[str, ...] = ()
    undecided: str = ""

    @property
    def lost(self) -> int:
        """How many seeds have no valid result: diverged or collapsed."""
        return len(set(self.diverged) | set(self.collapsed))


@dataclass(frozen=True)
class Evidence:
    """Differences (n,) of the `seeds` every arm has a value for, and the arms behind them."""

    arms: tuple[ArmResult, ...]
    seeds: tuple[int, ...]
    differences: np.ndarray
    missing: tuple[int, ...]
    diverged: tuple[int, ...]
    notes: tuple[str, ...]
    failed_premise: str = ""

    @property
    def undecided(self) -> str:
        """Why the verdict is withheld, whatever the differences are; "" if it is not."""
        return next((arm.undecided for arm in self.arms if arm.undecided), self.failed_premise)

    @property
    def whole(self) -> np.ndarray:
        """The differences of the seeds at which no run of any arm collapsed."""
        collapsed = {seed for arm in self.arms for seed in arm.collapsed}
        return self.differences[np.array([seed not in collapsed for seed in self.seeds], dtype=bool)]

    @property
    def failures(self) -> bool:
        """Whether a run of any arm diverged or collapsed, so that no interval can be trusted."""
        return any(arm.lost for arm in self.arms)


def _tuned(runs: pd.DataFrame, arm: Arm, tuning: Tuning) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The runs of the arm at its own best values, and a note of the choice that says whether it lies at the edge of the
    grid.
    """
    if not {*tuning.factors, tuning.metric} <= set(runs):
        return runs.iloc[:0], (say("tuning.not_held", arm=arm.label),)
    asked = runs[runs["seed"].isin(tuning.seeds)]
    names = list(tuning.factors)
    if not asked["outcome"].isin(["finished", "diverged"]).all():
        return runs.iloc[:0], (say("tuning.not_ended", arm=arm.label),)
    means = _means(asked, names, tuning)
    if not len(means):
        return runs.iloc[:0], (say("tuning.nothing", arm=arm.label),)
    best = means.idxmin() if tuning.better == "lower" else means.idxmax()
    best = best if isinstance(best, tuple) else (best,)
    pairs = [
        say("setting.one", name=wording.factor(key), value=wording.value(value))
        for key, value in zip(names, best, strict=True)
    ]
    notes = [say("tuning.tuned", arm=arm.label, settings=wording.listing(pairs))]
    for key, value in zip(names, best, strict=True):
        runs = runs[is_value(runs[key], value)]
        grid = sorted(asked[key].dropna().unique()) if pd.api.types.is_numeric_dtype(asked[key]) else []
        if len(grid) > 1 and value in (grid[0], grid[-1]):
            notes.append(say("tuning.edge", arm=arm.label, factor=wording.factor(key)))
    return runs, tuple(notes)


def _tuned_by_seed(
    runs: pd.DataFrame, arm: Arm, tuning: Tuning, seeds: Sequence[int]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The runs of the arm, of every deciding seed those at the values that its own tuning seeds chose."""
    parts, notes = [], Counter[str]()
    for place, seed in enumerate(seeds):
        chosen, said = _tuned(runs, arm, tuning.of(place))
        parts.append(chosen[chosen["seed"] == seed])
        notes.update(said)
    return pd.concat(parts), tuple(
        say("tuning.of_seeds", note=note, seeds=wording.plural(count, "seed")) for note, count in notes.items()
    )


def _means(asked: pd.DataFrame, names: list[str], tuning: Tuning) -> pd.Series:
    """The mean of the tuning metric by values of the factors, of those that finished on every tuning seed.

    A value at which a run diverged, or has no number, is part of the grid and cannot win.
    """
    metric = asked[tuning.metric].astype(float)
    usable = asked["outcome"].eq("finished") & np.isfinite(metric)
    rows = asked.assign(usable=usable, of_tuning=metric)
    groups = rows.groupby(names, dropna=False)
    whole = groups["usable"].all() & (groups["seed"].nunique() == len(set(tuning.seeds)))
    return groups["of_tuning"].mean()[whole]


def _runs_of(runs: pd.DataFrame, arm: Arm, rule: Paired | Equivalence) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The runs of an arm, at its own best values if the rule tunes, and what is to be noted of that choice."""
    chosen, tuning = select(runs, arm), rule.tuning
    if tuning is None:
        return chosen, ()
    return _tuned_by_seed(chosen, arm, tuning, rule.seeds) if tuning.by_seed else _tuned(chosen, arm, tuning)


def failed_premise(runs: pd.DataFrame, rule: Rule) -> str:
    """The first premise of the rule that fails, and why, in words; "" if all hold."""
    for premise in rule.premises:
        of_the_rule = [rule.arm] if isinstance(rule, Identity) else arms_of(rule)[0]
        for arm in [premise.arm] if premise.arm else [arm for arm in of_the_rule if arm.constant is None]:
            if isinstance(rule, Identity):
                chosen = select(runs, arm)
            else:
                chosen = _runs_of(runs, arm, rule)[0]
                chosen = chosen[chosen["seed"].isin(rule.seeds)]
            if why := fault(premise.kind, premise.bound, chosen):
                asked = in_words(premise.kind, premise.bound)
                return say("evidence.premise_fails", arm=arm.label, premise=asked, why=why)
    return ""


def _of_arm(runs: pd.DataFrame, arm: Arm, rule: Paired | Equivalence, factors: Sequence[str]) -> ArmResult:
    if arm.constant is not None:
        return ArmResult(arm, dict.fromkeys(rule.seeds, arm.constant), (), (), ())
    chosen, notes = _runs_of(runs, arm, rule)
    metric = arm.metric or rule.metric
    needed = [metric, *([rule.collapse.metric] if rule.collapse else [])]
    if absent := [name for name in needed if name not in runs]:
        note = say("evidence.no_metric", names=wording.listing(absent, "or"))
        return ArmResult(arm, {}, tuple(rule.seeds), (), (), (*notes, note))
    narrow = chosen[["seed", "outcome", *dict.fromkeys(needed)]]  # every column would be copied for each seed
    of_seed = {seed: narrow[narrow["seed"] == seed] for seed in rule.seeds}
    endings = {seed: _ending(mine, metric) for seed, mine in of_seed.items()}
    values = {seed: float(of_seed[seed][metric].mean()) for seed in rule.seeds if endings[seed] == "valid"}
    missing, diverged = (
        tuple(seed for seed in rule.seeds if endings[seed] == ending) for ending in ("missing", "diverged")
    )
    collapsed = tuple(seed for seed in values if _has_collapsed(of_seed[seed], rule))
    if not len(chosen):
        notes += (say("evidence.no_run", arm=arm.label),)
    unsaid = open_keys(chosen[chosen["seed"].isin(rule.seeds)], arm, factors)
    why = open_arm(arm, unsaid) if unsaid else ""
    return ArmResult(arm, values, missing, diverged, collapsed, notes, why)


def _ending(mine: pd.DataFrame, metric: str) -> str:
    """What the runs of a seed have come to: "valid" if all have a number, "diverged" if one has not, else "missing"."""
    if not len(mine) or not mine["outcome"].isin(["finished", "diverged"]).all():
        return "missing"
    if (mine["outcome"] == "diverged").any():
        return "diverged"
    return "valid" if np.isfinite(mine[metric].astype(float)).all() else "missing"


def _has_collapsed(mine: pd.DataFrame, rule: Paired | Equivalence) -> bool:
    """Whether a run of a seed has a value that means a failed training."""
    return rule.collapse is not None and bool((mine[rule.collapse.metric] <= rule.collapse.below).any())


def with_measure(claim: Claim, tables: SweepTables) -> tuple[pd.DataFrame, str]:
    """The sweep's runs with the claim's own measures, if it has any, as columns of their own, and with what its
    premises derive from histories.

    A measure is a person's own code: an error in it leaves its columns out, and the second value says so.
    """
    kinds = [premise.kind for rule in rules_of(claim) for premise in rule.premises]
    runs = with_derived(tables.runs, tables.epochs, kinds)
    if claim.measure is None:
        return runs, ""
    try:
        measured = claim.measure(completed(tables))
        columns = {claim.rule.metric: measured} if isinstance(measured, pd.Series) else dict(measured.items())
        mapped = {str(name): runs["cell"].map(column).astype(float) for name, column in columns.items()}
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        return runs, say("evidence.measure_failed", error=reason)
    return runs.assign(**mapped), ""


def gather(runs: pd.DataFrame, rule: Paired | Equivalence, factors: Sequence[str] = ()) -> Evidence:
    """The evidence of a rule over the deciding seeds; `factors` are the keys that the sweep varies."""
    arms, signs = arms_of(rule)
    results = tuple(_of_arm(runs, arm, rule, factors) for arm in arms)
    seeds = tuple(seed for seed in rule.seeds if all(seed in result.values for result in results))
    differences = np.array(
        [sum(sign * result.values[seed] for sign, result in zip(signs, results, strict=True)) for seed in seeds],
        dtype=float,
    )
    missing = _union(rule.seeds, [result.missing for result in results])
    diverged = tuple(s for s in _union(rule.seeds, [result.diverged for result in results]) if s not in missing)
    notes = tuple(dict.fromkeys(note for result in results for note in result.notes))
    return Evidence(results, seeds, differences, missing, diverged, notes, failed_premise(runs, rule))


def _union(order: Sequence[int], groups: Sequence[Sequence[int]]) -> tuple[int, ...]:
    found = {seed for group in groups for seed in group}
    return tuple(seed for seed in order if seed in found)
