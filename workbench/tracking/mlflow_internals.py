"""Parts of MLflow that are not public, and the version they were tested with. No other file uses them.

- the store behind a client, whose database many child runs are written into at once and runs are deleted from for good;
- the tables of that database, and the class that makes a new one;
- the sampling of a machine's load beside a run;
- the name under which MLflow knows the person who starts a run;
- the name of a logger that logs errors which we report ourselves;
- one file of artifacts, sent, or asked for without a look whether it is a folder;
- the messages that a server answers with, and how a client understands them;
- a request of a client's with its log-in, its certificates and its repetitions;
- MLflow's server: its application, with log-in or without, the store and the artifacts behind it, who may do what, and
  what it answers to the sender of a request who asks something else.
"""

from __future__ import annotations

import json
import os
import posixpath
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.engine.errors import BadInput
from workbench.untyped import MlflowPart

if TYPE_CHECKING:
    from flask import Flask
    from mlflow import MlflowClient
    from mlflow.entities import Experiment, Run
    from mlflow.store.entities import PagedList
    from sqlalchemy import Table
    from sqlalchemy.engine import Engine

TESTED_MLFLOW = "3.17.2"  # the version of constraints.txt, used by CI; pyproject.toml admits no later minor version
NOISY_LOGGER = "mlflow.store.db.utils"  # logs tracebacks of errors that it also raises
_STORE = "mlflow.store.tracking.sqlalchemy_store", "SqlAlchemyStore"
_TABLES_MODULE = "mlflow.store.tracking.dbmodels.models"
_CONTEXT = "mlflow.tracking.context.default_context", "DefaultRunContext"
_MONITOR = "mlflow.system_metrics.system_metrics_monitor", "SystemMetricsMonitor"
_ARTIFACT_STORE = "mlflow.store.artifact.artifact_repository_registry", "get_artifact_repository"
_REQUEST = "mlflow.utils.rest_utils", "http_request"
_SERVER, _HANDLERS, _LOG_IN = "mlflow.server", "mlflow.server.handlers", "mlflow.server.auth"
_ASGI = "mlflow.server.fastapi_app", "create_fastapi_app"
_KIND_OF_SERVER = "mlflow.environment_variables", "_MLFLOW_SGI_NAME"
_LOG_IN_READY, _WORD_OF_JOBS = "_MLFLOW_AUTH_ADMIN_BOOTSTRAPPED", "_MLFLOW_INTERNAL_GATEWAY_AUTH_TOKEN"
_CREATE_RUN = "/api/2.0/mlflow/runs/create"
_MAY, _IS_ADMIN = "_authorize_run_id", "sender_is_admin"  # of the log-in
_MESSAGES = "mlflow.protos.service_pb2"
_PARSER = "mlflow.utils.proto_json_utils", "parse_dict"
_RIGHTS = "workbench_rights"  # of a sender, among the extensions of an application where people log in
_PART_BYTES = 2**20


def make_database(address: str, artifacts: str) -> None:
    """Fill a new database with MLflow's tables; `artifacts` is the address of the folder of its default experiment."""
    _part(*_STORE)(address, artifacts).engine.dispose()


def engine_of(client: MlflowClient) -> Engine | None:
    """The engine of a database that this process opened itself; None if a server answers."""
    store = _store_of(client)
    engine: Engine | None = None if store is None else _member(store, "engine")
    return engine


def download_file(root: str, path: str, target: Path, tracking_uri: str) -> None:
    """Write the artifact `path` under the address `root` to the file `target`, in one request. A missing file is
    another error for each kind of artifact store.
    """
    repository = _part(*_ARTIFACT_STORE)(root, tracking_uri=tracking_uri)
    _member(repository, "_download_file")(path, str(target))


def says_missing(error: Exception) -> bool:
    """Whether it is the answer of MLflow's server that there is no such file. Of others nobody knows what 404 means."""
    answer = getattr(error, "response", None)
    try:
        return answer is not None and answer.json().get("error_code") == "RESOURCE_DOES_NOT_EXIST"
    except (ValueError, AttributeError):
        return False


def upload_file(root: str, folder: str, file: Path, tracking_uri: str) -> None:
    """Write a file into the folder `folder` under the address `root`, in one request: who asks by run id makes two."""
    _part(*_ARTIFACT_STORE)(root, tracking_uri=tracking_uri).log_artifact(str(file), folder or None)


def delete_for_good(client: MlflowClient, run_id: str) -> bool:
    """Delete a run with all that the database holds of it; False if a server answers, which has no such call."""
    return _deleted(client, "_hard_delete_run", run_id)


def delete_model_for_good(client: MlflowClient, model_id: str) -> bool:
    """The same of a logged model."""
    return _deleted(client, "_hard_delete_logged_model", model_id)


def table(name: str) -> Table:
    """One of MLflow's tables by the name of its model, such as "SqlRun"."""
    return _member(_part(_TABLES_MODULE, name), "__table__")


def load_monitor(run_id: str, seconds: float, uri: str) -> MlflowPart:
    """A sampler of the machine's load for a run, from `start()` to `finish()`. It continues earlier starts' series."""
    return _part(*_MONITOR)(run_id, seconds, resume_logging=True, tracking_uri=uri)


def user_of_mlflow(tag: str) -> str:
    """Who starts a run, as MLflow has it in this tag: by the log-in of a server, else by the account here."""
    return str(_part(*_CONTEXT)().tags().get(tag) or "")


def answer_of(
    client: MlflowClient, method: str, path: str, body: bytes | None = None, kind: str = "application/json"
) -> tuple[int, str]:
    """Status and text of a server's answer to a request, with a body of that kind. Raises MLflow's exception if there
    is no answer, or one that may be another the next time.
    """
    credentials = _member(_member(_member(client, "_tracking_client"), "store"), "get_host_creds")()
    content = {} if body is None else {"data": body, "extra_headers": {"Content-Type": kind}}
    answer = _part(*_REQUEST)(credentials, path, method, **content)
    return answer.status_code, answer.text


def save_answer(client: MlflowClient, path: str, body: bytes, target: Path) -> int:
    """The status of a server's answer to a POST of JSON, whose content is written to the file `target` as it comes.
    Raises MLflow's exception, or that of `requests`, if there is no answer or not the whole of one.
    """
    credentials = _member(_member(_member(client, "_tracking_client"), "store"), "get_host_creds")()
    content = {"data": body, "extra_headers": {"Content-Type": "application/json"}, "stream": True}
    with _part(*_REQUEST)(credentials, path, "POST", **content) as answer, target.open("wb") as file:
        for part in answer.iter_content(_PART_BYTES):
            file.write(part)
        return int(answer.status_code)


def server_application() -> Flask:
    """The application that MLflow's server runs."""
    app: Flask = _part(_SERVER, "app")
    return app


def server_path(path: str) -> str:
    """A path of that application where the server was told to stand under a prefix."""
    return str(_part(_HANDLERS, "_add_static_prefix")(path))


def server_store() -> tuple[MlflowPart, Engine | None]:
    """The store behind that application, and the engine of its database if it is a plain one."""
    store = _part(_HANDLERS, "_get_tracking_store")()
    return store, _member(store, "engine") if type(store).__name__ == _STORE[1] else None


def server_artifacts_of(address: str) -> str:
    """Where artifacts of this address lie in the place that the server was given for them; "" if they lie elsewhere."""
    if not _part(_HANDLERS, "_is_servable_proxied_run_artifact_root")(address):
        return ""
    return str(_part(_HANDLERS, "_get_proxied_run_artifact_destination_path")(address))


def server_artifact_names(folder: str) -> list[str]:
    """The names in a folder of that place, of files and folders; none if it is not there."""
    listed = _part(_HANDLERS, "_get_artifact_repo_mlflow_artifacts")().list_artifacts(folder)
    return sorted(posixpath.basename(one.path) for one in listed)


def copy_server_artifact(path: str, target: Path) -> None:
    """Copy a file of that place to `target`."""
    _member(_part(_HANDLERS, "_get_artifact_repo_mlflow_artifacts")(), "_download_file")(path, str(target))


def add_server_artifact(folder: str, file: Path) -> None:
    """Copy a file into a folder of that place."""
    _part(_HANDLERS, "_get_artifact_repo_mlflow_artifacts")().log_artifact(str(file), folder)


def server_answer(path: str, body: bytes) -> tuple[int, str]:
    """Status and text of what this server answers to a POST of JSON, within a request and as if its sender asked: the
    sender's log-in is checked, and what the sender may not read is left out.
    """
    from flask import current_app, request

    of_the_body = ("werkzeug.", "HTTP_CONTENT_ENCODING", "HTTP_TRANSFER_ENCODING")
    taken_over = {name: value for name, value in request.environ.items() if not name.startswith(of_the_body)}
    environment = {
        **taken_over, "REQUEST_METHOD": "POST", "PATH_INFO": server_path(path), "QUERY_STRING": "",
        "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body)), "wsgi.input": BytesIO(body),
    }  # fmt: skip
    answer = current_app.response_class.from_app(current_app.wsgi_app, environment, buffered=True)
    return answer.status_code, answer.get_data(as_text=True)


def experiments_in(answer: str) -> PagedList[Experiment]:
    """The experiments in a server's answer to a search, as MLflow's client understands it."""
    from mlflow.entities import Experiment
    from mlflow.store.entities import PagedList

    found = _understood("SearchExperiments", answer)
    return PagedList([Experiment.from_proto(one) for one in found.experiments], found.next_page_token or None)


def runs_in(answer: str) -> PagedList[Run]:
    """The same of runs."""
    from mlflow.entities import Run
    from mlflow.store.entities import PagedList

    found = _understood("SearchRuns", answer)
    return PagedList([Run.from_proto(one) for one in found.runs], found.next_page_token or None)


def without_log_in(app: Flask) -> MlflowPart:
    """What `mlflow server` runs of this application if everybody may do everything."""
    return _part(*_ASGI)(app) if _part(*_KIND_OF_SERVER).get() == "uvicorn" else app


def prepare_log_in() -> None:
    """What `mlflow server` does for its own `basic-auth` before it starts workers: look for the key of its forms, make
    the table of users and the admin's log-in, and choose the word by which its jobs log in. Workers inherit all of it.
    """
    if not os.environ.get(_LOG_IN_READY):
        _part(_SERVER, "_bootstrap_basic_auth")()
        os.environ[_LOG_IN_READY] = "true"
        os.environ.setdefault(_WORD_OF_JOBS, secrets.token_hex(32))


@dataclass(frozen=True)
class Rights:
    """MLflow's own answers to what the sender of a request may do: create a run in the request's experiment, and read
    or change a run with this id.
    """

    may_create_run: Callable[[], bool]
    may_read_run: Callable[[str], bool]
    may_change_run: Callable[[str], bool]


def with_log_in(app: Flask, allowed: Mapping[tuple[str, str], Callable[[Rights], bool]]) -> MlflowPart:
    """The same with MLflow's basic authentication. Who may do what at our paths is said for each (path, method), by a
    function that is given the sender's rights. An admin may do everything, and is not asked about.
    """
    validators = _part(_LOG_IN, "BEFORE_REQUEST_VALIDATORS")
    may = _part(_LOG_IN, _MAY)
    rights = app.extensions[_RIGHTS] = Rights(
        validators[(server_path(_CREATE_RUN), "POST")],
        lambda run_id: may(run_id, "read"),
        lambda run_id: may(run_id, "update"),
    )
    for place, is_allowed in allowed.items():
        validators[place] = lambda is_allowed=is_allowed: is_allowed(rights)
    return _part(_LOG_IN, "create_app")(app)


def sender_may_read() -> Callable[[str], bool]:
    """Whether the sender of the request that is being answered may read a run, by its id."""
    from flask import current_app

    rights: Rights | None = current_app.extensions.get(_RIGHTS)
    if rights is None or _part(_LOG_IN, _IS_ADMIN)():
        return lambda _: True
    return rights.may_read_run


def _understood(message: str, answer: str) -> MlflowPart:
    found = _member(_part(_MESSAGES, message), "Response")()
    _part(*_PARSER)(json.loads(answer), found)
    return found


def _store_of(client: MlflowClient) -> MlflowPart:
    """The store of a database that this process opened itself; None if a server answers."""
    store = _member(_member(client, "_tracking_client"), "store")
    return store if type(store).__name__ == _STORE[1] else None


def _deleted(client: MlflowClient, call: str, identity: str) -> bool:
    store = _store_of(client)
    if store is None:
        return False
    _member(store, call)(identity)
    return True


def _part(module: str, name: str) -> MlflowPart:
    try:
        return _member(import_module(module), name)
    except ImportError as error:
        raise _missing(module) from error


def _member(owner: object, name: str) -> MlflowPart:
    try:
        return getattr(owner, name)
    except AttributeError as error:
        shown = getattr(owner, "__name__", None) or type(owner).__name__
        raise _missing(f"{shown}.{name}") from error


def _missing(part: str) -> BadInput:
    return BadInput(
        f"mlflow: found version {version('mlflow')}, which has no {part}; Workbench was tested with {TESTED_MLFLOW}: "
        f"pip install mlflow=={TESTED_MLFLOW}"
    )
