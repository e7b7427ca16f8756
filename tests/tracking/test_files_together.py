"""What a server is asked to know which runs are held, and to read a sweep: few requests, however many packs there are;
and the files of several runs in one answer, where a server sends them so.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from http.client import HTTPConnection
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_LZMA, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import pandas
import pytest
from mlflow import MlflowClient

from tests.tracking.cases import cell, result, sweep, trained
from tests.tracking.server import ANSWERED, Proxy, needs_installation
from workbench.engine.errors import BadInput
from workbench.tracking import asking, files_ahead, server_files
from workbench.tracking.files_message import (
    FILES_PATH,
    LIST_OF_CONTENTS,
    MOST_FILES_ASKED,
    MOST_RUNS_ASKED,
    MOST_UNPACKED,
    Wanted,
    message_for,
    wanted_in,
)
from workbench.tracking.pack_message import PACKS_PATH, SENT_BYTES, BadMessage
from workbench.tracking.read import SweepTables, load
from workbench.tracking.write import MlflowStore

EXPERIMENTS, RUNS = "POST /api/2.0/mlflow/experiments/search", "POST /api/2.0/mlflow/runs/search"
TOGETHER = f"POST {FILES_PATH}"
MARK = "0123456789abcdef" * 2
PACKS = 3


@pytest.fixture
def asked(proxy: Proxy) -> Counter[str]:
    """How often each request was made: of artifacts by what is done, else by the address."""
    found: Counter[str] = Counter()

    def fate(method: str, path: str) -> str:
        plain, _, question = path.partition("?")
        if "mlflow-artifacts/artifacts" in plain:
            plain = "a listing" if question else plain.rpartition("/")[2]
        found[f"{method} {plain}"] += 1
        return ANSWERED

    proxy.fate = fate
    return found


@pytest.fixture
def together(proxy: Proxy) -> None:
    """The server sends files together."""
    needs_installation()
    proxy.packs = True


def recorded(proxy: Proxy, experiment: str, name: str = "", digest: str = "d1") -> tuple[MlflowStore, list[str]]:
    """A sweep of PACKS packs of two runs, that has ended, and its fingerprints."""
    name = name or experiment
    store = MlflowStore(proxy.uri, experiment)
    cells = [cell(number, f"{name} {number}", pack=f"pack{number // 2}") for number in range(2 * PACKS)]
    store.begin(sweep(cells, name=name, digest=digest))
    for number in range(PACKS):
        store.record(result([trained(one) for one in cells[2 * number : 2 * number + 2]], f"pack{number}"))
    store.end("finished")
    return store, [one.fingerprint for one in cells]


def folder_of(served: Path, store: MlflowStore) -> Path:
    """Where the server keeps the artifacts of a sweep."""
    (plan,) = (file for file in served.rglob("plan.parquet") if store.run_id in file.parts)
    return plan.parent


def same(one: SweepTables, other: SweepTables) -> None:
    assert one.facts == other.facts
    pandas.testing.assert_frame_equal(one.runs, other.runs)
    pandas.testing.assert_frame_equal(one.epochs, other.epochs)
    pandas.testing.assert_frame_equal(one.layers, other.layers)


def test_to_open_a_store_is_one_request(proxy: Proxy, experiment: str, asked: Counter[str]) -> None:
    MlflowStore(proxy.uri, experiment)
    asked.clear()
    MlflowStore(proxy.uri, experiment)
    assert asked == {EXPERIMENTS: 1}


@pytest.mark.usefixtures("together")
def test_what_is_held_is_asked_of_all_sweeps_together(proxy: Proxy, experiment: str, asked: Counter[str]) -> None:
    sweeps = [recorded(proxy, experiment, f"{experiment} {number}") for number in range(3)]
    wanted = [fingerprint for _, fingerprints in sweeps for fingerprint in fingerprints]
    asked.clear()
    assert len(MlflowStore(proxy.uri, experiment).held(wanted)) == 3 * 2 * PACKS
    # The experiments, to open it; then at once all: these, the sweeps, the runs that somebody deleted, and the plans.
    assert asked == {EXPERIMENTS: 1, TOGETHER: 1}


@pytest.mark.usefixtures("together")
def test_a_run_that_somebody_deleted_is_not_held(proxy: Proxy, experiment: str, asked: Counter[str]) -> None:
    _, fingerprints = recorded(proxy, experiment)
    store = MlflowStore(proxy.uri, experiment)
    MlflowClient(proxy.uri).delete_run(store.held(fingerprints)[fingerprints[0]].run_id)
    asked.clear()
    assert set(store.held(fingerprints)) == set(fingerprints[1:])
    assert asked == {TOGETHER: 1}


@pytest.mark.usefixtures("together")
@pytest.mark.parametrize("which", ["", "~1"])
def test_a_sweep_is_read_by_one_request(proxy: Proxy, experiment: str, asked: Counter[str], which: str) -> None:
    recorded(proxy, experiment, digest="d1")
    recorded(proxy, experiment, digest="d2")
    asked.clear()
    found = load(experiment + which, proxy.uri)
    assert asked == {TOGETHER: 1}
    assert found.facts["digest"] == ("d1" if which else "d2")
    assert len(found.runs) == 2 * PACKS
    proxy.packs = False
    same(load(experiment + which, proxy.uri), found)


@pytest.mark.usefixtures("together")
def test_what_is_reused_from_another_sweep_is_read_by_one_request_more(
    proxy: Proxy, experiment: str, asked: Counter[str]
) -> None:
    _, fingerprints = recorded(proxy, experiment)
    other = MlflowStore(proxy.uri, experiment)
    held = other.held(fingerprints)
    other.begin(sweep([cell(0, fingerprints[0], origin=held[fingerprints[0]].run_id)], name=f"{experiment} other"))
    other.end("finished")
    asked.clear()
    assert len(load(f"{experiment} other", proxy.uri).epochs) > 0
    assert asked == {TOGETHER: 2}


@pytest.mark.usefixtures("together")
def test_a_sweep_that_is_not_there_is_said_after_one_request(
    proxy: Proxy, experiment: str, asked: Counter[str]
) -> None:
    with pytest.raises(BadInput, match=r"^sweep: http://\S+ holds none called "):
        load(experiment, proxy.uri)
    assert asked == {TOGETHER: 1}


@pytest.mark.usefixtures("together")
def test_a_server_that_refuses_a_question_is_asked_step_by_step(
    proxy: Proxy, experiment: str, asked: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, fingerprints = recorded(proxy, experiment)
    monkeypatch.setattr(asking, "message_of", lambda _: b'{"version": 1, "question": null}')
    asked.clear()
    assert len(load(experiment, proxy.uri).runs) == len(fingerprints)
    assert asked == {EXPERIMENTS: 1, RUNS: 1, TOGETHER: 3}  # the question, which it refuses; the plan; the tables
    asked.clear()
    store = MlflowStore(proxy.uri, experiment)
    for _ in range(2):
        assert set(store.held(fingerprints)) == set(fingerprints)
    assert asked == {EXPERIMENTS: 2, RUNS: 4, TOGETHER: 3}


def test_any_server_is_asked_once_whether_it_does_more_than_mlflow(
    proxy: Proxy, experiment: str, asked: Counter[str]
) -> None:
    store = MlflowStore(proxy.uri, experiment)
    cells = [cell(0, experiment)]
    for _ in range(2):
        assert store.earlier(experiment) is None
        assert store.held([experiment]) == {}
    store.begin(sweep(cells, name=experiment))
    store.record(result([trained(cells[0])]))
    store.end("finished")
    assert (asked[TOGETHER], asked[f"GET {PACKS_PATH}"], asked[f"PUT {FILES_PATH}"]) == (1, 0, 0)


@pytest.mark.usefixtures("together")
def test_a_question_of_too_many_runs_is_asked_step_by_step(
    proxy: Proxy, experiment: str, asked: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, fingerprints = recorded(proxy, experiment)
    monkeypatch.setattr(asking, "SENT_BYTES", 200)
    asked.clear()
    assert set(MlflowStore(proxy.uri, experiment).held(fingerprints)) == set(fingerprints)
    assert asked == {EXPERIMENTS: 1, RUNS: 2, TOGETHER: 1}


@pytest.mark.usefixtures("together")
def test_a_sweep_goes_on_by_few_requests(proxy: Proxy, experiment: str, asked: Counter[str]) -> None:
    store, _ = recorded(proxy, experiment)
    again = MlflowStore(proxy.uri, experiment)
    asked.clear()
    again.begin(store._sweep)
    reading = {EXPERIMENTS: 0, RUNS: 2, TOGETHER: 1, "GET /api/2.0/mlflow/runs/get": 1}  # the last by MLflow's update
    assert {request: asked[request] for request in reading} == reading
    asked.clear()
    assert again.verified().missing == set()
    assert asked == {TOGETHER: 1, "GET a listing": 1}
    asked.clear()
    assert again.earlier(experiment) is not None
    assert asked == {TOGETHER: 1}
    again.end("finished")


def test_any_server_is_asked_for_a_plan_and_a_listing_of_a_sweep(proxy: Proxy, experiment: str) -> None:
    store, fingerprints = recorded(proxy, experiment)
    asked: list[str] = []  # of this sweep: others of the server may be running
    proxy.fate = lambda _, path: (asked.append(path) if store.run_id in path else None, ANSWERED)[1]
    assert set(MlflowStore(proxy.uri, experiment).held(fingerprints)) == set(fingerprints)
    assert [path.rpartition("/")[2].rpartition("%2F")[2] for path in asked] == ["plan.parquet", "packs"]


def test_no_server_is_asked_more_for_sweeps_that_run_or_were_killed_and_ask_for_other_runs(
    proxy: Proxy, experiment: str, asked: Counter[str]
) -> None:
    _, fingerprints = recorded(proxy, experiment)
    store = MlflowStore(proxy.uri, experiment)
    store.held(fingerprints)  # whether it does more than MLflow
    asked.clear()
    assert set(store.held(fingerprints)) == set(fingerprints)
    before = dict(asked)
    for number in range(3):
        other = MlflowStore(proxy.uri, experiment)
        name = f"{experiment} killed {number}"
        other.begin(sweep([cell(0, name), cell(1, f"{name} 1")], name=name))
        other.record(result([trained(cell(0, name))]))
    asked.clear()
    assert set(store.held(fingerprints)) == set(fingerprints)
    assert asked == before
    assert set(store.held([name, f"{name} 1"])) == {name}


def test_any_server_is_asked_for_each_file_once(proxy: Proxy, experiment: str, asked: Counter[str]) -> None:
    recorded(proxy, experiment)
    asked.clear()
    load(experiment, proxy.uri)
    del asked["GET /api/3.0/mlflow/server-info"]
    files = dict.fromkeys(("epochs.parquet", "layers.parquet", "tables.parquet"), PACKS)
    assert asked == {
        EXPERIMENTS: 1, RUNS: 1, TOGETHER: 1, "GET plan.parquet": 1, "GET sweep.json": 1,
        **{f"GET {name}": count for name, count in files.items()},
    }  # fmt: skip


@pytest.mark.parametrize("packs", [False, True], ids=["one by one", "together"])
def test_a_pack_that_is_gone_is_missing_and_not_held(
    proxy: Proxy, experiment: str, served: Path, asked: Counter[str], packs: bool
) -> None:
    if packs:
        needs_installation()
    proxy.packs = packs
    store, fingerprints = recorded(proxy, experiment)
    shutil.rmtree(folder_of(served, store) / "packs" / "pack1")
    assert set(MlflowStore(proxy.uri, experiment).held(fingerprints)) == {*fingerprints[:2], *fingerprints[4:]}
    asked.clear()
    missing = load(experiment, proxy.uri).facts["missing"]
    assert missing.count("/packs/pack1/") == 2
    assert missing.count("parquet") == 2
    if packs:
        assert asked == {TOGETHER: 2}  # the tables that the plan names and nobody listed; then no more of them


@pytest.mark.usefixtures("together")
def test_a_file_that_is_gone_is_seen_where_files_are_sent_together(proxy: Proxy, experiment: str, served: Path) -> None:
    store, fingerprints = recorded(proxy, experiment)
    (folder_of(served, store) / "packs" / "pack1" / "layers.parquet").unlink()
    assert set(MlflowStore(proxy.uri, experiment).held(fingerprints)) == {*fingerprints[:2], *fingerprints[4:]}


@pytest.mark.usefixtures("together")
def test_runs_that_are_recorded_by_one_who_was_killed_are_found_together(
    proxy: Proxy, experiment: str, asked: Counter[str]
) -> None:
    store = MlflowStore(proxy.uri, experiment)
    cells = [cell(number, f"{experiment} {number}") for number in range(2)]
    store.begin(sweep(cells, name=experiment))
    store.record(result([trained(cells[0])], "first"))
    asked.clear()
    assert set(MlflowStore(proxy.uri, experiment).held([one.fingerprint for one in cells])) == {f"{experiment} 0"}
    assert list(load(experiment, proxy.uri).runs["outcome"]) == ["finished", "pending"]
    assert not [request for request in asked if request.startswith("GET")]
    store.end("interrupted")


def post(port: int, body: bytes, method: str = "POST", path: str = FILES_PATH) -> tuple[int, bytes]:
    kind = {"POST": "application/json", "PUT": "application/zip"}[method]
    with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request(method, path, body, {"Content-Type": kind})
        answer = connection.getresponse()
        return answer.status, answer.read()


def put(port: int, run_id: str, body: bytes) -> tuple[int, bytes]:
    return post(port, body, "PUT", f"{FILES_PATH}?run_id={run_id}")


def packed(files: Mapping[str, bytes], how: int = ZIP_DEFLATED) -> bytes:
    """A zip that is the same whenever it is made: tests are named by it, in every worker."""
    content = BytesIO()
    with ZipFile(content, "w", how) as archive:
        for path, text in files.items():
            archive.writestr(ZipInfo(path), text, how)
    return content.getvalue()


@pytest.mark.usefixtures("together")
def test_files_are_sent_as_they_are_and_what_is_missing_is_said(
    proxy: Proxy, experiment: str, port: int, served: Path
) -> None:
    store, _ = recorded(proxy, experiment)
    files = ("plan.parquet", "rule.json", "packs/*/epochs.parquet", "packs/none/runs.parquet")
    status, content = post(port, message_for([Wanted(store.run_id, files, packs=True)]))
    assert status == 200
    with ZipFile(BytesIO(content)) as answer:
        *sent, last = answer.namelist()
        assert last == LIST_OF_CONTENTS
        there = ["plan.parquet", *(f"packs/pack{number}/epochs.parquet" for number in range(PACKS))]
        assert sent == [f"{store.run_id}/{path}" for path in there]
        for path in there:
            assert answer.read(f"{store.run_id}/{path}") == (folder_of(served, store) / path).read_bytes()
        index = json.loads(answer.read(LIST_OF_CONTENTS))
    assert index["missing"] == [f"{store.run_id}/{path}" for path in ("rule.json", "packs/none/runs.parquet")]
    names = ["epochs.parquet", "layers.parquet", "runs.parquet"]
    assert index["packs"] == {store.run_id: {f"pack{number}": names for number in range(PACKS)}}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda asked: asked | {"version": 2}, "the message: found no JSON object of version 1"),
        (lambda asked: asked | {"runs": []}, "runs: allowed: a list of 1 to 100"),
        (lambda asked: asked | {"runs": asked["runs"] * (MOST_RUNS_ASKED + 1)}, "runs: allowed: a list of 1 to 100"),
        (lambda asked: asked | {"runs": [{"run_id": MARK}]}, "runs[0]: allowed: an object of run_id, files and packs"),
        (lambda asked: asked | {"runs": [asked["runs"][0] | {"run_id": "../x"}]}, "runs[0].run_id: found '../x'"),
        (lambda asked: asked | {"runs": [asked["runs"][0] | {"packs": 1}]}, "runs[0]: allowed: a list of files"),
        (
            lambda asked: asked | {"runs": [asked["runs"][0] | {"files": ["plan.parquet"] * (MOST_FILES_ASKED + 1)}]},
            f"files: found {MOST_FILES_ASKED + 1} of them",
        ),
    ],
)
def test_a_message_that_asks_for_anything_else_is_refused(
    change: Callable[[dict[str, list[dict[str, object]]]], object], said: str
) -> None:
    asked = json.loads(message_for([Wanted(MARK, ("plan.parquet",))]))
    assert wanted_in(asked) == [Wanted(MARK, ("plan.parquet",))]
    with pytest.raises(BadMessage) as caught:
        wanted_in(change(asked))
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    "path",
    [
        "", "/etc/passwd", "../plan.parquet", "packs/../plan.parquet", "packs/../runs.parquet", "packs/./runs.parquet",
        "packs/a/b/runs.parquet", "packs/a\\b/runs.parquet", "packs/a/models.parquet", "report/a/b.json",
        "report/a.html", "report/../sweep.json", "report/\x00.json", "model/MLmodel", "plan.parquet\n", "*",
        "packs/**/runs.parquet",
    ],
)  # fmt: skip
def test_only_the_files_that_a_sweep_consists_of_are_sent(path: str) -> None:
    with pytest.raises(BadMessage, match=r"^runs\[0\]\.files: found [^\n]*; allowed: the files that a sweep consists"):
        wanted_in(json.loads(message_for([Wanted(MARK, (path,))])))


@pytest.mark.usefixtures("together")
def test_the_question_and_its_rules_are_sent_together(proxy: Proxy, experiment: str, asked: Counter[str]) -> None:
    store = MlflowStore(proxy.uri, experiment)
    asked.clear()
    store.begin(sweep([cell(0, experiment)], name=experiment, rules='{"rule": 1}'))
    assert (asked[f"PUT {FILES_PATH}"], asked["PUT sweep.json"], asked["PUT rule.json"]) == (1, 0, 0)
    assert load(experiment, proxy.uri).facts["rules"] == '{"rule": 1}'
    store.end("interrupted")


@pytest.mark.usefixtures("together")
def test_a_run_that_is_not_there_and_nonsense_are_refused_in_one_line(proxy: Proxy, port: int) -> None:
    del proxy
    for body, expected in ((message_for([Wanted(MARK, ())]), 404), (b"", 400), (b"[1]", 400), (b"\xff{", 400)):
        status, content = post(port, body)
        assert status == expected
        assert "\n" not in json.loads(content)["message"]


@pytest.mark.usefixtures("together")
def test_artifacts_that_an_experiment_has_elsewhere_are_not_sent_together(
    proxy: Proxy, experiment: str, port: int, asked: Counter[str]
) -> None:
    """An experiment's maker names the place, which may be that of an experiment that others may not read."""
    client = MlflowClient(proxy.uri)
    other = client.create_experiment(f"{experiment} other")
    client.create_experiment(experiment, f"mlflow-artifacts:/{other}")
    store, fingerprints = recorded(proxy, experiment)
    status, content = post(port, message_for([Wanted(store.run_id, ("plan.parquet",))]))
    assert status == 400
    assert "do not lie where MLflow puts them" in json.loads(content)["message"]
    asked.clear()
    assert len(load(experiment, proxy.uri).runs) == len(fingerprints)  # one by one
    assert (asked["GET plan.parquet"], asked[TOGETHER]) == (1, 2)  # with the question, and by name


def garbage(target: Path) -> None:
    target.write_bytes(b"<html>a proxy's page</html>")


def cut_off(target: Path) -> None:
    with ZipFile(target, "w") as answer:
        answer.writestr(f"{MARK}/plan.parquet", b"no index")


@pytest.mark.usefixtures("together")
@pytest.mark.parametrize("answer", [garbage, cut_off])
def test_an_answer_that_is_none_is_as_if_there_was_none(
    proxy: Proxy, experiment: str, monkeypatch: pytest.MonkeyPatch, answer: Callable[[Path], None]
) -> None:
    _, fingerprints = recorded(proxy, experiment)
    monkeypatch.setattr(files_ahead, "save_answer", lambda _client, _path, _body, target: answer(target) or 200)
    assert len(load(experiment, proxy.uri).runs) == len(fingerprints)


def test_no_name_in_an_answer_leads_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    with ZipFile(tmp_path / "answer", "w") as answer:
        for name in ("plan.parquet", "../../plan.parquet", "packs/../../../x/runs.parquet", "/plan.parquet"):
            answer.writestr(f"{MARK}/{name}", name)
        answer.writestr("../outside", "of no run")
        answer.writestr(LIST_OF_CONTENTS, json.dumps({"missing": [], "packs": {}}))
    found = files_ahead._unpacked(tmp_path / "answer", {MARK: "root"}, tmp_path / "scratch")
    ((place, file),) = found.files.items()
    assert (place, file and file.read_text()) == (("root", "plan.parquet"), "plan.parquet")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["0", "answer", "scratch"]


def test_a_file_that_cannot_be_read_is_not_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(path: str, copy: Path) -> None:
        if path.endswith("plan.parquet"):
            raise OSError("the place does not answer")
        copy.write_bytes(b"{}")

    def listed(_: str) -> Sequence[str]:
        return ["plan.parquet", "sweep.json"]

    monkeypatch.setattr(server_files, "_PART", 1)  # byte: files come in several parts
    monkeypatch.setattr(server_files, "copy_server_artifact", unreadable)
    monkeypatch.setattr(server_files, "server_artifact_names", listed)
    wanted = Wanted(MARK, ("plan.parquet", "sweep.json"))
    with ZipFile(BytesIO(b"".join(server_files.zipped([wanted], ["place"])))) as answer:
        assert answer.namelist() == [f"{MARK}/sweep.json", LIST_OF_CONTENTS]
        assert json.loads(answer.read(LIST_OF_CONTENTS))["missing"] == []
        assert answer.read(f"{MARK}/sweep.json") == b"{}"
    with pytest.raises(BadZipFile):  # half of an answer is none
        ZipFile(BytesIO(next(server_files.zipped([wanted], ["place"]))))


@pytest.mark.parametrize("packs", [False, True], ids=["one by one", "together"])
def test_a_page_is_sent_in_few_messages(
    proxy: Proxy, experiment: str, tmp_path: Path, served: Path, asked: Counter[str], packs: bool
) -> None:
    if packs:
        needs_installation()
    proxy.packs = packs
    store, _ = recorded(proxy, experiment)
    figures = tmp_path / "page" / "a page, é"
    figures.mkdir(parents=True)
    for number in range(30):
        (figures / f"figure {number}.svg").write_text(f"<svg>{number}</svg>" * 1000)
    large = tmp_path / "page.html"
    large.write_bytes(bytes(SENT_BYTES))
    asked.clear()
    store.attach([large, tmp_path / "page"])
    there = folder_of(served, store) / "report"
    sent = {str(file.relative_to(tmp_path)): file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    assert len(sent) == 31
    assert {str(file.relative_to(there)): file.read_bytes() for file in there.rglob("*") if file.is_file()} == sent
    assert asked[f"PUT {FILES_PATH}"] == packs  # the figures
    assert asked["PUT page.html"] == 1
    assert asked.total() == (2 if packs else 31)


@pytest.mark.usefixtures("together")
@pytest.mark.parametrize(
    "body",
    [
        b"", b"no zip", packed({}), packed({"report/a.svg": b"1"})[:-9], packed({"report/a.svg": b"1"}, ZIP_LZMA),
        packed({"plan.parquet": b"", "report/../../x": b"1"}), packed({"/x": b"1"}), packed({"report/a//b": b"1"}),
        packed({"packs/*/runs.parquet": b"1"}), packed({"report/./b": b"1"}), packed({"model/MLmodel": b"1"}),
        packed({"report/a\n.svg": b"1"}), packed({f"report/{number}": b"" for number in range(MOST_FILES_ASKED + 1)}),
        packed({"report/bomb": bytes(MOST_UNPACKED + 1)}),
        packed({"report/a.svg": b"whole", "report/b.svg": b"torn"}, ZIP_STORED).replace(b"torn", b"tORN", 1),
    ],
    ids=lambda body: body[-60:].hex()[:20] or "nothing",
)  # fmt: skip
def test_files_that_are_refused_leave_none_behind(
    proxy: Proxy, experiment: str, port: int, served: Path, body: bytes
) -> None:
    store, _ = recorded(proxy, experiment)
    folder = folder_of(served, store)
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    status, content = put(port, store.run_id, body)
    assert (status, json.loads(content)["message"][:19]) == (400, "the message: found ")
    assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before
    assert put(port, MARK, packed({"report/a.svg": b"1"}))[0] == 404
