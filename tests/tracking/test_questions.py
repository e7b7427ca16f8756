"""A question about a store as a whole: what a message may ask, which files the answer needs, and what comes ahead of
those who need it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from mlflow.entities import Experiment, Run
from mlflow.store.entities import PagedList

from tests.tracking.cases import cell, result, sweep, trained
from workbench.tracking import server_files, server_questions
from workbench.tracking.connection import ACTIVE, DELETED, OF_RUNS, OF_SWEEPS, connect, experiments_of, parents, search
from workbench.tracking.files_ahead import Ahead, there
from workbench.tracking.files_message import Wanted, wanted_in
from workbench.tracking.pack_message import BadMessage
from workbench.tracking.questions import TABLES_OF_ALL, Question, files_of, message_of, question_in
from workbench.tracking.write import MlflowStore

MARK = "0123456789abcdef" * 2


def written(uri: str, name: str, fingerprint: str) -> str:
    """A sweep of one run, that has ended; its parent run."""
    store = MlflowStore(uri)
    store.begin(sweep([cell(0, fingerprint)], name=name, digest=fingerprint))
    store.record(result([trained(cell(0, fingerprint))]))
    store.end("finished")
    return store.run_id


@pytest.mark.parametrize(
    "question", [Question("tour", tables=True), Question("tour~1"), Question(held=frozenset("ab"))]
)
def test_a_question_is_understood_as_it_was_asked(question: Question) -> None:
    assert question_in(json.loads(message_of(question))) == question


@pytest.mark.parametrize(
    "change",
    [
        lambda asked: asked | {"version": 2},
        lambda asked: asked | {"question": None},
        lambda asked: asked | {"question": {"sweep": "tour"}},
        lambda asked: asked | {"question": asked["question"] | {"more": 1}},
        lambda asked: asked | {"question": asked["question"] | {"sweep": 1}},
        lambda asked: asked | {"question": asked["question"] | {"sweep": "x" * 8001}},
        lambda asked: asked | {"question": asked["question"] | {"tables": 1}},
        lambda asked: asked | {"question": asked["question"] | {"held": "all"}},
        lambda asked: asked | {"question": asked["question"] | {"held": [1]}},
    ],
)
def test_any_other_question_is_refused_in_one_line(
    change: Callable[[dict[str, dict[str, object]]], dict[str, object]],
) -> None:
    with pytest.raises(BadMessage, match=r"^question[^\n]*: allowed: [^\n]*$"):
        question_in(change(json.loads(message_of(Question("tour")))))


def test_a_message_that_names_runs_is_no_question() -> None:
    assert question_in({"version": 1, "runs": []}) is None
    for nonsense in (None, [], "question"):
        assert question_in(nonsense) is None
        with pytest.raises(BadMessage):
            wanted_in(nonsense)


def test_the_files_of_an_answer_are_those_that_the_question_needs(uri: str) -> None:
    first, second, other = (written(uri, name, mark) for name, mark in (("a", "1"), ("a", "2"), ("b", "3")))
    everything = parents(connect(uri))

    def needed(question: Question) -> Mapping[str, tuple[str, ...]]:
        return {one.run_id: one.files for _, one in files_of(question, everything)}

    assert needed(Question("a", tables=True)) == {second: ("plan.parquet", "sweep.json", *TABLES_OF_ALL)}
    assert needed(Question("a~1")) == {first: ("plan.parquet", "sweep.json")}
    assert needed(Question("a~2")) == needed(Question("c")) == needed(Question()) == {}
    assert needed(Question(held=frozenset("23"))) == {second: ("plan.parquet",), other: ("plan.parquet",)}


@pytest.mark.parametrize(("packs", "sent"), [(20, True), (21, False)])
def test_tables_come_along_with_a_question_where_there_are_few(
    packs: int, sent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_files, "server_artifact_names", lambda folder: [folder] * packs)
    wanted = Wanted(MARK, ("plan.parquet", *TABLES_OF_ALL), packs=True)
    found = server_files.without_tables_of_many(wanted, "3/run/artifacts", 20)
    assert found == (wanted if sent else Wanted(MARK, ("plan.parquet",), packs=True))
    assert server_files.without_tables_of_many(found, "3/run/artifacts", 20) == found


def answers(uri: str, more: bool) -> Callable[[str, bytes], tuple[int, str]]:
    """What MLflow's server says of a store's experiments and runs, with more of them to come or not."""
    client = connect(uri).client
    token = {"next_page_token": "more"} if more else {}

    def answer(path: str, body: bytes) -> tuple[int, str]:
        from mlflow.utils.proto_json_utils import message_to_json

        asked = json.loads(body)
        if "experiments" in path:
            found = {
                "experiments": [json.loads(message_to_json(one.to_proto())) for one in client.search_experiments()]
            }
            return 200, json.dumps(found)
        assert asked["experiment_ids"] == [one.experiment_id for one in client.search_experiments()]
        view = {"ACTIVE_ONLY": 1, "DELETED_ONLY": 2}[asked["run_view_type"]]
        runs = client.search_runs(asked["experiment_ids"], asked["filter"], view)
        return 200, json.dumps({"runs": [json.loads(message_to_json(one.to_proto())) for one in runs], **token})

    return answer


def test_a_server_asks_for_what_the_sender_would_ask_and_leaves_out_what_may_not_be_read(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, secret = written(uri, "a", "1"), written(uri, "b", "2")
    monkeypatch.setattr(server_questions, "server_answer", answers(uri, more=False))
    question = Question(held=frozenset("12"))
    said, files = server_questions.answers_to(question, lambda run_id: run_id != secret)
    assert [(one["conditions"], one["view"]) for one in said] == [
        (None, ACTIVE), (OF_SWEEPS, ACTIVE), (OF_RUNS, DELETED),
    ]  # fmt: skip
    assert [one.run_id for one in files] == [mine]
    monkeypatch.setattr(server_questions, "server_answer", answers(uri, more=True))
    assert (
        server_questions.answers_to(question, lambda _: True)[1] == []
    )  # of more than a page not all sweeps are known
    monkeypatch.setattr(server_questions, "server_answer", lambda _path, _body: (403, '{"message": "no"}'))
    with pytest.raises(server_questions.NotAnswered) as refused:
        server_questions.answers_to(question, lambda _: True)
    assert (refused.value.status, refused.value.text) == (403, '{"message": "no"}')


def test_what_comes_ahead_is_there_once_and_as_long_as_it_is_needed(uri: str) -> None:
    connection = connect(uri)
    outer = Ahead({("root", "a"): Path("a")}, {}, {("root", "packs/*/x")})
    inner = Ahead(
        {("root", "a"): Path("other"), ("root", "b"): None}, {("root", "packs"): ["p"]}, {("root", "packs/*/x")}
    )
    with there(connection, outer):
        with there(connection, inner):
            assert connection.files_ahead == {("root", "a"): Path("a"), ("root", "b"): None}
            assert connection.names_ahead == {("root", "packs"): ["p"]}
        assert (connection.files_ahead, connection.names_ahead) == (outer.files, {})
        assert connection.asked_ahead == outer.asked
    assert not any((connection.files_ahead, connection.names_ahead, connection.asked_ahead, connection.runs_ahead))


def test_the_first_page_comes_ahead_and_the_others_are_asked_for(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = written(uri, "a", "1"), written(uri, "b", "2")
    connection = connect(uri)
    runs = {run.info.run_id: run for run in parents(connection)}
    asked: list[object] = []

    def page(*_: object, page_token: str | None, **__: object) -> PagedList[Run]:
        asked.append(page_token)
        return PagedList([runs[second]], None)

    monkeypatch.setattr(connection.client, "search_runs", page)
    key = (OF_SWEEPS, ACTIVE, ("7",))
    with there(connection, Ahead(runs={key: PagedList([runs[first]], "next")})):
        assert [run.info.run_id for run in search(connection, OF_SWEEPS, experiments=["7"])] == [first, second]
        assert asked == ["next"]
        search(connection, OF_SWEEPS, experiments=["8"])  # another search
    assert asked == ["next", None]


def test_experiments_that_come_ahead_are_not_asked_for(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = connect(uri)
    connection.opened_with.append(["of before"])
    monkeypatch.setattr(connection.client, "search_experiments", lambda **_: pytest.fail("asked"))
    one = Experiment("9", "nine", "", "active")
    with there(connection, Ahead(experiments=[PagedList([one], None)])):
        assert experiments_of(connection) == ["9"]
    assert experiments_of(connection) == ["of before"]
