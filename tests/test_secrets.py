"""A password that is typed or stands in the environment is nowhere afterwards: in no file, and on no screen."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from workbench import app, cli, redaction
from workbench.report import sweep_page
from workbench.sweep.hydra.command import main

pytestmark = pytest.mark.usefixtures("no_figures")
MARKER = "hunter2" * 2  # nowhere in a text: a store keeps what the working copy of Workbench has changed
SMALL = ["data=blobs", "data.examples=120", "training.epochs=2", "network.width=4", "device=cpu", "workers=1"]
STORE = f"sqlite:///mlflow.db?password={MARKER}"


@pytest.fixture(autouse=True)
def marked(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A password in the environment as well; at the end all that was written in the workspace is looked through."""
    for name in ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"):
        monkeypatch.setenv(name, f"{MARKER}-{name}")
    yield
    redaction.forget()
    files = [file for file in workspace.rglob("*") if file.is_file()]
    assert files
    assert [str(file) for file in files if MARKER.encode() in file.read_bytes()] == []


class Refusing(BaseHTTPRequestHandler):
    """A server that says more than it should."""

    def do_GET(self) -> None:
        self.send_response(401)
        self.end_headers()
        self.wfile.write(f"the password {MARKER} is wrong".encode())

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Nothing on the screen."""


@pytest.fixture
def server() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Refusing) as found:
        thread = Thread(target=found.serve_forever, daemon=True)
        thread.start()
        yield found.server_address[1]
        found.shutdown()
        thread.join()


def test_a_sweep_its_pages_and_its_copy_hold_no_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def raises(*_: object) -> None:
        raise ValueError(f"cannot log in with {MARKER}")

    asked = [*SMALL, "seed=0,1", "name=first", f"tracking.uri='{STORE}'", f"description='of http://me:{MARKER}@host/x'"]
    assert main([*asked, "dry_run=true"]) == app.EXIT_FINISHED
    with monkeypatch.context() as patch:
        patch.setattr(sweep_page, "write_report", raises)
        assert main(asked) == app.EXIT_FAILED
    assert "Traceback" in Path("sweeps/first/log.txt").read_text()
    assert main(asked) == app.EXIT_FINISHED
    assert cli.main(["report", "first", "--uri", STORE]) == 0
    assert cli.main(["report", "--compare", "first", "first", "--uri", STORE]) == 0
    assert cli.main(["sweeps", "--uri", STORE]) == 0
    assert cli.main(["sweeps", "--uri", STORE, "export", "first", "copy"]) == 0
    shown = capsys.readouterr()
    assert MARKER not in shown.out + shown.err
    assert "password=***" in Path("reports/first.html").read_text()
    assert "http://***@host/x" in Path("reports/first.json").read_text()


def test_a_server_that_refuses_tells_no_secret(
    server: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = f"127.0.0.1:{server}"
    assert main([*SMALL, f"tracking.uri=http://me:{MARKER}@{place}"]) == 2
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://{MARKER}@{place}/?token={MARKER}")
    assert cli.main(["report", "first"]) == 2
    assert cli.main(["sweeps", "delete", "--yes", "first"]) == 2
    error = capsys.readouterr().err
    assert MARKER not in error
    assert f"http://***@{place}" in error
    assert error.count("\n") == 3


@pytest.mark.parametrize(
    "typed",
    [
        f"tracking.uri=http://me:{MARKER}@127.0.0.1:1",
        f"tracking.uri=postgresql://me:pass[{MARKER}@127.0.0.1:1/db",
        f"tracking.uri='ftp://me:{MARKER} {MARKER}@host'",
        f"tracking.url=http://me:{MARKER}@host",
        f"tracking.uri=http://me:{MARKER}@host,http://me:{MARKER}@other",
        f"tracking.uri=http://me:({MARKER}@host",
    ],
)
def test_bad_input_tells_no_secret(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SMALL, typed]) == 2
    error = capsys.readouterr().err
    assert MARKER not in error
    assert error.count("\n") == 1


def test_what_is_printed_to_be_looked_at_holds_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["reproduce", "dropout", "--list", "--set", f"tracking.uri=http://me:{MARKER}@host"]) == 0
    assert main(["--cfg", "job", f"tracking.uri=http://me:{MARKER}@host"]) == 0
    assert cli.main(["report", f"--url=http://me:{MARKER}@host"]) == 2
    shown = capsys.readouterr()
    assert MARKER not in shown.out + shown.err
    assert shown.out.count("http://***@host") == 2
