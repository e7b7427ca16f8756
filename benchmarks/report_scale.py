"""How long a page takes from the store, and how large it is, by the number of runs.

    python -m benchmarks.report_scale [RUNS...]        (default: 100 1000 10000)

Made-up runs with plausible curves and probes are recorded as the application records them, child runs and all; what is
timed is `workbench report NAME` in a process of its own, start of Python included.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from workbench.sweep.run_outcomes import FINISHED
from workbench.sweep.store import PackResult, RunRecord, SweepRecord
from workbench.tracking.write import MlflowStore

EPOCHS, DEPTH, PACK = 20, 3, 250
LEVELS = {
    "network.activation": ("sigmoid", "relu"), "optimizer": ("sgd", "adam"), "penalty": ("none", "l1", "l2"),
    "dropout.rate": (0.0, 0.5),
}  # fmt: skip
PROBES = ("gradient_z", "gradient_weights", "update_size", "dead", "saturated")


def main(sizes: list[int]) -> None:
    """Print a line for each size."""
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for runs in sizes:
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            record(runs, Path(folder))
            written = time.perf_counter() - began
            seconds, memory, page = report(Path(folder))
            print(
                f"{runs:6,} runs: page in {seconds:5.1f} s, {page / 1e6:.2f} MB, peak memory {memory / 1024:,.0f} MiB"
                f"  (recorded in {written:.0f} s)",
                flush=True,
            )


def report(folder: Path) -> tuple[float, int, int]:
    """Seconds, KiB at the peak, and bytes of the page."""
    began = time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    process = subprocess.Popen(
        [sys.executable, "-m", "workbench", "report", "synthetic"],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0
    return time.perf_counter() - began, usage.ru_maxrss, (folder / "reports" / "synthetic.html").stat().st_size


def record(runs: int, folder: Path) -> None:
    """A sweep of that many runs in a store in the folder."""
    store = MlflowStore(f"sqlite:///{folder}/mlflow.db")
    cells = [_cell(number) for number in range(runs)]
    facts = {"description": "Made-up runs.", "device": "cpu", "commit": "none"}
    store.begin(SweepRecord("synthetic", "d", "python -m benchmarks.report_scale", (*LEVELS, "seed"), cells, facts))
    for first in range(0, runs, PACK):
        store.record(_result(cells[first : first + PACK], f"pack{first}"))
    store.end("finished")


def _cell(number: int) -> RunRecord:
    factors: dict[str, object] = {}
    rest = number
    for key, values in LEVELS.items():
        rest, place = divmod(rest, len(values))
        factors[key] = values[place]
    factors["seed"] = rest
    params = {**factors, "network.depth": DEPTH, "network.width": 64, "training.epochs": EPOCHS}
    return RunRecord(number, f"run {number}", f"f{number:016x}", f"pack{number // PACK * PACK}", factors=factors,
                     params=params)  # fmt: skip


def _result(cells: list[RunRecord], pack: str) -> PackResult:
    chance = np.random.default_rng(cells[0].cell)
    epoch = np.arange(EPOCHS + 1)
    shape = (len(cells), EPOCHS + 1)
    learned = 1 - np.exp(-chance.uniform(0.1, 0.6, (len(cells), 1)) * epoch)
    accuracy = 0.1 + 0.85 * learned + chance.normal(0, 0.004, shape)
    loss = 2.3 * (1.02 - learned)
    columns = {f"{part}_{kind}": values for part in ("train", "validation", "test")
               for kind, values in (("loss", loss), ("accuracy", accuracy))}  # fmt: skip
    marks = np.array([cell.fingerprint for cell in cells])
    epochs = {"fingerprint": np.repeat(marks, EPOCHS + 1), "epoch": np.tile(epoch, len(cells))}
    epochs |= {name: values.ravel() for name, values in columns.items()}
    layers = [(e, layer, probe) for e in epoch for layer in range(1, DEPTH + 2) for probe in PROBES]
    rows = len(layers)
    long = {"fingerprint": np.repeat(marks, rows), "value": 10.0 ** chance.normal(-3, 1, rows * len(cells))}
    for name, values in zip(("epoch", "layer", "probe"), zip(*layers, strict=True), strict=True):
        long[name] = np.tile(np.array(values), len(cells))
    ends = [_ended(cell, {name: values[row] for name, values in columns.items()}) for row, cell in enumerate(cells)]
    return PackResult(pack, ends, epochs, long)


def _ended(cell: RunRecord, curves: dict[str, np.ndarray]) -> RunRecord:
    best = int(curves["validation_loss"].argmin())
    metrics = {f"{when}_{name}": float(values[place]) for name, values in curves.items()
               for when, place in (("best", best), ("last", -1))}  # fmt: skip
    metrics |= {"best_epoch": float(best), "epochs": float(EPOCHS), "seconds": 0.1}
    return RunRecord(**{**vars(cell), "outcome": FINISHED, "metrics": metrics, "weights_digest": cell.fingerprint,
                        "started": 1.79e9, "ended": 1.79e9 + 60})  # fmt: skip


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [100, 1000, 10_000])
