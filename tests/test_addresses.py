"""Every path becomes an address and back, as MLflow reads it; whatever a folder is called, its store stays in it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow.utils.file_utils import local_file_uri_to_path
from sqlalchemy.engine import make_url

from tests.repetitions import mostly_thorough
from tests.tracking.cases import cell, result, sweep, trained
from workbench import addresses
from workbench.addresses import file_address, host_of, local_path, scheme_of, sqlite_address, sqlite_file
from workbench.sweep.hydra.command import main
from workbench.tracking.export import export
from workbench.tracking.housekeeping import delete
from workbench.tracking.location import database_uri, locate
from workbench.tracking.read import load
from workbench.tracking.write import MlflowStore

PIECES = st.sampled_from(
    ["%20", "%2F", "%25", "?", "#", " ", "[", "]", "@", ":", ";", "&", "=", "ü", "漢", "\\", "\n", "'", "~"]
)
SEGMENTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=20)
NAMES = (SEGMENTS | st.lists(PIECES, min_size=1, max_size=8).map("".join)).filter(lambda name: name not in (".", ".."))


@given(st.lists(NAMES, min_size=1, max_size=4))
def test_every_path_becomes_an_address_and_back(names: list[str]) -> None:
    path = Path("/", *names)
    assert sqlite_file(sqlite_address(path)) == (path, "")
    assert sqlite_file(sqlite_address(path, "timeout=3")) == (path, "timeout=3")
    assert local_path(file_address(path)) == path
    assert scheme_of(sqlite_address(path)) == "sqlite"
    assert scheme_of(file_address(path)) == "file"
    # And as those read it who open it.
    assert make_url(database_uri(path)).database == str(path)
    assert Path(local_file_uri_to_path(file_address(path))) == path


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("/data/my%20runs", "/data/my runs"),
        ("file:///data/a%23b?x#y", "/data/a#b"),
        ("file://localhost/data", "/data"),
        ("file:/data", "/data"),
        ("s3://bucket/data", None),
        ("mlflow-artifacts:/data", None),
        ("", None),
        (None, None),
    ],
)
def test_a_local_address_is_read_as_mlflow_reads_it(address: str | None, path: str | None) -> None:
    assert local_path(address) == (path and Path(path))
    if address and path:
        assert local_file_uri_to_path(address) == path


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("http://me:pw@host:5000/a", ("host", 5000)),
        ("http://[::1]:80", ("::1", 80)),
        ("https://host", ("host", None)),
        ("postgresql:///db?host=/tmp", ("", None)),
        ("postgresql://me:p%5Bw@h/db", ("h", None)),
    ],
)
def test_the_host_of_an_address(address: str, host: tuple[str, int | None]) -> None:
    assert host_of(address) == host


@pytest.mark.parametrize(
    "address", ["a://me:pass[word@h", "a://[h", "a://h:port", "a://h:99999", "a://me:p/w@h", "a://]"]
)
def test_what_is_no_address_of_a_server(address: str) -> None:
    with pytest.raises(ValueError, match=r"written|cannot be read"):
        host_of(address)


STRANGE = "[x] ü漢;&=:@~'\"\\"


@pytest.mark.parametrize("name", mostly_thorough(["my%20data", "a?b#c%2Fd%", STRANGE], "my%20data"))
def test_a_store_stays_in_its_own_folder(
    name: str, tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    folder, neighbour = tmp_path / name, tmp_path / addresses.unquote(name).replace("/", "-")
    for one in {folder, neighbour}:
        one.mkdir()
        shutil.copyfile(empty_database, one / "mlflow.db")
    before = (neighbour / "mlflow.db").read_bytes()
    monkeypatch.chdir(folder)
    page = tmp_path / name / "page.html"
    page.write_text("a page")
    store = MlflowStore()
    store.begin(sweep([cell(0)]))
    store.record(result([trained(cell(0))]))
    store.end("finished")
    store.attach([page])
    tables = load("seeds")
    assert (tables.facts["missing"], tables.facts["uri"]) == ("", "sqlite:///mlflow.db")
    assert len(tables.epochs)
    assert (folder / "mlruns" / "workbench" / tables.facts["run_id"] / "artifacts" / "report" / "page.html").exists()

    typed = sqlite_address(folder / "mlflow.db")
    assert locate(typed).file == folder / "mlflow.db"
    copy = tmp_path / f"copy of {name}"
    assert export("seeds", copy, typed) == []
    assert load("seeds", sqlite_address(copy / "mlflow.db")).epochs.equals(tables.epochs)
    assert delete("seeds", typed) == 1
    assert not list((folder / "mlruns" / "workbench").iterdir())
    assert load("seeds", sqlite_address(copy / "mlflow.db")).facts["missing"] == ""

    assert {one.name for one in tmp_path.iterdir()} == {folder.name, neighbour.name, copy.name}
    if neighbour != folder:
        assert {file.name for file in neighbour.iterdir()} == {"mlflow.db"}
        assert (neighbour / "mlflow.db").read_bytes() == before


def test_a_persons_own_conf_is_found_whatever_the_folder_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "a%20b?c#d e"
    (folder / "conf" / "sweep").mkdir(parents=True)
    (folder / "conf" / "sweep" / "own.yaml").write_text(
        "# @package _global_\nhydra: {sweeper: {params: {seed: '0,1'}}}\n"
    )
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(folder)
    assert main(["+sweep=own", "data=blobs", "device=cpu", "dry_run=true", "name=own"]) == 0
    assert "sweep own: 2 cells" in capsys.readouterr().out
