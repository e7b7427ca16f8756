"""Where the wall time of the tour goes: at the first start, at the second, and with every run held."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import time
from typing import Any

from benchmarks.program_phases import EXIT, PHASES

TOUR = ("+sweep=tour",)
QUICK = (*TOUR, "seed=0", "network.depth=1", "network.activation=relu", "penalty=none", "training.epochs=1")
# Start -> (folder with the caches, folder with the store). The third finds all runs in the store.
STARTS = {
    "first start, nothing cached": ("cache", "one"),
    "second start, compiled, another store": ("cache", "two"),
    "third start, every run held": ("cache", "two"),
}


def measure(quick: bool) -> dict[str, Any]:
    """By start, seconds of each phase; "total" is the whole command's, from before its process was there."""
    with TemporaryDirectory() as folder:
        overrides = QUICK if quick else TOUR
        return {start: _start(Path(folder), *places, overrides) for start, places in STARTS.items()}


def _start(folder: Path, cache: str, store: str, overrides: tuple[str, ...]) -> dict[str, float]:
    working = folder / store
    working.mkdir(exist_ok=True)
    answer, started = folder / "phases.json", time()
    command = [sys.executable, "-m", "benchmarks.program_phases", str(answer), str(started), *overrides]
    ended = subprocess.run(command, cwd=working, env=_environment(folder / cache), capture_output=True, text=True)
    total = time() - started
    if ended.returncode:
        raise RuntimeError(f"{' '.join(overrides)} ended with status {ended.returncode}:\n{ended.stderr}")
    seconds = json.loads(answer.read_text(encoding="utf-8"))
    return seconds | {EXIT: total - sum(seconds.get(phase, 0.0) for phase in PHASES), "total": total}


def _environment(cache: Path) -> dict[str, str]:
    """Ours, with empty caches, and this checkout importable from another working folder."""
    here = str(Path(__file__).resolve().parents[1])
    path = os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    return inherited | {"XDG_CACHE_HOME": str(cache), "PYTHONPATH": path}
