"""Two sweeps side by side: what differs beyond seed noise is named, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tests.repetitions import repetitions
from tests.report.page.test_sweep import HOSTILE, Outline
from tests.report.synthetic import Tables, sweep
from workbench.engine.errors import BadInput
from workbench.report.figures.two_curves import TwoCurves
from workbench.report.page.comparison_page import write_comparison
from workbench.report.statistics.comparison import BEYOND, SAME, TOO_FEW_SEEDS, WITHIN, compare
from workbench.report.statistics.intervals import t_interval
from workbench.report.statistics.tests import holm

SMALL = {"network.depth": (1, 2), "network.activation": ("sigmoid", "relu")}
BASE = sweep(SMALL, seeds=8, trouble=False)


def changed(tables: Tables, by: float, noise: float = 0.0, where: str = "relu") -> Tables:
    """The sweep with another test accuracy (and other weights) at one activation."""
    runs = tables.runs.copy()
    chosen = runs["network.activation"] == where
    chance = np.random.default_rng(1)
    runs.loc[chosen, "best_test_accuracy"] += by + noise * chance.normal(size=chosen.sum())
    runs.loc[chosen, "weights_digest"] = "other"
    return replace(tables, runs=runs, name="changed")


def findings(first: Tables, second: Tables) -> dict[str, str]:
    return {case.label: case.finding for case in compare(first, second).cases["best_test_accuracy"]}


def test_a_sweep_and_itself_are_identical() -> None:
    found = compare(BASE, BASE)
    assert set(findings(BASE, BASE).values()) == {SAME}
    assert found.equal == found.matched == len(BASE.runs)
    assert not found.settings
    assert not found.facts


def test_a_change_in_one_arm_is_found_there_and_nowhere_else() -> None:
    found = findings(BASE, changed(BASE, 0.05, noise=0.01))
    assert {label: finding for label, finding in found.items() if "relu" in label} == {
        "depth 1, activation relu": BEYOND, "depth 2, activation relu": BEYOND,
    }  # fmt: skip
    assert {finding for label, finding in found.items() if "sigmoid" in label} == {SAME}


def test_p_is_holms_over_all_cases_of_the_metric() -> None:
    other = changed(BASE, 0.01, noise=0.01)
    key = ["network.depth", "network.activation", "seed"]
    one, two = (tables.runs.set_index(key)["best_test_accuracy"] for tables in (BASE, other))
    raw = {
        f"depth {depth}, activation {activation}": stats.ttest_1samp(by_seed, 0).pvalue if by_seed.any() else 1.0
        for (depth, activation), by_seed in (two - one).groupby(key[:2])
    }
    cases = compare(BASE, other).cases["best_test_accuracy"]
    expected = dict(zip(raw, holm([*raw.values()]), strict=True))
    assert {case.label: case.p for case in cases} == pytest.approx(expected)
    assert 1 > expected["depth 1, activation relu"] > raw["depth 1, activation relu"]


def test_a_run_that_diverged_is_not_compared_whatever_its_numbers_are() -> None:
    other = replace(BASE, runs=BASE.runs.assign(outcome=["diverged", *BASE.runs["outcome"][1:]]))
    seeds = sorted(case.seeds for case in compare(BASE, other).cases["best_test_accuracy"])
    assert seeds == [7, 8, 8, 8]


def test_noise_is_within_noise() -> None:
    assert set(findings(BASE, changed(BASE, 0.0, noise=0.01)).values()) == {SAME, WITHIN}


def test_one_seed_decides_nothing() -> None:
    one = sweep(SMALL, seeds=1, trouble=False)
    assert set(findings(one, changed(one, 0.5)).values()) == {TOO_FEW_SEEDS}


def test_other_seeds_are_compared_unpaired() -> None:
    later = replace(BASE, runs=changed(BASE, 0.2).runs.assign(seed=BASE.runs["seed"] + 100))
    cases = compare(BASE, later).cases["best_test_accuracy"]
    assert not any(case.paired for case in cases)
    assert {case.finding for case in cases if "relu" in case.label} == {BEYOND}


def test_settings_that_differ_are_named() -> None:
    other = replace(BASE, runs=BASE.runs.assign(**{"network.width": 100}), facts=BASE.facts | {"commit": "abc"})
    found = compare(BASE, other)
    assert found.settings == (("network.width", "64", "100"),)
    assert not {"name", "cell"} & {key for key, _, _ in compare(BASE, sweep(SMALL, seeds=4, trouble=False)).settings}
    assert found.facts == (("commit", BASE.facts["commit"][:12], "abc"),)


@settings(max_examples=repetitions(8, 50))
@given(st.floats(-0.3, 0.3), st.floats(0, 0.05))
def test_turned_round_the_change_has_the_other_sign(by: float, noise: float) -> None:
    other = changed(BASE, by, noise)
    ahead, back = (compare(*pair).cases["best_test_accuracy"] for pair in ((BASE, other), (other, BASE)))
    for one, two in zip(ahead, back, strict=True):
        assert one.change == pytest.approx(-two.change)
        assert one.interval == pytest.approx((-two.interval.high, -two.interval.low))
        assert one.finding == two.finding


def test_sweeps_with_nothing_in_common_are_refused() -> None:
    with pytest.raises(BadInput, match="no finished runs in common"):
        compare(BASE, sweep({**SMALL, "network.depth": (3, 5)}, seeds=3, trouble=False))


def test_a_setting_that_one_sweep_varies_and_the_other_holds_elsewhere_is_averaged_over_and_said(
    tmp_path: Path,
) -> None:
    other = sweep({**SMALL, "network.depth": (3,)}, seeds=8, trouble=False)
    found = compare(BASE, other)
    assert found.apart == ("network.depth",)
    assert found.shared == ("network.activation",)
    assert ("network.depth", "1, 2", "3") in found.settings
    page = write_comparison(BASE, other, tmp_path, ("tour~1", "tour"))
    assert page.name == "compare-tour-1-before-tour.html"
    assert "no value of depth in common" in page.read_text(encoding="utf-8")


def test_the_page_is_whole_safe_and_the_same_twice(tmp_path: Path) -> None:
    hostile = replace(changed(BASE, 0.1), name=HOSTILE, facts=dict.fromkeys(BASE.facts, HOSTILE) | {"seconds": "1"})
    page = write_comparison(BASE, hostile, tmp_path)
    text = page.read_text(encoding="utf-8")
    outline = Outline(text)
    assert not outline.open
    assert not outline.loads
    assert not [tag for tag, _ in outline.tags if tag == "img"]
    assert text.count("<script") == 1
    assert len(outline.ids) == len(set(outline.ids))
    assert write_comparison(BASE, hostile, tmp_path).read_text(encoding="utf-8") == text


def test_rates_equal_to_six_digits_are_two_cases_and_two_settings() -> None:
    rates = {"optimizer.learning_rate": (0.12345678, 0.12345679)}
    found = compare(*(sweep(rates, seeds=3, trouble=False) for _ in range(2)))
    assert {case.label for case in found.cases["best_test_accuracy"]} == {
        "learning rate 0.12345678", "learning rate 0.12345679",
    }  # fmt: skip
    one, other = (
        replace(BASE, runs=BASE.runs.assign(**{"network.slope": slope})) for slope in (0.12345678, 0.12345679)
    )
    assert compare(one, other).settings == (("network.slope", "0.12345678", "0.12345679"),)


def test_intervals_hold_for_all_cases_at_once() -> None:
    other = changed(BASE, 0.0, noise=0.01)
    cases = compare(BASE, other).cases["best_test_accuracy"]
    (case,) = [case for case in cases if case.label == "depth 1, activation relu"]
    mine = (BASE.runs["network.depth"] == 1) & (BASE.runs["network.activation"] == "relu")
    differences = (other.runs["best_test_accuracy"] - BASE.runs["best_test_accuracy"])[mine].to_numpy()
    assert case.interval == pytest.approx([float(end) for end in t_interval(differences, 1 - 0.05 / len(cases))])


def of_seeds(tables: Tables, seeds: range) -> Tables:
    """The part of a sweep with these seeds."""
    runs = tables.runs[tables.runs["seed"].isin(seeds)]
    return replace(tables, runs=runs, epochs=tables.epochs[tables.epochs["cell"].isin(runs["cell"])], name="part")


def test_curves_are_means_over_the_runs_that_both_sweeps_have() -> None:
    (figure,) = TwoCurves().reduce(compare(of_seeds(BASE, range(3)), BASE))
    assert figure.paired
    for first, second in figure.curves.values():
        np.testing.assert_array_equal(first.mean, second.mean)
        np.testing.assert_array_equal(first.low, second.low)


def test_without_a_common_seed_curves_are_means_over_the_settings_that_both_have() -> None:
    flat = of_seeds(BASE, range(3))
    flat = replace(flat, runs=flat.runs[flat.runs["network.depth"] == 1])
    both = compare(flat, of_seeds(BASE, range(4, 8)))
    (figure,) = TwoCurves().reduce(both)
    assert not figure.paired
    mine, theirs = both.in_common()
    assert mine.all()
    assert set(both.designs[1].runs["network.depth"][theirs]) == {1}
