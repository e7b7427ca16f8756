"""Files that no server sends together are asked for several at a time, ahead of who reads them, who notices nothing."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from threading import Barrier, Event, Lock, Thread
from types import SimpleNamespace
from typing import Any

import pandas
import pytest
import requests
from mlflow.entities import Run, RunData, RunInfo

from tests.tracking.cases import cell, result, sweep, trained
from tests.tracking.server import ANSWERED, Proxy
from workbench.engine.errors import BadInput
from workbench.tracking import artifacts, several_at_a_time
from workbench.tracking.artifacts import listing, read_text
from workbench.tracking.connection import Connection
from workbench.tracking.files_ahead import fetched_together, packs_named
from workbench.tracking.files_message import EVERY_PACK, Wanted
from workbench.tracking.location import Location
from workbench.tracking.read import SweepTables, load, sweeps
from workbench.tracking.several_at_a_time import REQUESTS_AT_A_TIME
from workbench.tracking.write import MlflowStore

LIMIT = 60  # seconds; who waits so long waits for nobody
DATABASE = "postgresql://lab/mlflow"
ROOT = "s3://lab/{}/artifacts"
FILES = ("plan.parquet", "sweep.json", "rule.json", "packs/a/runs.parquet")


def refusal(status: int, code: str = "") -> requests.HTTPError:
    answer = requests.Response()
    answer.status_code, answer._content = status, f'{{"error_code": "{code}"}}'.encode()
    return requests.HTTPError(f"{status}", response=answer)


class Place:
    """A place of artifacts: `asked` is what was asked of it, and by which thread; `act` says what becomes of a file."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.threads: set[str] = set()
        self.packs: list[str] = []
        self._counting = Lock()
        self.act: Callable[[str], None] = lambda _: None

    def download(self, root: str, path: str, target: Path, tracking_uri: str) -> None:
        del tracking_uri
        self._count(path)
        self.act(path)
        target.write_text(f"{root} {path}")

    def entries(self, _: Connection, address: str) -> list[SimpleNamespace]:
        """A listing, which is refused as a file of that name is."""
        path = address.partition("artifacts/")[2] or "a listing"
        self._count(path)
        self.act(path)
        return [SimpleNamespace(path=f"{path}/{pack}") for pack in self.packs]

    def _count(self, path: str) -> None:
        with self._counting:
            self.asked[path] += 1
            self.threads.add(threading.current_thread().name)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Place:
    """Where all artifacts of a test lie."""
    place = Place()
    monkeypatch.setattr(artifacts, "download_file", place.download)
    monkeypatch.setattr(artifacts, "entries", place.entries)
    return place


def connection_to(uri: str, file: Path | None = None) -> Connection:
    client: Any = None  # nothing else is asked
    return Connection(client, Location(uri, uri, file))


def run_at(root: str, run_id: str = "1") -> Run:
    return Run(RunInfo(run_id, "0", "me", "FINISHED", 0, 1, "active", root.format(run_id)), RunData())


def wanted(*files: str, root: str = ROOT) -> list[tuple[Run, Wanted]]:
    return [(run_at(root), Wanted("1", files or FILES))]


def test_as_many_files_are_under_way_as_a_server_is_asked_at_a_time(elsewhere: Place) -> None:
    together = Barrier(REQUESTS_AT_A_TIME, timeout=LIMIT)
    elsewhere.act = lambda _: together.wait() and None
    connection = connection_to(DATABASE)
    with fetched_together(connection, wanted()):
        for path in FILES:
            assert read_text(connection, ROOT.format(1), path) == f"{ROOT.format(1)} {path}"
    assert elsewhere.asked == dict.fromkeys(FILES, 1)
    assert connection.files_ahead == {}


def test_files_of_the_same_name_are_not_confused(elsewhere: Place) -> None:
    connection, runs = connection_to(DATABASE), [run_at(ROOT, str(number)) for number in range(3)]
    with fetched_together(connection, [(run, Wanted(run.info.run_id, ("plan.parquet",))) for run in runs]):
        for run in runs:
            root = run.info.artifact_uri
            assert read_text(connection, root, "plan.parquet") == f"{root} plan.parquet"
    assert elsewhere.asked == {"plan.parquet": 3}


def test_one_file_alone_is_left_to_its_reader(elsewhere: Place) -> None:
    connection = connection_to(DATABASE)
    with fetched_together(connection, wanted("plan.parquet")):
        assert not elsewhere.asked
        assert read_text(connection, ROOT.format(1), "plan.parquet")
    assert elsewhere.threads == {threading.current_thread().name}


def test_a_file_that_is_missing_is_asked_for_once(elsewhere: Place) -> None:
    def act(path: str) -> None:
        if path == "rule.json":
            raise refusal(404, "RESOURCE_DOES_NOT_EXIST")

    elsewhere.act, connection = act, connection_to(DATABASE)
    with fetched_together(connection, wanted()):
        assert read_text(connection, ROOT.format(1), "rule.json") is None
        assert read_text(connection, ROOT.format(1), "plan.parquet")
    assert elsewhere.asked == dict.fromkeys(FILES, 1)


def test_packs_are_listed_once_and_then_a_file_of_each_is_fetched(elsewhere: Place) -> None:
    elsewhere.packs, connection = ["b", "a"], connection_to(DATABASE)
    expected = {"plan.parquet": 1, "packs": 1, "packs/a/runs.parquet": 1, "packs/b/runs.parquet": 1}
    with fetched_together(connection, wanted("plan.parquet", f"{EVERY_PACK}runs.parquet")):
        assert elsewhere.asked == expected
        assert listing(connection, ROOT.format(1), "packs") == ["a", "b"]
        assert read_text(connection, ROOT.format(1), "packs/b/runs.parquet")
        with packs_named(connection, [run_at(ROOT)]):
            assert listing(connection, ROOT.format(1), "packs") == ["a", "b"]
    assert elsewhere.asked == expected
    assert connection.names_ahead == {}


def test_what_is_there_already_is_not_asked_for(elsewhere: Place) -> None:
    elsewhere.packs, connection = ["a", "b", "c"], connection_to(DATABASE)
    with (
        fetched_together(connection, wanted("plan.parquet", "packs/a/runs.parquet")),
        fetched_together(connection, wanted("plan.parquet", f"{EVERY_PACK}runs.parquet")),
    ):
        assert read_text(connection, ROOT.format(1), "packs/a/runs.parquet")
    assert set(elsewhere.asked.values()) == {1}
    assert elsewhere.asked.total() == 1 + 1 + 3  # the plan, the packs, and a table of each


def test_listings_of_several_sweeps_are_under_way_at_a_time(elsewhere: Place) -> None:
    together = Barrier(2, timeout=LIMIT)
    elsewhere.act, connection = lambda _: together.wait() and None, connection_to(DATABASE)
    with packs_named(connection, [run_at(ROOT, "1"), run_at(ROOT, "2"), run_at(ROOT, "1")]):
        assert set(connection.names_ahead) == {(ROOT.format(number), "packs") for number in (1, 2)}
    assert elsewhere.asked == {"packs": 2}


@pytest.mark.parametrize("status", [401, 403])
def test_who_reads_a_file_that_is_refused_hears_why_and_others_have_theirs(elsewhere: Place, status: int) -> None:
    together = Barrier(len(FILES), timeout=LIMIT)

    def act(path: str) -> None:
        if elsewhere.asked.total() <= len(FILES):
            together.wait()
        if path not in FILES[1:]:  # and what a listing of the same folder is answered
            raise refusal(status)

    elsewhere.act, connection = act, connection_to(DATABASE)
    with fetched_together(connection, wanted()):
        for path in FILES[1:]:
            assert read_text(connection, ROOT.format(1), path)
        with pytest.raises(requests.HTTPError, match=f"^{status}$"):
            read_text(connection, ROOT.format(1), "plan.parquet")
    assert elsewhere.asked == {**dict.fromkeys(FILES, 1), "plan.parquet": 2, "a listing": 2}


def test_after_an_error_nothing_more_is_asked_ahead(elsewhere: Place) -> None:
    def act(_: str) -> None:
        raise refusal(403)

    elsewhere.act, connection = act, connection_to(DATABASE)
    many = [f"packs/{number}/runs.parquet" for number in range(100)]
    with fetched_together(connection, wanted(*many)):
        assert sum(elsewhere.asked[path] for path in many) <= REQUESTS_AT_A_TIME


def test_ctrl_c_waits_for_no_request_and_nothing_more_is_asked(
    elsewhere: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Thread] = []

    class Interrupted(Thread):
        def start(self) -> None:
            begun.append(self)
            super().start()

        def join(self, _: float | None = None) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr(several_at_a_time, "Thread", Interrupted)
    go_on = Event()
    elsewhere.act, connection = lambda _: go_on.wait(LIMIT) and None, connection_to(DATABASE)
    many = [f"packs/{number}/runs.parquet" for number in range(100)]
    with pytest.raises(KeyboardInterrupt), fetched_together(connection, wanted(*many)):
        raise AssertionError("nobody reads")
    go_on.set()
    for thread in begun:
        Thread.join(thread)
    assert sum(elsewhere.asked[path] for path in many) <= REQUESTS_AT_A_TIME


@pytest.mark.parametrize("error", [refusal(500), requests.ConnectionError("gone"), requests.Timeout("silent")])
def test_a_server_that_does_not_answer_is_not_waited_for_twice(elsewhere: Place, error: Exception) -> None:
    """Who waits for it, and for how long, is said where the whole operation is repeated."""

    def act(_: str) -> None:
        raise error

    elsewhere.act, connection = act, connection_to(DATABASE)
    with pytest.raises(type(error)), fetched_together(connection, wanted()):
        raise AssertionError("nobody reads")
    assert max(elsewhere.asked[path] for path in FILES) == 1
    assert connection.files_ahead == {}


def test_what_a_database_that_is_a_file_cannot_reach_is_its_readers_damage(elsewhere: Place, tmp_path: Path) -> None:
    def act(_: str) -> None:
        raise requests.ConnectionError("gone")

    elsewhere.act, connection = act, connection_to("sqlite:///mlflow.db", tmp_path / "mlflow.db")
    with fetched_together(connection, wanted()), pytest.raises(artifacts.Broken, match=r"^plan.parquet .*\(gone\)$"):
        read_text(connection, ROOT.format(1), "plan.parquet")


def test_no_stranger_is_asked(elsewhere: Place, tmp_path: Path) -> None:
    stranger = "https://stranger/{}"
    connection = connection_to("sqlite:///mlflow.db", tmp_path / "mlflow.db")
    said = "a database that is a file names https://stranger/1 for artifacts; allowed: no web server"
    with fetched_together(connection, wanted(root=stranger)), pytest.raises(BadInput, match=said):
        read_text(connection, stranger.format(1), "plan.parquet")
    assert not elsewhere.asked


def test_files_of_this_machine_are_read_where_they_are(elsewhere: Place, tmp_path: Path) -> None:
    (tmp_path / "sweep.json").write_text("mine")
    root, connection = tmp_path.as_uri(), connection_to(DATABASE)
    with fetched_together(connection, wanted(root=root)), packs_named(connection, [run_at(root)]):
        assert read_text(connection, root, "sweep.json") == "mine"
        assert (connection.files_ahead, connection.names_ahead) == ({}, {})
    assert not elsewhere.asked


def recorded(proxy: Proxy, experiment: str, name: str, ends: bool = True) -> tuple[MlflowStore, list[str]]:
    """A sweep of two packs of one run, and its fingerprints."""
    store = MlflowStore(proxy.uri, experiment)
    cells = [cell(number, f"{name} {number}", pack=f"pack{number}") for number in range(2)]
    store.begin(sweep(cells, name=name))
    for number, one in enumerate(cells):
        store.record(result([trained(one)], f"pack{number}"))
    if ends:
        store.end("finished")
    return store, [one.fingerprint for one in cells]


def test_any_server_answers_the_same_as_if_it_were_asked_one_by_one(
    proxy: Proxy, experiment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [recorded(proxy, experiment, f"{experiment} {number}", ends=number < 2) for number in range(3)]
    every = [fingerprint for _, fingerprints in made for fingerprint in fingerprints]
    mine, asked = [store.run_id for store, _ in made], Counter[str]()
    proxy.fate = lambda _, path: (asked.update([path] * any(one in path for one in mine)), ANSWERED)[1]

    def answered() -> tuple[object, SweepTables, pandas.DataFrame, Counter[str]]:
        asked.clear()
        held = MlflowStore(proxy.uri, experiment).held(every)
        found, listed = load(f"{experiment} 0", proxy.uri), sweeps(proxy.uri)
        return held, found, listed[listed["run_id"].isin(mine)], Counter(asked)

    held, found, listed, requested = answered()
    monkeypatch.setattr(several_at_a_time, "REQUESTS_AT_A_TIME", 1)
    one_held, one_found, one_listed, one_requested = answered()
    assert set(every) == set(held := dict(held))  # type: ignore[call-overload]
    assert held == one_held
    pandas.testing.assert_frame_equal(listed, one_listed)
    pandas.testing.assert_frame_equal(found.runs, one_found.runs)
    pandas.testing.assert_frame_equal(found.epochs, one_found.epochs)
    assert requested == one_requested
    plans = [count for path, count in requested.items() if path.endswith("plan.parquet")]
    assert sorted(plans) == [2, 2, 3]  # what is held, the list, and one is read


def test_files_of_any_server_are_under_way_at_a_time(proxy: Proxy, experiment: str) -> None:
    recorded(proxy, experiment, experiment)
    together, waited = Barrier(2, timeout=LIMIT), iter(range(2))

    def fate(_: str, path: str) -> str:
        if path.endswith("s.parquet") and next(waited, None) is not None:
            together.wait()
        return ANSWERED

    proxy.fate = fate
    assert len(load(experiment, proxy.uri).epochs) > 0
    assert not together.broken
    assert next(waited, None) is None
