"""What it costs to record a sweep on an MLflow server, beside SQLite: requests, CPU seconds, seconds that pass.

    eval "$(scripts/services/postgres-up)"
    python -m benchmarks.server_recording [RUNS [ROUNDS]]        (default: 432 3)

Made-up runs (`benchmarks.sweeps`) are begun, recorded and ended in every store in turn, round after round. The server
stands on this machine, with log-in, over a database in that PostgreSQL. Runs are recorded in it in packs, and run by
run as in any other MLflow server. Printed is the median of the rounds: requests a run; seconds that pass; CPU seconds
of this process, of the server's, and of PostgreSQL's; and the requests that it takes afterwards to know which runs are
held, and to read the sweep.
"""

from __future__ import annotations

import os
import platform
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from statistics import median
from unittest.mock import patch

import requests

from benchmarks.sweeps import PACK, _cell, _inside, _result, new_database
from workbench.sweep.store import SweepRecord
from workbench.tracking import asking, children, files_ahead, files_sending
from workbench.tracking.read import load
from workbench.tracking.write import MlflowStore

SERVICES = Path(__file__).resolve().parents[1] / "scripts" / "services"
POSTGRES = "WORKBENCH_TEST_POSTGRES"
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Place:
    """A store to record in; `session` is the session of its server's processes, -1 if it has none. Without `packs` the
    server is used as any other MLflow server is.
    """

    uri: str | None
    environment: Mapping[str, str]
    session: int = -1
    packs: bool = True


def main(runs: int, rounds: int) -> None:
    """Print a line for each store."""
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"{runs} runs in packs of {PACK}, median of {rounds} rounds in turn")
    with ExitStack() as stack:
        stack.enter_context(_inside(stack.enter_context(tempfile.TemporaryDirectory())))
        places = {"SQLite": Place(None, {})}
        if postgres := os.environ.get(POSTGRES):
            server = stack.enter_context(_server())
            places["PostgreSQL"] = Place(new_database(postgres), {})
            places["server, run by run"] = replace(server, packs=False)
            places["server, in packs"] = server
        for name, place in places.items():
            _recorded(place, f"warm {name}", 2)
        found: dict[str, list[dict[str, float]]] = {name: [] for name in places}
        for number in range(rounds):
            for name, place in places.items():
                found[name].append(_recorded(place, f"{name} {number}", runs))
        print(
            "| store | requests a run | passed, s | client, CPU s | server, CPU s | PostgreSQL, CPU s | held | read |"
        )
        print("|---|---|---|---|---|---|---|---|")
        for name, measured in found.items():
            middle = {what: median(one[what] for one in measured) for what in measured[0]}
            print(f"| {name} | {' | '.join(f'{value:.3g}' for value in middle.values())} |", flush=True)


def _recorded(place: Place, name: str, runs: int) -> dict[str, float]:
    """One sweep of made-up runs that nobody has yet."""
    cells = [replace(_cell(number), fingerprint=f"{name} {number}") for number in range(runs)]
    sweep = SweepRecord(name, name, "command", ("optimizer.learning_rate", "seed"), cells, {"device": "cpu"})
    results = [_result(cells[first : first + PACK]) for first in range(0, runs, PACK)]
    takes_packs = children.takes_packs if place.packs else lambda _: False
    may_send = files_ahead.may_send if place.packs else lambda _: False
    with ExitStack() as stack:
        for part in (children, files_sending):
            stack.enter_context(patch.object(part, "takes_packs", takes_packs))
        for part in (asking, files_ahead):
            stack.enter_context(patch.object(part, "may_send", may_send))
        stack.enter_context(patch.dict(os.environ, place.environment))
        asked = stack.enter_context(_counted())
        before = _spent(place)
        store = MlflowStore(place.uri, sampled=False)
        store.begin(sweep)
        for result in results:
            store.record(result)
        store.end("finished")
        passed = [after - start for after, start in zip(_spent(place), before, strict=True)]
        numbers = [asked.total() / runs, *passed]
        asked.clear()
        MlflowStore(place.uri).held([cell.fingerprint for cell in cells])
        numbers.append(asked.total())
        asked.clear()
        load(name, place.uri)
        numbers.append(asked.total())
    return dict(zip(("requests", "wall", "client", "server", "database", "held", "read"), numbers, strict=True))


def _spent(place: Place) -> tuple[float, float, float, float]:
    """Seconds so far: of the clock, and CPU seconds of this process, of the server's processes, and of PostgreSQL's."""
    processes = list(_processes())
    postgres = _postgres()
    server = sum(busy for *_, session, busy in processes if session == place.session)
    database = sum(busy for number, parent, _, busy in processes if postgres in (number, parent))
    return time.perf_counter(), time.process_time(), server, database


@cache
def _postgres() -> int:
    """The number of PostgreSQL's first process, which starts one for each connection; -1 without a PostgreSQL."""
    import psycopg

    if POSTGRES not in os.environ:
        return -1
    with psycopg.connect(f"{os.environ[POSTGRES]}/postgres") as connection:
        row = connection.execute("SELECT pg_backend_pid()").fetchone()
        return next(parent for number, parent, *_ in _processes() if row and number == row[0])


def _processes() -> Iterator[tuple[int, int, int, float]]:
    """Number, parent, session and CPU seconds, with those of children that have ended, of every process."""
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            found = re.fullmatch(r"(\d+) \(.*\) (.*)", file.read_text().strip(), re.DOTALL)
        except OSError:
            continue  # it has ended
        if found:
            fields = found[2].split()
            yield int(found[1]), int(fields[1]), int(fields[3]), sum(map(int, fields[11:15])) / _TICKS


@contextmanager
def _counted() -> Iterator[Counter[str]]:
    """Requests of this process."""
    asked: Counter[str] = Counter()
    send = requests.Session.send

    def counting(session: requests.Session, request: requests.PreparedRequest, **how: object) -> requests.Response:
        asked[f"{request.method} {request.path_url.partition('?')[0]}"] += 1
        return send(session, request, **how)

    with patch.object(requests.Session, "send", counting):
        yield asked


@contextmanager
def _server() -> Iterator[Place]:
    """A server with log-in that takes packs, over a database of its own."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        settings = {
            **os.environ, "MLFLOW_SERVER_FOLDER": f"{folder}/server", "MLFLOW_SERVER_PORT": str(port),
            "MLFLOW_SERVER_PYTHON": sys.executable, "MLFLOW_SERVER_APP": "workbench-basic-auth",
        }  # fmt: skip
        try:
            said = _service("mlflow-server-up", settings)
            log_in = dict(re.findall(r"(MLFLOW_TRACKING_(?:USERNAME|PASSWORD))=(\S+)", said))
            session = int(Path(f"{folder}/server/pid").read_text())
            yield Place(f"http://127.0.0.1:{port}", log_in, session)
        finally:
            _service("mlflow-server-down", settings)


def _service(script: str, settings: Mapping[str, str]) -> str:
    done = subprocess.run([SERVICES / script], env=settings, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


if __name__ == "__main__":
    main(*map(int, [*sys.argv[1:3], *("432", "3")[len(sys.argv[1:3]) :]]))
