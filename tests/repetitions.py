"""How often what is slow is repeated: a little while one works, often where WORKBENCH_THOROUGH is set, as CI does.

What is dear even once carries `@pytest.mark.thorough`, and is skipped while one works (`tests/conftest.py`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import product
from typing import Any

import pytest

THOROUGH = bool(os.environ.get("WORKBENCH_THOROUGH"))


def repetitions(few: int, many: int) -> int:
    """So many repetitions, examples or kills: `few`, or `many` in a thorough run."""
    return many if THOROUGH else few


def crossed(*tables: Iterable[Any]) -> list[Any]:
    """All combinations of the rows of some tables, for parametrize; as many as bring every row of every table once
    count always, the others in a thorough run.
    """
    rows = [list(table) for table in tables]
    quick = _places(rows)
    return [
        pytest.param(*(table[at] for table, at in zip(rows, place, strict=True)), marks=marks)
        for place in product(*(range(len(table)) for table in rows))
        for marks in [() if place in quick else pytest.mark.thorough]
    ]


def mostly_thorough(rows: Iterable[Any], *always: Any) -> list[Any]:
    """Rows for parametrize: those named count always, the others in a thorough run."""
    rows = list(rows)
    assert set(always) <= set(rows), always
    return [pytest.param(row, id=str(row), marks=[] if row in always else pytest.mark.thorough) for row in rows]


def each_once(*tables: Iterable[Any]) -> list[tuple[Any, ...]]:
    """As many combinations of the rows of some tables as bring every row of every table once, for parametrize."""
    rows = [list(table) for table in tables]
    return [tuple(table[at] for table, at in zip(rows, place, strict=True)) for place in sorted(_places(rows))]


def _places(rows: list[list[Any]]) -> set[tuple[int, ...]]:
    return {tuple(index % len(table) for table in rows) for index in range(max(map(len, rows)))}
