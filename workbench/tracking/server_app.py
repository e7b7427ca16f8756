"""What `mlflow server --app-name workbench` runs: all that MLflow serves, and two more addresses, for packs of runs and
for files of several runs.

    GET  /api/2.0/workbench/packs    {"version": 1}
    POST /api/2.0/workbench/packs    a message (`pack_message`): {"recorded": 256}, once the runs stand in the database
    POST /api/2.0/workbench/files    a message (`files_message`): the files of sweeps that it asks for, as a zip;
                                     or a question (`questions`), with MLflow's answers to its searches
    PUT  /api/2.0/workbench/files    a zip of files of one run, which are kept

MLflow needs three requests for a run that has ended. Here a pack is one, and is written by the code that records a pack
in a database directly (`bulk`), in one transaction. A message that comes a second time is recorded once. What cannot be
recorded is refused whole, in one line, as MLflow's own calls refuse: 400 for what is not allowed, 401 and 403 where
somebody may not create runs in that experiment, 404 for an experiment that is not there, 413 for a message too large.
Files are sent to whom MLflow lets read every run that is asked for, and taken from whom it lets change the run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from workbench.engine.errors import first_line
from workbench.tracking.bulk import NewRun, known_runs, write_rows
from workbench.tracking.files_message import FILES_PATH, Wanted, parts_of, wanted_in
from workbench.tracking.mlflow_internals import (
    Rights,
    prepare_log_in,
    sender_may_read,
    server_application,
    server_path,
    server_store,
    with_log_in,
    without_log_in,
)
from workbench.tracking.pack_message import MESSAGE_VERSION, MOST_BYTES, PACKS_PATH, BadMessage, understood
from workbench.tracking.questions import PACKS_AT_A_TIME, Question, question_in
from workbench.tracking.server_files import folders_of, keep_all, without_tables_of_many, zipped
from workbench.tracking.server_questions import NotAnswered, answers_to
from workbench.untyped import MlflowPart

if TYPE_CHECKING:
    from flask import Flask
    from flask.typing import ResponseReturnValue
    from sqlalchemy.engine import Connection as Database

NO_DATABASE = "the store behind this server is no plain database, so it takes no packs"


def create_app() -> MlflowPart:
    """The application `workbench`, without log-in."""
    return without_log_in(_with_ours(server_application()))


def __getattr__(name: str) -> Callable[[], MlflowPart]:
    """`create_app_with_log_in`, which `mlflow server` looks up before it starts the workers that call it: what they
    need is made ready then, once for all of them, and what is missing is one error instead of a loop of restarts.
    """
    if name != "create_app_with_log_in":
        raise AttributeError(f"module {__name__} has no attribute {name}")
    prepare_log_in()
    return _create_app_with_log_in


def _create_app_with_log_in() -> MlflowPart:
    """The application `workbench-basic-auth`, over MLflow's `basic-auth`."""
    app, packs, files = _with_ours(server_application()), server_path(PACKS_PATH), server_path(FILES_PATH)
    allowed: dict[tuple[str, str], Callable[[Rights], bool]] = {
        (packs, "GET"): lambda _: True,
        (packs, "POST"): _may_record,
        (files, "POST"): _may_read,
        (files, "PUT"): _may_change,
    }
    return with_log_in(app, allowed)


def _with_ours(app: Flask) -> Flask:
    if "workbench_offer" not in app.view_functions:
        app.add_url_rule(server_path(PACKS_PATH), "workbench_offer", offer, methods=["GET"])
        app.add_url_rule(server_path(PACKS_PATH), "workbench_take", take, methods=["POST"])
        app.add_url_rule(server_path(FILES_PATH), "workbench_give", give, methods=["POST"])
        app.add_url_rule(server_path(FILES_PATH), "workbench_keep", keep, methods=["PUT"])
    return app


def _may_record(rights: Rights) -> bool:
    """Whether the sender may record; what is refused anyway (`take`) is not parsed for that."""
    return _is_too_large() or rights.may_create_run()


def _may_read(rights: Rights) -> bool:
    """Whether the sender may read every run whose files are asked for; a question names none, nor does what is refused
    anyway (`give`).
    """
    from flask import request

    try:
        message = None if _is_too_large() else request.get_json(silent=True)
        wanted = [] if question_in(message) else wanted_in(message)
    except BadMessage:
        wanted = []
    return all(rights.may_read_run(one.run_id) for one in wanted)


def _may_change(rights: Rights) -> bool:
    """Whether the sender may change the run whose files are sent."""
    from flask import request

    return rights.may_change_run(request.args.get("run_id", ""))


def _is_too_large() -> bool:
    from flask import request

    return (request.content_length or 0) > MOST_BYTES


def offer() -> ResponseReturnValue:
    """The answer to whether this server takes packs."""
    _, engine = server_store()
    return {"version": MESSAGE_VERSION} if engine is not None else _refused(NO_DATABASE, 501, "NOT_IMPLEMENTED")


def take() -> ResponseReturnValue:
    """The answer to a message: all of its runs are recorded, or none."""
    from flask import request
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

    if _is_too_large():
        return _refused(f"the message: found more than {MOST_BYTES:,} bytes", 413)
    try:
        experiment, runs = understood(request.get_json(silent=True))
        return _record(experiment, runs)
    except BadMessage as error:
        return _refused(str(error), 400)
    except MlflowException as error:
        return _refused(error.message, error.get_http_status_code(), error.error_code)
    except (DataError, IntegrityError) as error:
        return _refused(f"the database refused it: {first_line(error)}", 400)
    except SQLAlchemyError as error:
        return _refused(f"the database failed: {first_line(error)}", 503, "TEMPORARILY_UNAVAILABLE")


def give() -> ResponseReturnValue:
    """The answer to a message that asks for files: those of every run in it, or none; and to a question."""
    from flask import Response, request

    def zip_of(store: MlflowPart) -> ResponseReturnValue:
        message = request.get_json(silent=True)
        if question := question_in(message):
            return _answer(store, question)
        wanted = wanted_in(message)
        return Response(zipped(wanted, folders_of(store, wanted)), mimetype="application/zip")

    return _of_files(zip_of)


def _answer(store: MlflowPart, question: Question) -> ResponseReturnValue:
    """The answers to a question and the files that it needs, less those that are not the sender's to read here."""
    from flask import Response
    from mlflow.exceptions import MlflowException

    try:
        answers, wanted = answers_to(question, sender_may_read())
    except NotAnswered as refused:
        return Response(refused.text, refused.status, mimetype="application/json")
    sent, folders = [], []
    for one in wanted:
        with suppress(BadMessage, MlflowException):  # elsewhere, or deleted by now
            (folder,) = folders_of(store, [one])
            sent.append(without_tables_of_many(one, folder, PACKS_AT_A_TIME))
            folders.append(folder)
    return Response(zipped(sent, folders, {"runs": parts_of(sent), "answers": answers}), mimetype="application/zip")


def keep() -> ResponseReturnValue:
    """The answer to files of a run: all of them are kept, or none."""
    from flask import request

    def kept(store: MlflowPart) -> ResponseReturnValue:
        (folder,) = folders_of(store, [Wanted(request.args.get("run_id", ""), ())])
        return {"kept": keep_all(folder, request.get_data())}

    return _of_files(kept)


def _of_files(answer: Callable[[MlflowPart], ResponseReturnValue]) -> ResponseReturnValue:
    """What `answer` makes of the store, or why that is refused."""
    from mlflow.exceptions import MlflowException

    if _is_too_large():
        return _refused(f"the message: found more than {MOST_BYTES:,} bytes", 413)
    store, engine = server_store()
    if engine is None:
        return _refused(NO_DATABASE, 501, "NOT_IMPLEMENTED")
    try:
        return answer(store)
    except BadMessage as error:
        return _refused(str(error), 400)
    except MlflowException as error:
        return _refused(error.message, error.get_http_status_code(), error.error_code)


def _record(experiment: str, runs: Mapping[str, NewRun]) -> ResponseReturnValue:
    from sqlalchemy.exc import IntegrityError

    store, engine = server_store()
    if engine is None:
        return _refused(NO_DATABASE, 501, "NOT_IMPLEMENTED")
    found = store.get_experiment(experiment)
    if found.lifecycle_stage != "active":
        raise BadMessage(f"experiment_id: the experiment {experiment} was deleted; restore it, or name another")
    try:
        with engine.begin() as database:
            if not _has(database, experiment, runs):
                write_rows(database, experiment, found.artifact_location, runs)
    except IntegrityError:
        with engine.connect() as database:  # the same message may have come twice at a time
            if not _has(database, experiment, runs):
                raise
    return {"recorded": len(runs)}


def _has(database: Database, experiment: str, runs: Mapping[str, NewRun]) -> bool:
    """Whether the store has these runs already. Raises BadMessage if it has some of them, or others of their ids."""
    known = known_runs(database, list(runs))
    same = [
        mark for mark, found in known.items()
        if (run := runs[mark]) and found == (experiment, run.name, run.status, run.started, run.ended)
    ]  # fmt: skip
    if len(same) != len(known) or len(known) not in (0, len(runs)):
        mark = next((mark for mark in known if mark not in same), next(iter(known)))
        raise BadMessage(
            f"run_id: {mark} belongs to a run that the store has; allowed: new ones, or a message as it was"
        )
    return bool(known)


def _refused(message: str, status: int, code: str = "INVALID_PARAMETER_VALUE") -> ResponseReturnValue:
    return {"error_code": code, "message": " ".join(message.split())[:1000]}, status
