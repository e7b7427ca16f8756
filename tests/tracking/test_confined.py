"""A store made by somebody else must not lead a deletion or an export outside of itself."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.tracking.cases import cell, result, sweep, trained
from workbench.tracking.export import export
from workbench.tracking.housekeeping import delete
from workbench.tracking.names import history_place
from workbench.tracking.write import MlflowStore


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder of a person's own that looks like artifacts of a run."""
    folder = tmp_path / ("a" * 32)
    (folder / "artifacts" / "packs" / "pack").mkdir(parents=True)
    (folder / "artifacts" / "packs" / "pack" / "secret").write_text("mine")
    return folder


@pytest.fixture
def store(uri: str) -> MlflowStore:
    found = MlflowStore(uri)
    found.begin(sweep([cell(0)]))
    found.record(result([trained(cell(0))]))
    found.end("finished")
    return found


def change(folder: Path, statement: str, *values: str) -> None:
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        database.execute(statement, values)
        database.commit()


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("address", ["{}/artifacts", "file://{}/artifacts", "{}", "file:///", "mlruns/../../{name}/x"])
def test_an_address_that_leads_outside_is_not_deleted(uri: str, folder: Path, outside: Path, address: str) -> None:
    place = address.format(outside, name=outside.name)
    change(folder, "UPDATE runs SET artifact_uri = ?", place)
    change(folder, "UPDATE experiments SET artifact_location = ?", str(outside.parent))
    delete("seeds", uri)
    assert (outside / "artifacts" / "packs" / "pack" / "secret").exists()
    assert (folder / "mlflow.db").exists()


def test_a_link_that_leads_outside_is_not_followed(store: MlflowStore, uri: str, folder: Path, outside: Path) -> None:
    (own,) = (folder / "mlruns").rglob(f"{store.run_id}/artifacts")
    (own / "packs" / "link").symlink_to(outside)
    (own / "file").symlink_to(outside / "artifacts" / "packs" / "pack" / "secret")
    export("seeds", folder / "copy", uri)
    assert not list((folder / "copy").rglob("secret"))
    assert not list((folder / "copy").rglob("file"))
    assert list((folder / "copy").rglob("plan.parquet"))
    delete("seeds", uri)
    assert not own.exists()
    assert (outside / "artifacts" / "packs" / "pack" / "secret").exists()


@pytest.mark.usefixtures("store")
def test_an_export_writes_inside_its_folder_alone(uri: str, folder: Path, outside: Path, tmp_path: Path) -> None:
    change(folder, "UPDATE runs SET artifact_uri = ?", f"{outside}/artifacts")
    before = sorted(outside.rglob("*"))
    export("seeds", tmp_path / "copy", uri)
    assert sorted(outside.rglob("*")) == before
    assert not list((tmp_path / "copy").rglob("secret"))


@pytest.mark.parametrize("history", ["runs:/../../x", "runs:/{}/packs/../../..", "runs:/{}/packs/..", "runs:/{}/x/y"])
def test_a_history_that_leads_elsewhere_is_none(store: MlflowStore, history: str) -> None:
    assert history_place(history.format(store.run_id)) is None
    assert history_place(f"runs:/{store.run_id}/packs/pack") == (store.run_id, "packs/pack")
