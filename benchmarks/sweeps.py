"""What a sweep costs beside training: plan, record, read back and report, by its number of runs; and executors."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np

from workbench.config import run_config
from workbench.engine.rules.probes import PROBES
from workbench.engine.training.epoch import EPOCH_METRICS
from workbench.sweep.planning.identity import numbers
from workbench.sweep.store import PackResult, RunRecord, SweepRecord

SIZES = (100, 1_000, 10_000)
PACK, EPOCHS, LAYERS = 256, 20, 3  # runs of a pack, epochs of a run, layers with probes
RATES = (0.01, 0.02, 0.05, 0.1, 0.2)
SUMMARY = [f"{when}_{split}_{what}" for when in ("last", "best") for split in ("train", "validation", "test")
           for what in ("loss", "accuracy")]  # fmt: skip
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
    """Planning and tracking by number of runs, and the executors; seconds."""
    sizes = SIZES[: 1 if quick else None]
    return {
        "planning": {runs: planning(runs) for runs in sizes},
        "tracking": {runs: tracking(runs) for runs in sizes},
        "executors": {} if quick else {name: executor(*how) for name, how in EXECUTORS.items()},
    }


def planning(runs: int) -> dict[str, float]:
    """Of `dry_run=true`: seconds of the command, and of those what is not start-up."""
    grid = [f"optimizer.learning_rate={','.join(map(str, RATES))}", "optimizer=sgd,adam", f"seed=range({runs // 10})"]
    with TemporaryDirectory() as folder:
        start_up = min(_command(folder, "dry_run=true") for _ in range(3))
        whole = min(_command(folder, *grid, "dry_run=true") for _ in range(2))
    return {"command": whole, "planning": whole - start_up}


def tracking(runs: int) -> dict[str, float]:
    """Of a sweep of that many runs, made up: seconds to begin, record and end it, to look it up, read and report it."""
    from workbench.report.experiments import Experiment
    from workbench.report.sweep_page import write_report
    from workbench.tracking.read import load
    from workbench.tracking.write import MlflowStore

    cells = [_cell(number) for number in range(runs)]
    sweep = SweepRecord("many", "digest", "command", ("optimizer.learning_rate", "seed"), cells, {"device": "cpu"})
    results = [_result(cells[first : first + PACK]) for first in range(0, runs, PACK)]
    with TemporaryDirectory() as folder, _inside(folder):
        store = MlflowStore()
        seconds = {"begin": _seconds(lambda: store.begin(sweep))}
        seconds["record"] = _seconds(lambda: [store.record(result) for result in results])
        seconds["end"] = _seconds(lambda: store.end("finished"))
        seconds["held"] = _seconds(lambda: MlflowStore().held([cell.fingerprint for cell in cells]))
        seconds["read"] = _seconds(lambda: load("many"))
        seconds["report"] = _seconds(lambda: write_report("many", Experiment())) - seconds["read"]
    return seconds


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
