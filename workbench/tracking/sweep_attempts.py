"""The sweeps of one sweep file, as attempts on its claims: what each asked, of which data, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypedDict

from workbench.tracking import names
from workbench.tracking.artifacts import Broken, read_text
from workbench.tracking.connection import Connection
from workbench.tracking.moments import iso
from workbench.tracking.parent import asked_of, facts_of

if TYPE_CHECKING:
    from mlflow.entities import Run


class AskedClaim(TypedDict):
    """What a sweep asked of a claim, and the verdict on its page, "" without."""

    question: str
    verdict: str


class AskedSweep(TypedDict):
    """A sweep as an attempt: two of its facts, when it started, and what it asked of each claim."""

    departures: str
    data_digest: str
    started: str
    claims: dict[str, AskedClaim]


def attempts(connection: Connection, parent: Run, everything: list[Run]) -> str:
    """As JSON, the sweeps of the same sweep file up to this one, oldest first; "" if it is the only one.

    Of each: started, departures, data_digest, and claims: id -> question (of older sweeps the digests of the rules) and
    the verdict on its page, "" without.
    """
    tag = names.key(names.FACT + "sweep_file")
    file = parent.data.tags.get(tag, "")
    runs = [run for run in everything if file and run.data.tags.get(tag) == file]
    runs = runs[: 1 + next((place for place, run in enumerate(runs) if run.info.run_id == parent.info.run_id), -1)]
    if len(runs) < 2:
        return ""
    return json.dumps([_attempt(connection, run, with_verdicts=run is not runs[-1]) for run in runs])


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
    """Claim -> verdict, by the page that is kept with the sweep; empty if there is none that can be read."""
    page = f"{names.REPORT}/{run.data.tags.get(names.SWEEP, '')}.json"
    try:
        found = _json(read_text(connection, run.info.artifact_uri, page)).get("verdicts")
    except Broken:
        return {}
    verdicts = found if isinstance(found, dict) else {}
    if not all(isinstance(one, dict) and "verdict" in one for one in verdicts.values()):
        return {}
    return {str(name): str(one["verdict"]) for name, one in verdicts.items()}


def _json(text: object) -> dict[str, object]:
    try:
        found = json.loads(str(text or "{}"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
