"""The page of a sweep with more runs than a table can show: summaries, its ends, and what was left out said."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.report.synthetic import Tables, sweep
from workbench.report.figures import learning_curves
from workbench.report.page import runs_table, settings_table, view
from workbench.report.page.runs_table import ends
from workbench.report.page.sweep import found, html, write
from workbench.report.statistics.design import Design, Factor, read
from workbench.report.statistics.effects import matched
from workbench.report.statistics.histories import Histories

pytestmark = pytest.mark.usefixtures("blank_figures")
FACTORS = {"network.depth": (1, 2, 4), "optimizer": ("sgd", "adam")}


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> Tables:
    """A sweep of 48 runs on a page that lists 20 of them, with ends of 6."""
    monkeypatch.setattr(runs_table, "WHOLE_TABLE", 20)
    monkeypatch.setattr(runs_table, "SHOWN_EACH", 6)
    monkeypatch.setattr(view, "EMBEDDED_RUNS", 20)
    return sweep(FACTORS, seeds=8)


def rows(page: str) -> int:
    return page.count("<tr><th scope=row>")


def test_the_ends_are_listed_and_the_rest_is_said_to_stand_in_the_file(large: Tables, tmp_path: Path) -> None:
    page = write(large, (), tmp_path)
    text, design = page.html.read_text(), read(large)
    listed = ends(design)
    assert rows(text) == len(listed) <= 18
    assert f"{len(listed)} of 48 runs are listed" in text
    data = page.json.read_text()
    assert len(json.loads(data)["runs"]["cell"]) == 48
    assert '"points":[[' in data
    assert '"points":[[' not in text
    finished = design.runs[design.runs["outcome"] == "finished"][design.main].dropna()
    assert set(finished.nlargest(6)) | set(finished.nsmallest(6)) <= set(listed[design.main])
    assert (listed["outcome"] != "finished").sum() == min(6, (design.runs["outcome"] != "finished").sum())


@pytest.mark.thorough
def test_twice_the_runs_make_no_longer_page(large: Tables) -> None:
    once, twice = (html(view.view(found(tables, ()))) for tables in (large, sweep(FACTORS, seeds=16)))
    assert abs(rows(once) - rows(twice)) <= 6  # runs that did not finish
    assert len(twice) < 1.1 * len(once)


def test_of_a_small_sweep_every_run_is_listed() -> None:
    design = read(sweep(FACTORS, seeds=2))
    table = runs_table.runs_table(design, {})
    assert rows(table.rows) == table.count == 12
    assert not table.note


def test_settings_stand_by_the_mean_of_their_finished_runs(large: Tables) -> None:
    design = read(large)
    table = settings_table.settings_table(design)
    assert table
    assert len(table.rows) == 6
    assert table.heads[:4] == ("Depth", "Optimizer", "Runs", "Finished")
    done = design.runs[design.runs["outcome"] == "finished"]
    best = done.groupby(["network.depth", "optimizer"])[design.main].mean().idxmax()
    assert table.rows[0][:2] == tuple(map(str, best))
    assert sum(int(row[3]) for row in table.rows) == done[design.main].notna().sum()


def test_a_setting_of_which_nothing_finished_comes_last_without_a_mean() -> None:
    tables = sweep({"optimizer": ("sgd", "adam")}, seeds=2, trouble=False)
    tables.runs.loc[tables.runs["optimizer"] == "sgd", "outcome"] = "diverged"
    table = settings_table.settings_table(read(tables))
    assert table
    assert [row[:3] for row in table.rows] == [("adam", "2", "2"), ("sgd", "2", "0")]
    assert table.rows[1][3] == "\N{EN DASH}"


@pytest.mark.parametrize("key", FACTORS)
def test_means_within_seeds_are_those_of_each_seed_by_itself(key: str) -> None:
    tables = sweep(FACTORS, seeds=3)
    design = read(tables)
    factor = design.factor(key)
    runs = matched(design, [key], design.main).runs
    values = Histories(tables, design).of("train_loss")[0][runs.index]
    means = learning_curves.within_seeds(values, runs, factor, design.seeds)
    for level, seed, mine in by_itself(design, factor, runs[f"level:{key}"].to_numpy(), runs["seed"].to_numpy()):
        alone = values[mine].mean(axis=0) if mine.any() else np.full(values.shape[1], np.nan)
        np.testing.assert_allclose(means[level, seed], alone, rtol=1e-14)


def by_itself(
    design: Design, factor: Factor, levels: np.ndarray, seeds: np.ndarray
) -> list[tuple[int, int, np.ndarray]]:
    """Every level and seed with which runs have it."""
    return [
        (level, place, (levels == level) & (seeds == seed))
        for level in range(len(factor.values))
        for place, seed in enumerate(design.seeds)
    ]
