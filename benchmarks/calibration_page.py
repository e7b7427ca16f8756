"""`docs/calibration.md`, from what `python -m benchmarks --only calibration` measures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from scipy import stats

from benchmarks import absences, calibration, calibration_looks
from benchmarks.calibration_run import AGAIN, PROMISED, TABLES
from benchmarks.calibration_shapes import HELD_OUT, OF_ALL
from benchmarks.table import grid

FILE = Path(__file__).resolve().parents[1] / "docs" / "calibration.md"
Row = dict[str, Any]
HEAD = """# How often verdicts are false

Written by `python -m benchmarks --only calibration --trials {trials}`; {where}, {trials:,} trials a figure.
Nothing here was trained: differences of known distribution are drawn, made into the evidence that a sweep would give,
and decided by the code that decides pages. Two standard errors of a share of 5 % are {two} points;
a rule that errs in 5 % shows more than {most} in one of 1,000 figures.

## False verdicts

The largest share that the rules allow is 5 % in every row. Of many rows that err in 5 % some show more: those are named
below their table, with what fresh trials of them showed. Effects are in deviations of the differences; the margin m is
2. At no effect *reproduced* and *contradicted* are false; exactly at the margin, on either side, every firm verdict is,
*ruled out* among them at +m. *margin 0*: a rule with margin 0 where there is no effect. *tolerance*: a rule of
tolerance exactly at its edge, the worse side. The last column is no error: how often the absence of an effect is found
where there is none.
"""
RUNS_LOST = """
**Collapse.** A collapsed run ends 10 deviations down, a diverged one without a number; in one arm unless both are
named. The effect is that among the pairs that trained, as verdicts claim it. In the row *untold* no `Collapse` of the
rule tells a collapsed run.
"""
OF_ALL_PAIRS = """
## The mean of all, which no verdict claims

A verdict is about the pairs that trained. Who takes it for one about the mean of all, collapsed runs included, although
no `Collapse` of the rule tells them, errs so often:

{errors}

Looks:

{looks}

Non-inferiority:

{inferiority}

*10 % collapse untold* with 12 pairs can be held by no rule that decides anything at 12 pairs: 28 of 100 such sweeps
hold no collapsed run at all, and nothing in them says what the others lose. A rule was tried that says an absence only
from 29 pairs on, of which 95 of 100 sweeps would hold a collapsed run (0.9^29 is under 5 %). What stays false in that
row, since presences are false in it too:

{table}

Its cost, by the verdicts in [reports/verdicts.json](../reports/verdicts.json): of {count}, {open_count} would be left
open ({open}). {lost_count} *conditional* ones would be called *reproduced*
without their condition, for fewer than 29 pairs show where each fails ({lost}).

**The choice: verdicts have no such rule.** It would leave presences as they are, and of a conditional verdict it would
take away the half that says where the claim fails. The row *10 % collapse untold, effect of the trained* above has what
is false of what verdicts do claim. A card says beside every verdict what share of runs may be lost unseen (22 % where
none of 12 was). Whoever asks about the mean of all names 29 seeds or more; a rule may also name what a collapsed run
is (`Collapse`), or ask that there is none (`Premise("not_collapsed")`).
"""
FAMILIES = """
**Families.** Of ten rules in one family, normal differences exactly at the margin, {together} had any firm verdict:
presences and absences are two families of 5 % each.
"""
LOOKS = """
## Looks

A rule looks after 12, 24 and 48 pairs, each time at its share of alpha, and goes on while its verdict is inconclusive,
as `workbench reproduce --settle` does. A sweep counts as false if any look, up to the last one, says what is false.
Power is how often it ends with *not reproduced* at no effect, and with *reproduced* at an effect of m + 1; beside it
stand the pairs that this took, in the mean.
"""
INFERIORITY = """
## Non-inferiority

A rule of tolerance with `worse="lower"`, at 12 pairs, at 30, and with the looks above. Exactly at the margin, -m, every
firm verdict is false; at no effect *contradicted* is. *shown* is no error but power: how often "not inferior" is found
at no effect.
"""
HELD = """
## Shapes that were held out

These four played no part in the design of the rules. They were written down and committed before any figure of them
had been seen, and no rule was fitted to them. `benchmarks/calibration_shapes.py` defines them: pairs of which three in
ten end in a basin 3 deviations down; accuracies of 98 % with beta distributions of unequal width; seeds whose spread
differs lognormally, with correlated arms of unequal width; a normal of which one pair in ten is five times as wide.
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
    where = f"{about['machine'].removesuffix(', 2 in use')}, {about['date']}"
    head = HEAD.format(
        where=where,
        trials=trials,
        most=_percent(by_chance(trials)),
        two=f"{200 * (PROMISED * (1 - PROMISED) / trials) ** 0.5:.1f}",
    )
    claimed = _tables(found, lambda shape: shape not in (*HELD_OUT, *OF_ALL))
    parts = [head, *claimed, HELD, *_tables(found, HELD_OUT.__contains__, apart=True), _of_all(found),
             PLANS.format(largest=calibration.LARGEST), _plans(found["pilots"])]  # fmt: skip
    return "\n".join(part.strip("\n") + "\n" for part in parts)


def _tables(found: dict[str, Any], wanted: Callable[[str], bool], apart: bool = False) -> list[str]:
    """The three tables of these shapes, each with the rows above 5 %; `apart` leaves out what is said of each."""
    rows, looks, inferiority = ([row for row in found[key] if wanted(row["shape"])] for key in TABLES)
    said = [RUNS_LOST, FAMILIES.format(together=_percent(found["together"]))]
    return [
        _errors(rows), _above(rows, "rows", found),
        *([] if apart else said),
        "Looks:" if apart else LOOKS, _looks(looks), _above(looks, "looks", found),
        "Non-inferiority:" if apart else INFERIORITY, _inferiority(inferiority),
        _above(inferiority, "inferiority", found),
    ]  # fmt: skip


def _above(rows: list[Row], table: str, found: dict[str, Any]) -> str:
    """Which rows err more often than promised, in words: those that chance may show of a rule that errs in 5 %, and
    those beyond; with their share of fresh trials, where these were made.
    """
    worst, fresh = TABLES[table].worst, {_name(row): row for row in found.get("again", {}).get(table, ())}
    again = f" of {AGAIN * found['trials']:,} fresh trials"
    over = [
        (worst(row), f"*{_name(row)}* ({_percent(worst(row))}"
         + (f"; {_percent(worst(fresh[_name(row)]))}{again})" if _name(row) in fresh else ")"))
        for row in rows if worst(row) > PROMISED
    ]  # fmt: skip
    most = by_chance(found["trials"])
    beyond = ", ".join(said for share, said in over if share > most)
    chance = ", ".join(said for share, said in over if share <= most)
    parts = [
        f"**Above 5 %, beyond chance**: {beyond}." if beyond else "No row is above 5 % beyond chance.",
        f"**Above 5 %**, as a rule that errs in 5 % may show: {chance}." if chance else "",
    ]
    return "\n".join(part for part in parts if part)


def _name(row: Row) -> str:
    return f"{row['shape']} with {row['pairs']} pairs" if "pairs" in row else str(row["shape"])


def by_chance(trials: int) -> float:
    """The largest share of so many trials that a rule which errs in 5 % shows in all but one of 1,000 rows."""
    return float(stats.binom.ppf(0.999, trials, PROMISED)) / trials


def _errors(rows: list[Row]) -> str:
    columns = ["differences", "pairs", *("effect " + place for place in calibration.PLACES), "margin 0", "tolerance",
               "absence found at 0"]  # fmt: skip
    return grid(columns, ([row["shape"], str(row["pairs"]), *map(_percent, _figures(row))] for row in rows))


def _figures(row: Row) -> list[float]:
    return [*row["false"].values(), row["margin 0"], row["tolerance"], row["absent"]]


def _of_all(found: dict[str, Any]) -> str:
    """What is false of the mean of all pairs; what a rule for absences would hold of it, and what that would cost."""
    rows, looks, inferiority = ([row for row in found[key] if row["shape"] in OF_ALL] for key in TABLES)
    asked = [row for row in rows if (row["shape"], row["pairs"]) in calibration.UNKNOWABLE]
    columns = ["", "effect +m", "effect -m", "margin 0", "tolerance"]
    table = [
        [name, *map(_percent, (of["+m"], of["-m"], row["margin 0"], of["tolerance"]))]
        for row in asked
        for name, of in (
            ("as it is", row["false"] | {"tolerance": row["tolerance"]}),
            ("no absence under 29 pairs", row["presences"]),
        )
    ]
    verdicts = absences.committed()
    opened, lost = absences.left_open(verdicts), absences.without_condition(verdicts)
    return OF_ALL_PAIRS.format(
        errors=_errors(rows).strip("\n"), looks=_looks(looks).strip("\n"),
        inferiority=_inferiority(inferiority).strip("\n"), table=grid(columns, table).strip("\n"),
        count=len(verdicts), open_count=len(opened), open=", ".join(opened),
        lost_count=len(lost), lost=", ".join(lost),
    )  # fmt: skip


def _looks(rows: list[Row]) -> str:
    columns = ["differences", *("effect " + place for place in calibration.PLACES), "margin 0",
               "absence found at 0", "pairs", "presence found at m + 1", "pairs"]  # fmt: skip
    return grid(columns, map(_look, rows))


def _look(row: Row) -> list[str]:
    shares = map(_percent, (*row["false"].values(), row["margin 0"]))
    return [row["shape"], *shares, _percent(row["absent"]), f"{row['pairs to absent']:.0f}",
            _percent(row["present"]), f"{row['pairs to present']:.0f}"]  # fmt: skip


def _inferiority(rows: list[Row]) -> str:
    kinds = {"12": "12 pairs", "30": "30 pairs", "looks": "looks"}
    places = [*calibration_looks.NOT_INFERIOR, "shown"]
    columns = ["differences", *(f"{said}: {place}" for said in kinds.values() for place in places)]
    figures = ([(*row[kind]["false"].values(), row[kind]["shown"]) for kind in kinds] for row in rows)
    shares = ([_percent(share) for group in groups for share in group] for groups in figures)
    return grid(columns, ([row["shape"], *cells] for row, cells in zip(rows, shares, strict=True)))


def _plans(pilots: list[Row]) -> str:
    columns = ["rule", "true effect", "left open", "of these planned", "seeds planned, median", "power delivered"]
    return grid(columns, map(_plan, pilots))


def _plan(one: Row) -> list[str]:
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
