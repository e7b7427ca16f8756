"""The learning rates of a pack, whose runs may have one schedule or many."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from workbench.engine.rules.schedules import SCHEDULES, learning_rates

UPDATES, PER_EPOCH = np.arange(3.0, 7.0), 2
ROWS: list[tuple[str, float, float]] = [
    ("constant", np.nan, 1.0),
    ("exponential", 0.5, 1.0),
    ("exponential", 0.25, 1.0),
    ("by_epoch", 0.5, 1.0),
    ("inverse_time", np.nan, 2.0),
    ("inverse_sqrt", np.nan, np.nan),
]


def rates(rows: list[tuple[str, float, float]], kind: Any = str) -> np.ndarray:
    """The learning rates of runs with these schedules, whose first rates are 1, 2, 3, ..."""
    names, factors, times = zip(*rows, strict=True)
    columns = {
        "schedule": np.array(names, kind),
        "schedule_factor": np.array(factors),
        "schedule_time": np.array(times),
        "learning_rate": np.arange(1.0, len(rows) + 1),
    }
    return learning_rates(columns, UPDATES, PER_EPOCH)


def test_every_schedule_is_among_the_rows() -> None:
    assert {name for name, _, _ in ROWS} == SCHEDULES.keys()


@pytest.mark.parametrize("kind", [str, object])
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_run_has_the_rates_that_it_has_among_others(row: tuple[str, float, float], kind: Any) -> None:
    alone, among = rates([row], kind)[:, 0], rates([*ROWS, row], kind)[:, -1]
    np.testing.assert_array_equal(among, alone * (len(ROWS) + 1))
    np.testing.assert_array_equal(rates([row] * 3, kind), alone[:, None] * [1, 2, 3])
