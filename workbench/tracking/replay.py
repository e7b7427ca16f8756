"""A sweep copied from any store into any other: what it asked for is begun there, and what it came to recorded again.

Fingerprints, numbers, histories, rules and the page are the same afterwards; ids of runs are those that the other store
gives. Cells that were reused from another sweep stand there as runs of this one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from workbench.engine.errors import BadInput
from workbench.measure.model_about import require_rules
from workbench.sweep.run_outcomes import PENDING
from workbench.sweep.store import PackResult, RunRecord, SweepRecord
from workbench.tracking import names
from workbench.tracking.artifacts import fetch, listing, read_text
from workbench.tracking.connection import Connection, parents
from workbench.tracking.history_tables import TABLE_COLUMN, read_history
from workbench.tracking.models import KEPT_APART, install_rules
from workbench.tracking.parent import asked_of, facts_of
from workbench.tracking.plan_table import PlanRow, from_table, standing
from workbench.tracking.write import MlflowStore

if TYPE_CHECKING:
    import pyarrow
    from mlflow.entities import Run


def replay(source: Connection, name: str, target: MlflowStore) -> None:
    """Copy the latest sweep called `name`. Raises BadInput if there is none, or its histories are gone."""
    found = [run for run in parents(source) if run.data.tags.get(names.SWEEP) == names.tag(name)]
    if not found:
        raise BadInput(f"sweep: {source.location.shown} holds none called {name!r:.200}")
    parent = found[-1]
    rows = from_table(standing(source, parent))
    if not rows:
        raise BadInput(f"sweep: the artifacts of {name!r:.200} are gone from {source.location.shown}")
    _bring_rules(source, name, rows)
    with target.hold(name):
        asked = _asked(source, parent, rows)
        known = target.earlier(name)
        target.begin(asked)
        if known is None or known.digest != asked.digest:  # else the rules stay that were stored there first
            target.keep_files(_files(source, parent))
        for result in _results(source, rows):
            target.record(result)
        outcome = parent.data.tags[names.OUTCOME]
        target.end("interrupted" if outcome == names.RUNNING else outcome)
        with tempfile.TemporaryDirectory() as scratch:
            target.attach([
                fetch(source, parent.info.artifact_uri, f"{names.REPORT}/{file}", scratch)
                for file in listing(source, parent.info.artifact_uri, names.REPORT)
            ])  # fmt: skip


def _bring_rules(source: Connection, name: str, rows: Sequence[PlanRow]) -> None:
    """Install the rules of the working folder that kept networks use: recording a network again asks it for answers.

    Raises BadInput for a rule that is not there, before anything of the sweep is recorded.
    """
    for activation, loss in filter(None, {_rules_of(row) for row in rows}):
        install_rules(activation, loss)
    for history, members in _packs(rows).items():
        missing = next(filter(None, map(_missing_rule, members)), "")
        if missing and _keeps_networks(source, history):
            raise BadInput(f"sweep {name!r:.200}: {missing}")


def _keeps_networks(source: Connection, history: str) -> bool:
    place = names.history_place(history)
    return place is not None and (
        read_history(source, source.root_of(place[0]), f"{place[1]}/{names.MODELS}") is not None
    )


def _rules_of(row: PlanRow) -> tuple[str, str] | None:
    """The activation and the loss of a network; None of what is no network."""
    activation, loss = row.record.params.get("network.activation"), row.record.params.get("network.loss")
    return (activation, loss) if isinstance(activation, str) and isinstance(loss, str) else None


def _missing_rule(row: PlanRow) -> str:
    """What is said of a network whose rule is not there; "" of any other, and of what is no network."""
    try:
        if rules := _rules_of(row):
            require_rules(*rules)
    except BadInput as error:
        return str(error)
    return ""


def _packs(rows: Sequence[PlanRow]) -> dict[str, list[PlanRow]]:
    """The rows that came to something, by the history that holds them."""
    packs: dict[str, list[PlanRow]] = {}
    for row in rows:
        if row.record.outcome != PENDING:
            packs.setdefault(row.history, []).append(row)
    return packs


def _asked(source: Connection, parent: Run, rows: Sequence[PlanRow]) -> SweepRecord:
    """The sweep before it was trained."""
    asked, tags = asked_of(source, parent), parent.data.tags
    factors = asked.get("factors")
    return SweepRecord(
        name=tags[names.SWEEP],
        digest=tags[names.DIGEST_TAG],
        command=str(asked.get("command", tags.get(names.SOURCE, ""))),
        factors=tuple(map(str, factors)) if isinstance(factors, list) else (),
        cells=[_pending(row) for row in rows],
        facts=facts_of(asked),
        rules=str(asked.get("rules") or ""),
    )


def _pending(row: PlanRow) -> RunRecord:
    cell = row.record
    return RunRecord(cell.cell, cell.name, cell.fingerprint, _pack(row), cell.overrides, cell.factors, cell.params)


def _pack(row: PlanRow) -> str:
    """The pack of a row; of one that came from another sweep the one there."""
    place = names.history_place(row.history)
    return row.record.pack or (place[1].rpartition("/")[2] if place else "")


def _files(source: Connection, parent: Run) -> dict[str, str]:
    """What says, uncut and with its digests, what was asked."""
    texts = {name: read_text(source, parent.info.artifact_uri, name) for name in (names.SWEEP_FILE, names.RULES)}
    return {name: text for name, text in texts.items() if text}


def _results(source: Connection, rows: Sequence[PlanRow]) -> Iterator[PackResult]:
    """The packs, as they were recorded."""
    for history, members in _packs(rows).items():
        place = names.history_place(history)
        if place is None:
            raise BadInput(f"sweep: cell {members[0].record.cell} names no history, so it cannot be copied")
        root, folder = source.root_of(place[0]), place[1]
        marks = {row.record.fingerprint for row in members}

        def table(file: str, root: str = root, folder: str = folder, marks: set[str] = marks) -> pyarrow.Table | None:
            found = read_history(source, root, f"{folder}/{file}")
            return None if found is None else _of_runs(found, marks)

        epochs, layers = table(names.EPOCHS_FILE), table(names.LAYERS_FILE)
        if epochs is None or layers is None:
            raise BadInput(f"sweep: {history} is gone from {source.location.shown}, so it cannot be copied")
        tables = _apart(table(names.TABLES_FILE))
        kept = {name: table(file) for name, file in KEPT_APART.items()}
        tables |= {name: _columns(parts) for name, parts in kept.items() if parts is not None and len(parts)}
        runs = [replace(row.record, pack=_pack(row), origin="") for row in sorted(members, key=lambda row: row.row)]
        yield PackResult(_pack(members[0]), runs, _columns(epochs), _columns(layers), tables)


def _of_runs(table: pyarrow.Table, marks: set[str]) -> pyarrow.Table:
    import pyarrow
    import pyarrow.compute as compute

    return table.filter(compute.is_in(table["fingerprint"], pyarrow.array(sorted(marks), pyarrow.string())))


def _columns(table: pyarrow.Table) -> dict[str, np.ndarray]:
    return {name: table[name].to_numpy() for name in table.column_names}


def _apart(table: pyarrow.Table | None) -> dict[str, dict[str, np.ndarray]]:
    """What measurements left, which stands together in one file, by name."""
    import pyarrow.compute as compute

    if table is None:
        return {}
    found = {}
    for name in table[TABLE_COLUMN].unique().to_pylist():
        rows = table.filter(compute.equal(table[TABLE_COLUMN], name)).drop_columns([TABLE_COLUMN])
        # Null is what the table lacks; NaN is a value.
        found[name] = _columns(rows.select([one for one in rows.column_names if rows[one].null_count < len(rows)]))
    return found
