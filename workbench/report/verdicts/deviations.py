"""Whether a sweep was run as its file says. If it was not, a rule fixed for that file decides nothing.

The store holds, from the sweep's start, which settings deviate from the sweep file (fact "departures": key -> values
found, values of the file). Settings of the data are no deviation: they make another dataset, which every sentence
names.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from workbench.config.reading import TRAINING
from workbench.measure import MEASUREMENTS
from workbench.report import wording
from workbench.report.language.words import commas, say, semicolons

if TYPE_CHECKING:
    from workbench.tracking.read import SweepTables

# Treatments, though they are settings of the data.
_OF_THE_RULE = ("data.label_noise", "data.test_noise", "data.shift", "data.permute_pixels")


def described(tables: SweepTables) -> tuple[str, str]:
    """Why verdicts are withheld ("" if they are not), and the dataset in words ("" if no run reads one)."""
    found = deviations(tables.facts)
    other_data = {key: values for key, values in found.items() if is_data(key)}
    parts = [_one(key, *values) for key, values in found.items() if key not in other_data]
    why = say("verdict.other_settings", settings=semicolons(parts)) if parts else ""
    return why, _dataset(tables, other_data)


def deviations(facts: dict[str, str]) -> dict[str, tuple[list[object], list[object]]]:
    """Key -> (values found, values of the sweep file); empty if the store noted none."""
    try:
        held = json.loads(facts.get("departures", "") or "{}")
        return {str(key): (list(found), list(fixed)) for key, (found, fixed) in held.items()}
    except (ValueError, TypeError, AttributeError):
        return {}


def data_of(facts: dict[str, str]) -> tuple[str, str]:
    """The data that a sweep was run on, for comparison: their digest, and the settings of the data that deviate."""
    other = {key: values for key, values in deviations(facts).items() if is_data(key)}
    return facts.get("data_digest", ""), json.dumps(other, sort_keys=True)


def elsewhere(tables: SweepTables) -> str:
    """On which data a sweep was run, if its file names other ones: a sentence; "" if it was run on those."""
    found, fixed = deviations(tables.facts).get("data.name", ([], []))
    if not fixed:
        return ""
    return say("on_data.elsewhere", dataset=described(tables)[1] or _listed(found), asked=_listed(fixed))


def unasked(facts: dict[str, str]) -> str:
    """Why an identity is withheld: the command asked for a part of the sweep file alone. "" if it asked for all of it.

    The store holds it from the sweep's start (fact "unasked": cells not asked for, cells of the file).
    """
    try:
        missing, cells = (int(count) for count in json.loads(facts.get("unasked", "") or "[0, 0]"))
    except (ValueError, TypeError):
        return ""
    if not missing:
        return ""
    return say("verdict.unasked", missing=missing, cells=cells)


def is_data(key: str) -> bool:
    """Whether a setting that deviates makes another dataset, and not another question."""
    return key.startswith("data.") and key not in _OF_THE_RULE


def _reads_data(measure: str) -> bool:
    """Whether a cell is trained on data, or measures something that has to do with them."""
    row = MEASUREMENTS.get(measure)
    return row is None or any(key.partition(".")[0] == "data" for key in row.takes)


def _one(key: str, found: list[object], fixed: list[object]) -> str:
    if not fixed:
        return say("verdict.found_here", key=key, values=_listed(found))
    return say("verdict.found_and_fixed", key=key, values=_listed(found), fixed=_listed(fixed))


def _listed(values: list[object]) -> str:
    return wording.listing([wording.value(value) for value in values]) or say("verdict.not_asked_for")


def _dataset(tables: SweepTables, other: dict[str, tuple[list[object], list[object]]]) -> str:
    runs = tables.runs
    if "measure" in runs:
        runs = runs[runs["measure"].fillna(TRAINING).map(_reads_data).astype(bool)]
    if not len(runs):
        return ""
    names = sorted({str(name) for name in runs["data.name"].dropna()}) if "data.name" in runs else []
    implied = {"data.name", "data.scaling", "data.dir", "data.path"}  # settings that belong to the dataset's name
    extra = [
        say("setting.one", name=wording.factor(key), value=_listed(found))
        for key, (found, _) in other.items()
        if key not in implied
    ]
    return commas([*names, *extra])
