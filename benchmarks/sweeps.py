"""What a sweep costs beside training: plan, record, read back and report, by its number of runs; and executors."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import numpy as np

from workbench.config import run_config
from workbench.engine.rules.probes import PROBES
from workbench.engine.training.epoch import EPOCH_METRICS
from workbench.sweep.planning.identity import numbers
from workbench.sweep.store import PackResult, RunRecord, SweepRecord

SIZES = (100, 1_000, 10_000)  # planned, and recorded in SQLite
LARGE = (100_000,)  # the same where WORKBENCH_BENCHMARK_LARGE is set: half an hour, 4 GB of disk and of memory
PACK, EPOCHS, LAYERS = 256, 20, 3  # runs of a pack, epochs of a run, layers with probes
RATES = (0.01, 0.02, 0.05, 0.1, 0.2)
SUMMARY = [f"{when}_{split}_{what}" for when in ("last", "best") for split in ("train", "validation", "test")
           for what in ("loss", "accuracy")]  # fmt: skip
SERVER = "WORKBENCH_TEST_POSTGRES"  # environment variable
# Executor -> its overrides and the BLAS threads of every process; the last oversubscribes two cores.
EXECUTORS = {
    "inline, 2 workers": (("workers=2",), "1"),
    "processes, 2 workers": (("executor=processes", "workers=2"), "1"),
    "processes, 2 workers, 2 BLAS threads each": (("executor=processes", "workers=2"), "2"),
}
TRAINED = (
    "data=digits", "kernel=plain", "network.depth=1,2", "network.width=128,256", "optimizer=sgd,adam", "seed=range(8)",
    "training.batch_size=128", "training.epochs=10",
)  # fmt: skip


def measure(quick: bool) -> dict[str, Any]:
    """Planning and tracking by number of runs, and the executors; seconds. With a PostgreSQL for tests
    (`scripts/services/postgres-up`) tracking is measured in that too.
    """
    sizes = SIZES[: 1 if quick else None]
    recorded = (*sizes, *(LARGE if os.environ.get("WORKBENCH_BENCHMARK_LARGE") and not quick else ()))
    server = _server()
    start_up = _start_up()
    return {
        "planning": {f"{runs}": _said(planning(runs, start_up), runs, "planning") for runs in recorded},
        "tracking": {f"{runs}": _said(tracking(runs), runs, "SQLite") for runs in recorded}
        | {
            f"{runs}, PostgreSQL": _said(tracking(runs, new_database(server)), runs, "PostgreSQL")
            for runs in recorded
            if server
        },
        "executors": {} if quick else {name: executor(*how) for name, how in EXECUTORS.items()},
    }


def _server() -> str | None:
    """The PostgreSQL for tests, if one runs. It is said at once that its package is missing, not after minutes."""
    server = os.environ.get(SERVER)
    if server and find_spec("psycopg") is None:
        raise SystemExit(f"{SERVER} is set, and the package psycopg is missing; pip install -e '.[bench,postgres]'")
    return server


def planning(runs: int, start_up: float) -> dict[str, float]:
    """Of `dry_run=true`: seconds of the command, and of those what is not start-up. A large sweep is planned once."""
    grid = [f"optimizer.learning_rate={','.join(map(str, RATES))}", "optimizer=sgd,adam", f"seed=range({runs // 10})"]
    with TemporaryDirectory() as folder:
        whole = min(_command(folder, *grid, "dry_run=true") for _ in range(1 if runs in LARGE else 2))
    return {"command": whole, "planning": whole - start_up}


def _start_up() -> float:
    """Seconds of a command that plans one run."""
    with TemporaryDirectory() as folder:
        return min(_command(folder, "dry_run=true") for _ in range(3))


def _said(seconds: dict[str, float], runs: int, what: str) -> dict[str, float]:
    """The same, after a line that says it: a large sweep takes minutes, and who stops it keeps what was printed."""
    print(f"  {runs:,} runs, {what}: {', '.join(f'{name} {value:.2f}' for name, value in seconds.items())}", flush=True)
    return seconds


def tracking(runs: int, uri: str | None = None) -> dict[str, float]:
    """Of a sweep of that many runs, made up, in SQLite or the store at `uri`: CPU seconds of this process to begin,
    record and end it, to look it up, and to start it again; those of processes that read it and that report it, with
    their peaks of memory in MB, and MB of the page; and kB a run of an SQLite database and of artifacts.
    """
    from workbench.tracking.write import MlflowStore

    cells = [_cell(number) for number in range(runs)]
    sweep = SweepRecord("many", "digest", "command", ("optimizer.learning_rate", "seed"), cells, {"device": "cpu"})
    with TemporaryDirectory() as folder, _inside(folder):
        store = MlflowStore(uri)
        seconds = {"begin": _busy(lambda: store.begin(sweep)), "record": 0.0}
        for first in range(0, runs, PACK):
            result = _result(cells[first : first + PACK])
            seconds["record"] += _busy(lambda result=result: store.record(result))  # type: ignore[misc]
        seconds["end"] = _busy(lambda: store.end("finished"))
        seconds["held"] = _busy(lambda: MlflowStore(uri).held([cell.fingerprint for cell in cells]))
        seconds["again"] = _busy(lambda: _again(MlflowStore(uri), sweep))
        seconds["read"], seconds["read, MB"] = _reading(uri)
        seconds["report"], seconds["report, MB"] = _reporting(uri)
        seconds["page, MB"] = Path("reports/many.html").stat().st_size / 1e6
        database = Path("mlflow.db").stat().st_size if uri is None else 0
        artifacts = sum(file.stat().st_size for file in Path("mlruns").rglob("*") if file.is_file())
        seconds |= {"database, kB": database / runs / 1e3, "artifacts, kB": artifacts / runs / 1e3}
    return seconds


def new_database(server: str) -> str:
    """The address of an empty database of that PostgreSQL."""
    import psycopg

    name = f"benchmark_{os.getpid()}_{os.urandom(4).hex()}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return f"{server}/{name}"


def _again(store: Any, sweep: SweepRecord) -> None:
    """What a command does that asks for the same sweep, which is held."""
    from dataclasses import replace

    store.earlier(sweep.name)
    held = store.held([cell.fingerprint for cell in sweep.cells])
    cells = [
        replace(cell, origin=held[cell.fingerprint].run_id, outcome=held[cell.fingerprint].outcome)
        for cell in sweep.cells
    ]
    store.begin(replace(sweep, cells=cells))
    store.verified()
    store.end("finished")


SPENT = """
import os
from pathlib import Path
peak = [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print(sum(os.times()[:4]) - began, int(peak[0]) / 1024)
"""
READ = f"""
import os, sys
from workbench.tracking.read import load
import pandas, mlflow, workbench.tracking.quiet_mlflow as quiet; quiet.import_quietly()
began = sum(os.times()[:4])
load("many", sys.argv[1] or None)
{SPENT}
"""
REPORT = f"""
import sys
from workbench.cli import main
began = 0
assert main(["report", "many", *sys.argv[1:]]) == 0
{SPENT}
"""


def _reading(uri: str | None) -> tuple[float, float]:
    """CPU seconds to read the sweep, and the peak of a process that does, in MB."""
    return _child(READ, uri or "")


def _reporting(uri: str | None) -> tuple[float, float]:
    """CPU seconds of the command `workbench report`, start and reading included, and the peak of its memory, in MB."""
    return _child(REPORT, *(["--uri", uri] if uri else []))


def _child(program: str, *arguments: str) -> tuple[float, float]:
    """The two numbers that a process of its own prints at the end. It asks for its peak itself: what its parent would
    be told begins with the parent's memory.
    """
    here = str(Path(__file__).resolve().parents[1])
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": here}, stdout=subprocess.PIPE, text=True, check=True
    )
    busy, peak = map(float, done.stdout.splitlines()[-1].split())
    return busy, peak


def executor(overrides: tuple[str, ...], threads: str) -> float:
    """Seconds of a sweep of eight packs, the whole command."""
    with TemporaryDirectory() as folder:
        return _command(folder, *TRAINED, *overrides, threads=threads)


def _cell(number: int) -> RunRecord:
    factors = {"optimizer.learning_rate": RATES[number % len(RATES)], "seed": number // len(RATES)}
    params = _NUMBERS | factors
    return RunRecord(number, f"run {number}", f"{number:016x}", f"pack {number // PACK}", (), factors, params)


_NUMBERS = numbers(run_config({"device": "cpu"}))


def _result(cells: list[RunRecord]) -> PackResult:
    """What a pack might have come to."""
    from dataclasses import replace

    generator = np.random.default_rng(cells[0].cell)
    runs = [
        replace(
            cell, outcome="finished", weights_digest=cell.fingerprint, started=1.7e9, ended=1.7e9 + 30,
            metrics={**dict(zip(SUMMARY, generator.random(len(SUMMARY)), strict=True)), "epochs": EPOCHS},
        )
        for cell in cells
    ]  # fmt: skip
    marks = np.array([cell.fingerprint for cell in cells], dtype=object)
    epochs = {"fingerprint": np.repeat(marks, EPOCHS + 1), "epoch": np.tile(np.arange(EPOCHS + 1), len(cells))}
    epochs |= {name: generator.random(len(epochs["epoch"])) for name in EPOCH_METRICS}
    probes = np.array(list(PROBES), dtype=object)
    shape = (len(cells), EPOCHS + 1, LAYERS, len(probes))
    run, epoch, layer, probe = (places.ravel() for places in np.indices(shape))
    layers = {"fingerprint": marks[run], "epoch": epoch, "layer": layer + 1, "probe": probes[probe]}
    return PackResult(cells[0].pack, runs, epochs, layers | {"value": generator.random(len(run))})


def _seconds(action: Callable[[], object]) -> float:
    started = perf_counter()
    action()
    return perf_counter() - started


def _busy(action: Callable[[], object]) -> float:
    """Seconds of this process's CPU time, all of its threads."""
    started = process_time()
    action()
    return process_time() - started


def _command(folder: str, *overrides: str, threads: str = "1") -> float:
    here = str(Path(__file__).resolve().parents[1])
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    environment |= {"PYTHONPATH": here, "OPENBLAS_NUM_THREADS": threads}
    command = [sys.executable, "-m", "workbench", *overrides]
    return _seconds(lambda: subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=True))


@contextmanager
def _inside(folder: str) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
