"""The table of runs: every cell of the sweep, small enough for ten thousand of them; of more, the ends.

HTML does not require the end tags of rows and cells, and the script sorts by the text shown. So a row costs about 250
bytes, most of them its link.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from markupsafe import Markup, escape

from workbench.report import wording
from workbench.report.language.words import attribute, in_few_letters, recognised, say, word
from workbench.report.page.links import run_link
from workbench.report.statistics.design import SEED, Design, status

WHOLE_TABLE = 10_000  # runs of a whole table: browsers take seconds for it
SHOWN_EACH = 1000  # of a table that is not whole: the best runs, the worst ones, those that did not finish


@dataclass(frozen=True)
class RunsTable:
    """The table as the page shows it: heads, the rows as markup, which columns hold numbers (from 1), how many rows.

    A head is the text and, of a factor's column, the factor's key. `note` says which runs a table of some has.
    """

    heads: tuple[tuple[str, str], ...]
    rows: Markup
    numbers: tuple[int, ...]
    count: int
    note: str = ""


def runs_table(design: Design, facts: dict[str, str]) -> RunsTable:
    """Every cell with its factors, seed, outcome, headline metrics and a link to its run in MLflow.

    Of more than WHOLE_TABLE cells the SHOWN_EACH best and worst by the main metric, and the first that did not finish.
    """
    if len(design.runs) <= WHOLE_TABLE:
        return _table(design, design.runs, facts)
    shown = ends(design)
    finished = int((shown["outcome"] == "finished").sum())
    note = say(
        "runs.some", shown=f"{len(shown):,}", all=f"{len(design.runs):,}", ends=f"{finished:,}",
        metric=wording.metric(design.main).name, others=f"{len(shown) - finished:,}",
    )  # fmt: skip
    return replace(_table(design, shown, facts), note=note)


def ends(design: Design) -> pd.DataFrame:
    """The best and the worst finished runs by the main metric, and the first of the others, in the order of cells."""
    measured = (design.runs["outcome"] == "finished") & design.runs[design.main].notna()
    ranked = design.runs.loc[measured, design.main].sort_values(kind="stable").index
    chosen = ranked[:SHOWN_EACH].union(ranked[-SHOWN_EACH:]).union(design.runs.index[~measured][:SHOWN_EACH])
    return design.runs.loc[chosen.sort_values()]


def _table(design: Design, runs: pd.DataFrame, facts: dict[str, str]) -> RunsTable:
    """These of the runs as a table."""
    measured = [key for key in (*design.headlines, "best_epoch", "seconds") if key in runs]
    keys = {place: factor.key for place, factor in enumerate(design.factors, 1)}
    columns = [("Run", [f"<th scope=row>{cell}" for cell in runs["cell"]], False)]
    columns += [(f.name.capitalize(), _levels(f.labels, runs[f"level:{f.key}"]), False) for f in design.factors]
    columns += [("Seed", [f"<td>{seed}" for seed in runs[SEED]], True), ("Outcome", _outcomes(runs), False)]
    columns += [(wording.metric(key).name, _measured(runs[key], key), True) for key in measured]
    columns += [("In MLflow", [_link(facts, str(run_id or "")) for run_id in runs["run_id"]], False)]
    numbers = tuple(place for place, (_, _, number) in enumerate(columns, 1) if number)
    rows = "\n".join("<tr>" + "".join(cells) for cells in zip(*(cells for _, cells, _ in columns), strict=True))
    heads = tuple((head, keys.get(place, "")) for place, (head, _, _) in enumerate(columns))
    return RunsTable(heads, Markup(rows), numbers, len(runs))


def _levels(labels: Sequence[str], places: Iterable[int]) -> list[str]:
    cells = [f"<td>{escape(label)}" for label in labels]
    return [cells[place] for place in places]


def _outcomes(runs: pd.DataFrame) -> list[str]:
    """One word for each cell, with the reason of a failed or diverged run as its tooltip."""
    cells: dict[tuple[str, str, str], str] = {}  # most runs come to the same
    rows = list(zip(status(runs), runs["outcome"], runs["reason"].fillna("").astype(str), strict=True))
    for state, outcome, reason in dict.fromkeys(rows):
        told = say("runs.reused_diverged") if state == "reused" and outcome == "diverged" else word(state)
        note = f" {attribute('title', recognised(reason))}" if reason else ""
        cells[state, outcome, reason] = f"<td{note}>{in_few_letters(told)}"
    return [cells[row] for row in rows]


def _measured(values: Iterable[float | None], key: str) -> list[str]:
    return [f"<td>{_text(float('nan') if value is None else float(value), key)}" for value in values]


def _text(value: float, key: str) -> str:
    """More digits than elsewhere on the page, since the table is sorted by what it shows."""
    if not np.isfinite(value):
        return "\u2013"
    if key == "best_epoch":
        return str(int(value))
    return f"{100 * value:.2f}{wording.SPACE}%" if wording.metric(key).percent else wording.number(value, 4)


def _link(facts: dict[str, str], run_id: str) -> str:
    # The last letters tell runs apart: ids of one pack begin alike (see tracking/bulk.py).
    shown = f"\u2026{escape(run_id[-8:])}" if run_id else "\u2013"
    address = run_link(facts, run_id)
    return f'<td><a href="{escape(address)}">{shown}</a>' if address else f"<td>{shown}"
