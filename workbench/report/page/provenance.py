"""The origin of a page's numbers: command, code, machine, data, and the configuration that all runs share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from workbench.config import RunConfig, flatten
from workbench.config.setting import Value
from workbench.report import wording
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
        if len(values) and same and not _equal(first, default):
            found[key] = (first.item() if hasattr(first, "item") else first, default)
    return found


def _equal(value: Value, default: Value) -> bool:
    if pd.isna(value):
        return default is None
    return bool(value == default)


def name_of(fact: str) -> str:
    """A fact's name in words."""
    return _FACT_NAMES.get(fact, fact.replace("_", " ")).capitalize().replace("Mlflow", "MLflow")


def facts(tables: SweepTables, design: Design) -> list[tuple[str, str]]:
    """What the store knows about the sweep, as (name, text), in a fixed order."""
    held = {key: str(text) for key, text in tables.facts.items() if text and key not in _SHOWN_APART}
    order = [key for key in _FIRST_FACTS if key in held] + sorted(key for key in held if key not in _FIRST_FACTS)
    rows = [(name_of(key), held[key]) for key in order]
    seeds = ", ".join(map(str, design.seeds)) if len(design.seeds) <= 40 else f"{design.seeds[0]} to {design.seeds[-1]}"
    rows.append(("Seeds", seeds))
    if tables.facts.get("seconds"):
        rows.append(("Wall time", wording.duration(float(tables.facts["seconds"]))))
    if len(processors := sorted({name for name in design.runs.get("processor", ()) if name})) > 1:
        rows.append(("Processors", f"they differ, and so may the last digits of runs: {' | '.join(processors)}"))
    trained = design.runs[~design.runs["reused"].astype(bool)]
    if "seconds" in trained and trained["seconds"].notna().any():
        text = f"{wording.duration(float(trained['seconds'].sum()))}, the packs of this sweep one after another"
        rows.append(("Time on the device", text))
    return rows
