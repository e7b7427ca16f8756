"""The page's data as plain JSON, for other programs."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast

import numpy as np
import pandas as pd

from workbench.report import wording
from workbench.report.language.words import chinese_of
from workbench.report.page.json_documents import Json, PageForm
from workbench.report.statistics.design import SEED, Design, Factor, counts, status
from workbench.report.statistics.effects import Effect, Interaction, Spread
from workbench.report.statistics.pareto import Pareto
from workbench.report.verdicts.claim_rules import Claim, Rule, Variation, as_data, digest, digests
from workbench.report.verdicts.deviations import described
from workbench.report.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from workbench.tracking.read import SweepTables

FORMAT = 1
Effects: TypeAlias = "list[dict[str, list[dict[str, object]]]]"
_AS_THEY_ARE = {str, int, bool, type(None)}


class Exact(float):
    """A number that somebody chose, not a result: kept to the last digit."""


def plain(value: object) -> Json:
    """`value` as JSON can hold it: arrays as lists, floats to seven digits unless `Exact`, NaN and infinities as null.

    Raises TypeError for what JSON has no form for.
    """
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        held = set(map(type, value))
        if held <= _AS_THEY_ARE:
            return list(value)
        if held == {float}:  # a column of runs, perhaps a hundred thousand
            return [float(f"{item:.{wording.DIGITS_OF_DATA}g}") if math.isfinite(item) else None for item in value]
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, Exact):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, float):
        return float(f"{value:.{wording.DIGITS_OF_DATA}g}") if math.isfinite(value) else None
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, (bool, int, str)):
        return value
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def text(data: object) -> str:
    """One JSON text for equal data that can be inside a script element: it has no "<", ">" or "&"."""
    dumped = json.dumps(plain(data), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return dumped.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def read(file: Path) -> PageForm | None:
    """The data of a page from its file; None if the file cannot be read, or is not a page's."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return cast(PageForm, data) if isinstance(data, dict) and data.get("format") == FORMAT else None


def _factor(factor: Factor) -> dict[str, object]:
    return {"key": factor.key, "name": factor.name, "values": _chosen(factor.values)}


def without_points(effects: object) -> Effects:
    """The effects of a page's data without each seed's own means."""
    return [one | {"levels": [level | {"points": []} for level in one["levels"]]} for one in cast(Effects, effects)]


def _chosen(values: Iterable[object]) -> list[object]:
    """The values of a setting, exactly."""
    return [Exact(value) if isinstance(value, float) else value for value in values]


def _effect(effect: Effect) -> dict[str, object]:
    levels = [asdict(level) | {"interval": list(level.interval)} for level in effect.levels]
    return {
        "factor": effect.factor.key, "metric": effect.metric, "levels": levels, "change": effect.change,
        "interval": list(effect.interval), "best": effect.levels[effect.top].label, "seeds": effect.seeds,
        "worst": effect.levels[effect.bottom].label, "set_aside": effect.set_aside, "matched": effect.matched,
        "unpaired": effect.unpaired,
    }  # fmt: skip


def _claim(claim: Claim, verdict: Verdict) -> dict[str, object]:
    return {
        "id": claim.id, "statement": claim.statement, "statement_zh": claim.statement_zh,
        "section": claim.section, "condition": claim.condition,
        "rule": as_data(claim.rule), "digest": digest(claim.rule), "tuned": claim.tuned and as_data(claim.tuned),
        "also": [as_data(rule) for rule in claim.also], "slip": claim.slip, "remark": claim.remark,
        "vary": [_variation(one) | {"rule": as_data(one.rule)} for one in claim.vary],
        "verdict": asdict(verdict) | {"condition_zh": chinese_of(verdict.condition)},
    }  # fmt: skip


def _variation(one: Variation) -> dict[str, object]:
    return {"setting": one.setting, "value": one.value, "instead_of": one.instead_of}


def _part(rule: Rule, found: Verdict) -> dict[str, object]:
    """The result of one of a claim's further rules, of its tuned one or of a variation."""
    return {
        "verdict": found.verdict, "effect": found.effect, "interval": list(found.interval), "n": found.n,
        "sentence": found.sentence, "metric": rule.metric, "kind": rule.kind,
    }  # fmt: skip


def verdict_in_short(claim: Claim, found: Verdict) -> dict[str, object]:
    """A claim's verdict in the form that other programs look up by its id."""
    return {
        "verdict": found.verdict, "by_itself": found.by_itself, "ruled_out": found.ruled_out,
        "attempts": found.attempts,
        "condition": found.condition,
        "effect": found.effect, "interval": list(found.interval), "n": found.n, "p_holm": found.p_holm,
        "p_within": found.p_within, "doubt": found.doubt, "new_seeds": found.new_seeds,
        "metric": claim.rule.metric, "kind": claim.rule.kind, "rule": digests(claim),
        "fixed": found.fixed, "statement": claim.statement,
        "section": claim.section, "sentence": found.sentence, "worst": found.worst, "remark": claim.remark,
        "also": [_part(rule, one) for rule, one in zip(claim.also, found.also, strict=True)],
        "tuned": _part(claim.tuned, found.tuned) if claim.tuned and found.tuned else None,
        "vary": [_variation(one) | _part(one.rule, part) for one, part in zip(claim.vary, found.varied, strict=True)],
        "lost": max((one.share for one in found.failures), default=0.0),
    }  # fmt: skip


def pareto_front(found: Pareto) -> dict[str, object]:
    """The trials on the front of a search by several metrics, and how many trials finished."""
    trials = [
        {
            "trial": one.number, "cell": one.cell,
            "settings": {factor.key: _chosen([factor.values[level]])[0]
                         for factor, level in zip(found.factors, one.levels, strict=True)},
            "means": dict(zip(found.metrics, one.means, strict=True)),
        }
        for one in found.front
    ]  # fmt: skip
    better = {metric: "more" if sign > 0 else "less" for metric, sign in zip(found.metrics, found.signs, strict=True)}
    return {"better": better, "trials": trials, "finished": len(found.trials)}


def _runs(design: Design) -> dict[str, list[object]]:
    """The table of runs by column."""
    keys = ["cell", *(factor.key for factor in design.factors), SEED, "outcome", "reason", "reused", "run_id", "origin"]
    names = [str(name) for name in design.runs]
    metrics = [name for name in names if name.startswith(("last_", "best_")) or name in ("epochs", "seconds")]
    table: dict[str, list[object]] = {
        key: design.runs[key].tolist() for key in (*keys, "fingerprint", *metrics) if key in design.runs
    }
    table |= {factor.key: _chosen(table[factor.key]) for factor in design.factors}
    return {**table, "status": status(design.runs).tolist()}


def page_content(
    tables: SweepTables,
    design: Design,
    said: dict[str, str],
    effects: Iterable[Effect],
    pairs: Sequence[Interaction],
    spreads: dict[str, list[Spread]],
    judged: Sequence[tuple[Claim, Verdict]],
    common: Mapping[str, tuple[object, object]],
) -> dict[str, object]:
    """All of a page's data. `said` holds its title, description and summary."""
    return {
        "format": FORMAT, "name": tables.name, **said, "summary_zh": chinese_of(said["summary"]),
        "counts": counts(design.runs), "seeds": list(design.seeds),
        "factors": [_factor(factor) for factor in design.factors], "metrics": list(design.headlines),
        "effects": [_effect(effect) for effect in effects],
        "interactions": [
            {"factors": [p.first.key, p.second.key], "metric": p.metric, "means": p.means, "size": p.size}
            for p in pairs
        ],
        "sensitivity": {
            key: [{"level": s.label, "best": s.best, "median": s.median, "worst": s.worst, "lost": s.lost,
                   "cells": s.cells} for s in group] for key, group in spreads.items()
        },
        "claims": [_claim(claim, verdict) for claim, verdict in judged],
        "dataset": described(tables)[1],
        "verdicts": {claim.id: verdict_in_short(claim, verdict) for claim, verdict in judged},
        "runs": _runs(design), "common": dict(zip(common, _chosen(value for value, _ in common.values()), strict=True)),
        "provenance": tables.facts,
    }  # fmt: skip
