"""Reads sweeps from the store as tidy tables, from their Parquet files alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from workbench.config import meant
from workbench.engine.errors import BadInput
from workbench.redaction import redacted, redacted_override
from workbench.sweep.planning.identity import usual_settings
from workbench.sweep.store import EPOCH_COLUMNS, LAYER_COLUMNS
from workbench.tracking import names
from workbench.tracking.artifacts import Broken
from workbench.tracking.asking import asking
from workbench.tracking.connection import Connection, connect_to_read, name_of_experiment, order_of, parents
from workbench.tracking.damage import report_damage
from workbench.tracking.files_ahead import fetched_together, state_of
from workbench.tracking.files_message import Wanted
from workbench.tracking.history_tables import TABLE_COLUMN, read_history
from workbench.tracking.long_tables import LongTable, of_cells
from workbench.tracking.moments import iso, seconds
from workbench.tracking.parent import asked_of, batches_by_search, facts_of, is_reused, outcome_counts, part_of
from workbench.tracking.plan_table import STANDING, PlanRow, from_table, look, standing
from workbench.tracking.questions import PACKS_AT_A_TIME, TABLES_OF_A_PACK, Question, files_of_sweep, meant_by
from workbench.tracking.sweep_attempts import attempts, attempts_before

if TYPE_CHECKING:
    import pandas
    import pyarrow
    from mlflow.entities import Run

# The long tables of a pack, and how the rows of a cell are ordered in them.
_ORDERS = {names.EPOCHS_FILE: ("epoch",), names.LAYERS_FILE: ("epoch", "layer", "probe")}


@dataclass(frozen=True)
class SweepTables:
    """A sweep as the store holds it.

    `facts`: name -> text (command, digest, outcome, started, ended, seconds, run_id, experiment_id, experiment, uri,
    order: its place in the order of creation, rules: the rules first stored, rules_stored: the time of that, earlier:
    the run ids of earlier sweeps of that name, attempts: the sweeps of its sweep file, see `attempts`, missing: lost or
    damaged histories, and the sweep's own facts: commit, versions, device ...).
    `factors`: the swept keys.
    `runs`: one row a cell: cell, name, fingerprint, pack, outcome, reason, reused, run_id, origin, overrides (one
    text), a column for each factor, param and summary metric under its key, weights_digest, processor, started,
    ended.
    `epochs`, `layers`: cell and the columns EPOCH_COLUMNS, LAYER_COLUMNS; sorted by cell and epoch. Their texts are
    categories.
    `tables`: what measurements and analyses left, by name: cell, fingerprint and columns of their own; by cell.
    """

    name: str
    facts: dict[str, str]
    factors: tuple[str, ...]
    runs: pandas.DataFrame
    epochs: pandas.DataFrame
    layers: pandas.DataFrame
    tables: dict[str, pandas.DataFrame] = field(default_factory=dict)


def load(name: str, uri: str | None = None) -> SweepTables:
    """The latest sweep called `name`; `name~1` is the one before it, `name~2` the one before that.

    Raises BadInput if the store has no sweep of that name, or cannot be read.
    """
    with asking(Question(name, tables=True)) as ask:
        connection = connect_to_read(uri, ask=ask)
        return connection.patiently(lambda: _load(connection, name))


def _load(connection: Connection, name: str) -> SweepTables:
    everything = parents(connection)
    name, found = called(connection, name, everything)
    parent = found[-1]
    with fetched_together(connection, files_of_sweep(parent, everything)):
        table, broken = look(connection, parent)
        asked = asked_of(connection, parent)
        attempted = attempts(connection, parent, attempts_before(parent, everything))
    rows = from_table(table)
    del table  # the same once more, as text
    if not rows:
        where = f"{connection.location.shown}, run {parent.info.run_id}"
        raise BadInput(f"sweep: the artifacts of {name!r} are gone from {where}")
    runs, swept = (
        _runs(rows, batches_by_search(everything).get(names.tag(name), set())),
        dict.fromkeys(key for row in rows for key in row.record.factors),
    )
    places = [_Place(row.history, names.text(row.record.fingerprint), row.record.cell) for row in rows if row.history]
    del rows  # settings of every cell, as Python's objects: more than all that is left of them
    epochs, layers, tables, missing = _histories(connection, places, everything)
    facts = _facts(connection, parent, asked)
    facts["earlier"] = ", ".join(run.info.run_id for run in reversed(found[:-1]))
    facts["attempts"] = attempted
    facts["missing"] = ", ".join([f"runs:/{parent.info.run_id}/{names.PLAN}"] * broken + missing)
    noted = asked.get("factors")
    factors = noted if isinstance(noted, list) and noted else swept
    return SweepTables(name, facts, tuple(map(str, dict.fromkeys(factors))), runs, epochs, layers, tables)


def called(connection: Connection, asked: str, everything: list[Run]) -> tuple[str, list[Run]]:
    """The name that was meant by `asked`, and the sweeps that have it, oldest first, up to the one that was meant.

    `name~1` means the one before the latest, unless a sweep is called just so. Raises BadInput if there is none.
    """
    name, same, back = meant_by(asked, everything)
    if not same:
        raise BadInput(_unknown(name, everything, connection))
    if back >= len(same):
        times = "one sweep" if len(same) == 1 else f"{len(same)} sweeps"
        where = connection.location.shown
        raise BadInput(f"sweep: {where} holds {times} called {name!r}, so there is no {name}~{back}")
    return name, same[: len(same) - back]


class _Place(NamedTuple):
    """Where the history of a cell is: under the fingerprint of its run, in the folder of its pack."""

    history: str
    fingerprint: str
    cell: int


def sweeps(uri: str | None = None) -> pandas.DataFrame:
    """All sweeps of the store, oldest first: name, digest, run_id, experiment_id, started, outcome, part_of (the search
    it is a batch of, or ""), cells and the number of cells finished, diverged, failed, pending and reused.
    """
    import pandas

    connection = connect_to_read(uri)
    lines = connection.patiently(lambda: _lines(connection, parents(connection)))
    columns = ["name", "digest", "run_id", "experiment_id", "started", "outcome", "part_of", "cells"]
    columns += outcome_counts([], [])
    return pandas.DataFrame(lines, columns=columns)


def _lines(connection: Connection, everything: Sequence[Run]) -> list[dict[str, object]]:
    with fetched_together(connection, [state_of(parent) for parent in everything]):
        batches = batches_by_search(everything)
        return [_line(connection, parent, batches) for parent in everything]


def _line(connection: Connection, parent: Run, batches: Mapping[str, set[str]]) -> dict[str, object]:
    """The row of one sweep in the list of all sweeps."""
    table = standing(connection, parent, (*STANDING, "origin", "history")).to_pydict()
    tags = parent.data.tags
    mine = batches.get(tags[names.SWEEP], set())
    places = zip(table["origin"], table["history"], strict=True)
    counts = outcome_counts(table["outcome"], [is_reused(*place, mine) for place in places])
    line = {"name": tags[names.SWEEP], "digest": tags[names.DIGEST_TAG], "run_id": parent.info.run_id}
    line |= {"part_of": part_of(parent)}
    line |= {"experiment_id": parent.info.experiment_id, "started": iso(parent.info.start_time)}
    return {**line, "outcome": tags[names.OUTCOME], "cells": len(table["cell"]), **counts}


def _runs(rows: list[PlanRow], batches: Collection[str]) -> pandas.DataFrame:
    """One row a cell; `batches` are those of the sweep, if it is a search.

    If names collide, the store's own columns come first, then factors, metrics and params.
    """
    import pandas

    table = []
    for row in rows:
        record = row.record
        own = {name: getattr(record, name) for name in ("cell", "name", "fingerprint", "pack", "outcome", "reason")}
        own |= {"reused": is_reused(record.origin, row.history, batches), "run_id": row.run_id, "origin": record.origin}
        own["overrides"] = " ".join(map(redacted_override, record.overrides))
        ends = {name: getattr(record, name) for name in ("weights_digest", "processor", "started", "ended")}
        rest = {**record.params, **usual_settings(record.params), **record.metrics, **record.factors}
        table.append({**own, **{name: rest[name] for name in rest if name not in own and name not in ends}, **ends})
    return pandas.DataFrame(table)


def _histories(
    connection: Connection, places: Sequence[_Place], everything: Sequence[Run]
) -> tuple[pandas.DataFrame, pandas.DataFrame, dict[str, pandas.DataFrame], list[str]]:
    """The epochs and layers of all cells, their tables of measurements by name, and the histories that are damaged or
    whose sweep was deleted for good. The parent runs of `everything` need not be asked for.
    """
    import pandas

    packs: dict[str, dict[str, list[int]]] = {}  # history -> fingerprint -> cells
    for place in places:
        packs.setdefault(place.history, {}).setdefault(place.fingerprint, []).append(place.cell)
    found = {file: LongTable(len(places)) for file in _ORDERS}
    measured: list[pandas.DataFrame] = []
    missing = []
    for history, parent, folder in _one_by_one(connection, packs, everything):
        of_marks = packs[history]
        for file, order in _ORDERS.items():
            table = _read_history(connection, parent, f"{folder}/{file}", coded=True)
            if table is None:
                missing.append(f"{history}/{file}")
            else:
                found[file].add(of_cells(table, of_marks, order))
        if (table := _read_history(connection, parent, f"{folder}/{names.TABLES_FILE}")) is not None:
            pairs = [(cell, mark) for mark, cells_of in of_marks.items() for cell in cells_of]
            shown = pandas.DataFrame(pairs, columns=["cell", "fingerprint"])
            measured.append(shown.merge(table.to_pandas(), on="fingerprint"))
    epochs = found[names.EPOCHS_FILE].frame(("cell", *EPOCH_COLUMNS))
    layers = found[names.LAYERS_FILE].frame(("cell", *LAYER_COLUMNS))
    return epochs, layers, _by_name(measured), missing


def _one_by_one(
    connection: Connection, histories: Iterable[str], everything: Sequence[Run]
) -> Iterator[tuple[str, Run | None, str]]:
    """Each history with the sweep and the folder that hold it; the files of PACKS_AT_A_TIME are fetched together."""
    sweeps: dict[str, Run | None] = {run.info.run_id: run for run in everything}
    places = []
    for history in histories:
        parent, folder = names.history_place(history) or ("", "")
        if parent not in sweeps:
            sweeps[parent] = _sweep(connection, parent) if parent else None
        places.append((history, sweeps[parent], folder))
    for first in range(0, len(places), PACKS_AT_A_TIME):
        part = places[first : first + PACKS_AT_A_TIME]
        with fetched_together(connection, _files_of(part)):
            yield from part


def _files_of(places: Sequence[tuple[str, Run | None, str]]) -> list[tuple[Run, Wanted]]:
    """The tables in these places, by the sweep that holds them."""
    found: dict[str, tuple[Run, list[str]]] = {}
    for _, parent, folder in places:
        if parent is not None:
            _, files = found.setdefault(parent.info.run_id, (parent, []))
            files += [f"{folder}/{file}" for file in TABLES_OF_A_PACK]
    return [(parent, Wanted(run_id, tuple(files))) for run_id, (parent, files) in found.items()]


def _read_history(connection: Connection, parent: Run | None, path: str, coded: bool = False) -> pyarrow.Table | None:
    """One pack's table; None if the file is missing or damaged. Damage is reported."""
    if parent is None:
        return None
    try:
        return read_history(connection, parent.info.artifact_uri, path, coded)
    except Broken as error:
        report_damage(connection, parent, str(error))
        return None


def _by_name(tables: list[pandas.DataFrame]) -> dict[str, pandas.DataFrame]:
    """The tables that share the packs' files, separated: each with its own columns, sorted by cell."""
    found: dict[str, list[pandas.DataFrame]] = {}
    for table in tables:
        for name, rows in table.groupby(TABLE_COLUMN, sort=False):
            found.setdefault(str(name), []).append(rows.drop(columns=TABLE_COLUMN).dropna(axis="columns", how="all"))
    return {name: _by_cell(parts) for name, parts in found.items()}


def _by_cell(tables: list[pandas.DataFrame]) -> pandas.DataFrame:
    """The tables concatenated: cell and fingerprint come first, and rows are sorted by cell."""
    import pandas

    first = ["cell", "fingerprint"]
    table = pandas.concat(tables, ignore_index=True)
    columns = [*first, *(name for name in table.columns if name not in first)]
    return table[columns].sort_values("cell", kind="stable", ignore_index=True)


def _sweep(connection: Connection, run_id: str) -> Run | None:
    """The sweep whose artifacts hold a history; None if it was deleted for good."""
    from mlflow.exceptions import MlflowException

    try:
        return connection.client.get_run(run_id)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise


def _facts(connection: Connection, parent: Run, asked: Mapping[str, object]) -> dict[str, str]:
    """The facts of a sweep: everything but its numbers."""
    info = parent.info
    tags = {"digest": parent.data.tags[names.DIGEST_TAG], "command": parent.data.tags.get(names.SOURCE, "")}
    facts = {name: str(asked.get(name, tags.get(name, ""))) for name in ("digest", "command", "rules", "rules_stored")}
    facts |= {"run_id": info.run_id, "experiment_id": info.experiment_id, "uri": connection.location.shown}
    facts["experiment"] = name_of_experiment(connection, info.experiment_id)
    facts |= {"outcome": parent.data.tags[names.OUTCOME], "started": iso(info.start_time)}
    facts["order"] = str(order_of(parent))
    ended = None if facts["outcome"] == names.RUNNING else info.end_time  # an earlier start's, if it runs
    facts["ended"] = iso(ended)
    took = seconds(ended) - seconds(info.start_time)
    facts["seconds"] = f"{took:.1f}" if facts["ended"] and facts["started"] else ""
    return {name: redacted(text) for name, text in {**facts_of(asked), **facts}.items()}


def _unknown(name: str, everything: list[Run], connection: Connection) -> str:
    """The error for a sweep that does not exist."""
    known = list(dict.fromkeys(parent.data.tags[names.SWEEP] for parent in everything))
    listed = ", ".join(known) if known else "no sweep yet"
    return f"sweep: {connection.location.shown} holds none called {name!r}; {meant(name, known)}it holds {listed}"
