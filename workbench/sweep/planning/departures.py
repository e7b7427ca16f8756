"""Departures of a command from the sweep file it names. A claim rule fixed for the file holds for its settings only."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256

from workbench.config import SETTINGS, flatten, setting_of
from workbench.config.setting import Value
from workbench.sweep.hydra.composing.cell import Cell

# A claim rule names its seeds itself, and does not depend on the machine or on further analyses of a run.
WITHOUT = ("seed", "device", "kernel", "analyses")
# What came after questions were stored, and decides which points a curve has but no number that a verdict reads.
NOT_IN_A_QUESTION = ("training.test_every",)
LONGEST_VARIANT = 48  # characters of what a variant's name says of it
Departures = Mapping[str, tuple[tuple[Value, ...], tuple[Value, ...]]]


def departures(asked: Sequence[Cell], of_the_file: Sequence[Cell]) -> Departures:
    """What sets cells apart that the file does not hold: key -> (the values only they have, the values of the file).

    If the file has each single value, and only their combination is new, the one key is "combination".
    """
    held = {_settings(cell) for cell in of_the_file}
    strangers = list(dict.fromkeys(row for cell in asked if (row := _settings(cell)) not in held))
    found: dict[str, tuple[tuple[Value, ...], tuple[Value, ...]]] = {}
    for place, key in enumerate(compared()):
        fixed = tuple(dict.fromkeys(row[place] for row in sorted(held, key=str)))
        new = tuple(dict.fromkeys(row[place] for row in strangers if row[place] not in fixed))
        if new:
            found[key] = (new, fixed)
    if strangers and not found:
        found["combination"] = (("one the sweep file does not hold",), ())
    return found


def variant_name(stem: str, found: Departures, asked: Sequence[Cell], of_the_file: Sequence[Cell]) -> str:
    """The name of a sweep that departs from its file, so that its page does not take the place of the file's own:
    "tour-rate-0.2". Designs that differ in more than their seeds have different names.

    It names all values of the settings that depart, those that the file holds too among them. A digest follows if the
    name says less than that: where not everything else that the file varies is asked for, in every combination, or
    where the values are too long.
    """
    rows = {_settings(cell): None for cell in asked}
    values = {key: tuple(dict.fromkeys(row[compared().index(key)] for row in rows)) for key in found if key in SETTINGS}
    parts = [f"{key.rpartition('.')[2]}-{'-'.join(map(str, held))}" for key, held in values.items()]
    plain = re.sub(r"[^A-Za-z0-9._]+", "-", "-".join(parts or found)).strip("-.")
    whole = _rest_is_whole(asked, of_the_file) and bool(parts)
    if not whole or len(plain) > LONGEST_VARIANT:
        new = {key: held for key, (held, _) in found.items()}
        said = sorted(found.items()) if whole and values == new else sorted(map(repr, rows))
        plain = f"{plain[:LONGEST_VARIANT]}-{sha256(repr(said).encode()).hexdigest()[:6]}"
    return f"{stem.rpartition('/')[2]}-{plain}"


def _rest_is_whole(asked: Sequence[Cell], of_the_file: Sequence[Cell]) -> bool:
    """Whether the cells have everything that the file varies, in all its combinations, but for what has new values."""
    varied = [key for key in dict.fromkeys(key for cell in of_the_file for key in cell.factors) if key != "seed"]
    if any(key not in varied for cell in asked for key in cell.factors if key == "arm"):
        return False  # arms of its own: no setting's values say how they are combined
    held = [{_value(cell, key) for cell in of_the_file} for key in varied]
    new = [any(_value(cell, key) not in values for cell in asked) for key, values in zip(varied, held, strict=True)]
    same = [key for key, is_new in zip(varied, new, strict=True) if not is_new]
    others = [key for key, is_new in zip(varied, new, strict=True) if is_new]
    rest = {tuple(_value(cell, key) for key in same) for cell in asked}
    replaced = {tuple(_value(cell, key) for key in others) for cell in asked}
    both = {tuple(_value(cell, key) for key in (*same, *others)) for cell in asked}
    file = {tuple(_value(cell, key) for key in same) for cell in of_the_file}
    return rest == file and len(both) == len(rest) * len(replaced)


def _value(cell: Cell, key: str) -> Value:
    """The value of a swept key in a cell that may not sweep over it: a setting's, or the choice of a group."""
    return cell.choices.get(key) if key not in SETTINGS else setting_of(cell.config, key)


def unasked(asked: Sequence[Cell], of_the_file: Sequence[Cell], seeds: Sequence[set[int]]) -> tuple[int, int]:
    """How many cells of the sweep file the command leaves out, and how many the file has.

    `of_the_file` are its cells without their seeds, `seeds` the seeds of each. Settings of data that the file does not
    vary are not compared: another dataset leaves no cell out.
    """
    if not of_the_file:
        return 0, 0
    rows = [_settings(cell) for cell in of_the_file]
    varied = [len(set(column)) > 1 for column in zip(*rows, strict=True)]
    kept = [place for place, key in enumerate(compared()) if varied[place] or not key.startswith("data.")]
    held: dict[tuple[Value, ...], set[int]] = {}
    for cell in asked:
        held.setdefault(_at(kept, _settings(cell)), set()).add(cell.config.seed)
    missing = [mine - held.get(_at(kept, row), set()) for row, mine in zip(rows, seeds, strict=True)]
    return sum(map(len, missing)), sum(map(len, seeds))


def cells_digest(cells: Sequence[Cell], seeds: Sequence[set[int]]) -> str:
    """The digest of the cells of a sweep file and of the `seeds` of each. The order of cells does not change it."""
    rows: dict[str, set[int]] = {}
    for cell, mine in zip(cells, seeds, strict=True):
        rows.setdefault(repr((_asked(cell), flatten(cell.config)["analyses"])), set()).update(mine)
    text = "\n".join(f"{row} {sorted(mine)}" for row, mine in sorted(rows.items()))
    return sha256(text.encode()).hexdigest()[:16]


def _asked(cell: Cell) -> tuple[Value, ...]:
    """The settings that make the question: one that was stored before the others were settings is the same one now."""
    flat = flatten(cell.config)
    return tuple(flat[key] for key in compared() if key not in NOT_IN_A_QUESTION)


def _at(places: Sequence[int], row: Sequence[Value]) -> tuple[Value, ...]:
    return tuple(row[place] for place in places)


def compared() -> tuple[str, ...]:
    """The settings in which a command may depart from its sweep file."""
    return tuple(key for key, setting in SETTINGS.items() if setting.numbers and key not in WITHOUT)


def seedless(jobs: Sequence[Sequence[str]]) -> list[list[str]]:
    """The jobs of a design without their seeds, each once, so that fewer have to be composed."""
    rows = (tuple(text for text in job if not text.startswith("seed=")) for job in jobs)
    return [list(row) for row in dict.fromkeys(rows)]


def seeds_of(jobs: Sequence[Sequence[str]]) -> list[set[int]]:
    """The seeds of each row of `seedless`; an empty set if none was given."""
    found: dict[tuple[str, ...], set[int]] = {}
    for job in jobs:
        row = tuple(text for text in job if not text.startswith("seed="))
        found.setdefault(row, set()).update(int(text[5:]) for text in job if text.startswith("seed="))
    return list(found.values())


def _settings(cell: Cell) -> tuple[Value, ...]:
    flat = flatten(cell.config)
    return tuple(flat[key] for key in compared())
