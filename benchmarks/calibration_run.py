"""The whole of the simulated error rates: what `python -m benchmarks --only calibration` measures."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

from benchmarks import calibration, calibration_looks
from benchmarks.calibration import PILOTS, Plans
from benchmarks.calibration_shapes import OF_ALL, SHAPES

TRIALS, QUICK_TRIALS = 2_000, 20
BATCH = 25  # trials of every figure between two results, so that whoever stops it has a whole page of fewer trials
PROMISED = 0.05
AGAIN = 8
FRESH = 10**6  # the first batch of trials that are measured again
Found = dict[str, Any]


def batches(quick: bool, trials: int = TRIALS) -> Iterator[Found]:
    """The whole of it on every core, again after each batch of trials; the last but one rests on so many trials a
    figure, and a quarter as many pilots. The last one has `again`: of each table the rows that erred more often than
    promised, with their largest share in `AGAIN` times as many fresh trials.
    """
    size = min(BATCH, QUICK_TRIALS if quick else trials)
    count = 1 if quick else -(-trials // size)
    found: list[Found] = []
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for batch in range(count):
            found.append(_batch(pool, size, batch))
            whole = {"trials": size * len(found), **_joined(found)}
            yield whole
        yield whole | {"again": {name: _again(pool, name, whole, size * count) for name in TABLES}}


@dataclass(frozen=True)
class Table:
    """A table of error rates: what simulates a row, from which of its columns, and the largest share of a row."""

    simulate: Callable[..., dict[str, Any]]
    keys: tuple[str, ...]
    worst: Callable[[dict[str, Any]], float]


TABLES = {
    "rows": Table(calibration.row, ("shape", "pairs"), calibration.worst),
    "looks": Table(calibration_looks.row, ("shape",), calibration_looks.worst),
    "inferiority": Table(calibration_looks.inferiority_row, ("shape",), calibration_looks.worst),
}


def _again(pool: ProcessPoolExecutor, name: str, found: Found, trials: int) -> list[Found]:
    """The largest share of many rows that err in 5 % is above 5 %: only trials that nobody chose tell such a row from
    one that errs more often.
    """
    table = TABLES[name]
    over = [row for row in found[name] if table.worst(row) > PROMISED and row["shape"] not in OF_ALL]
    asked = [
        [pool.submit(table.simulate, *(row[key] for key in table.keys), trials, FRESH + part) for part in range(AGAIN)]
        for row in over
    ]
    return [mean_of(_results(parts)) for parts in asked]


def _batch(pool: ProcessPoolExecutor, size: int, batch: int) -> Found:
    rows = [pool.submit(calibration.row, name, n, size, batch) for n in calibration.PAIRS for name in SHAPES]
    looks = [pool.submit(calibration_looks.row, name, size, batch) for name in calibration_looks.SHAPES_LOOKED_AT]
    sides = [
        pool.submit(calibration_looks.inferiority_row, name, size, batch)
        for name in calibration_looks.SHAPES_OF_INFERIORITY
    ]
    pilots = [pool.submit(calibration.delivered, pilot, max(1, size // 4), batch) for pilot in PILOTS]
    together = pool.submit(calibration.together, size, batch)
    return {"rows": _results(rows), "looks": _results(looks), "inferiority": _results(sides),
            "together": together.result(), "pilots": _results(pilots)}  # fmt: skip


def _results(asked: Sequence[Future[Any]]) -> list[Any]:
    return [one.result() for one in asked]


def _joined(found: Sequence[Found]) -> Found:
    plans = [reduce(add, of_one, Plans()) for of_one in zip(*(one["pilots"] for one in found), strict=True)]
    shares = mean_of([{name: part for name, part in one.items() if name != "pilots"} for one in found])
    return {**shares, "pilots": [calibration.power_row(*one) for one in zip(PILOTS, plans, strict=True)]}


def mean_of(parts: Sequence[Any]) -> Any:
    """The mean of figures of batches of one size, wherever they stand in lists and dicts; what is equal stays."""
    first = parts[0]
    if isinstance(first, dict):
        return {name: mean_of([part[name] for part in parts]) for name in first}
    if isinstance(first, list):
        return [mean_of(column) for column in zip(*parts, strict=True)]
    return first if all(part == first for part in parts) else sum(parts) / len(parts)
