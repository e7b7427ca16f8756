"""Real MLflow servers on this machine, a plain one over SQLite and one as labs run it, over PostgreSQL with log-in; and
a proxy before them that loses answers, hangs, fails or is gone.
"""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import entry_points
from pathlib import Path
from threading import Event, Thread

import pytest

from workbench.tracking.files_message import FILES_PATH
from workbench.tracking.pack_message import PACKS_PATH

ANSWERED, LOST, REFUSED, SILENT, BROKEN, UNKNOWN = "answered", "lost", "refused", "silent", "broken", "unknown"
SERVICES = Path(__file__).parents[2] / "scripts" / "services"
POSTGRES = "WORKBENCH_TEST_POSTGRES"  # the variable that names the PostgreSQL which postgres-up started
STARTING_SECONDS = 180
PAUSED: list[float] = []  # seconds that were waited between two tries: all the time that passes, of a `proxy`
APP = "workbench"  # of `mlflow server --app-name`


@contextmanager
def running(folder: Path, database: Path) -> Iterator[int]:
    """`mlflow server` over this database, which takes packs if our applications are installed; its port. Another port
    is tried where somebody took the first.
    """
    for attempt in range(3):
        port = _free_port()
        command = [
            sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{database}",
            "--artifacts-destination", str(folder / "artifacts"), "--host", "127.0.0.1", "--port", str(port),
            "--workers", "1", *(["--app-name", APP] if is_installed() else []),
        ]  # fmt: skip
        environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
        environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"  # seven processes of which no sweep asks anything
        environment.pop("MLFLOW_TRACKING_URI", None)
        with (folder / f"server-{attempt}.log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        try:
            if _answers(process, port):
                yield port
                return
        finally:
            _end(process)
    raise AssertionError((folder / "server-2.log").read_text(errors="replace"))


def is_installed() -> bool:
    """Whether MLflow finds our applications: an installation from before they were there does not tell of them."""
    return any(one.name == APP for one in entry_points(group="mlflow.app"))


def needs_installation() -> None:
    """Skips the test, with the reason, where MLflow does not find Workbench's applications."""
    if not is_installed():
        pytest.skip("needs Workbench installed as it is now, with its applications for MLflow: pip install -e .")


def needs_postgres() -> str:
    """The address of a PostgreSQL for tests. Skips the test, with the reason, where none was started."""
    if POSTGRES not in os.environ:
        pytest.skip('needs a PostgreSQL for tests: eval "$(scripts/services/postgres-up)"')
    return os.environ[POSTGRES]


class Lab:
    """An MLflow server over PostgreSQL, with proxied artifacts and log-in; `uri` is its address."""

    def __init__(self, folder: Path) -> None:
        self._settings = {
            **os.environ, "MLFLOW_SERVER_FOLDER": str(folder), "MLFLOW_SERVER_PORT": str(_free_port()),
            "MLFLOW_SERVER_PYTHON": sys.executable, "MLFLOW_SERVER_WORKERS": "1", "MLFLOW_SERVER_LIFE": "1800",
            "MLFLOW_SERVER_APP": f"{APP}-basic-auth" if is_installed() else "basic-auth",
        }  # fmt: skip
        self.uri = self.admin = self.password = ""

    def start(self) -> None:
        """Start it; after `stop(keep=True)` with the runs that it had."""
        done = self._call("mlflow-server-up")
        said = dict(re.findall(r"(MLFLOW_TRACKING_\w+)=(\S+)", done))
        self.uri, self.admin = said["MLFLOW_TRACKING_URI"], said["MLFLOW_TRACKING_USERNAME"]
        self.password = said["MLFLOW_TRACKING_PASSWORD"]

    def stop(self, *, keep: bool = False) -> None:
        """End it, and take its runs away unless they are to be kept."""
        self._call("mlflow-server-down", *["--keep"] * keep)

    def add(self, person: str, password: str) -> None:
        """Give somebody a log-in."""
        self.ask("POST", "/api/2.0/mlflow/users/create", {"username": person, "password": password})

    def ask(self, method: str, path: str, body: Mapping[str, str]) -> None:
        """A request of the admin's."""
        secret = base64.b64encode(f"{self.admin}:{self.password}".encode()).decode()
        headers = {"Content-Type": "application/json", "Authorization": f"Basic {secret}"}
        with closing(HTTPConnection(self.uri.removeprefix("http://"), timeout=60)) as connection:
            connection.request(method, path, json.dumps(body), headers)
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()

    def _call(self, script: str, *arguments: str) -> str:
        command = [str(SERVICES / script), *arguments]
        done = subprocess.run(command, env=self._settings, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    for _ in range(STARTING_SECONDS * 5):
        if process.poll() is not None:
            return False
        try:
            with closing(HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
                connection.request("GET", "/health")
                if connection.getresponse().status == 200:
                    return True
        except (OSError, HTTPException):
            Event().wait(0.2)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """The server and the workers it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, 9)
    process.wait()


class Proxy:
    """Passes requests on to a server. `fate(method, path)` says what becomes of each: it is passed on and ANSWERED, or
    its answer is LOST; or it is not passed on, and REFUSED, met with silence (SILENT) until the proxy ends, or answered
    that the server is BROKEN or the address UNKNOWN. What the server has besides MLflow's calls is unknown, as at any
    other MLflow server, unless `packs` are to pass.
    """

    def __init__(self, port: int) -> None:
        self.fate: Callable[[str, str], str] = lambda method, path: ANSWERED  # noqa: ARG005
        self.packs = False
        self._ended = Event()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65537)
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.close_connection = True  # a connection each: one that is lost is nobody else's
                fate = proxy.fate(self.command, self.path)
                if self.path.partition("?")[0] in (PACKS_PATH, FILES_PATH) and not proxy.packs:
                    fate = UNKNOWN
                if fate == SILENT:
                    proxy._ended.wait()
                if fate in (BROKEN, UNKNOWN):
                    self.send_error({BROKEN: 500, UNKNOWN: 404}[fate])
                if fate not in (ANSWERED, LOST):
                    return
                with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as onward:
                    onward.request(self.command, self.path, body, dict(self.headers))
                    answer = onward.getresponse()
                    content = answer.read()
                if fate == ANSWERED:
                    self.send_response(answer.status)
                    for name, value in answer.getheaders():
                        if name.lower() not in ("transfer-encoding", "connection", "content-length", "date", "server"):
                            self.send_header(name, value)
                    self.send_header("Content-Length", str(len(content)))
                    self.send_header("Connection", "close")
                    self.end_headers()
                    self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                return

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_: object) -> None:
                """Whoever asked has given up."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.uri = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
