"""A store as labs have it: an MLflow server over PostgreSQL, artifacts by way of it, everybody with a password.

`scripts/services/postgres-up` starts the PostgreSQL, as `.ci/run` does; without it these tests are skipped.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import uuid
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from threading import Thread
from zipfile import ZipFile

import numpy as np
import pandas
import pytest
import requests
from mlflow import MlflowClient
from mlflow.data import get_source
from mlflow.entities import Run

import workbench
from tests.tracking.cases import cell, result, sweep, trained
from tests.tracking.server import ANSWERED, BROKEN, Lab, Proxy, needs_installation, needs_postgres
from tests.waiting import CEILING
from workbench import cli
from workbench.engine.errors import BadInput
from workbench.tracking.bulk import NewRun, new_run_ids
from workbench.tracking.export import export, import_sweep
from workbench.tracking.files_message import FILES_PATH, Wanted, message_for
from workbench.tracking.housekeeping import delete
from workbench.tracking.pack_message import PACKS_PATH, messages
from workbench.tracking.questions import Question, message_of
from workbench.tracking.read import SweepTables, load
from workbench.tracking.write import MlflowStore

ADA, BEN, PASSWORD, OTHER_PASSWORD = "ada", "ben", "of-ada-alone-1", "of-ben-alone-2"
TOY = [
    "data=blobs", "data.examples=120", "network.width=4", "training.epochs=2", "kernel=plain", "device=cpu",
    "workers=1", "name=shared",
]  # fmt: skip
LogIn = Callable[[str, str, str], None]
REQUESTS_OF_A_RUN = 3  # MLflow by itself has no fewer for a run that has ended


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    needs_postgres()
    found = Lab(tmp_path_factory.mktemp("lab"))
    try:
        found.start()
        found.add(ADA, PASSWORD)
        found.add(BEN, OTHER_PASSWORD)
        yield found
    finally:
        found.stop()


@pytest.fixture
def proxy(lab: Lab) -> Iterator[Proxy]:
    made = Proxy(int(lab.uri.rpartition(":")[2]))
    yield made
    made.close()


@pytest.fixture(autouse=True)
def experiment(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """One of its own for every test, named as MLflow's users do; and its working folder has no store."""
    (workspace / "mlflow.db").unlink()
    name = f"test {uuid.uuid4().hex}"
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", name)
    return name


@pytest.fixture
def log_in(monkeypatch: pytest.MonkeyPatch) -> LogIn:
    """Become somebody, who works with the server of that address."""

    def become(person: str, password: str, uri: str) -> None:
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", person)
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", password)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)

    return become


def runs_of(experiment: str, kind: str) -> list[Run]:
    client = MlflowClient()
    found = client.get_experiment_by_name(experiment)
    return list(client.search_runs([found.experiment_id], f"tags.`workbench.kind` = '{kind}'"))


def test_two_people_share_what_they_trained(
    lab: Lab, log_in: LogIn, experiment: str, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], no_figures: None,  # noqa: ARG001
) -> None:  # fmt: skip
    log_in(ADA, PASSWORD, lab.uri)
    assert cli.main([*TOY, "seed=0,1"]) == 0
    said = capsys.readouterr()
    assert re.search(rf"in MLflow: {lab.uri}/#/experiments/\d+/runs/[0-9a-f]{{32}}\n", said.err)
    assert f"{lab.uri}/#/experiments" in said.err
    assert "/artifacts/report/shared.html" in said.err
    assert cli.main([*TOY, "seed=0,1"]) == 0
    assert "2 held already, 0 to train" in capsys.readouterr().err

    log_in(BEN, OTHER_PASSWORD, lab.uri)
    (tmp_path / "ben").mkdir()
    monkeypatch.chdir(tmp_path / "ben")
    assert cli.main([*TOY, "seed=0,1,2", "name=of-ben"]) == 0
    assert "2 held already, 1 to train" in capsys.readouterr().err
    assert {run.data.tags["mlflow.user"] for run in runs_of(experiment, "sweep")} == {ADA, BEN}
    assert len(load("of-ben").epochs) == 3 * 3
    assert cli.main(["report", "shared", "--uri", lab.uri, "--folder", "pages"]) == 0
    assert Path("pages/shared.html").stat().st_size > 0
    assert cli.main(["sweeps"]) == 0
    assert "shared" in capsys.readouterr().out

    assert cli.main(["sweeps", "delete", "shared", "--yes"]) == 2  # it is Ada's
    assert "runs of 'shared' are shown in 'of-ben'" in capsys.readouterr().err
    log_in(lab.admin, lab.password, lab.uri)
    assert cli.main(["sweeps", "delete", "of-ben", "--yes"]) == 0
    monkeypatch.chdir(workspace)
    log_in(ADA, PASSWORD, lab.uri)
    assert cli.main(["sweeps", "delete", "shared", "--yes"]) == 0
    assert runs_of(experiment, "run") == []


def test_runs_models_and_datasets_are_found_as_mlflow_has_them(
    lab: Lab,
    log_in: LogIn,
    experiment: str,
    workspace: Path,
    no_figures: None,  # noqa: ARG001
) -> None:
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "--allow-empty", "-m", "mine"],
                    ["remote", "add", "origin", "https://me:hidden-word@host/mine.git"]):  # fmt: skip
        subprocess.run(["git", "-c", "user.name=n", "-c", "user.email=e@h", *command], cwd=workspace, check=True)
    log_in(ADA, PASSWORD, lab.uri)
    assert cli.main([*TOY, "analyses=model", "seed=0,1"]) == 0
    (parent,), children = runs_of(experiment, "sweep"), runs_of(experiment, "run")
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    for run in (parent, *children):
        tags = {key.removeprefix("mlflow.source.git."): value for key, value in run.data.tags.items()}
        assert (tags["commit"], tags["branch"], tags["repoURL"]) == (head, "main", "https://***@host/mine.git")
    assert parent.data.tags["mlflow.source.git.dirty"] == "false"
    client = MlflowClient()
    assert "Sweeps of Workbench" in client.get_experiment(parent.info.experiment_id).tags["mlflow.note.content"]
    (dataset,) = parent.inputs.dataset_inputs
    assert "data.name=blobs" in str(get_source(dataset).to_dict())

    models = client.search_logged_models([parent.info.experiment_id], "params.`network.width` = '4'")
    assert {model.source_run_id for model in models} == {run.info.run_id for run in children}
    assert {str(model.status) for model in models} == {"READY"}
    for model in models:
        run = client.get_run(model.source_run_id)
        metrics = {metric.key: metric.value for metric in model.metrics}
        assert metrics["best/test_accuracy"] == run.data.metrics["best/test_accuracy"]
    from mlflow import pyfunc

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of MLflow's own making
        served = pyfunc.load_model(f"runs:/{children[0].info.run_id}/model")
    point = np.array([[0.5, -0.5]])
    assert (served.predict(point) == workbench.load_run(children[0].info.run_id).predict(point)).all()


def test_a_run_costs_three_requests_and_starting_again_none(proxy: Proxy, log_in: LogIn) -> None:
    log_in(ADA, PASSWORD, proxy.uri)
    asked: Counter[str] = Counter()
    proxy.fate = lambda method, path: (asked.update([f"{method} {path.partition('?')[0]}"]), ANSWERED)[1]
    cells = [cell(number, f"asked{number}") for number in range(20)]  # of no other test on this server
    store = MlflowStore()
    store.begin(sweep(cells))
    asked.clear()
    store.record(result([trained(one) for one in cells]))
    artifacts = sum(count for request, count in asked.items() if "artifacts" in request)
    assert sum(asked.values()) - artifacts <= REQUESTS_OF_A_RUN * len(cells) + 2
    assert artifacts <= 3  # of a pack
    store.end("finished")

    for number in range(3):  # sweeps that hold none of it, whose plans nobody needs to read
        other = MlflowStore()
        other.begin(sweep([cell(0, f"other{number}")], name=f"other{number}"))
        other.record(result([trained(cell(0, f"other{number}"))]))
        other.end("finished")
    asked.clear()
    again = MlflowStore()
    assert len(again.held([one.fingerprint for one in cells])) == 20
    assert sum(count for request, count in asked.items() if "artifacts" in request) <= 3
    asked.clear()
    again.begin(sweep([trained(one, origin="") for one in cells]))
    assert sum(asked.values()) <= 20
    assert not [request for request in asked if "runs/create" in request]


def test_a_pack_costs_a_request_where_packs_are_taken(proxy: Proxy, log_in: LogIn, experiment: str) -> None:
    needs_installation()
    log_in(ADA, PASSWORD, proxy.uri)
    proxy.packs = True
    asked: Counter[str] = Counter()
    proxy.fate = lambda method, path: (asked.update([f"{method} {path.partition('?')[0]}"]), ANSWERED)[1]
    cells = [cell(number, f"packed{number}", params={"data.name": "blobs"}) for number in range(20)]
    store = MlflowStore()
    store.begin(sweep(cells, facts={"data_digest": "blobs 94ab"}))
    asked.clear()
    store.record(result([trained(one) for one in cells]))
    assert (asked[f"GET {PACKS_PATH}"], asked[f"POST {PACKS_PATH}"]) == (1, 1)  # whether it takes packs, and the pack
    assert asked.total() <= 2 + 4
    store.end("finished")
    assert list(load("seeds").runs["outcome"]) == ["finished"] * 20
    (run, *_) = children = runs_of(experiment, "run")
    assert len(children) == 20
    assert (run.data.tags["mlflow.user"], run.info.user_id) == (ADA, ADA)
    assert [one.dataset.name for one in run.inputs.dataset_inputs] == ["blobs"]
    assert len(MlflowStore().held([one.fingerprint for one in cells])) == 20


def test_who_may_not_create_runs_in_an_experiment_records_no_pack_there(
    lab: Lab, log_in: LogIn, experiment: str
) -> None:
    needs_installation()
    log_in(ADA, PASSWORD, lab.uri)
    MlflowStore()  # the experiment is hers
    log_in(BEN, OTHER_PASSWORD, lab.uri)
    store = MlflowStore()
    store.begin(sweep([cell(0)]))
    number = MlflowClient().get_experiment_by_name(experiment).experiment_id
    run = NewRun("made up", "FINISHED", 1, 2, {}, {}, [])
    ((_, message),) = messages(number, dict.fromkeys(new_run_ids(1), run))

    def status(log_in: tuple[str, str] | None, method: str = "POST") -> int:
        kind = {"Content-Type": "application/json"}
        return requests.request(
            method, lab.uri + PACKS_PATH, data=message, auth=log_in, headers=kind, timeout=60
        ).status_code

    assert (status(None), status((BEN, "a wrong one")), status(None, "GET")) == (401, 401, 401)
    assert status((BEN, OTHER_PASSWORD), "GET") == 200
    mine = {"username": BEN, "resource_type": "experiment", "resource_id": number}
    lab.ask("POST", "/api/3.0/mlflow/users/permissions/grant", {**mine, "permission": "DENY"})
    assert status((BEN, OTHER_PASSWORD)) == 403
    with pytest.raises(BadInput, match=r"^tracking.uri: the store .* whoever is logged in may not"):
        store.record(result([trained(cell(0))]))
    lab.ask("POST", "/api/3.0/mlflow/users/permissions/revoke", mine)
    assert runs_of(experiment, "run") == []
    store.record(result([trained(cell(0))]))
    assert len(runs_of(experiment, "run")) == 1
    store.end("finished")  # of one that has not ended `held` reads the plan, in other tests too


def test_files_are_sent_together_to_whom_may_read_each_run(
    proxy: Proxy, lab: Lab, log_in: LogIn, experiment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_installation()
    log_in(ADA, PASSWORD, lab.uri)
    stores = []
    for name in (experiment, f"{experiment} secret"):
        monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", name)
        stores.append(store := MlflowStore())
        store.begin(sweep([cell(0, name)], name=name))
        store.record(result([trained(cell(0, name))]))
        store.end("finished")
    number = MlflowClient().get_experiment_by_name(f"{experiment} secret").experiment_id

    def status(log_in: tuple[str, str] | None, *some: MlflowStore) -> int:
        body = message_for([Wanted(store.run_id, ("plan.parquet",)) for store in some])
        kind = {"Content-Type": "application/json"}
        return requests.post(lab.uri + FILES_PATH, data=body, auth=log_in, headers=kind, timeout=60).status_code

    def sent(log_in: tuple[str, str] | None, run_id: str) -> int:
        content = BytesIO()
        with ZipFile(content, "w") as archive:
            archive.writestr("report/a.svg", "<svg/>")
        where = {"url": lab.uri + FILES_PATH, "params": {"run_id": run_id}, "auth": log_in}
        return requests.put(**where, data=content.getvalue(), timeout=60).status_code

    def by_itself(log_in: tuple[str, str], run_id: str) -> int:
        place = f"{lab.uri}/api/2.0/mlflow-artifacts/artifacts/{number}/{run_id}/artifacts/report/b.svg"
        return requests.put(place, data=b"<svg/>", auth=log_in, timeout=60).status_code

    ben = (BEN, OTHER_PASSWORD)
    assert [status(None, stores[0]), status((BEN, "a wrong one"), stores[0]), status(ben, *stores)] == [401, 401, 200]
    not_his = {"username": BEN, "resource_type": "experiment", "resource_id": number, "permission": "DENY"}
    lab.ask("POST", "/api/3.0/mlflow/users/permissions/grant", not_his)
    assert [status(ben, stores[0]), status(ben, stores[1]), status(ben, *stores)] == [200, 403, 403]
    assert [sent(ben, stores[0].run_id), sent(ben, stores[1].run_id), sent(None, stores[0].run_id)] == [200, 403, 401]
    assert [by_itself(ben, stores[1].run_id), by_itself((ADA, PASSWORD), stores[1].run_id)] == [403, 200]
    assert [status((ADA, PASSWORD), *stores), sent((ADA, PASSWORD), stores[1].run_id)] == [200, 200]
    assert sent(ben, "") != 200

    proxy.packs = True
    asked: Counter[str] = Counter()
    proxy.fate = lambda method, path: (asked.update([f"{method} {path.partition('?')[0]}"]), ANSWERED)[1]
    log_in(BEN, OTHER_PASSWORD, proxy.uri)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", experiment)
    assert set(MlflowStore().held([experiment, f"{experiment} secret"])) == {experiment}
    assert (asked.total(), asked[f"POST {FILES_PATH}"]) == (2, 1)


def test_a_question_is_answered_with_what_the_sender_may_read(
    lab: Lab, log_in: LogIn, experiment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_installation()
    log_in(ADA, PASSWORD, lab.uri)
    secret = f"{experiment} secret"
    stores = {}
    for name in (experiment, secret):
        monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", name)
        stores[name] = store = MlflowStore()
        store.begin(sweep([cell(0, name)], name=name))
        store.record(result([trained(cell(0, name))]))
        store.end("finished")
    number = MlflowClient().get_experiment_by_name(secret).experiment_id

    def answered(log_in: tuple[str, str], question: Question) -> tuple[list[str], str]:
        """The files in the answer, and all that it says."""
        body, kind = message_of(question), {"Content-Type": "application/json"}
        answer = requests.post(lab.uri + FILES_PATH, data=body, auth=log_in, headers=kind, timeout=60)
        assert answer.status_code == 200, answer.text
        with ZipFile(BytesIO(answer.content)) as archive:
            return archive.namelist(), archive.read("index.json").decode()

    both = Question(secret, tables=True, held=frozenset({experiment, secret}))
    for person in ((ADA, PASSWORD), (lab.admin, lab.password), (BEN, OTHER_PASSWORD)):
        files, said = answered(person, both)
        assert f"{stores[secret].run_id}/plan.parquet" in files
        assert secret in said
    not_his = {"username": BEN, "resource_type": "experiment", "resource_id": number, "permission": "DENY"}
    lab.ask("POST", "/api/3.0/mlflow/users/permissions/grant", not_his)
    files, said = answered((BEN, OTHER_PASSWORD), both)
    assert f"{stores[experiment].run_id}/plan.parquet" in files
    assert not [name for name in files if stores[secret].run_id in name]
    assert not [word for word in (stores[secret].run_id, secret) if word in said]
    log_in(BEN, OTHER_PASSWORD, lab.uri)
    with pytest.raises(BadInput, match=r"^sweep: http\S+ holds none called "):
        load(secret)
    for wrong in (None, (BEN, "a wrong one")):
        body, kind = message_of(both), {"Content-Type": "application/json"}
        assert requests.post(lab.uri + FILES_PATH, data=body, auth=wrong, headers=kind, timeout=60).status_code == 401


def test_a_server_that_is_restarted_in_the_middle_loses_nothing(lab: Lab, log_in: LogIn, experiment: str) -> None:
    log_in(ADA, PASSWORD, lab.uri)
    cells = [cell(number) for number in range(4)]
    store = MlflowStore(None, None, CEILING)
    store.begin(sweep(cells))
    store.record(result([trained(one) for one in cells[:2]], "first"))
    lab.stop(keep=True)
    starting = Thread(target=lab.start)
    starting.start()
    try:
        store.record(result([trained(one) for one in cells[2:]], "second"))
    finally:
        starting.join()
    store.end("finished")
    assert list(load("seeds").runs["outcome"]) == ["finished"] * 4
    assert len(runs_of(experiment, "run")) == 4


def test_a_sweep_goes_from_a_server_into_a_folder_and_back(lab: Lab, log_in: LogIn, tmp_path: Path) -> None:
    log_in(ADA, PASSWORD, lab.uri)
    store = MlflowStore()
    cells = [cell(number) for number in range(3)]
    store.begin(sweep(cells, name="moved", rules='{"rule": 1}'))
    store.record(result([trained(one) for one in cells]))
    store.end("finished")
    (tmp_path / "page.html").write_text("<p>a page</p>")
    store.attach([tmp_path / "page.html"])
    there = load("moved")
    assert export("moved", tmp_path / "copy") == []
    place = f"sqlite:///{tmp_path}/copy/mlflow.db"
    assert (tmp_path / "copy" / "mlflow.db").is_file()
    assert [file.read_text() for file in (tmp_path / "copy").rglob("page.html")] == ["<p>a page</p>"]
    same_sweep(load("moved", place), there)
    client = MlflowClient(lab.uri)
    client.delete_experiment(client.get_experiment_by_name(there.facts["experiment"]).experiment_id)
    name = f"{there.facts['experiment']} again"
    MlflowClient(place).rename_experiment(load("moved", place).facts["experiment_id"], name)
    for _ in range(2):  # the second time changes nothing
        assert import_sweep("moved", str(tmp_path / "copy"), lab.uri) == lab.uri
    assert len(runs_of(name, "sweep")) == 1
    assert len(runs_of(name, "run")) == 3
    same_sweep(load("moved"), there)


def same_sweep(one: SweepTables, other: SweepTables) -> None:
    """Two copies differ in the ids of their runs and in when they were written."""
    for name in ("command", "digest", "outcome", "rules", "description", "missing"):
        assert one.facts[name] == other.facts[name], name
    pandas.testing.assert_frame_equal(one.runs.drop(columns="run_id"), other.runs.drop(columns="run_id"))
    pandas.testing.assert_frame_equal(one.epochs, other.epochs)
    pandas.testing.assert_frame_equal(one.layers, other.layers)


@pytest.mark.parametrize("person", [ADA, "nobody"])
def test_a_wrong_password_is_one_line_without_it(
    lab: Lab, log_in: LogIn, person: str, capsys: pytest.CaptureFixture[str]
) -> None:
    log_in(person, "a-wrong-word-9", lab.uri)
    assert cli.main([*TOY]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"tracking.uri: the store {lab.uri} failed: ")
    assert said.count("\n") == 1
    assert "MLFLOW_TRACKING_USERNAME" in said
    assert "a-wrong-word-9" not in said


def test_what_somebody_may_not_do_is_one_line(lab: Lab, log_in: LogIn, experiment: str) -> None:
    log_in(ADA, PASSWORD, lab.uri)
    store = MlflowStore()
    store.begin(sweep([cell(0)]))
    store.end("finished")
    log_in(BEN, OTHER_PASSWORD, lab.uri)
    with pytest.raises(
        BadInput, match=rf"^tracking.uri: the store {lab.uri} failed: whoever is logged in may not"
    ) as caught:
        delete("seeds")
    assert "\n" not in str(caught.value)
    assert len(runs_of(experiment, "sweep")) == 1


@pytest.mark.parametrize("path", ["/nothing", "/nothing/here"])
def test_an_address_that_leads_nowhere_is_one_line(lab: Lab, log_in: LogIn, path: str) -> None:
    log_in(ADA, PASSWORD, f"{lab.uri}{path}")
    with pytest.raises(BadInput, match=r"^tracking.uri: the store http.* failed: .* no such address") as caught:
        MlflowStore(None, None, 1.0)
    assert "\n" not in str(caught.value)


def test_an_experiment_that_is_not_there_is_one_line(lab: Lab, log_in: LogIn, monkeypatch: pytest.MonkeyPatch) -> None:
    log_in(ADA, PASSWORD, lab.uri)
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "987654321")
    with pytest.raises(BadInput, match=r"^MLFLOW_EXPERIMENT_ID is '987654321'; .* has no experiment of this id"):
        MlflowStore()


def test_a_server_that_fails_is_one_line(proxy: Proxy, log_in: LogIn) -> None:
    log_in(ADA, PASSWORD, proxy.uri)
    proxy.fate = lambda method, path: BROKEN  # noqa: ARG005
    with pytest.raises(BadInput, match=r"^tracking.uri: the store http.* failed: .*500") as caught:
        MlflowStore(None, None, 1.0)
    assert "\n" not in str(caught.value)


def test_mlflows_own_file_of_credentials_is_enough(
    lab: Lab, experiment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", lab.uri)
    (tmp_path / ".mlflow").mkdir()
    written = f"[mlflow]\nmlflow_tracking_username = {BEN}\nmlflow_tracking_password = {OTHER_PASSWORD}\n"
    (tmp_path / ".mlflow" / "credentials").write_text(written)
    store = MlflowStore()
    store.begin(sweep([cell(0)]))
    store.end("interrupted")
    assert [run.data.tags["mlflow.user"] for run in runs_of(experiment, "sweep")] == [BEN]


def test_a_database_may_be_written_without_a_server(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import psycopg

    server, name = needs_postgres(), f"direct_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    uri = f"{server}/{name}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    cells = [cell(number) for number in range(3)]
    store = MlflowStore()
    store.begin(sweep(cells))
    store.record(result([trained(one) for one in cells]))
    assert store.verified().missing == set()
    store.end("finished")
    assert set(MlflowStore().held(["fp0", "fp1", "fp2", "fp3"])) == {"fp0", "fp1", "fp2"}
    tables = load("seeds")
    assert (list(tables.runs["outcome"]), tables.facts["missing"]) == (["finished"] * 3, "")
    assert "workbench:workbench" not in tables.facts["uri"]
    MlflowStore().begin(sweep([*cells, cell(3)]))
    shutil.rmtree(workspace / "mlruns", ignore_errors=True)
