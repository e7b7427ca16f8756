"""The whole of the simulated error rates: what `python -m benchmarks --only calibration` measures."""

from __future__ import annotations

import os
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any

from benchmarks import calibration, calibration_looks
from benchmarks.calibration_shapes import SHAPES

TRIALS, QUICK_TRIALS = 2_000, 20


def measure(quick: bool, trials: int = TRIALS) -> dict[str, Any]:
    """The whole of it on every core, with so many trials a figure of errors, and a quarter as many pilots."""
    trials = QUICK_TRIALS if quick else trials
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        rows = [pool.submit(calibration.row, name, n, trials) for n in calibration.PAIRS for name in SHAPES]
        looks = [pool.submit(calibration_looks.row, name, trials) for name in SHAPES]
        inferiority = [pool.submit(calibration_looks.inferiority_row, name, trials) for name in SHAPES]
        pilots = [pool.submit(calibration.delivered, pilot, trials // 4) for pilot in calibration.PILOTS]
        together = pool.submit(calibration.together, trials // 4)
        return {"trials": trials, "rows": _all(rows), "looks": _all(looks), "inferiority": _all(inferiority),
                "together": together.result(), "pilots": _all(pilots)}  # fmt: skip


def _all(asked: list[Future[dict[str, Any]]]) -> list[dict[str, Any]]:
    return [one.result() for one in asked]
