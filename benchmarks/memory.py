"""The memory that plans predict, against the measured peak of a process that trains."""

from __future__ import annotations

import gc
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.contest import CONTESTANTS
from benchmarks.hosts import Team, TeamKind
from benchmarks.works import Work, data_of, layout_of, pack_of
from workbench.blas import ONE_THREAD
from workbench.engine.training.loop import train
from workbench.engine.training.sizes import memory_of_pack

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
# Large arrays go back to the system as soon as they are freed, so that none of them hides in a later peak.
KIND = TeamKind(False, ONE_THREAD | {"MALLOC_MMAP_THRESHOLD_": "65536"})
WORKS = (
    Work("digits", 2, 32, 256, 32),
    Work("digits", 3, 128, 64, 32),
    Work("mnist/4", 3, 128, 16, 128),
    Work("mnist/4", 8, 128, 16, 128, "sigmoid"),
    Work("mnist/4", 3, 512, 16, 128),
)


class Peak:
    """Trains one epoch in this process alone, and tells how far its memory rose above that of the data."""

    def __init__(self, work: Work, runs: np.ndarray, kernel: str) -> None:
        _train_an_epoch(replace(work, workers=1), runs[:1], kernel)  # compiled and loaded before anything is measured
        self._work, self._runs, self._kernel = replace(work, workers=1), runs, kernel

    def measure(self) -> int:
        """Bytes at the peak, less those at the start. Linux tells; see `proc(5)`."""
        gc.collect()
        before = _status("VmRSS")
        CLEAR.write_text("5")
        _train_an_epoch(self._work, self._runs, self._kernel)
        return _status("VmHWM") - before


def measure(quick: bool) -> list[dict[str, Any]]:
    """By work and kernel: predicted and measured bytes. Empty where the system does not tell."""
    if not CLEAR.exists():
        return []
    kernels = [name for name in ("compiled", "plain") if CONTESTANTS[f"bare, {name}"].is_here]
    return [_compared(work, kernel) for work in WORKS[: 1 if quick else None] for kernel in kernels]


def predicted(work: Work, kernel: str) -> int:
    """What the engine says the runs take."""
    pack, data, layout = pack_of(work, np.arange(work.runs), kernel), data_of(work, np.arange(1)), layout_of(work)
    examples = {split: getattr(data, split).index.shape[1] for split in ("train", "validation", "test")}
    return memory_of_pack(pack, pack.architecture(layout.inputs, layout.outputs), examples)


def _compared(work: Work, kernel: str) -> dict[str, Any]:
    team = Team(KIND)
    try:
        team.sit("peak", "benchmarks.memory:Peak", work, {"kernel": kernel})
        peak = team.ask("peak", "measure")[0]
    finally:
        team.close()
    expected = predicted(work, kernel)
    ratio = peak / expected
    return {"work": work.name, "kernel": kernel, "predicted": expected, "measured": peak, "ratio": ratio}


def _train_an_epoch(work: Work, runs: np.ndarray, kernel: str) -> None:
    """An epoch of every run, to its end."""
    pack = pack_of(work, runs, kernel)
    once = replace(pack, columns=pack.columns | {"epochs": np.ones(len(runs), int)})
    for _ in train(once, data_of(work, runs)):
        pass


def _status(key: str) -> int:
    found = re.search(rf"{key}:\s+(\d+) kB", STATUS.read_text())
    assert found, f"{STATUS} has no {key}"
    return int(found[1]) * 1024
