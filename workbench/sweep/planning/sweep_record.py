"""The record that the store gets of a sweep before it is trained."""

from __future__ import annotations

import json
from collections.abc import Iterable

from workbench import places
from workbench.config import RunConfig
from workbench.config.reading import TRAINING
from workbench.data import describe
from workbench.sweep.execution.conditions import facts
from workbench.sweep.instruments import Instruments
from workbench.sweep.planning.plan import Plan
from workbench.sweep.settings import SweepSettings
from workbench.sweep.store import SweepRecord


def record_of(work: Plan, name: str, settings: SweepSettings, rules: str, instruments: Instruments) -> SweepRecord:
    """The sweep with its facts; `rules` are those of its claims as canonical JSON, "" without claims."""
    datasets = {cell.cell.config.data for cell in work.cells}
    about = facts(str(work.cells[0].numbers["device"])) | {
        "description": settings.description,
        "sweep_file": settings.sweep or "",
        "dtype": ", ".join(sorted({str(cell.numbers["dtype"]) for cell in work.cells})),
        "departures": _departures(name, settings),
        "unasked": json.dumps(settings.unasked) if settings.unasked[0] else "",
        "part_of": settings.part_of,
        "data_digest": ", ".join(sorted({f"{data.name} {data.digest}" for data in datasets})),
        "data_shapes": _shapes(cell.cell.config for cell in work.cells),
    }
    return SweepRecord(
        name=name,
        digest=work.digest,
        command=settings.command,
        factors=work.factors(),
        cells=work.records(),
        facts=about,
        rules=rules,
        # A sweep with timings begins anew whatever the store holds, as a time holds only for its moment.
        fresh=not settings.reuse or any(instruments.is_timing(cell.cell.config.measure) for cell in work.cells),
    )


def _shapes(configs: Iterable[RunConfig]) -> str:
    """The shape of an example and the number of outputs of every dataset that is trained on, such as
    "digits 8 x 8 x 1 -> 10".
    """
    found = set()
    for data in {config.data for config in configs if config.measure == TRAINING}:
        known = describe(data)
        shape = " x ".join(map(str, known.image or (known.features,)))
        found.add(f"{data.name} {shape} -> {known.outputs}")
    return ", ".join(sorted(found))


def _departures(name: str, settings: SweepSettings) -> str:
    """What departs from the sweep file that the claims were fixed for, as JSON; "" if nothing does."""
    found = dict(settings.departures)
    if settings.sweep is None and places.find("conf/sweep", f"{name}.yaml"):
        found["the sweep file"] = (("not asked for",), ())
    return json.dumps(found) if found else ""
