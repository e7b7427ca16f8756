"""What a store already holds: runs that need no training, and earlier sweeps of a name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from workbench.sweep.run_outcomes import HELD_OUTCOMES
from workbench.sweep.store import Earlier, Held, SweepRecord
from workbench.tracking import names
from workbench.tracking.asking import asked_at_once
from workbench.tracking.children import Child, child_of, existing
from workbench.tracking.connection import DELETED, OF_RUNS, Connection, experiments_of, parents, search
from workbench.tracking.files_ahead import fetched_together, state_of
from workbench.tracking.held_marks import has_marks, holders
from workbench.tracking.history_tables import intact
from workbench.tracking.moments import seconds
from workbench.tracking.parent import asked_of, facts_of, part_of
from workbench.tracking.plan_table import STANDING, PlanRow, from_table, rows_of, standing
from workbench.tracking.questions import Question, files_of_holders

if TYPE_CHECKING:
    from mlflow.entities import Run

_HOLDING = (*STANDING, "fingerprint", "run_id", "origin", "history")  # the columns of a plan that identify held runs


def held(connection: Connection, wanted: set[str]) -> dict[str, Held]:
    """Those of the fingerprints whose run is finished or diverged in any experiment of the store, with its history."""
    if not wanted:
        return {}
    with asked_at_once(connection, Question(held=frozenset(wanted))):
        experiments = experiments_of(connection)
        return held_in(connection, parents(connection, experiments), experiments, wanted)


def held_in(
    connection: Connection, everything: Sequence[Run], experiments: Sequence[str], wanted: set[str]
) -> dict[str, Held]:
    """The same, of these parent runs; `experiments` are the ids of all that the store has."""
    sweeps = {parent.info.run_id: parent for parent in everything}
    possible = holders(sweeps.values(), wanted)
    if not possible:
        return {}
    deleted = {run.info.run_id for run in search(connection, OF_RUNS, DELETED, experiments)}
    with fetched_together(connection, files_of_holders(possible)):
        return _held_by(connection, possible, sweeps, deleted, wanted)


def _held_by(
    connection: Connection, possible: Sequence[Run], sweeps: Mapping[str, Run], deleted: set[str], wanted: set[str]
) -> dict[str, Held]:
    """Those of the fingerprints whose run one of the `possible` sweeps trained, by their plans."""
    found: dict[str, tuple[Held, str]] = {}
    for parent in possible:
        table = standing(connection, parent, _HOLDING).to_pydict()
        search_of = part_of(parent)
        for _, outcome, fingerprint, run_id, origin, history in zip(*table.values(), strict=True):
            trained = outcome in HELD_OUTCOMES and not origin and run_id and run_id not in deleted
            if trained and fingerprint in wanted:
                found[fingerprint] = Held(run_id, outcome, search_of), history
    whole = intact(connection, sweeps, dict.fromkeys(history for _, history in found.values()))
    return {fingerprint: run for fingerprint, (run, history) in found.items() if history in whole}


def earlier(connection: Connection, experiment: str, name: str) -> Earlier | None:
    """The latest sweep of that name in the experiment."""
    with asked_at_once(connection, Question(sweep=name)):
        found = called(parents(connection), experiment, name)
        if not found:
            return None
        with fetched_together(connection, [state_of(found[-1], names.SWEEP_FILE)]):
            return _earlier(connection, found[-1])


def _earlier(connection: Connection, parent: Run) -> Earlier:
    columns = (*STANDING, "row", "pack", "fingerprint")
    table = standing(connection, parent, columns).select(["pack", "row", "fingerprint"]).to_pylist()
    packs: dict[str, dict[str, None]] = {}
    for line in sorted(table, key=lambda line: (line["pack"], line["row"])):
        packs.setdefault(line["pack"], {})[line["fingerprint"]] = None  # cells may share a run
    return Earlier(
        digest=parent.data.tags[names.DIGEST_TAG],
        started=seconds(parent.info.start_time),
        fingerprints=tuple(line["fingerprint"] for line in table),
        packs=tuple(tuple(runs) for pack, runs in packs.items() if pack),
        facts=facts_of(asked_of(connection, parent)),
    )


def called(everything: Sequence[Run], experiment: str, name: str) -> list[Run]:
    """Those of the parent runs that have this name in the experiment, oldest first."""
    return [
        parent
        for parent in everything
        if parent.info.experiment_id == experiment and parent.data.tags.get(names.SWEEP) == names.tag(name)
    ]


def same_sweep(of_the_name: Sequence[Run], sweep: SweepRecord) -> Run | None:
    """The latest parent run of this very sweep, among those of its name, which are sorted by age, oldest first."""
    digest = names.tag(sweep.digest)
    same = [parent for parent in of_the_name if parent.data.tags.get(names.DIGEST_TAG) == digest]
    return same[-1] if same else None


def children_of(connection: Connection, parent: Run, rows: Sequence[PlanRow]) -> dict[tuple[int, str], Child]:
    """The children of a sweep with these rows, less those that a person deleted: (cell, fingerprint) -> child.

    A sweep that has ended has all of them in its plan; after a kill the store is asked for each.
    """
    run_id = parent.info.run_id
    if not has_marks(parent.data.tags):
        return existing(connection, run_id)
    mine = f"tags.`{names.PARENT}` = '{run_id}'"
    deleted = {run.info.run_id for run in search(connection, mine, DELETED, [parent.info.experiment_id])}
    return {
        (row.record.cell, names.tag(row.record.fingerprint)): child_of(row)
        for row in rows
        if row.run_id and row.run_id not in deleted
    }


def done_in(rows: Sequence[PlanRow], children: Mapping[tuple[int, str], Child]) -> dict[tuple[int, str], PlanRow]:
    """Of the rows of an earlier start those that it trained to an end and whose child still stands."""
    standing_children = {child.run_id for child in children.values()}
    held = [row for row in rows if row.held and row.run_id in standing_children]
    return {(row.record.cell, row.record.fingerprint): row for row in held}


def origins_of(
    connection: Connection, everything: Sequence[Run], wanted: Mapping[str, str], known: Sequence[PlanRow] = ()
) -> dict[str, PlanRow]:
    """Of the sweeps of these parent runs, the rows of the runs that cells are reused from: run id -> row.

    `wanted`: run id -> fingerprint; `known` are rows that need not be read again.
    """
    found = {row.run_id: row for row in known if row.run_id in wanted and not row.record.origin}
    left = {run_id: fingerprint for run_id, fingerprint in wanted.items() if run_id not in found}
    possible = holders(everything, left.values())
    with fetched_together(connection, [state_of(parent) for parent in possible]):
        for parent in possible:
            table = standing(connection, parent)
            chosen = [index for index, run_id in enumerate(table["run_id"].to_pylist()) if run_id in left]
            found.update({row.run_id: row for row in from_table(rows_of(table, chosen))})
    return found
