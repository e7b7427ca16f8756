"""A store made by somebody else must not lead a deletion or a reader outside of itself."""

from __future__ import annotations

import shutil
import socketserver
import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest

from tests.tracking.cases import cell, result, sweep, trained
from workbench.engine.errors import BadInput
from workbench.tracking.housekeeping import delete
from workbench.tracking.names import history_place
from workbench.tracking.read import load, sweeps
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
@pytest.mark.parametrize(
    "address", ["{}/artifacts", "file://{}/artifacts", "{}", "file:///", "mlruns/../../{name}/x", "file://[x{}"]
)
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
    delete("seeds", uri)
    assert not own.exists()
    assert (outside / "artifacts" / "packs" / "pack" / "secret").exists()


@pytest.mark.parametrize("history", ["runs:/../../x", "runs:/{}/packs/../../..", "runs:/{}/packs/..", "runs:/{}/x/y"])
def test_a_history_that_leads_elsewhere_is_none(store: MlflowStore, history: str) -> None:
    assert history_place(history.format(store.run_id)) is None
    assert history_place(f"runs:/{store.run_id}/packs/pack") == (store.run_id, "packs/pack")


def test_the_artifacts_of_another_store_are_not_deleted(
    store: MlflowStore, uri: str, folder: Path, tmp_path: Path
) -> None:
    """An address may even name a run of the same id elsewhere."""
    (own,) = (folder / "mlruns").rglob(f"{store.run_id}/artifacts")
    other = tmp_path / "other" / "mlruns" / store.run_id / "artifacts"
    shutil.copytree(own, other)
    change(folder, "UPDATE runs SET artifact_uri = ? WHERE run_uuid = ?", str(other), store.run_id)
    delete("seeds", uri)
    assert (other / "plan.parquet").exists()


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://{}/x", "a database that is a file names http://"),
        ("https://me:secret@{}/x", "a database that is a file names https://***@"),
        ("mlflow-artifacts:/x", "a database that is a file names mlflow-artifacts:/x"),
        ("nowhere://{}/x", "cannot be read ("),
        ("a" * 5000, "cannot be read ("),
    ],
)
def test_an_address_that_leads_to_a_server_is_not_asked_and_costs_its_own_sweep_alone(
    uri: str, folder: Path, address: str, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """MLflow would log in there with the password that the environment holds."""
    other = MlflowStore(uri)
    other.begin(sweep([cell(9, "of the other")], name="other", digest="d9"))
    other.record(result([trained(cell(9, "of the other"))]))
    other.end("finished")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "secret")
    with socketserver.TCPServer(("127.0.0.1", 0), Asked) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        place = address.format(f"127.0.0.1:{server.server_address[1]}")
        change(folder, "UPDATE runs SET artifact_uri = ? WHERE run_uuid NOT IN (?, ?)", place, *ids_of(folder, "other"))
        assert set(sweeps(uri)["name"]) == {"seeds", "other"}
        assert list(load("other", uri).runs["outcome"]) == ["finished"]
        with pytest.raises(BadInput, match="the artifacts of 'seeds' are gone"):
            load("seeds", uri)
        again = MlflowStore(uri)
        assert set(again.held(["fp0", "of the other"])) == {"of the other"}
        server.shutdown()
        thread.join()
    assert Asked.count == 0
    shown = capsys.readouterr().err
    assert said in shown
    assert "secret" not in shown


class Asked(socketserver.BaseRequestHandler):
    """Counts who asks."""

    count = 0

    def handle(self) -> None:
        Asked.count += 1


def ids_of(folder: Path, name: str) -> list[str]:
    """Parent and child of a sweep."""
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        found = database.execute("SELECT run_uuid FROM tags WHERE key = 'workbench.sweep' AND value = ?", (name,))
        return [run_id for (run_id,) in found]
