"""The origin of a page's numbers: command, code, machine, data, and the configuration that all runs share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from workbench.config import RunConfig, flatten
from workbench.config.setting import Value
from workbench.report import wording
from workbench.report.language.words import say, word
from workbench.report.statistics.design import Design
from workbench.untyped import PandasCell

if TYPE_CHECKING:
    from workbench.tracking.read import SweepTables

_SHOWN_APART = (
    "command",
    "rules",
    "seconds",
    "title",
    "description",
    "dirty",
    "experiment_id",
    "missing",
    "sweep_file",
    "order",
    "attempts",
    "unasked",
)
_FIRST_FACTS = ("started", "ended", "outcome", "commit", "versions", "python", "device", "dtype", "data digest")
_FACT_NAMES = {
    "run_id": "MLflow run",
    "uri": "store",
    "earlier": "earlier sweeps of this name",
    "digest": "digest of the sweep",
}


def common(tables: SweepTables) -> dict[str, tuple[Value, Value]]:
    """Settings that are the same in every run and differ from the defaults: key -> (value, default)."""
    found: dict[str, tuple[Value, Value]] = {}
    for key, default in flatten(RunConfig()).items():
        if key in tables.factors or key == "name" or key not in tables.runs:
            continue
        values = tables.runs[key]
        first: PandasCell = values.iloc[0] if len(values) else default
        same = bool(values.isna().all() if pd.isna(first) else (values == first).all())
        if len(values) and same and not _equal(first, default) and not _follows_the_momentum(key, tables.runs):
            found[key] = (first.item() if hasattr(first, "item") else first, default)
    return found


def _follows_the_momentum(key: str, runs: pd.DataFrame) -> bool:
    """Whether it is a start of the momentum that nobody set: the store has the momentum in its place."""
    momentum = "optimizer.momentum"
    return key == "optimizer.momentum_start" and momentum in runs and bool((runs[key] == runs[momentum]).all())


def _equal(value: Value, default: Value) -> bool:
    if pd.isna(value):
        return default is None
    return bool(value == default)


def name_of(fact: str) -> str:
    """A fact's name in words."""
    return word(_FACT_NAMES.get(fact, fact.replace("_", " ")).capitalize().replace("Mlflow", "MLflow"))


def facts(tables: SweepTables, design: Design) -> list[tuple[str, str]]:
    """What the store knows about the sweep, as (name, text), in a fixed order."""
    held = {key: str(text) for key, text in tables.facts.items() if text and key not in _SHOWN_APART}
    order = [key for key in _FIRST_FACTS if key in held] + sorted(key for key in held if key not in _FIRST_FACTS)
    rows = [(name_of(key), word(held[key]) if key == "outcome" else held[key]) for key in order]
    span = say("provenance.seeds", first=design.seeds[0], last=design.seeds[-1])
    seeds = ", ".join(map(str, design.seeds)) if len(design.seeds) <= 40 else span
    rows.append((word("Seeds"), seeds))
    if tables.facts.get("seconds"):
        rows.append((word("Wall time"), wording.duration(float(tables.facts["seconds"]))))
    if len(processors := sorted({name for name in design.runs.get("processor", ()) if name})) > 1:
        rows.append((word("Processors"), say("provenance.processors", names=" | ".join(processors))))
    trained = design.runs[~design.runs["reused"].astype(bool)]
    if "seconds" in trained and trained["seconds"].notna().any():
        time = wording.duration(float(trained["seconds"].sum()))
        rows.append((word("Time on the device"), say("provenance.device_time", time=time)))
    return rows
