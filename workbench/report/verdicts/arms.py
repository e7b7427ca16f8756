"""The runs of an arm, and whether a rule says everything about them that the sweep varies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from workbench.config import flatten, meant
from workbench.engine.errors import BadInput
from workbench.engine.training.ending import SPLITS
from workbench.measure import ANALYSES, MEASUREMENTS
from workbench.report.language.words import say
from workbench.report.verdicts.claim_rules import Arm, Claim, Equivalence, Identity, Paired, Rule, rules_of

if TYPE_CHECKING:
    from workbench.sweep.hydra.composing.cell import Cell


def is_value(column: pd.Series, value: object) -> pd.Series:
    """Where a column holds the value; None stands for no value."""
    return column.isna() if value is None else column == value


def select(runs: pd.DataFrame, arm: Arm) -> pd.DataFrame:
    """The runs whose columns hold the values of the arm's `where`; none if a column is missing."""
    keep = pd.Series(True, index=runs.index)
    for key, value in arm.where.items():
        keep &= is_value(runs[key], value) if key in runs else False
    return runs[keep]


def arms_of(rule: Paired | Equivalence) -> tuple[list[Arm], list[int]]:
    """The arms of a rule and the sign each has in the difference."""
    if isinstance(rule, Equivalence):
        return [rule.measured, rule.predicted], [1, -1]
    return [rule.treatment, rule.baseline, *(rule.against or ())], [1, -1, -1, 1][: 4 if rule.against else 2]


def open_keys(runs: pd.DataFrame, arm: Arm, factors: Sequence[str]) -> tuple[str, ...]:
    """The swept keys that take several values among the arm's `runs` of one seed, though the arm names none of them."""
    said = {"seed", *arm.where, *arm.averaged_over}
    keys = [key for key in factors if key not in said and key in runs]
    return tuple(key for key in keys if (runs.groupby("seed")[key].nunique(dropna=False) > 1).any())


def refuse_open_arms(claims: Sequence[Claim], cells: Sequence[Cell]) -> None:
    """Raise BadInput if an arm leaves open what the cells vary, or a rule names a metric or key that there is not.
    What a claim's own measure gives is not known yet; such an arm is looked at when it is judged.
    """
    factors = tuple(dict.fromkeys(key for cell in cells for key in cell.factors))
    runs = pd.DataFrame([{**flatten(cell.config), **cell.choices, **cell.factors} for cell in cells])
    for claim in claims:
        for rule in rules_of(claim):
            if claim.measure is None:
                _refuse_unknown(claim, rule, set(map(str, runs)))
            if not isinstance(rule, Identity):
                _refuse(claim, rule, runs, factors)


def _refuse_unknown(claim: Claim, rule: Rule, keys: set[str]) -> None:
    arms = [rule.arm] if isinstance(rule, Identity) else arms_of(rule)[0]
    metrics = known_metrics()
    for metric in dict.fromkeys((rule.metric, *(arm.metric for arm in arms if arm.metric))):
        if metric not in metrics and any(
            arm.constant is None and metric in (arm.metric or rule.metric,) for arm in arms
        ):
            guess = meant(metric, metrics) or "see what runs measure: workbench list analyses measurements"
            raise BadInput(f"claim {claim.id}: no run measures {metric!r}; {guess.strip()}")
    for key in (key for arm in arms for key in arm.where):
        if key not in keys:
            raise BadInput(f"claim {claim.id}: {key!r} is no key of its sweep; {meant(key, keys).strip()}".rstrip("; "))


def known_metrics() -> set[str]:
    """The numbers that a run may come to: of its curves, and of measurements and analyses."""
    curves = {
        f"{when}_{split}_{kind}" for when in ("last", "best") for split in SPLITS for kind in ("loss", "accuracy")
    }
    measured = {name for row in MEASUREMENTS.values() for name in row.returns}
    analysed = {name for row in ANALYSES.values() for name in row.returns}
    return curves | {"epochs", "best_epoch", "seconds"} | measured | analysed


def _refuse(claim: Claim, rule: Paired | Equivalence, runs: pd.DataFrame, factors: Sequence[str]) -> None:
    known = [key for key in factors if key not in (rule.tuning.factors if rule.tuning else ())]
    for arm in arms_of(rule)[0]:
        seen = arm.constant is None and set(arm.where) <= set(runs)
        if seen and (found := open_keys(select(runs, arm), arm, known)):
            raise BadInput(f"claim {claim.id}: {open_arm(arm, found)}")


def open_arm(arm: Arm, keys: Sequence[str]) -> str:
    """The line about an arm that leaves keys open."""
    return say("evidence.open_arm", arm=arm.label, keys=", ".join(keys))
