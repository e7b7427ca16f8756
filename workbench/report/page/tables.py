"""The page's tables that belong to no figure: what was swept, and why runs were lost. Their cells are text."""

from __future__ import annotations

import pandas as pd

from workbench.report import wording
from workbench.report.figures.base import Table
from workbench.report.language.words import recognised, say, word
from workbench.report.page.summary import in_brief
from workbench.report.statistics.design import SEED, Design, losses


def factors(design: Design) -> Table:
    """The swept keys with their values."""
    rows = [(one.name, one.key, in_brief(one)) for one in design.factors]
    if len(design.seeds) > 1:
        rows.append((word(SEED), SEED, wording.plural(len(design.seeds), "seed")))
    return Table("What was swept", ("Factor", "Key", "Values"), tuple(rows), words=3)


def reasons(runs: pd.DataFrame) -> Table | None:
    """Why cells failed or diverged, the commonest reasons first; None if none did."""
    rows = [
        (
            word(outcome),
            recognised(reason),
            ", ".join(map(str, cells[:12])) + (" \u2026" if len(cells) > 12 else ""),
            str(len(cells)),
        )
        for outcome in ("failed", "diverged")
        for reason, cells in losses(runs, outcome)
    ]
    heads = ("Outcome", "Reason", "Which runs", say("head.runs"))
    return Table("Why runs failed or diverged", heads, tuple(rows), words=3) if rows else None
