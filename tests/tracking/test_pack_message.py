"""A message of runs: what is written is understood as it was, and what is not allowed is refused in one line."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from workbench.tracking import pack_message
from workbench.tracking.bulk import NewRun, Point, new_run_ids
from workbench.tracking.names import is_key, key
from workbench.tracking.pack_message import BadMessage, messages, understood

STRANGE = NewRun(
    "é <b>", "FAILED", 1, 2, {"mlflow.parentRunId": "p" * 32, "empty": ""}, {"seed": "x" * 6000},
    [Point("up", math.inf, 5, 0), Point("down", -math.inf, 5, -1), Point("n", math.nan, 5, 2), Point("b/c", 0.1, 5, 3)],
    ("digits", "94ab"),
)  # fmt: skip
PLAIN = NewRun("n", "FINISHED", 1, 2, {}, {}, [])
JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner, max_size=3),
    max_leaves=6,
)


def parsed(run: NewRun = STRANGE) -> dict[str, Any]:
    ((_, message),) = messages("3", {"0" * 32: run})
    found: dict[str, Any] = json.loads(message)
    return found


def test_what_is_written_is_understood_as_it_was() -> None:
    runs = dict(zip(new_run_ids(2), (STRANGE, PLAIN), strict=True))
    ((marks, message),) = messages("3", runs)
    assert marks == list(runs)
    experiment, found = understood(json.loads(message, parse_constant=pytest.fail))
    assert experiment == "3"
    assert repr(found) == repr(runs)  # NaN equals nothing


def test_many_runs_are_as_few_messages_as_their_size_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack_message, "SENT_BYTES", 20_000)
    runs = dict.fromkeys(new_run_ids(7), STRANGE)  # each takes more than 6,000 bytes
    sent = list(messages("3", runs))
    assert [len(marks) for marks, _ in sent] == [3, 3, 1]
    assert [mark for marks, _ in sent for mark in understood_ids(marks, sent)] == list(runs)
    monkeypatch.setattr(pack_message, "SENT_BYTES", 10)
    assert len(list(messages("3", runs))) == 7  # a run is never cut
    assert list(messages("3", {})) == []


def understood_ids(marks: list[str], sent: list[tuple[list[str], bytes]]) -> list[str]:
    (message,) = (content for ids, content in sent if ids is marks)
    return list(understood(json.loads(message))[1])


def set_in(**fields: object) -> Callable[[dict[str, Any]], None]:
    return lambda message: message["runs"][0].update(fields)


def point(*values: object) -> Callable[[dict[str, Any]], None]:
    return set_in(metrics=[list(values)])


REFUSED: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "version": (lambda m: m.update(version=2), r"version: found 2; allowed: 1"),
    "true is no version": (lambda m: m.update(version=True), r"version: found True"),
    "experiment": (lambda m: m.update(experiment_id=3), r"experiment_id: found 3; allowed: the number .*as text"),
    "path as experiment": (lambda m: m.update(experiment_id="../3"), r"experiment_id: found '\.\./3'"),
    "no runs": (lambda m: m.update(runs=[]), r"runs: found 0 of them; allowed: a list of 1 to 5,000"),
    "runs as object": (lambda m: m.update(runs={}), r"runs: found \{\}"),
    "too many runs": (lambda m: m.update(runs=m["runs"] * 5001), r"runs: found 5001 of them"),
    "twice": (lambda m: m.update(runs=m["runs"] * 2), r"runs\[1\]\.run_id: found 0{32} a second time"),
    "no run": (lambda m: m.update(runs=[1]), r"runs\[0\]: found 1; allowed: run_id, name"),
    "field missing": (lambda m: m["runs"][0].pop("status"), r"runs\[0\]: found .*; allowed: run_id, name"),
    "field unknown": (set_in(artifact_uri="/etc"), r"runs\[0\]: found .*artifact_uri"),
    "run id": (set_in(run_id="../" + "0" * 29), r"runs\[0\]\.run_id: .*; allowed: 32 digits"),
    "more than a run id": (set_in(run_id="0" * 32 + "/../x"), r"runs\[0\]\.run_id: .*; allowed: 32 digits"),
    "name too long": (set_in(name="n" * 251), r"name: found 251 characters; allowed: a text of 1 to 250"),
    "no name": (set_in(name=""), r"name: found 0 characters"),
    "running": (set_in(status="RUNNING"), r"status: found 'RUNNING'; allowed: FINISHED, FAILED"),
    "time as text": (set_in(start_time="1"), r"start_time: found '1'; allowed: a whole number"),
    "time as fraction": (set_in(end_time=1.5), r"end_time: found 1.5"),
    "time before 1970": (set_in(start_time=-1), r"start_time: found -1"),
    "time no database keeps": (set_in(end_time=2**63), r"end_time: found 9223372036854775808"),
    "tags": (set_in(tags=[]), r"tags: found \[\]; allowed: an object of texts"),
    "tag as number": (set_in(tags={"a": 1}), r"tags 'a': found 1; allowed: a text of 0 to 8,000"),
    "tag too long": (set_in(tags={"a": "x" * 8001}), r"tags 'a': found 8,001 characters"),
    "key": (set_in(tags={"a/../b": "1"}), r"tags: found the key 'a/\.\./b'; allowed: what MLflow allows"),
    "key too long": (set_in(params={"k" * 251: "1"}), r"params: found the key 'k+.*; allowed"),
    "param too long": (set_in(params={"a": "x" * 6001}), r"params 'a': found 6,001 characters"),
    "NUL": (set_in(params={"a": "x\x00"}), r"params 'a': found the character NUL"),
    "half a character": (set_in(params={"a": "\ud800"}), r"params 'a': found half of a character"),
    "metrics": (set_in(metrics={}), r"metrics: found \{\}; allowed: a list"),
    "no point": (point("a", 1.0), r"metrics: found \['a', 1.0\]; allowed: \[key, value, time, step\]"),
    "value as text": (point("a", "much", 1, 1), r"metrics 'a': found 'much'; allowed: a finite number, or 'NaN'"),
    "true is no value": (point("a", True, 1, 1), r"metrics 'a': found True"),
    "bare NaN": (point("a", math.nan, 1, 1), r"metrics 'a': found nan"),
    "bare infinity": (point("a", math.inf, 1, 1), r"metrics 'a': found inf"),
    "value too large": (point("a", 10**400, 1, 1), r"metrics 'a': found 10+"),
    "step": (point("a", 1.0, 1, 0.5), r"metrics 'a', its step: found 0.5"),
    "dataset": (set_in(dataset="digits"), r"dataset: found 'digits'; allowed: \[name, digest\], or null"),
    "digest too long": (set_in(dataset=["digits", "x" * 37]), r"dataset: found 37 characters"),
}  # fmt: skip


@pytest.mark.parametrize("change", REFUSED)
def test_what_is_not_allowed_is_refused_in_one_line(change: str) -> None:
    message = deepcopy(parsed())
    act, said = REFUSED[change]
    act(message)
    with pytest.raises(BadMessage, match=said) as caught:
        understood(message)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@given(JSON)
def test_no_message_is_more_than_refused(message: object) -> None:
    whole = parsed(PLAIN)
    for place in (message, {**whole, "runs": message}, {**whole, "runs": [message]}):
        with pytest.raises(BadMessage) as caught:
            understood(place)
        assert "\n" not in str(caught.value)


@given(some.text(max_size=300))
def test_every_key_that_we_write_is_one_that_mlflow_allows(name: str) -> None:
    assert is_key(key(name))
