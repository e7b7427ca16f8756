"""The parent run of a sweep: its experiment, tags and note, and the files that hold the question."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from workbench.sweep.planning.identity import text_digest
from workbench.sweep.run_outcomes import OUTCOMES
from workbench.sweep.store import SweepRecord
from workbench.tracking import names
from workbench.tracking.artifacts import Broken, put, read_text
from workbench.tracking.children import Family
from workbench.tracking.connection import Connection, is_active, order_of
from workbench.tracking.damage import report_damage
from workbench.tracking.held_marks import without_marks
from workbench.tracking.inputs import datasets_of, log_datasets
from workbench.tracking.origin import of_children, origin_tags
from workbench.tracking.patience import once
from workbench.tracking.plan_table import from_table, standing, to_table

if TYPE_CHECKING:
    from mlflow.entities import Metric, Run

_PARAM_BATCH = 100
_TAG_BATCH = 50  # of a request: up to 8,000 characters each, and MLflow takes a million in all
_OWN_DIGEST = "digest_of_this_file"


def start(
    connection: Connection, experiment: str, sweep: SweepRecord, run_id: str | None, order: int, begun: Sequence[Run]
) -> str:
    """Create the parent run, or reopen `run_id` for another start of the same sweep. Returns its id.

    `order` is the start's place in the order of creation; `begun` are the parent runs of all sweeps. If an earlier
    start was killed before it wrote its plan, or the server's answer was lost, its parent run is used.
    """
    from mlflow.entities import Param

    tags = {**_tags(sweep), names.ORDER_TAG: str(order)}
    wanted = "" if run_id else tags[names.DIGEST_TAG]
    half_begun = _only_half_begun(connection, _half_begun(begun, experiment, sweep.name), wanted)
    params = [Param(names.key(name), names.param(values)) for name, values in _levels(sweep).items()]
    with connection.waiting():
        if run_id is not None:
            params = []  # it has them, and MLflow lets none change
            _reopen(connection, run_id, tags, begun)
        elif half_begun is not None:
            params = [param for param in params if param.key not in half_begun.data.params]
            run_id = half_begun.info.run_id
            _reopen(connection, run_id, tags, begun)
        else:
            name = names.run_name(sweep.name, "sweep")
            with once():
                made = connection.client.create_run(experiment, tags=tags, run_name=name).info
            run_id = made.run_id
            connection.roots[run_id] = made.artifact_uri
        for first in range(0, len(params), _PARAM_BATCH):
            connection.client.log_batch(run_id, params=params[first : first + _PARAM_BATCH])
        log_datasets(connection.client, run_id, datasets_of(sweep.facts))
    return run_id


def _only_half_begun(connection: Connection, half_begun: Sequence[Run], digest: str) -> Run | None:
    """The first of these parent runs that is of the sweep with this digest; None of "". All others are closed and
    deleted.
    """
    mine = next((one for one in half_begun if digest and one.data.tags.get(names.DIGEST_TAG) == digest), None)
    for other in half_begun:
        if other is not mine:
            connection.client.set_terminated(other.info.run_id, names.SWEEP_STATUS["interrupted"])
            connection.client.delete_run(other.info.run_id)
    return mine


def _reopen(connection: Connection, run_id: str, tags: Mapping[str, str], begun: Sequence[Run]) -> None:
    """Let a parent run be running again, with these tags and without the marks of what it held."""
    held = next((without_marks(one.data.tags) for one in begun if one.info.run_id == run_id), {})
    set_tags(connection, run_id, {**held, **tags})
    connection.client.update_run(run_id, "RUNNING")


def set_tags(connection: Connection, run_id: str, tags: Mapping[str, str], metrics: Sequence[Metric] = ()) -> None:
    """Set tags of a parent run in this order, in few requests; the first of them logs the metrics as well."""
    from mlflow.entities import RunTag

    pairs = [RunTag(name, value) for name, value in tags.items()]
    for first in range(0, len(pairs), _TAG_BATCH):
        connection.client.log_batch(run_id, [] if first else metrics, tags=pairs[first : first + _TAG_BATCH])


def next_order(begun: Sequence[Run]) -> int:
    """The place of a new start in the order of creation: one more than the highest so far, also of deleted runs."""
    return 1 + max(map(order_of, begun), default=0)


def close_killed(connection: Connection, parent: Run) -> None:
    """Close an earlier sweep that was killed and that nobody trains, with its counts of outcomes."""
    run_id, client = parent.info.run_id, connection.client
    put(connection, run_id, {names.PLAN: to_table(from_table(standing(connection, parent)))})
    client.set_tag(run_id, names.OUTCOME, "interrupted")
    client.set_terminated(run_id, names.SWEEP_STATUS["interrupted"])


def asked_of(connection: Connection, parent: Run) -> dict[str, object]:
    """The question in sweep.json. If that file is damaged, the rules alone, which are in another file too."""
    root = parent.info.artifact_uri
    try:
        asked = json.loads(read_text(connection, root, names.SWEEP_FILE) or "{}")
        if not isinstance(asked, dict) or not isinstance(asked.get("facts", {}), dict):
            raise ValueError("it says nothing of a sweep")
        if asked.pop(_OWN_DIGEST, None) not in (None, _digest_of(asked)):
            raise ValueError("it is not what was written")
        return asked
    except (Broken, ValueError) as error:
        broken = error if isinstance(error, Broken) else Broken(names.SWEEP_FILE, error)
        report_damage(connection, parent, str(broken))
    try:
        return {"rules": read_text(connection, root, names.RULES) or ""}
    except Broken as error:
        report_damage(connection, parent, str(error))
        return {}


def facts_of(asked: Mapping[str, object]) -> dict[str, str]:
    """The facts of the sweep in its question; empty if the file is damaged."""
    facts = asked.get("facts")
    return {str(name): str(text) for name, text in facts.items()} if isinstance(facts, dict) else {}


def _half_begun(begun: Sequence[Run], experiment: str, name: str) -> list[Run]:
    """Those of the parent runs of that name whose plan was never written. The caller holds the lock of the sweep, so no
    other process is writing them.
    """
    return [
        run
        for run in begun
        if is_active(run) and run.info.status == "RUNNING" and names.KIND not in run.data.tags
        if run.info.experiment_id == experiment and run.data.tags.get(names.SWEEP) == names.tag(name)
    ]


def family_of(experiment: str, run_id: str, sweep: SweepRecord) -> Family:
    """What the children of a parent run share."""
    origin = {name: names.tag(value) for name, value in of_children(origin_tags()).items()}
    datasets = datasets_of(sweep.facts)
    return Family(experiment, run_id, names.tag(sweep.name), names.tag(sweep.command), origin, datasets)


def sweep_files(sweep: SweepRecord, before: Mapping[str, object]) -> dict[str, str]:
    """The artifacts that hold the whole question: sweep.json, and rule.json if the sweep has claims.

    `before` is the content of an existing sweep.json. A rule is fixed when it is first stored, so the rules in it are
    kept, with the time at which they were stored (`rules_stored`).
    """
    asked = {one.name: getattr(sweep, one.name) for one in fields(sweep) if one.name not in ("cells", "fresh")}
    if before.get("rules"):
        asked |= {"rules": before["rules"], "rules_stored": before.get("rules_stored", "")}
    elif sweep.rules:
        asked["rules_stored"] = datetime.now(UTC).isoformat(timespec="seconds")
    written = json.loads(names.json_text(asked, default=str))
    content = {**written, _OWN_DIGEST: _digest_of(written)}
    files = {names.SWEEP_FILE: json.dumps(content, indent=2, ensure_ascii=False)}
    return {**files, names.RULES: asked["rules"]} if asked["rules"] else files


def _digest_of(asked: Mapping[str, object]) -> str:
    """The digest of sweep.json's content: after a bit flip it may still be JSON, with another meaning."""
    return text_digest(json.dumps(asked, sort_keys=True))


def part_of(parent: Run) -> str:
    """The search of which this sweep is a batch, or ""."""
    return str(parent.data.tags.get(names.key(names.FACT + "part_of"), ""))


def batches_by_search(everything: Sequence[Run]) -> dict[str, set[str]]:
    """The run ids of the sweeps that are batches of a search, by the search's name as a tag."""
    found: dict[str, set[str]] = {}
    for parent in everything:
        found.setdefault(part_of(parent), set()).add(parent.info.run_id)
    found.pop("", None)
    return found


def is_reused(origin: str, history: str, batches: Collection[str]) -> bool:
    """Whether another sweep trained a cell with this origin and history. A search's own `batches` are no other."""
    place = names.history_place(history)
    return bool(origin) and not (place and place[0] in batches)


def outcome_counts(outcomes: Sequence[str], reused: Sequence[bool]) -> dict[str, int]:
    """The number of cells of each outcome. A reused cell is counted as reused and nothing else."""
    counts = dict.fromkeys((*OUTCOMES, "reused"), 0)
    for outcome, elsewhere in zip(outcomes, reused, strict=True):
        counts["reused" if elsewhere else outcome] += 1
    return counts


def describe(sweep: SweepRecord, counts: Mapping[str, int]) -> str:
    """The note that MLflow shows above the parent run, in Markdown."""
    lines = [sweep.facts.get("description", ""), "", ", ".join(f"**{n}** {name}" for name, n in counts.items() if n)]
    lines += ["", "| swept | values |", "|---|---|"] if sweep.factors else []
    lines += [f"| {_code(name)} | {_code(values)} |" for name, values in _levels(sweep).items()]
    lines += [
        "",
        *(f"    {line}" for line in sweep.command.splitlines()),
    ]  # indented: code, whatever it is
    lines += ["", "The page with pictures, intervals and verdicts: artifact `report`."]
    return "\n".join(lines).strip("\n")


def _code(text: str) -> str:
    """Text as code in a Markdown table, whatever it contains."""
    return f"`{' '.join(text.replace('`', '').split()).replace('|', '&#124;')}`"


def _tags(sweep: SweepRecord) -> dict[str, str]:
    """The tags of the parent run without its kind, which is set when the plan is written."""
    tags = {
        names.SWEEP: sweep.name,
        names.DIGEST_TAG: sweep.digest,
        names.OUTCOME: names.RUNNING,
        names.SOURCE: sweep.command,
        names.SOURCE_TYPE: "LOCAL",
        names.NOTE: describe(sweep, {"cells": len(sweep.cells)}),
        **origin_tags(),
    }
    facts = {names.key(names.FACT + name): value for name, value in sweep.facts.items()}
    return {name: names.tag(value) for name, value in {**tags, **facts}.items()}


def _levels(sweep: SweepRecord) -> dict[str, str]:
    """The swept keys: key -> its distinct values in order, as text."""
    levels: dict[str, dict[str, object]] = {name: {} for name in sweep.factors}
    for cell in sweep.cells:
        for name in sweep.factors:
            if name in cell.factors:
                levels[name].setdefault(str(cell.factors[name]))
    return {name: ", ".join(values) for name, values in levels.items()}
