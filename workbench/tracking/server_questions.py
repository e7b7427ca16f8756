"""A question about the store as a whole (`questions`) answered by a server: it asks itself, one after the other, what
the sender would ask, by MLflow's own calls in the sender's name, and sends the answers along with the files.

So nobody learns more than by asking alone: MLflow leaves out of each answer what the sender may not read, and files are
sent only of the runs that are in those answers and that MLflow lets the sender read.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from workbench.tracking.connection import ACTIVE, OLDEST_FIRST, PAGE_SIZE, in_order, planned_of
from workbench.tracking.files_message import MOST_RUNS_ASKED, Wanted
from workbench.tracking.mlflow_internals import experiments_in, runs_in, server_answer
from workbench.tracking.questions import Question, files_of, searches_of

_SEARCH_EXPERIMENTS, _SEARCH_RUNS = "/api/2.0/mlflow/experiments/search", "/api/2.0/mlflow/runs/search"
_VIEWS = {"active": "ACTIVE_ONLY", "deleted": "DELETED_ONLY"}
Answer = dict[str, object]


class NotAnswered(Exception):
    """MLflow refuses one of the searches: its answer, and the status of that."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.text, self.status = text, status


def answers_to(question: Question, may_read: Callable[[str], bool]) -> tuple[list[Answer], list[Wanted]]:
    """MLflow's answers to what is searched for, one page of each, and the files that the question needs of the runs in
    them. Raises NotAnswered. Of more than a page no files are sent, since not all sweeps are known.
    """
    listed = _asked(_SEARCH_EXPERIMENTS, {"view_type": _VIEWS[ACTIVE], "max_results": PAGE_SIZE})
    answers: list[Answer] = [{"conditions": None, "view": ACTIVE, "answer": listed}]
    experiments = experiments_in(json.dumps(listed))
    ids = [one.experiment_id for one in experiments]
    for conditions, view in searches_of(question):
        search = {
            "experiment_ids": ids,
            "filter": conditions,
            "run_view_type": _VIEWS[view],
            "order_by": [OLDEST_FIRST],
        }
        found = _asked(_SEARCH_RUNS, {**search, "max_results": PAGE_SIZE})
        answers.append({"conditions": conditions, "view": view, "answer": found})
    sweeps = runs_in(json.dumps(answers[1]["answer"]))
    if experiments.token or sweeps.token:
        return answers, []
    return answers, [
        wanted for run, wanted in files_of(question, planned_of(in_order(sweeps))) if may_read(run.info.run_id)
    ][:MOST_RUNS_ASKED]


def _asked(path: str, search: dict[str, object]) -> Answer:
    status, text = server_answer(path, json.dumps(search).encode())
    if status != 200:
        raise NotAnswered(text, status)
    found: Answer = json.loads(text)
    return found
