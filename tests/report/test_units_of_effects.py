"""What effects are counted in: no rule of ours leaves a reader with a bare number whose unit he must guess."""

from __future__ import annotations

import math

import numpy as np
import pytest
from matplotlib.figure import Figure

from tests.experiments.composed import CLAIMS
from workbench.claims import Equivalence, Identity, Paired
from workbench.report import wording
from workbench.report.figures import axes
from workbench.report.figures.units import is_loss
from workbench.report.units_of_effects import LOGARITHMS, without_logarithm
from workbench.report.verdicts.sentences import rule_in_words

SIZES = {"slope_distance", "weight_largest"}  # of weights, which have no unit: the name beside the number says all
RULES = [
    pytest.param(rule, id=f"{claim.id}-{place}")
    for _, claim in CLAIMS
    for place, rule in enumerate((claim.rule, *claim.also, *filter(None, [claim.tuned])))
    if not isinstance(rule, Identity)
]


@pytest.mark.parametrize("rule", RULES)
def test_every_effect_that_a_rule_of_ours_decides_has_a_unit(rule: Paired | Equivalence) -> None:
    key = rule.metric
    shown = wording.metric(key)
    assert shown.percent or shown.base or shown.unit or is_loss(key) or key in SIZES


def test_a_difference_of_logarithms_is_a_factor() -> None:
    assert wording.change(math.log10(933), "matrix_log10_speedup") == "\u00d7933"
    assert wording.between(math.log10(0.5), math.log10(0.9), "loop_log10_seconds") == "\u00d70.500 to \u00d70.900"
    assert wording.amount(math.log10(933), "matrix_log10_speedup") == "933"
    assert wording.margin(math.log10(1.1), "matrix_log10_speedup") == "\u00d71.1"
    assert wording.margin(math.log(1.05), "matched_log_jacobian_at_0.05") == "\u00d71.05"


def test_a_factor_too_large_for_a_number_is_none() -> None:
    assert wording.amount(400.0, "matrix_log10_speedup") == "\u2013"


def test_other_units_stand_behind_the_number() -> None:
    text = wording.change(0.5, "slope_gradient_z")
    assert text == "+0.500\u00a0decades a layer"
    assert text.chinese == "+0.500 個數量級（每層）"  # type: ignore[attr-defined]
    assert wording.between(1.0, 2.0, "parameters_times") == "+1.00 to +2.00\u00a0times"
    assert wording.change(0.5, "weight_largest") == "+0.500"


def test_rules_on_logarithms_say_over_and_times() -> None:
    rule = next(claim.rule for _, claim in CLAIMS if claim.id == "A3")
    text = rule_in_words(rule)
    assert text.startswith(
        "Matrix speedup: the layer over equally fast, paired by seed, is higher by more than \u00d71.1"
    )


@pytest.mark.parametrize("key", sorted(LOGARITHMS))
def test_the_name_of_a_logarithm_is_that_of_the_number(key: str) -> None:
    assert "log" not in without_logarithm(key).split("_")
    assert "log" not in wording.metric(key).name.lower().split()


@pytest.mark.parametrize(("low", "high"), [(-0.02, 0.03), (0.0, 0.4), (-3.0, 3.0), (2.9, 3.1)])
@pytest.mark.parametrize("key", ["matrix_log10_speedup", "test_log_jacobian"])
def test_ticks_of_a_logarithm_stand_where_their_numbers_are(key: str, low: float, high: float) -> None:
    ax = Figure(figsize=(5, 2)).add_subplot()
    ax.plot([low, high], [0, 1])
    axes.change_axis(ax, key)
    ticks, base = ax.get_xticks(), wording.metric(key).base
    texts = [ax.xaxis.get_major_formatter()(place, None) for place in ticks]
    numbers = [float(text.removeprefix("\u00d7").replace("\u2212", "-")) for text in texts]
    assert 2 <= len(ticks) <= 6
    assert len(set(texts)) == len(texts)
    assert np.allclose(np.log(numbers) / math.log(base), ticks, atol=0.02 * (high - low))
