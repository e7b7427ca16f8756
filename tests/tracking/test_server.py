"""A store that is a server: one sweep at a time, each run once whatever answers are lost, and a budget for waiting."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run, ViewType

from tests.tracking.cases import cell, result, sweep, trained
from tests.tracking.server import ANSWERED, LOST, PAUSED, REFUSED, SILENT, Proxy, needs_installation
from workbench.engine.errors import BadInput
from workbench.tracking import listed_sizes, patience
from workbench.tracking.housekeeping import delete, size_of, sizes
from workbench.tracking.pack_message import PACKS_PATH
from workbench.tracking.read import load
from workbench.tracking.write import MlflowStore


def runs_of(uri: str, experiment: str, view: int = ViewType.ACTIVE_ONLY) -> list[Run]:
    client = MlflowClient(uri)
    found = client.get_experiment_by_name(experiment)
    return list(client.search_runs([found.experiment_id], run_view_type=view))


def test_a_sweep_is_held_in_the_server_and_its_holder_named(proxy: Proxy, experiment: str) -> None:
    first, second = MlflowStore(proxy.uri, experiment), MlflowStore(proxy.uri, experiment)
    said = r"^name: the sweep mine is being trained by process \d+ on \S+ since 20"
    with first.hold("mine"), second.hold("another"), pytest.raises(BadInput, match=said):
        second.hold("mine").__enter__()
    with second.hold("mine"):
        pass
    assert not [key for key in MlflowClient(proxy.uri).get_experiment_by_name(experiment).tags if "lock" in key]


def test_a_sweep_that_somebody_trains_into_a_server_is_not_deleted(proxy: Proxy, experiment: str) -> None:
    store = MlflowStore(proxy.uri, experiment)
    store.begin(sweep([cell(0)], name=experiment))
    said = f"^name: the sweep {experiment} is being trained by process"
    with store.hold(experiment), pytest.raises(BadInput, match=said):
        delete(experiment, proxy.uri)
    assert len(runs_of(proxy.uri, experiment)) == 1
    delete(experiment, proxy.uri)
    assert runs_of(proxy.uri, experiment) == []


def lost(proxy: Proxy, *, every: int) -> Counter[str]:
    """The answers to so many of the requests that write are lost: the first, and every so manyth."""
    seen: Counter[str] = Counter()

    def fate(method: str, path: str) -> str:
        if method == "GET" or path.endswith("search"):
            return ANSWERED
        seen[path] += 1
        return LOST if seen[path] % every == 1 else ANSWERED

    proxy.fate = fate
    return seen


@pytest.mark.parametrize("packs", [False, True], ids=["run by run", "in packs"])
def test_each_cell_has_one_child_and_none_runs_on_whatever_answers_are_lost(
    proxy: Proxy, experiment: str, packs: bool
) -> None:
    if packs:
        needs_installation()
    proxy.packs = packs
    cells = [cell(number) for number in range(3)]
    store = MlflowStore(proxy.uri, experiment)
    seen = lost(proxy, every=3)
    store.begin(sweep(cells, name=experiment))
    store.record(result([trained(one) for one in cells]))
    assert store.verified().missing == set()
    store.end("finished")
    proxy.fate = lambda method, path: ANSWERED  # noqa: ARG005
    runs = runs_of(proxy.uri, experiment)
    assert Counter(run.data.tags.get("workbench.cell", "parent") for run in runs) == dict.fromkeys("012", 1) | {
        "parent": 1
    }
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert seen["/api/2.0/mlflow/runs/create"] >= (1 if packs else 4)
    assert seen[PACKS_PATH] == (2 if packs else 0)  # MLflow's client sends it again, and the server knows it
    found = load(experiment, proxy.uri)
    assert list(found.runs["outcome"]) == ["finished"] * 3
    assert found.facts["missing"] == ""


def test_what_a_slow_server_made_twice_goes_into_the_trash(proxy: Proxy, experiment: str) -> None:
    """The request is lost to us and arrives after we have looked: there are two, until the end."""
    store = MlflowStore(proxy.uri, experiment)
    store.begin(sweep([cell(0)], name=experiment))
    store.record(result([trained(cell(0))]))
    (child,) = [run for run in runs_of(proxy.uri, experiment) if "workbench.cell" in run.data.tags]
    tags = {key: value for key, value in child.data.tags.items() if key.startswith(("workbench", "mlflow.parent"))}
    store._connection.client.create_run(child.info.experiment_id, tags=tags)
    store._troubled = True
    store.end("finished")
    left = [run.info.run_id for run in runs_of(proxy.uri, experiment) if "workbench.cell" in run.data.tags]
    assert left == [child.info.run_id]
    assert store.held(["fp0"])["fp0"].run_id == child.info.run_id


def test_a_server_that_is_gone_is_said_and_waited_for_within_the_budget(
    proxy: Proxy, experiment: str, capsys: pytest.CaptureFixture[str]
) -> None:
    store = MlflowStore(proxy.uri, experiment, 20.0)
    store.begin(sweep([cell(0)], name=experiment))
    proxy.fate = lambda method, path: REFUSED  # noqa: ARG005
    with pytest.raises(BadInput, match=r"^tracking.uri: the store http://127.* failed: "):
        store.record(result([trained(cell(0))]))
    assert sum(PAUSED) == 20
    assert f"the store {proxy.uri} does not answer; it is tried again for up to 20 s (tracking.wait_seconds=20)" in (
        capsys.readouterr().err
    )
    tried = Counter[str]()
    proxy.fate = lambda method, path: tried.update([path]) or REFUSED  # noqa: ARG005
    with pytest.raises(BadInput):
        store.end("failed")
    assert max(tried.values()) <= 3  # the budget is spent once; MLflow itself asks three times
    proxy.fate = lambda method, path: ANSWERED  # noqa: ARG005
    store.record(result([trained(cell(0))]))
    store.end("finished")
    assert list(load(experiment, proxy.uri).runs["outcome"]) == ["finished"]


def test_a_server_that_is_silent_is_said_to_be(
    proxy: Proxy, experiment: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MlflowStore(proxy.uri, experiment, 1.0)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")  # no less can be set: each try takes a second
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setattr(patience, "_PAUSES", (1.0, 1.0))  # so that the budget is exhausted after the second try
    proxy.fate = lambda method, path: SILENT  # noqa: ARG005
    with pytest.raises(BadInput):
        store.held(["fp0"])
    assert "is silent; it is waited for up to 1 s (tracking.wait_seconds=1)" in capsys.readouterr().err


def test_the_artifacts_of_a_server_have_a_size_if_it_is_cheap_to_know(
    proxy: Proxy, experiment: str, served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MlflowStore(proxy.uri, experiment)
    store.begin(sweep([cell(0), cell(1)], name=experiment))
    for number in range(2):
        store.record(result([trained(cell(number))], pack=f"pack {number}"))
    store.end("finished")
    (folder,) = (file.parent for file in served.rglob("plan.parquet") if store.run_id in file.parts)

    def known() -> int | None:
        [(mine, database)] = ((one.artifacts, one.database) for one in sizes(proxy.uri) if one.name == experiment)
        assert database is None  # nobody tells the size of a server's database
        return mine

    assert known() == size_of(folder) > 0
    monkeypatch.setattr(listed_sizes, "MOST_LISTINGS", 2)  # fewer than it has folders
    assert known() is None


def test_a_sweep_of_a_server_is_deleted(proxy: Proxy, experiment: str) -> None:
    store = MlflowStore(proxy.uri, experiment)
    store.begin(sweep([cell(0)], name=experiment))
    store.record(result([trained(cell(0))]))
    store.end("finished")
    assert delete(experiment, proxy.uri) == 1
    assert runs_of(proxy.uri, experiment) == []
