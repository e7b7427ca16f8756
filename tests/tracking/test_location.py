"""Which store is used, what it leaves in a folder, and what happens when that folder moves."""

from __future__ import annotations

import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from mlflow import MlflowClient

from tests import stores
from tests.tracking.cases import cell, result, sweep, trained, uri_of
from workbench.engine.errors import BadInput
from workbench.tracking import location
from workbench.tracking.connection import connect, connect_to_read
from workbench.tracking.location import locate
from workbench.tracking.read import load, sweeps
from workbench.tracking.write import MlflowStore


def test_the_default_is_a_database_in_the_working_directory(folder: Path) -> None:
    location = locate()
    assert location.file == folder / "mlflow.db"
    assert location.shown == "sqlite:///mlflow.db"
    assert location.artifacts == folder / "mlruns"


def test_the_environment_names_the_store_and_an_argument_overrules_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/named.db")
    assert locate().file == folder / "named.db"
    assert locate("sqlite:///given.db").file == folder / "given.db"


@pytest.mark.parametrize(
    ("uri", "complaint"),
    [
        ("runs", "is a plain path"),
        ("file:///runs", "is a plain path"),
        ("/runs/mlflow.db", "is a plain path"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite://", "names no file"),
        ("sqlite:///a%00b.db", "names no file"),
        ("sqlite:///" + "x" * 5000, "names no file"),
        ("sqlite:///~nobody-of-this-name/mlflow.db", "names no file"),
        ("sqlite:///\udcff/mlflow.db", "names no file"),
        ("ftp://host/runs", "unknown kind of store"),
    ],
)
def test_what_mlflow_cannot_keep_runs_in_is_one_line(uri: str, complaint: str) -> None:
    with pytest.raises(BadInput, match=f"^tracking.uri: .*{complaint}.*; allowed: sqlite:///mlflow.db") as caught:
        connect(uri)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "uri", ["postgresql://me:pass[word@127.0.0.1:1/db", "http://host:port", "http://[::1", "https://]"]
)
def test_what_is_no_address_is_one_line_that_says_how_to_write_it(uri: str) -> None:
    with pytest.raises(BadInput, match=r"^tracking.uri: .* is no address: .*written") as caught:
        connect(uri)
    assert "word" not in str(caught.value).partition("is no address")[0]


def test_a_server_that_does_not_answer_is_one_line_without_its_password() -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(BadInput, match="does not answer") as caught:
            connect(f"postgresql://me:secret@127.0.0.1:{port}/mlflow")
    assert "secret" not in str(caught.value)


ANSWERS = [b'{"a": 1}', b"[]", b"null", b"<html>", b"", b'{"experiments": 3}', b'{"experiments": [{}]}', b"\xff"]


@pytest.mark.parametrize(("status", "answer"), [*((200, answer) for answer in ANSWERS), (404, b"<html>")])
def test_a_web_server_that_is_no_mlflow_is_one_line(status: int, answer: bytes) -> None:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Nothing on the screen."""

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        said = rf"^tracking\.uri: 'http://127\.0\.0\.1:{server.server_address[1]}' answers, but not as an MLflow server"
        try:
            for opened in (connect, connect_to_read):
                with pytest.raises(BadInput, match=said) as caught:
                    opened(f"http://127.0.0.1:{server.server_address[1]}")
                assert "\n" not in str(caught.value)
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("content", [b"no database at all, but longer than a header of SQLite" * 9, None])
def test_a_file_that_is_no_store_is_one_line(folder: Path, content: bytes | None) -> None:
    file = folder / "other.db"
    if content is None:
        with closing(sqlite3.connect(file)) as database:
            database.execute("CREATE TABLE alembic_version (version_num TEXT)")
            database.execute("INSERT INTO alembic_version VALUES ('unheard of')")
            database.commit()
    else:
        file.write_bytes(content)
    with pytest.raises(BadInput, match=r"^tracking.uri: ") as caught:
        connect(f"sqlite:///{file}")
    assert "\n" not in str(caught.value)


def test_a_deleted_experiment_is_one_line(uri: str) -> None:
    client = connect(uri).client
    client.delete_experiment(client.create_experiment("gone"))
    with pytest.raises(BadInput, match=r"^tracking.experiment: 'gone' was deleted"):
        MlflowStore(uri, "gone")


def test_the_database_is_made_once_whole_and_in_write_ahead_mode(tmp_path: Path) -> None:
    uri = uri_of(tmp_path / "new")
    connect(uri)
    made = {file.name for file in (tmp_path / "new").iterdir()}
    assert made - {"mlflow.db-wal", "mlflow.db-shm"} == {"mlflow.db"}
    with closing(sqlite3.connect(tmp_path / "new" / "mlflow.db")) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        before = database.execute("PRAGMA schema_version").fetchone()
    connect(uri)
    with closing(sqlite3.connect(tmp_path / "new" / "mlflow.db")) as database:
        assert database.execute("PRAGMA schema_version").fetchone() == before


@pytest.mark.thorough
def test_making_and_filling_a_store_prints_nothing(tmp_path: Path) -> None:
    script = (
        "from tests.tracking.cases import *\n"
        "from workbench.tracking.write import MlflowStore\n"
        "store = MlflowStore()\n"
        "store.begin(sweep([cell(0)]))\n"
        "store.record(result([trained(cell(0))]))\n"
        "store.end('finished')\n"
    )
    paths = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
    program = f"import sys; sys.path[:0] = {paths!r}\n{script}"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert {entry.name for entry in tmp_path.iterdir()} == {"mlflow.db", "mlruns"}


def record(folder: Path, name: str = "seeds") -> None:
    store = MlflowStore(uri_of(folder))
    store.begin(sweep([cell(0)], name=name))
    store.record(result([trained(cell(0))]))
    store.end("finished")


def test_a_moved_workspace_works_at_its_new_place(folder: Path) -> None:
    record(folder)
    new = folder.rename(folder.with_name("moved & renamed"))
    tables = load("seeds", uri_of(new))
    assert tables.facts["missing"] == ""
    assert len(tables.epochs) > 0
    # MLflow's own client and UI find the artifacts too, and what is recorded from now on goes to the new place.
    run_id = tables.facts["run_id"]
    listed = [entry.path for entry in MlflowClient(uri_of(new)).list_artifacts(run_id)]
    assert "plan.parquet" in listed
    record(new, "later")
    assert not folder.exists()
    assert list(sweeps(uri_of(new))["finished"]) == [1, 1]


def test_a_copied_workspace_leaves_the_original_alone(folder: Path) -> None:
    record(folder)
    stores.settle(folder / "mlflow.db")
    copy = stores.copied(folder, folder.with_name("copy"))
    before = sorted((folder / "mlruns").rglob("*"))
    record(copy, "only in the copy")
    assert sorted((folder / "mlruns").rglob("*")) == before
    assert set(sweeps(uri_of(copy))["name"]) == {"seeds", "only in the copy"}
    assert set(sweeps(uri_of(folder))["name"]) == {"seeds"}


def test_artifacts_that_a_person_keeps_elsewhere_are_left_where_they_are(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "big disk" / "mlruns" / "mine"
    client = connect(uri_of(folder)).client
    client.create_experiment("mine", place.as_uri())
    MlflowStore(uri_of(folder), "mine").begin(sweep([cell(0)]))
    assert connect(uri_of(folder)).client.get_experiment_by_name("mine").artifact_location == place.as_uri()
    assert len(load("seeds", uri_of(folder)).runs) == 1


@pytest.mark.parametrize("uri", ["databricks", "databricks://profile", "azureml://east.api.azureml.ms/mlflow"])
def test_addresses_that_mlflow_opens_with_log_ins_of_its_own_are_handed_to_it(uri: str) -> None:
    assert locate(uri).uri == uri


@pytest.mark.parametrize(
    ("uri", "package", "advice"),
    [
        ("postgresql://me:secret@127.0.0.1:1/db", "psycopg", "workbench-deep-learning[postgres]"),
        ("postgresql+psycopg2://me:secret@127.0.0.1:1/db", "psycopg2", "workbench-deep-learning[postgres]"),
        ("mysql://me:secret@127.0.0.1:1/db", "pymysql", "pip install pymysql"),
    ],
)
def test_a_database_without_its_driver_is_one_line_that_says_what_to_install(
    uri: str, package: str, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(location, "find_spec", lambda name: None)  # noqa: ARG005
    with pytest.raises(BadInput, match=f"^tracking.uri: .* needs the Python package {package}, which is not") as caught:
        locate(uri)
    assert advice in str(caught.value)
    assert "secret" not in str(caught.value)


def test_the_driver_that_is_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(location, "_check_answer", lambda *_: None)
    monkeypatch.setattr(location, "find_spec", lambda name: name == "psycopg2")
    assert locate("postgresql://h/db").uri == "postgresql+psycopg2://h/db"
    assert locate("postgresql+psycopg2://h/db").uri == "postgresql+psycopg2://h/db"


def test_mlflows_variables_name_the_experiment_and_the_setting_overrules_them(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = connect(uri).client
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", client.create_experiment("by id"))
    MlflowStore(uri).begin(sweep([cell(0)], name="one"))
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "by name")
    MlflowStore(uri).begin(sweep([cell(0)], name="two"))
    MlflowStore(uri, "mine").begin(sweep([cell(0)], name="three"))
    found = {name: load(name, uri).facts["experiment"] for name in ("one", "two", "three")}
    assert found == {"one": "by id", "two": "by name", "three": "mine"}
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "987")
    with pytest.raises(BadInput, match=r"^MLFLOW_EXPERIMENT_ID is '987'; sqlite.* has no experiment of this id"):
        MlflowStore(uri)
