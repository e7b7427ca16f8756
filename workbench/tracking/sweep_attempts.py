"""The sweeps of one sweep file as attempts on its claims: the question of each, its data, and its verdicts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypedDict

from workbench.tracking import names
from workbench.tracking.artifacts import Broken, read_text
from workbench.tracking.connection import Connection
from workbench.tracking.files_message import Wanted
from workbench.tracking.moments import iso
from workbench.tracking.parent import asked_of, facts_of

if TYPE_CHECKING:
    from mlflow.entities import Run


class AskedClaim(TypedDict):
    """The question of a sweep about one claim, and the verdict on its page; "" if there is none."""

    question: str
    verdict: str


class AskedSweep(TypedDict):
    """A sweep as an attempt: when it started, two of its facts, and its question about each claim."""

    departures: str
    data_digest: str
    started: str
    claims: dict[str, AskedClaim]


def attempts_before(parent: Run, everything: Sequence[Run]) -> list[Run]:
    """The sweeps of the same sweep file before this one, oldest first."""
    tag = names.key(names.FACT + "sweep_file")
    file = parent.data.tags.get(tag, "")
    runs = [run for run in everything if file and run.data.tags.get(tag) == file]
    return runs[: next((place for place, run in enumerate(runs) if run.info.run_id == parent.info.run_id), 0)]


def attempt_files(run: Run) -> tuple[Run, Wanted]:
    """The files of an earlier attempt that `attempts` reads."""
    return run, Wanted(run.info.run_id, (names.SWEEP_FILE, _page_of(run)))


def attempts(connection: Connection, parent: Run, before: Sequence[Run]) -> str:
    """The attempts before this sweep, and itself, as JSON, oldest first; "" if it is the only one.

    Each has started, departures, data_digest, and claims: id -> question (in older sweeps the digests of the rules) and
    the verdict on its page, "" if there is none.
    """
    if not before:
        return ""
    earlier = [_attempt(connection, run, with_verdicts=True) for run in before]
    return json.dumps([*earlier, _attempt(connection, parent, with_verdicts=False)])


def _attempt(connection: Connection, run: Run, with_verdicts: bool) -> AskedSweep:
    asked = asked_of(connection, run)
    facts = facts_of(asked)
    verdicts = _verdicts(connection, run) if with_verdicts else {}
    claims: dict[str, AskedClaim] = {
        name: {"question": _question(held), "verdict": verdicts.get(name, "")}
        for name, held in _json(asked.get("rules")).items()
        if isinstance(held, dict)
    }
    started = iso(run.info.start_time)
    departures, data_digest = (facts.get(name, "") for name in ("departures", "data_digest"))
    return {"departures": departures, "data_digest": data_digest, "started": started, "claims": claims}


def _question(held: Mapping[str, object]) -> str:
    digests = held.get("digests")
    return str(held.get("question") or " ".join(map(str, digests if isinstance(digests, list) else ())))


def _verdicts(connection: Connection, run: Run) -> dict[str, str]:
    """Claim -> verdict, from the page stored with the sweep; empty if no page can be read."""
    try:
        found = _json(read_text(connection, run.info.artifact_uri, _page_of(run))).get("verdicts")
    except Broken:
        return {}
    verdicts = found if isinstance(found, dict) else {}
    if not all(isinstance(one, dict) and "verdict" in one for one in verdicts.values()):
        return {}
    return {str(name): str(one["verdict"]) for name, one in verdicts.items()}


def _page_of(run: Run) -> str:
    """The data of the page stored with a sweep."""
    return f"{names.REPORT}/{run.data.tags.get(names.SWEEP, '')}.json"


def _json(text: object) -> dict[str, object]:
    try:
        found = json.loads(str(text or "{}"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
