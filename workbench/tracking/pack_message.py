"""Finished runs as one message to a server that takes packs (`server_app`), in JSON: written, read and checked.

    {"version": 1, "experiment_id": "3", "runs": [{"run_id": "0190...", "name": "seed=1", "status": "FINISHED",
     "start_time": 1700000000000, "end_time": 1700000030000, "tags": {"mlflow.parentRunId": "..."},
     "params": {"seed": "1"}, "metrics": [["loss/train", 0.5, 1700000000000, 0], ["best/loss", "NaN", ...]],
     "dataset": ["digits", "94ab..."]}]}

Times are in milliseconds. What is no finite number is a text, as in MLflow's own messages, since JSON has none.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence

from workbench.tracking import names
from workbench.tracking.bulk import NewRun, Point
from workbench.tracking.inputs import DATASET_NAME_LIMIT, DIGEST_LIMIT

PACKS_PATH = "/api/2.0/workbench/packs"  # of the server's address that takes messages
MESSAGE_VERSION = 1
# Of one message. A proxy before a server often lets no more than a megabyte pass.
SENT_BYTES = 800_000
MOST_BYTES, MOST_RUNS = 16_000_000, 5_000
_STRANGE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_STATUSES_OF_AN_END = tuple(dict.fromkeys(names.RUN_STATUS.values()))
_FIELDS_OF_A_RUN = ("run_id", "name", "status", "start_time", "end_time", "tags", "params", "metrics", "dataset")
_LARGEST_WHOLE = 2**63 - 1
RUN_MARK = re.compile("[0-9a-f]{32}")


class BadMessage(Exception):
    """A message that cannot be understood, or breaks a limit; its text is one line."""


def messages(experiment: str, runs: Mapping[str, NewRun]) -> Iterator[tuple[list[str], bytes]]:
    """The runs, by their run ids, in as few messages as their size allows: the ids in each, and the message."""
    head = f'{{"version": {MESSAGE_VERSION}, "experiment_id": {json.dumps(experiment)}, "runs": ['.encode()
    marks: list[str] = []
    parts: list[bytes] = []
    for mark, run in runs.items():
        part = _written(mark, run)
        if marks and (sum(map(len, parts)) + len(part) > SENT_BYTES or len(marks) == MOST_RUNS):
            yield marks, head + b",".join(parts) + b"]}"
            marks, parts = [], []
        marks.append(mark)
        parts.append(part)
    if marks:
        yield marks, head + b",".join(parts) + b"]}"


def _written(mark: str, run: NewRun) -> bytes:
    values = (mark, run.name, run.status, run.started, run.ended, dict(run.tags), dict(run.params),
              [(key, _number(value), time, step) for key, value, time, step in run.points], run.dataset)  # fmt: skip
    content = dict(zip(_FIELDS_OF_A_RUN, values, strict=True))
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _number(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def understood(message: object) -> tuple[str, dict[str, NewRun]]:
    """Experiment and runs, by their run ids, of a message's JSON. Raises BadMessage."""
    if not isinstance(message, dict):
        raise BadMessage("the message: found no JSON object")
    _one_of(message.get("version"), (MESSAGE_VERSION,), "version")
    experiment = message.get("experiment_id")
    if not (isinstance(experiment, str) and re.fullmatch("[0-9]{1,18}", experiment)):
        raise BadMessage(f"experiment_id: found {_shown(experiment)}; allowed: the number of an experiment, as text")
    found = message.get("runs")
    if not isinstance(found, list) or not 0 < len(found) <= MOST_RUNS:
        size = f"{len(found)} of them" if isinstance(found, list) else _shown(found)
        raise BadMessage(f"runs: found {size}; allowed: a list of 1 to {MOST_RUNS:,}")
    runs: dict[str, NewRun] = {}
    for number, run in enumerate(found):
        mark, new = _run(run, f"runs[{number}]")
        if mark in runs:
            raise BadMessage(f"runs[{number}].run_id: found {mark} a second time; allowed: once in a message")
        runs[mark] = new
    return experiment, runs


def _run(found: object, where: str) -> tuple[str, NewRun]:
    if not isinstance(found, dict) or set(found) != set(_FIELDS_OF_A_RUN):
        keys = sorted(map(str, found)) if isinstance(found, dict) else found
        raise BadMessage(f"{where}: found {_shown(keys)}; allowed: {', '.join(_FIELDS_OF_A_RUN)}")
    mark = found["run_id"]
    if not (isinstance(mark, str) and RUN_MARK.fullmatch(mark)):
        raise BadMessage(f"{where}.run_id: found {_shown(mark)}; allowed: 32 digits from 0 to f")
    return mark, NewRun(
        name=_text(found["name"], names.NAME_LIMIT, f"{where}.name", least=1),
        status=str(_one_of(found["status"], _STATUSES_OF_AN_END, f"{where}.status")),
        started=_whole(found["start_time"], f"{where}.start_time", 0),
        ended=_whole(found["end_time"], f"{where}.end_time", 0),
        tags=_pairs(found["tags"], names.TAG_LIMIT, f"{where}.tags"),
        params=_pairs(found["params"], names.PARAM_LIMIT, f"{where}.params"),
        points=_points(found["metrics"], f"{where}.metrics"),
        dataset=_dataset(found["dataset"], f"{where}.dataset"),
    )


def _pairs(found: object, limit: int, where: str) -> dict[str, str]:
    if not isinstance(found, dict):
        raise BadMessage(f"{where}: found {_shown(found)}; allowed: an object of texts")
    return {_key(key, where): _text(value, limit, f"{where} {key!r}") for key, value in found.items()}


def _points(found: object, where: str) -> list[Point]:
    if not isinstance(found, list):
        raise BadMessage(f"{where}: found {_shown(found)}; allowed: a list")
    return [_point(one, where) for one in found]


def _point(found: object, where: str) -> Point:
    if not isinstance(found, list) or len(found) != 4:
        raise BadMessage(f"{where}: found {_shown(found)}; allowed: [key, value, time, step]")
    key, value, time, step = found
    where = f"{where} {_key(key, where)!r}"
    if isinstance(value, str) and value in _STRANGE:
        value = _STRANGE[value]
    elif isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value):
        raise BadMessage(
            f"{where}: found {_shown(value)}; allowed: a finite number, or {', '.join(map(repr, _STRANGE))}"
        )
    return Point(key, float(value), _whole(time, f"{where}, its time", 0), _whole(step, f"{where}, its step"))


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that is no float
        return False


def _dataset(found: object, where: str) -> tuple[str, str] | None:
    if found is None:
        return None
    if not isinstance(found, list) or len(found) != 2:
        raise BadMessage(f"{where}: found {_shown(found)}; allowed: [name, digest], or null")
    return _text(found[0], DATASET_NAME_LIMIT, where), _text(found[1], DIGEST_LIMIT, where)


def _key(found: object, where: str) -> str:
    if not isinstance(found, str) or not names.is_key(found):
        raise BadMessage(f"{where}: found the key {_shown(found)}; allowed: what MLflow allows, at most 250 characters")
    return found


def _text(found: object, limit: int, where: str, least: int = 0) -> str:
    if not isinstance(found, str) or not least <= len(found) <= limit:
        size = f"{len(found):,} characters" if isinstance(found, str) else _shown(found)
        raise BadMessage(f"{where}: found {size}; allowed: a text of {least} to {limit:,} characters")
    if not found.isascii() or "\x00" in found:
        try:
            found.encode()
        except UnicodeError:
            raise BadMessage(f"{where}: found half of a character; allowed: UTF-8") from None
        if "\x00" in found:
            raise BadMessage(f"{where}: found the character NUL, which no database keeps")
    return found


def _whole(found: object, where: str, least: int = -_LARGEST_WHOLE) -> int:
    if isinstance(found, bool) or not isinstance(found, int) or not least <= found <= _LARGEST_WHOLE:
        raise BadMessage(f"{where}: found {_shown(found)}; allowed: a whole number from {least} to {_LARGEST_WHOLE}")
    return found


def _one_of(found: object, allowed: Sequence[object], where: str) -> object:
    if isinstance(found, bool) or found not in allowed:
        raise BadMessage(f"{where}: found {_shown(found)}; allowed: {', '.join(map(str, allowed))}")
    return found


def _shown(found: object) -> str:
    """A value as one short line."""
    text = " ".join(repr(found)[:200].split())
    return text if len(text) <= 80 else f"{text[:79]}…"
