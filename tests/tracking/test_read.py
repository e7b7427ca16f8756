"""The store read back: what goes in comes out, as tables."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet

from tests.tracking.cases import EPOCHS, cell, result, sweep, trained
from workbench.engine.errors import BadInput
from workbench.sweep.run_outcomes import DIVERGED, FAILED
from workbench.sweep.store import EPOCH_COLUMNS, LAYER_COLUMNS
from workbench.tracking.connection import connect
from workbench.tracking.read import load, sweeps
from workbench.tracking.write import MlflowStore


@pytest.fixture
def store(uri: str) -> MlflowStore:
    return MlflowStore(uri)


def test_runs_have_a_row_a_cell_with_factors_params_and_metrics_as_columns(store: MlflowStore, uri: str) -> None:
    store.begin(sweep([cell(0), cell(1)]))
    store.record(result([trained(cell(0)), trained(cell(1))]))
    store.end("finished")
    runs = load("seeds", uri).runs
    assert list(runs.columns) == [
        "cell",
        "name",
        "fingerprint",
        "pack",
        "outcome",
        "reason",
        "reused",
        "run_id",
        "origin",
        "overrides",
        "seed",
        "optimizer.name",
        "data.train_size",
        "network.depth",
        "training.test_every",
        "last_train_loss",
        "best_epoch",
        "optimizer",
        "weights_digest",
        "processor",
        "started",
        "ended",
    ]
    assert runs["seed"].dtype == np.int64
    assert list(runs["training.test_every"]) == [1, 1]  # what it was before it was a setting, not its default
    assert list(runs["last_train_loss"]) == [0.5, 1.5]
    assert list(runs["overrides"]) == ["seed=0 optimizer=adam", "seed=1 optimizer=adam"]


def test_each_run_has_the_processor_that_trained_it(store: MlflowStore, uri: str) -> None:
    store.begin(sweep([cell(0), cell(1), cell(2)]))
    store.record(result([trained(cell(0), processor="P, 256-bit vectors"), trained(cell(1))]))
    store.end("interrupted")
    assert list(load("seeds", uri).runs["processor"]) == ["P, 256-bit vectors", "", ""]


def test_a_plan_of_a_version_that_noted_no_processors_is_whole(store: MlflowStore, uri: str, folder: Path) -> None:
    store.begin(sweep([cell(0)]))
    store.record(result([trained(cell(0))]))
    store.end("finished")
    (plan,) = folder.glob("mlruns/**/plan.parquet")
    parquet.write_table(parquet.read_table(plan).drop_columns("processor").replace_schema_metadata(), plan)
    found = load("seeds", uri)
    assert (list(found.runs["processor"]), list(found.runs["outcome"])) == ([""], ["finished"])
    assert not found.facts["missing"]


def test_every_cell_asked_for_is_in_the_table_whatever_became_of_it(store: MlflowStore, uri: str) -> None:
    store.begin(sweep([cell(number) for number in range(4)]))
    broken = cell(2, outcome=FAILED, reason="out of memory")
    store.record(result([trained(cell(0)), trained(cell(1), DIVERGED, metrics={"last_train_loss": math.nan}), broken]))
    store.end("failed")
    runs = load("seeds", uri).runs
    assert list(runs["outcome"]) == ["finished", "diverged", "failed", "pending"]
    assert list(runs["reason"]) == ["", "", "out of memory", ""]
    assert list(runs["last_train_loss"].isna()) == [False, True, True, True]
    (line,) = sweeps(uri).to_dict("records")
    counts = {name: line[name] for name in ("cells", "finished", "diverged", "failed", "pending", "reused")}
    assert counts == {"cells": 4, "finished": 1, "diverged": 1, "failed": 1, "pending": 1, "reused": 0}


def test_infinities_come_back_as_they_went_in(store: MlflowStore, uri: str) -> None:
    numbers = {"up": math.inf, "down": -math.inf, "none": math.nan}
    store.begin(sweep([cell(0)]))
    store.record(result([trained(cell(0), DIVERGED, metrics=numbers)]))
    (row,) = load("seeds", uri).runs.to_dict("records")
    assert (row["up"], row["down"]) == (math.inf, -math.inf)
    assert math.isnan(row["none"])


def test_histories_have_every_epoch_and_layer_of_every_cell(store: MlflowStore, uri: str) -> None:
    store.begin(sweep([cell(0), cell(1, pack="second")]))
    store.record(result([trained(cell(1))], pack="second"))
    store.record(result([trained(cell(0))]))
    tables = load("seeds", uri)
    assert tuple(tables.epochs.columns) == ("cell", *EPOCH_COLUMNS)
    assert tuple(tables.layers.columns) == ("cell", *LAYER_COLUMNS)
    assert list(tables.epochs["epoch"]) == [*range(EPOCHS + 1)] * 2
    assert list(tables.epochs["cell"]) == [0] * (EPOCHS + 1) + [1] * (EPOCHS + 1)
    np.testing.assert_array_equal(tables.epochs["test_loss"], 1.0 / (1.0 + tables.epochs["epoch"]))
    assert set(tables.layers["probe"]) == {"gradient_norm"}


def test_a_sweep_without_any_history_has_empty_tables_with_their_columns(store: MlflowStore, uri: str) -> None:
    store.begin(sweep([cell(0)]))
    tables = load("seeds", uri)
    assert tuple(tables.epochs.columns) == ("cell", *EPOCH_COLUMNS)
    assert len(tables.epochs) == len(tables.layers) == 0


def test_facts_say_where_the_numbers_come_from(store: MlflowStore, uri: str) -> None:
    store.begin(sweep([cell(0)], rules='{"rule": "x"}', facts={"commit": "abc", "versions": "v" * 9000}))
    running = load("seeds", uri)
    assert (running.facts["outcome"], running.facts["ended"]) == ("running", "")
    store.end("finished")
    tables = load("seeds", uri)
    assert tables.factors == ("seed", "optimizer")
    facts = tables.facts
    assert facts["versions"] == "v" * 9000  # uncut, other than MLflow's tag
    assert facts["rules"] == '{"rule": "x"}'
    assert facts["command"] == "python -m workbench 'seed=range(3)'"
    assert facts["uri"] == "sqlite:///mlflow.db"
    assert (facts["run_id"], facts["experiment"], facts["outcome"]) == (store.run_id, "workbench", "finished")
    assert float(facts["seconds"]) >= 0


def test_the_sweeps_of_one_file_are_its_attempts_with_the_verdicts_on_their_pages(
    store: MlflowStore, uri: str, tmp_path: Path
) -> None:
    page = tmp_path / "seeds.json"
    page.write_text('{"verdicts": {"X1": {"verdict": "inconclusive"}}}')
    facts = {"sweep_file": "seeds", "data_digest": "digits 1"}
    older = '{"X1": {"digests": ["r1", "r2"], "rules": []}}'
    store.begin(sweep([cell(0)], rules=older, facts=facts))
    store.attach([page])
    store.end("finished")
    assert load("seeds", uri).facts["attempts"] == ""
    store.begin(sweep([cell(1)], digest="d2", rules="no JSON", facts={"sweep_file": "another"}))
    store.begin(sweep([cell(2)], digest="d3", rules='{"X1": {"question": "q3", "digests": []}}', facts=facts))
    first, last = json.loads(load("seeds", uri).facts["attempts"])
    assert first["claims"] == {"X1": {"question": "r1 r2", "verdict": "inconclusive"}}
    assert (first["data_digest"], first["departures"]) == ("digits 1", "")
    assert last["claims"] == {"X1": {"question": "q3", "verdict": ""}}
    assert load("seeds~2", uri).facts["attempts"] == ""  # a page counts what came before it, not after


def test_an_unknown_sweep_is_one_line_that_names_those_there_are(store: MlflowStore, uri: str) -> None:
    with pytest.raises(BadInput, match=r"^sweep: sqlite:///mlflow.db holds none called 'x'; it holds no sweep yet$"):
        load("x", uri)
    store.begin(sweep([cell(0)]))
    store.begin(sweep([cell(0)], name="widths", digest="d2"))
    with pytest.raises(BadInput, match=r"it holds seeds, widths$"):
        load("x", uri)
    with pytest.raises(BadInput, match=r"holds one sweep called 'seeds', so there is no seeds~1$"):
        load("seeds~1", uri)


def test_an_empty_store_has_no_sweeps(uri: str) -> None:
    assert list(sweeps(uri)["name"]) == []


def test_removed_artifacts_are_one_line_and_nothing_is_held(store: MlflowStore, uri: str, folder: Path) -> None:
    store.begin(sweep([cell(0)]))
    store.record(result([trained(cell(0))]))
    (folder / "mlruns").rename(folder / "elsewhere")
    with pytest.raises(BadInput, match="the artifacts of 'seeds' are gone"):
        load("seeds", uri)
    assert store.held(["fp0"]) == {}


def test_a_history_that_is_gone_is_named_and_the_runs_stay(store: MlflowStore, uri: str, folder: Path) -> None:
    store.begin(sweep([cell(0)]))
    store.record(result([trained(cell(0))]))
    store.end("finished")
    (file,) = (folder / "mlruns").rglob("layers.parquet")
    file.unlink()
    tables = load("seeds", uri)
    assert tables.facts["missing"] == f"runs:/{store.run_id}/packs/pack/layers.parquet"
    assert list(tables.runs["outcome"]) == ["finished"]
    assert len(tables.epochs) == EPOCHS + 1
    assert len(tables.layers) == 0


def test_a_broken_table_is_one_line(store: MlflowStore, uri: str, folder: Path) -> None:
    store.begin(sweep([cell(0)]))
    (file,) = (folder / "mlruns").rglob("plan.parquet")
    file.write_bytes(b"not a table")
    with pytest.raises(BadInput) as caught:
        load("seeds", uri)
    assert "\n" not in str(caught.value)


def test_what_is_fetched_shows_no_bars(uri: str) -> None:
    connect(uri)
    from mlflow.environment_variables import MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR

    assert not MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR.get()
