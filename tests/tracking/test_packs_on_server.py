"""A server that takes packs of runs (`mlflow server --app-name workbench`), and one that takes them no more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.commands import GATE, Commands
from tests.tracking.cases import cell, result, sweep, trained
from tests.tracking.server import ANSWERED, Proxy, needs_installation
from tests.waiting import CEILING, wait_until
from workbench import app
from workbench.engine.errors import BadInput
from workbench.sweep.run_outcomes import DIVERGED, FAILED
from workbench.tracking.bulk import NewRun, Point, new_run_ids
from workbench.tracking.pack_message import MOST_BYTES, PACKS_PATH, messages
from workbench.tracking.read import load
from workbench.tracking.write import MlflowStore

RUN = NewRun("made up", "FINISHED", 1, 2, {"mlflow.user": "ada"}, {"seed": "1"}, [Point("loss", 0.5, 1, 0)])


@pytest.fixture(autouse=True)
def _installed() -> None:
    needs_installation()


@pytest.fixture
def asked(proxy: Proxy) -> Counter[str]:
    """How often each request was made, of a server that takes packs."""
    found: Counter[str] = Counter()
    proxy.packs = True
    proxy.fate = lambda method, path: (found.update([f"{method} {path.partition('?')[0]}"]), ANSWERED)[1]
    return found


def number_of(proxy: Proxy, experiment: str) -> str:
    return str(MlflowClient(proxy.uri).create_experiment(experiment))


def post(port: int, body: bytes) -> tuple[int, dict[str, str]]:
    with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("POST", PACKS_PATH, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def message(number: str, runs: dict[str, NewRun]) -> bytes:
    ((_, content),) = messages(number, runs)
    return content


def test_a_pack_is_one_request_and_the_server_is_asked_once(proxy: Proxy, experiment: str, asked: Counter[str]) -> None:
    store = MlflowStore(proxy.uri, experiment)
    cells = [cell(number) for number in range(20)]
    store.begin(sweep(cells, name=experiment))
    asked.clear()
    store.record(result([trained(one) for one in cells[:10]], "first"))
    store.record(result([trained(one) for one in cells[10:]], "second"))
    assert (asked[f"GET {PACKS_PATH}"], asked[f"POST {PACKS_PATH}"]) == (1, 2)
    assert asked.total() <= 1 + 2 * (1 + 4)  # of a pack: its runs, its tables, and where they lie
    assert not [request for request in asked if "/runs/" in request and "get" not in request]
    store.end("finished")
    assert list(load(experiment, proxy.uri).runs["outcome"]) == ["finished"] * 20


def test_what_is_recorded_is_what_mlflow_s_own_calls_record(proxy: Proxy, experiment: str) -> None:
    recorded = []
    for packs in (True, False):
        proxy.packs = packs
        name = f"{experiment} {packs}"
        store = MlflowStore(proxy.uri, name)
        cells = [cell(0), cell(1, name="é <b>"), cell(2, params={f"key{n}": n for n in range(150)})]
        store.begin(sweep(cells, name=experiment))
        odd = {"last_loss": float("nan"), "up": float("inf")}
        store.record(result([
            trained(cells[0]), trained(cells[1], DIVERGED, metrics=odd), trained(cells[2], FAILED, reason="no room")
        ]))  # fmt: skip
        client = MlflowClient(proxy.uri)
        found = client.search_runs([client.get_experiment_by_name(name).experiment_id])
        shown = {}
        for run in (run for run in found if run.info.run_id != store.run_id):
            points = [point for key in run.data.metrics for point in client.get_metric_history(run.info.run_id, key)]
            place = run.info.artifact_uri.replace(run.info.run_id, "").replace(run.info.experiment_id, "")
            tags = {name: value.replace(store.run_id, "") for name, value in run.data.tags.items()}
            shown[tags["workbench.cell"]] = (
                run.info.run_name, run.info.status, run.info.start_time, run.info.end_time, run.info.user_id, place,
                tags, run.data.params, sorted(repr((one.key, one.value, one.timestamp, one.step)) for one in points),
            )  # fmt: skip
        recorded.append(shown)
    assert len(recorded[0]) == 3
    assert recorded[0] == recorded[1]


def test_a_message_that_comes_again_is_recorded_once(proxy: Proxy, experiment: str, port: int) -> None:
    number = number_of(proxy, experiment)
    sent = message(number, dict.fromkeys(new_run_ids(3), RUN))
    with ThreadPoolExecutor(4) as threads:  # at a time, and later
        answers = [*threads.map(lambda _: post(port, sent), range(4)), post(port, sent)]
    assert answers == [(200, {"recorded": 3})] * 5
    assert len(MlflowClient(proxy.uri).search_runs([number])) == 3


def test_what_is_refused_leaves_nothing_behind(proxy: Proxy, experiment: str, port: int) -> None:
    number, other = number_of(proxy, experiment), number_of(proxy, f"{experiment} other")
    client = MlflowClient(proxy.uri)
    first, second = new_run_ids(2)
    assert post(port, message(number, {first: RUN}))[0] == 200
    status, said = post(port, message(number, {second: RUN, first: RUN}))  # half of it is there
    assert (status, said["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert said["message"].startswith(f"run_id: {first} belongs to a run that the store has")
    assert post(port, message(other, {first: RUN}))[0] == 400  # an id of another experiment's
    assert post(port, message("987654", {second: RUN}))[0] == 404
    for nonsense in (b"", b"{", b"[]", b"\xff", b'{"version": 1}', message(number, {second: RUN})[:-2]):
        status, said = post(port, nonsense)
        assert status == 400
        assert "\n" not in said["message"]
    client.delete_experiment(other)
    status, said = post(port, message(other, {second: RUN}))
    assert status == 400
    assert said["message"] == f"experiment_id: the experiment {other} was deleted; restore it, or name another"
    assert [run.info.run_id for run in client.search_runs([number, other])] == [first]


def test_a_message_that_is_too_large_is_refused(port: int) -> None:
    status, said = post(port, b" " * (MOST_BYTES + 1))
    assert (status, said["message"]) == (413, "the message: found more than 16,000,000 bytes")


def test_a_server_that_takes_packs_no_more_is_told_run_by_run(
    proxy: Proxy, experiment: str, asked: Counter[str]
) -> None:
    store = MlflowStore(proxy.uri, experiment)
    cells = [cell(0), cell(1)]
    store.begin(sweep(cells, name=experiment))
    store.record(result([trained(cells[0])], "first"))
    proxy.packs = False  # restarted as MLflow alone
    store.record(result([trained(cells[1])], "second"))
    store.end("finished")
    assert asked["POST /api/2.0/mlflow/runs/create"] == 2  # the parent, and the second child
    found = load(experiment, proxy.uri)
    assert list(found.runs["outcome"]) == ["finished"] * 2
    assert found.facts["missing"] == ""


def test_an_experiment_that_somebody_deletes_meanwhile_is_one_line(
    proxy: Proxy, experiment: str, asked: Counter[str]
) -> None:
    store = MlflowStore(proxy.uri, experiment)
    store.begin(sweep([cell(0)], name=experiment))
    client = MlflowClient(proxy.uri)
    client.delete_experiment(client.get_experiment_by_name(experiment).experiment_id)
    asked.clear()
    with pytest.raises(BadInput, match=r"^tracking.uri: the store http.* failed: ") as caught:
        store.record(result([trained(cell(0))]))
    assert "\n" not in str(caught.value)
    assert asked[f"POST {PACKS_PATH}"] <= 1


@pytest.fixture
def commands() -> Iterator[Commands]:
    with Commands() as found:
        yield found


@pytest.mark.thorough
def test_of_two_folders_that_start_a_sweep_at_once_one_trains(
    proxy: Proxy, experiment: str, tmp_path: Path, commands: Commands
) -> None:
    proxy.packs = True
    folders = [tmp_path / "one", tmp_path / "other"]
    for folder in folders:
        folder.mkdir()
    arguments = [
        "data=blobs", "data.examples=120", "network.width=4", "training.epochs=4", "seed=range(3)", "kernel=plain",
        "device=cpu", "workers=1", "name=mine", f"tracking.uri={proxy.uri}", f"tracking.experiment={experiment}",
    ]  # fmt: skip
    both = [commands.start(folder, arguments, hold=0) for folder in folders]
    wait_until(lambda: any(process.has_ended() for process in both))
    for folder in folders:
        (folder / GATE).touch()
    said = [process.communicate()[1] for process in both]
    assert sorted(process.returncode for process in both) == [app.EXIT_FINISHED, 2], said
    (refused,) = [text for text, process in zip(said, both, strict=True) if process.returncode == 2]
    assert refused.startswith("name: the sweep mine is being trained by process ")
    client = MlflowClient(proxy.uri)
    runs = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
    assert Counter(run.data.tags["workbench.kind"] for run in runs) == {"sweep": 1, "run": 3}
    again = commands.start(folders[0], arguments)
    assert "3 held already, 0 to train" in again.communicate()[1]


@pytest.mark.thorough
def test_a_server_with_log_in_that_lacks_its_key_says_so_and_ends(tmp_path: Path) -> None:
    """MLflow restarts workers that fail for ever; what they lack is found before there are any."""
    command = [sys.executable, "-m", "mlflow", "server", "--app-name", "workbench-basic-auth", "--port", "0"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    environment["MLFLOW_DISABLE_TELEMETRY"] = "true"
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=CEILING, check=False
    )
    assert done.returncode != 0
    assert "MLFLOW_FLASK_SERVER_SECRET_KEY" in done.stderr
