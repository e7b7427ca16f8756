"""A real MLflow server over SQLite on this machine, and a proxy before it that loses answers, hangs or is gone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

ANSWERED, LOST, REFUSED, SILENT = "answered", "lost", "refused", "silent"
STARTING_SECONDS = 180


@contextmanager
def running(folder: Path, database: Path) -> Iterator[int]:
    """`mlflow server` over this database; its port. Another port is tried where somebody took the first."""
    for attempt in range(3):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [
            sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{database}",
            "--artifacts-destination", str(folder / "artifacts"), "--host", "127.0.0.1", "--port", str(port),
            "--workers", "1",
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
    its answer is LOST; or it is not passed on, and REFUSED or met with silence (SILENT) until the proxy ends.
    """

    def __init__(self, port: int) -> None:
        self.fate: Callable[[str, str], str] = lambda method, path: ANSWERED  # noqa: ARG005
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
                if fate == SILENT:
                    proxy._ended.wait()
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
