"""The parent run of a sweep: its experiment, its tags and note, and the files that say what was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from workbench.addresses import file_address
from workbench.engine.errors import BadInput
from workbench.filenames import file_name
from workbench.sweep.store import OUTCOMES, SweepRecord
from workbench.tracking import names
from workbench.tracking.children import Family
from workbench.tracking.connection import Connection
from workbench.tracking.inputs import dataset_inputs, datasets_of

_PARAM_BATCH = 100


def experiment_of(connection: Connection, name: str) -> str:
    """The id of the experiment `name`, created if missing; its artifacts lie beside an SQLite database.

    Raises BadInput for an experiment a person deleted, and for names MLflow refuses.
    """
    from mlflow.exceptions import MlflowException

    client = connection.client
    found = client.get_experiment_by_name(name)
    if found is None:
        beside = connection.location.artifacts
        place = None if beside is None else file_address(beside / file_name(name, beside))
        try:
            return client.create_experiment(name, place, {names.EXPERIMENT_KIND: names.MODEL_TRAINING})
        except MlflowException:
            found = client.get_experiment_by_name(name)  # another process may have been first
            if found is None:
                raise
    if found.lifecycle_stage != "active":
        raise BadInput(f"tracking.experiment: {name!r} was deleted in MLflow; restore it there or name another")
    return found.experiment_id


def known_experiment(connection: Connection, name: str) -> str:
    """The id of the experiment `name`; "" where there is none."""
    found = connection.client.get_experiment_by_name(name)
    return found.experiment_id if found else ""


def start(connection: Connection, experiment: str, sweep: SweepRecord, run_id: str | None) -> str:
    """Creates the parent run, or opens `run_id` again for another sitting of the same sweep. Returns its id."""
    from mlflow.entities import Param, RunTag

    tags = _tags(sweep)
    client = connection.client
    inputs = dataset_inputs(datasets_of(sweep.facts))
    if run_id is not None:
        client.log_batch(run_id, tags=[RunTag(name, value) for name, value in tags.items()])
        client.log_inputs(run_id, inputs)
        client.update_run(run_id, "RUNNING")
        return run_id
    run_id = client.create_run(experiment, tags=tags, run_name=names.run_name(sweep.name, "sweep")).info.run_id
    swept = {names.key(name): names.param(values) for name, values in _levels(sweep).items()}
    params = [Param(name, value) for name, value in swept.items()]
    for first in range(0, len(params), _PARAM_BATCH):
        client.log_batch(run_id, params=params[first : first + _PARAM_BATCH])
    client.log_inputs(run_id, inputs)
    return run_id


def family_of(experiment: str, run_id: str, sweep: SweepRecord) -> Family:
    """What the children of a parent run share."""
    facts = sweep.facts
    datasets = datasets_of(facts)
    return Family(
        experiment, run_id, names.tag(sweep.name), names.tag(sweep.command), facts.get("commit", ""), datasets
    )


def sweep_files(sweep: SweepRecord, before: Mapping[str, Any]) -> dict[str, str]:
    """The artifacts that keep, uncut, what was asked: sweep.json, and rule.json where the sweep has claims.

    `before` is what sweep.json held already: a rule is fixed by its first storing, so rules found there stay, with
    the moment when they were stored (`rules_stored`).
    """
    asked = {name: value for name, value in asdict(sweep).items() if name not in ("cells", "fresh")}
    if before.get("rules"):
        asked |= {"rules": before["rules"], "rules_stored": before.get("rules_stored", "")}
    elif sweep.rules:
        asked["rules_stored"] = datetime.now(UTC).isoformat(timespec="seconds")
    files = {names.SWEEP_FILE: names.json_text(asked, indent=2, default=str, ensure_ascii=False)}
    return {**files, names.RULES: asked["rules"]} if asked["rules"] else files


def outcome_counts(outcomes: Sequence[str], origins: Sequence[str]) -> dict[str, int]:
    """How many cells came to each outcome; a reused cell (one with an origin) counts as reused alone."""
    counts = dict.fromkeys((*OUTCOMES, "reused"), 0)
    for outcome, origin in zip(outcomes, origins, strict=True):
        counts["reused" if origin else outcome] += 1
    return counts


def describe(sweep: SweepRecord, counts: Mapping[str, int]) -> str:
    """The note MLflow shows above the parent run, as Markdown."""
    lines = [sweep.facts.get("description", ""), "", ", ".join(f"**{n}** {name}" for name, n in counts.items() if n)]
    lines += ["", "| swept | values |", "|---|---|"] if sweep.factors else []
    lines += [f"| {_code(name)} | {_code(values)} |" for name, values in _levels(sweep).items()]
    lines += ["", *(f"    {line}" for line in sweep.command.splitlines())]  # indented: code, whatever it contains
    lines += ["", "The page with pictures, intervals and verdicts: artifact `report`."]
    return "\n".join(lines).strip("\n")


def _code(text: str) -> str:
    """Text as code in a table of Markdown, whatever it contains."""
    return f"`{' '.join(text.replace('`', '').split()).replace('|', '&#124;')}`"


def _tags(sweep: SweepRecord) -> dict[str, str]:
    """The parent's tags, all but the kind, which it gets once its plan is written."""
    tags = {
        names.SWEEP: sweep.name,
        names.DIGEST: sweep.digest,
        names.OUTCOME: names.RUNNING,
        names.SOURCE: sweep.command,
        names.SOURCE_TYPE: "LOCAL",
        names.NOTE: describe(sweep, {"cells": len(sweep.cells)}),
    }
    if commit := sweep.facts.get("commit"):
        tags[names.COMMIT] = commit
    facts = {names.key(names.FACT + name): value for name, value in sweep.facts.items()}
    return {name: names.tag(value) for name, value in {**tags, **facts}.items()}


def _levels(sweep: SweepRecord) -> dict[str, str]:
    """What was swept: key -> its distinct values in their order, as text."""
    levels: dict[str, dict[str, Any]] = {name: {} for name in sweep.factors}
    for cell in sweep.cells:
        for name in sweep.factors:
            if name in cell.factors:
                levels[name].setdefault(str(cell.factors[name]))
    return {name: ", ".join(values) for name, values in levels.items()}
