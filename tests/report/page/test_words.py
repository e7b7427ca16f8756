"""What a page says is true of its sweep: who is best, what a verdict rests on, what nothing can be said of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from tests.report.page.test_sweep import only
from tests.report.synthetic import sweep
from workbench.report import wording
from workbench.report.effects_in_words import effect_in_words
from workbench.report.page import provenance, summary, verdict_list
from workbench.report.page.index import write_index
from workbench.report.page.sweep import write
from workbench.report.statistics import design, effects
from workbench.report.verdicts.claim_rules import Arm, Claim, Identity, Paired
from workbench.report.verdicts.decision import decide

SEEDS = tuple(range(12))
GRID = {"network.depth": (1, 2)}
ONE, TWO = (Arm(f"depth {depth}", {"network.depth": depth}) for depth in (1, 2))
IDENTITY = Claim("B2", "An identity.", "Loss", Identity("last_train_loss", Arm("all runs"), 1e6))

pytestmark = pytest.mark.usefixtures("blank_figures")


def measured(metric: str, measure: str = "saddle_escape", seeds: int = 3) -> design.Design:
    """A sweep of two depths that measured this metric: seed 0 of depth 1 has the least, depth 2 the most."""
    tables = sweep(GRID, seeds=seeds, trouble=False, layers=False)
    kept = [key for key in tables.runs if not str(key).startswith(("last_", "best_"))]
    runs = tables.runs[kept].assign(measure=measure, **{metric: range(len(tables.runs))})
    return design.read(replace(tables, runs=runs))


def test_best_and_worst_are_one_sense_of_a_metric_all_over_a_page() -> None:
    found = measured("gradient_error", "gradient_identities")
    effect = effects.main_effect(found, found.factors[0], found.main)
    assert found.main == "gradient_error"
    assert effect_in_words(effect).startswith("gradient error averages 1.00 with depth 1")
    assert "the best is run 0 with" in summary.extremes(found)
    assert [one.best for one in effects.spreads(found, found.factors[0], found.main)] == [0, 3]


def test_where_neither_more_nor_less_is_better_nothing_is_best() -> None:
    found = measured("escape_steps")
    text = summary.extremes(found) + summary.summary(
        [effects.main_effect(found, found.factors[0], found.main)], [], found.main
    )
    assert "the lowest is run 0 with" in text
    assert "the highest is run 5 with" in text
    assert "best" not in text
    assert "worst" not in text


def test_the_only_run_is_neither_best_nor_worst() -> None:
    found = design.read(sweep({}, seeds=1, trouble=False, layers=False))
    assert summary.extremes(found).startswith("The one finished run, number 0, came to a test accuracy of ")


def test_a_metric_without_a_note_has_no_empty_brackets(tmp_path: Path) -> None:
    tables = sweep(GRID, seeds=3, trouble=False, layers=False)
    kept = [key for key in tables.runs if not str(key).startswith(("last_", "best_"))]
    runs = tables.runs[kept].assign(measure="saddle_escape", escape_steps=range(len(tables.runs)))
    text = write(replace(tables, runs=runs), [], tmp_path).html.read_text(encoding="utf-8")
    assert "The largest effect on escape steps first." in text
    assert "()" not in text.partition("<script")[0]


def test_a_page_with_verdicts_does_not_say_that_none_is_possible(tmp_path: Path) -> None:
    text = write(sweep(GRID, seeds=3, trouble=False), [IDENTITY], tmp_path).html.read_text(encoding="utf-8")
    assert "no verdict is possible" not in text
    assert "those above rest on none" in text


def test_a_toy_that_reads_no_data_is_on_no_dataset() -> None:
    tables = sweep(GRID, seeds=3, trouble=False, layers=False)
    toys = replace(tables, runs=tables.runs.assign(measure="tilted_cosine"))
    assert decide(IDENTITY, toys).sentence.startswith("Here the largest relative error over 6")
    assert decide(IDENTITY, tables).sentence.startswith("On this dataset (digits), the largest")


def test_a_difference_is_written_as_the_data_beside_the_page_have_it() -> None:
    exact, rounded = -0.012500000000000002, -0.0125
    assert wording.change(exact, "test_accuracy") == wording.change(rounded, "test_accuracy")


def test_a_start_of_the_momentum_that_nobody_set_is_no_setting_of_the_sweep() -> None:
    tables = sweep(GRID, seeds=3, trouble=False, layers=False)
    for start, named in ((0.9, False), (0.5, True)):
        runs = tables.runs.assign(**{"optimizer.momentum": 0.9, "optimizer.momentum_start": start})
        assert ("optimizer.momentum_start" in provenance.common(replace(tables, runs=runs))) is named


def test_an_identity_is_counted_in_runs_and_not_in_seeds(tmp_path: Path) -> None:
    write(sweep(GRID, seeds=3, trouble=False), [IDENTITY], tmp_path)
    text = write_index(tmp_path).read_text(encoding="utf-8")
    assert "largest error" in text
    assert ", 6\u00a0runs" in text
    assert "6\u00a0seeds" not in text
    assert "6 runs" in verdict_list.in_words(verdict_list.gather(tmp_path))


def test_the_index_shows_the_rule_that_decided(tmp_path: Path) -> None:
    tables = sweep(GRID, seeds=12, trouble=False)
    runs = tables.runs.assign(
        one=(tables.runs["network.depth"] - 1) * 0.5, two=(tables.runs["network.depth"] - 1) * -0.25
    )
    rules = [Paired(metric, TWO, ONE, 0.1, "higher", SEEDS) for metric in ("one", "two")]
    also = Claim("X1", "Both rise.", "", rules[0], also=(rules[1],))
    tuned = Claim("X2", "It rises.", "", rules[0], tuned=rules[1], condition="only untuned")
    write(replace(tables, runs=runs), [also, tuned], tmp_path)
    text = write_index(tmp_path).read_text(encoding="utf-8")
    first, second = (text.partition(f">{name}<")[2].partition("</li>")[0] for name in ("X1", "X2"))
    assert "\u22120.250, 95 %" in first
    assert "+0.500, 95 %" not in first
    assert "one +0.500, 95 % interval +0.500 to +0.500, 12\u00a0seeds; in the other setting: two \u22120.250" in second


def test_runs_without_a_measure_of_their_own_were_trained_on_their_data() -> None:
    tables = sweep(GRID, seeds=3, trouble=False, layers=False)
    mixed = replace(
        tables, runs=tables.runs.assign(measure=pd.Series(["tilted_cosine"] * 3 + [None] * 3, dtype=object))
    )
    assert "(digits)" in decide(IDENTITY, mixed).sentence


def test_what_was_asked_is_a_product_only_where_the_whole_grid_was() -> None:
    tables = sweep({"network.depth": (1, 2), "network.activation": ("sigmoid", "relu")}, seeds=2)
    whole = "8\u00a0runs: depth (1, 2) \u00d7 activation (sigmoid, relu), 2\u00a0seeds"
    assert summary.asked(design.read(tables)) == whole
    some = replace(tables, runs=tables.runs.iloc[:6])
    assert "depth (1, 2), activation (sigmoid, relu), " in summary.asked(design.read(some))


def test_an_identity_of_no_run_has_nothing_to_compare_and_every_verdict_stands_in_the_head(tmp_path: Path) -> None:
    page = write(only(sweep(GRID, seeds=2), "pending"), [IDENTITY], tmp_path).html.read_text(encoding="utf-8")
    head, _, rest = page.partition("</header>")
    assert '<a href="#claim-1">' in head
    assert 'class="badge inconclusive"' in head
    assert 'id="claim-1"' in rest
    assert "here is nothing to compare yet." in rest
    assert "over 0\u00a0runs" not in page
