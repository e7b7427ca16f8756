"""`docs/calibration.md`, from what `python -m benchmarks --only calibration` measures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks import calibration
from benchmarks.table import grid

FILE = Path(__file__).resolve().parents[1] / "docs" / "calibration.md"
HEAD = """# How often verdicts are false

Written by `python -m benchmarks --only calibration`; {where}. Nothing here was trained: differences of known
distribution are drawn, made into the evidence that a sweep would give, and decided by the code that decides pages.
Two standard errors of a share of 5 % are {two} points.

## False verdicts

The largest share that the rules allow is 5 % in every row. Effects are in deviations of the differences; the margin m
is 2. At no effect *reproduced* and *contradicted* are false; exactly at the margin, on either side, every firm
verdict is, *ruled out* among them at +m. *margin 0*: a rule with margin 0 where there is no effect. *tolerance*: a
rule of tolerance exactly at its edge, the worse side. The last column is no error: how often the absence of an effect
is found where there is none.
"""
RUNS_LOST = """
**Collapse.** A collapsed run ends 10 deviations down, a diverged one without a number; in one arm unless both are
named. The effect is that among the pairs that trained. In the rows *untold* no `Collapse` of the rule tells a
collapsed run, and the effect is the mean of all. {unknowable} can be held by no rule at 12 seeds: 28 of 100 such
sweeps hold no collapsed run at all, and nothing in them says what the others lose. So a card says beside every
verdict what share of runs may be lost unseen (22 % where none of 12 was), and whoever asks about the mean of all
needs 29 seeds or more: 0.9^29 is under 5 %.

**Families.** Of ten rules in one family, normal differences exactly at the margin, {together} had any firm verdict:
presences and absences are two families of 5 % each.
"""
PLANS = """
## The power of planned seeds

Twelve pairs leave a rule open; new seeds are planned from them, at bounds of the effect and of the spread, and decide
alone as a second attempt. Promised is 0.8. An effect that may as well lie on the other side of the margin is not
planned for. Plans of more than {largest} seeds are not drawn: their power is computed.
"""


def write(found: dict[str, Any], about: dict[str, str], file: Path = FILE) -> Path:
    """Write the page, and return its path."""
    file.write_text(page(found, about), encoding="utf-8")
    return file


def page(found: dict[str, Any], about: dict[str, str]) -> str:
    """The page of a measurement."""
    trials = found["trials"]
    two = 200 * (0.05 * 0.95 / trials) ** 0.5
    where = f"{about['machine'].removesuffix(', 2 in use')}, {about['date']}, {trials:,} trials a figure"
    head = HEAD.format(where=where, two=f"{two:.1f}")
    unknowable = ", ".join(f"*{name}* with {n} pairs" for name, n in sorted(calibration.UNKNOWABLE))
    lost = RUNS_LOST.format(unknowable=unknowable, together=_percent(found["together"]))
    return "\n".join([head, _errors(found["rows"]), lost, PLANS.format(largest=calibration.LARGEST).lstrip(),
                      _plans(found["pilots"]), ""])  # fmt: skip


def _errors(rows: list[dict[str, Any]]) -> str:
    columns = ["differences", "pairs", *("effect " + place for place in calibration.PLACES), "margin 0", "tolerance",
               "absence found at 0"]  # fmt: skip
    return grid(columns, ([row["shape"], str(row["pairs"]), *map(_percent, _figures(row))] for row in rows))


def _figures(row: dict[str, Any]) -> list[float]:
    return [*row["false"].values(), row["margin 0"], row["tolerance"], row["absent"]]


def _plans(pilots: list[dict[str, Any]]) -> str:
    columns = ["rule", "true effect", "left open", "of these planned", "seeds planned, median", "power delivered"]
    return grid(columns, map(_plan, pilots))


def _plan(one: dict[str, Any]) -> list[str]:
    kind = "tolerance" if one["tolerated"] else "margin"
    family = f", family of {one['family']}" if one["family"] > 1 else ""
    seeds, delivered = one["seeds"], one["power"]
    open_, planned = _percent(one["inconclusive"]), _percent(one["planned"])
    return [
        f"{kind} {one['margin']:g}{family}", f"{one['effect']:g}", open_, planned,
        "-" if seeds is None else f"{seeds:.0f}", "-" if delivered is None else f"{delivered:.2f}",
    ]  # fmt: skip


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
