"""What is asked of a store as a whole: how to read the latest sweep of a name, or which runs are held.

Any server is asked step by step: for its experiments, for the sweeps in them, for the files of some. A server that
sends files together (`server_questions`) takes all of it as one message:

    POST /api/2.0/workbench/files
    {"version": 1, "question": {"sweep": "tour", "tables": true, "held": []}}

and sends the same zip (`files_message`), whose LIST_OF_CONTENTS then also has the files that were looked for, as a
message would ask for them, and what MLflow answers the sender to these searches, as MLflow writes it:

    "runs": [{"run_id": "0190...", "files": ["plan.parquet"], "packs": true}],
    "answers": [{"conditions": null, "view": "active", "answer": {"experiments": [...]}},
                {"conditions": "tags.`workbench.kind` = 'sweep'", "view": "active", "answer": {"runs": [...]}}]
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.tracking import names
from workbench.tracking.connection import ACTIVE, DELETED, OF_RUNS, OF_SWEEPS
from workbench.tracking.files_ahead import state_of
from workbench.tracking.files_message import EVERY_PACK, FILES_VERSION, Wanted
from workbench.tracking.held_marks import holders
from workbench.tracking.pack_message import BadMessage
from workbench.tracking.sweep_attempts import attempt_files, attempts_before

if TYPE_CHECKING:
    from mlflow.entities import Run

_LONGEST_TEXT = 8000  # characters, of a tag
PACKS_AT_A_TIME = 20  # of which a server is asked for the tables: 3 MB each, so that a slow line is not silent for long
TABLES_OF_A_PACK = (names.EPOCHS_FILE, names.LAYERS_FILE, names.TABLES_FILE)
TABLES_OF_ALL = tuple(EVERY_PACK + file for file in TABLES_OF_A_PACK)


@dataclass(frozen=True)
class Question:
    """What is asked: for the question and the plan of the latest sweep called `sweep`, with `tables` also for those of
    its packs if they are few; for the plans of sweeps that may hold a run of these fingerprints.
    """

    sweep: str = ""
    tables: bool = False
    held: frozenset[str] = frozenset()


def searches_of(question: Question) -> list[tuple[str, str]]:
    """The searches for runs, each by its conditions and view: those for sweeps come first."""
    return [(OF_SWEEPS, ACTIVE), *([(OF_RUNS, DELETED)] if question.held else [])]


def files_of(question: Question, everything: Sequence[Run]) -> list[tuple[Run, Wanted]]:
    """The files that the answer needs, given the parent runs of all sweeps."""
    found: list[tuple[Run, Wanted]] = []
    name, same, back = meant_by(question.sweep, everything) if question.sweep else ("", [], 0)
    if name and back < len(same):
        found += files_of_sweep(same[-1 - back], everything, *(TABLES_OF_ALL if question.tables else ()))
    return found + files_of_holders(holders(everything, question.held))


def files_of_sweep(parent: Run, everything: Sequence[Run], *others: str) -> list[tuple[Run, Wanted]]:
    """The question and the plan of a sweep with other files of it, and what is read of earlier attempts."""
    earlier = attempts_before(parent, everything)
    return [state_of(parent, names.SWEEP_FILE, *others), *map(attempt_files, earlier)]


def files_of_holders(possible: Sequence[Run]) -> list[tuple[Run, Wanted]]:
    """What tells which runs these sweeps hold."""
    return [state_of(parent, packs=True) for parent in possible]


def meant_by(asked: str, everything: Sequence[Run]) -> tuple[str, list[Run], int]:
    """The name that was meant, the sweeps that have it, oldest first, and how many of the latest are to be passed over:
    `name~1` means the one before the latest, unless a sweep is called just so.
    """
    if found := _called(asked, everything):
        return asked, found, 0
    earlier = re.fullmatch(r"(.+)~(\d{1,6})", asked, re.DOTALL)
    name, back = (earlier[1], int(earlier[2])) if earlier else (asked, 0)
    return name, _called(name, everything), back


def _called(name: str, everything: Sequence[Run]) -> list[Run]:
    return [parent for parent in everything if parent.data.tags.get(names.SWEEP) == names.tag(name)]


def message_of(question: Question) -> bytes:
    """The message that asks this."""
    asked = {"sweep": question.sweep, "tables": question.tables, "held": sorted(question.held)}
    return json.dumps({"version": FILES_VERSION, "question": asked}).encode()


def question_in(message: object) -> Question | None:
    """The question of a message's JSON; None if it asks for files of runs that it names. Raises BadMessage."""
    if not isinstance(message, dict) or "question" not in message:
        return None
    asked = message["question"]
    if message.get("version") != FILES_VERSION or not isinstance(asked, dict) or set(asked) != set(_FIELDS):
        raise BadMessage(
            f"question: allowed: an object of {', '.join(_FIELDS)}, in a message of version {FILES_VERSION}"
        )
    sweep, tables, held = (asked[name] for name in _FIELDS)
    if not (isinstance(sweep, str) and len(sweep) <= _LONGEST_TEXT and isinstance(tables, bool)):
        raise BadMessage("question: allowed: for sweep a name, and for tables true or false")
    if not isinstance(held, list) or not all(isinstance(mark, str) and len(mark) <= _LONGEST_TEXT for mark in held):
        raise BadMessage("question.held: allowed: a list of fingerprints")
    return Question(sweep, tables, frozenset(held))


_FIELDS = ("sweep", "tables", "held")
