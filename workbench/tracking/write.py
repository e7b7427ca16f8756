"""The store that writes sweeps to MLflow."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.engine.errors import BadInput
from workbench.sweep.store import HELD_OUTCOMES, Earlier, Held, PackResult, RunRecord, SweepRecord
from workbench.tracking import names
from workbench.tracking.artifacts import put, read_text
from workbench.tracking.children import Child, Family, curves, existing, write
from workbench.tracking.connection import connect, connect_to_read, one_line, parents, search
from workbench.tracking.histories import by_fingerprint, epochs_table, layers_table, together
from workbench.tracking.models import MODEL_TABLE, keep_models, models_table
from workbench.tracking.parent import (
    describe,
    experiment_of,
    family_of,
    known_experiment,
    outcome_counts,
    start,
    sweep_files,
)
from workbench.tracking.plan import STANDING, PlanRow, from_table, planned, rows_of, standing, to_table
from workbench.tracking.system import SystemMetrics

if TYPE_CHECKING:
    import numpy as np
    from mlflow.entities import Run


class MlflowStore:
    """The `Store` of `workbench.sweep.store`, in MLflow.

    `uri` as in `location.locate` (None: the environment's, else mlflow.db here); `experiment` is created if missing.
    Raises BadInput when the store cannot be used. A run that a person deletes in the UI is no longer held. `to_read`
    asks what is held and no more: nothing is written, so the store may be one that cannot be written to.
    """

    def __init__(self, uri: str | None = None, experiment: str = "workbench", to_read: bool = False) -> None:
        self._connection = connect_to_read(uri) if to_read else connect(uri)
        with one_line(self._connection.location):
            self._experiment = (known_experiment if to_read else experiment_of)(self._connection, experiment)
        self._family = Family(self._experiment, "", "")
        self._sweep = SweepRecord("", "", "", (), [])
        self._rows: dict[int, PlanRow] = {}
        self._children: dict[tuple[int, str], Child] = {}
        self._system = SystemMetrics()

    @property
    def run_id(self) -> str:
        """The parent run of the sweep that was begun, "" before."""
        return self._family.parent

    def held(self, fingerprints: Sequence[str]) -> dict[str, Held]:
        """Those of the fingerprints that the store holds as finished or diverged, in any experiment."""
        wanted = set(fingerprints)
        with one_line(self._connection.location):
            deleted = {run.info.run_id for run in search(self._connection, _OURS, "deleted")}
            found = {}
            for parent in parents(self._connection) if wanted else []:
                table = standing(self._connection, parent, _HOLDING).to_pydict()
                for _, outcome, _, fingerprint, run_id, origin in zip(*table.values(), strict=True):
                    trained = outcome in HELD_OUTCOMES and not origin and run_id and run_id not in deleted
                    if trained and fingerprint in wanted:
                        found[fingerprint] = Held(run_id, outcome)
        return found

    def earlier(self, name: str) -> Earlier | None:
        """The latest sweep of that name in this experiment."""
        with one_line(self._connection.location):
            found = self._called(name)
            if not found:
                return None
            parent = found[-1]
            columns = (*STANDING, "row", "pack", "fingerprint")
            table = standing(self._connection, parent, columns).select(["pack", "row", "fingerprint"]).to_pylist()
            packs: dict[str, dict[str, None]] = {}
            for line in sorted(table, key=lambda line: (line["pack"], line["row"])):
                packs.setdefault(line["pack"], {})[line["fingerprint"]] = None  # cells may share a run
            return Earlier(
                digest=parent.data.tags[names.DIGEST],
                started=parent.info.start_time / 1000,
                fingerprints=tuple(line["fingerprint"] for line in table),
                packs=tuple(tuple(runs) for pack, runs in packs.items() if pack),
                facts=self._asked(parent).get("facts", {}),
            )

    def begin(self, sweep: SweepRecord) -> None:
        """Writes the plan with every cell pending (or reused), then the light children of the reused cells.

        The same name and digest goes on with its parent run, unless `sweep.fresh`.
        """
        with one_line(self._connection.location):
            same = self._same(sweep)
            parent = None if sweep.fresh else same
            earlier = parent.info.run_id if parent else None
            self._children = existing(self._connection, earlier) if earlier else {}
            done = self._done(parent) if parent else {}
            origins = self._origins({cell.origin for cell in sweep.cells} - {""})
            run_id = start(self._connection, self._experiment, sweep, earlier)
            self._sweep, self._family = sweep, family_of(self._experiment, run_id, sweep)
            self._rows = {}
            for row in planned(sweep.cells):
                kept = done.get((row.record.cell, row.record.fingerprint))
                self._rows[row.record.cell] = kept or _reused(row, origins)
            files = sweep_files(sweep, self._asked(same) if same else {})
            put(self._connection, run_id, {**files, names.PLAN: to_table(self._rows.values())})
            self._connection.client.set_tag(run_id, names.KIND, names.SWEEP_KIND)
            self._write_reused()
            self._system.start(run_id, self._connection.location.uri)

    def record(self, result: PackResult) -> None:
        """Histories first, then the children, then the pack's rows: a complete child always has its history."""
        folder = f"{names.PACKS}/{names.pack_folder(result.pack)}"
        with one_line(self._connection.location):
            tables = {names.EPOCHS: epochs_table(result.epochs), names.LAYERS: layers_table(result.layers)}
            measured = {name: table for name, table in result.tables.items() if name != MODEL_TABLE}
            if measured:
                tables[names.TABLES] = together(measured)
            if MODEL_TABLE in result.tables:
                tables[names.MODELS] = models_table(result.tables[MODEL_TABLE])
            put(self._connection, self.run_id, {f"{folder}/{name}": table for name, table in tables.items()})
            histories = by_fingerprint(result.epochs)
            rows = self._write(self._rows_of(result), histories)
            keep_models(self._connection, rows, result.tables)
            put(self._connection, self.run_id, {f"{folder}/{names.RUNS}": to_table(rows)})

    def end(self, outcome: str) -> None:
        """Updates the plan and closes the parent run; `outcome` is finished, failed or interrupted."""
        status = names.SWEEP_STATUS[outcome]
        with one_line(self._connection.location):
            self._system.stop()
            client, run_id = self._connection.client, self.run_id
            put(self._connection, run_id, {names.PLAN: to_table(self._rows.values())})
            cells = [row.record for row in self._rows.values()]
            counts = outcome_counts([cell.outcome for cell in cells], [cell.origin for cell in cells])
            for name, count in counts.items():
                client.log_metric(run_id, f"cells/{name}", count)
            client.set_tag(run_id, names.NOTE, names.tag(describe(self._sweep, counts)))
            client.set_tag(run_id, names.OUTCOME, outcome)
            client.set_terminated(run_id, status)

    def attach(self, files: Sequence[Path]) -> None:
        """Keeps files as artifacts of the parent, in its folder `report`; folders with what is in them."""
        with one_line(self._connection.location):
            client = self._connection.client
            for file in files:
                if file.is_dir():
                    client.log_artifacts(self.run_id, str(file), f"{names.REPORT}/{file.name}")
                else:
                    client.log_artifact(self.run_id, str(file), names.REPORT)

    def _called(self, name: str) -> list[Run]:
        """The parent runs of that name in this experiment, oldest first."""
        return [
            parent
            for parent in parents(self._connection)
            if parent.info.experiment_id == self._experiment and parent.data.tags.get(names.SWEEP) == names.tag(name)
        ]

    def _same(self, sweep: SweepRecord) -> Run | None:
        """The latest parent run of this very sweep in this experiment."""
        digest = names.tag(sweep.digest)
        same = [parent for parent in self._called(sweep.name) if parent.data.tags.get(names.DIGEST) == digest]
        return same[-1] if same else None

    def _asked(self, parent: Run) -> dict[str, Any]:
        """What sweep.json says was asked."""
        return json.loads(read_text(self._connection, parent.info.artifact_uri, names.SWEEP_FILE) or "{}")

    def _done(self, parent: Run) -> dict[tuple[int, str], PlanRow]:
        """The cells that an earlier sitting of this sweep trained to an end and whose child still stands."""
        standing_children = {child.run_id for child in self._children.values()}
        rows = from_table(standing(self._connection, parent))
        held = [row for row in rows if row.held and row.run_id in standing_children]
        return {(row.record.cell, row.record.fingerprint): row for row in held}

    def _origins(self, wanted: set[str]) -> dict[str, PlanRow]:
        """The rows of the runs that cells are reused from: run id -> row."""
        found: dict[str, PlanRow] = {}
        for parent in parents(self._connection) if wanted else []:
            table = standing(self._connection, parent)
            chosen = [index for index, run_id in enumerate(table["run_id"].to_pylist()) if run_id in wanted]
            found.update({row.run_id: row for row in from_table(rows_of(table, chosen))})
        return found

    def _write_reused(self) -> None:
        """A light child for every reused cell, and the plan once more with their run ids."""
        reused = [row for row in self._rows.values() if row.record.origin]
        if reused:
            self._write(reused, {})
            put(self._connection, self.run_id, {names.PLAN: to_table(self._rows.values())})

    def _rows_of(self, result: PackResult) -> list[PlanRow]:
        """The rows of a result's runs, and of the cells that share a fingerprint with one of them: trained once,
        shown twice. A twin that was reused or came from another pack keeps what it has.
        """
        history = names.history(self.run_id, result.pack)
        rows = [PlanRow(record, position, history=history) for position, record in enumerate(result.runs)]
        trained = {row.record.fingerprint: row for row in rows}
        given = {row.record.cell for row in rows}
        for cell, row in self._rows.items():
            first = trained.get(row.record.fingerprint)
            if first and cell not in given and not row.record.origin and row.history in ("", history):
                rows.append(replace(first, record=_shown_as(first.record, row.record)))
        return rows

    def _write(self, rows: Sequence[PlanRow], histories: Mapping[str, Mapping[str, np.ndarray]]) -> list[PlanRow]:
        """Writes the children of these cells and notes them in the plan."""
        places = [(row.record.cell, names.tag(row.record.fingerprint)) for row in rows]
        points = [
            curves(row.record, histories[row.record.fingerprint]) if row.record.fingerprint in histories else []
            for row in rows
        ]
        known = [self._children.get(place) for place in places]
        children = write(self._connection, self._family, list(zip(rows, points, known, strict=True)))
        self._children.update(zip(places, children, strict=True))
        written = [replace(row, run_id=child.run_id) for row, child in zip(rows, children, strict=True)]
        self._rows.update({row.record.cell: row for row in written})
        return written


_OURS = f"tags.`{names.KIND}` = '{names.RUN_KIND}'"
_HOLDING = (*STANDING, "fingerprint", "run_id", "origin")  # the columns of a plan that tell what is held


def _reused(row: PlanRow, origins: dict[str, PlanRow]) -> PlanRow:
    """A cell as its origin left it, where it has one; its own name, overrides and factors stay."""
    if not row.record.origin:
        return row
    origin = origins.get(row.record.origin)
    if origin is None:
        raise BadInput(f"cell {row.record.cell}: reused from run {row.record.origin!r}, which the store does not hold")
    record = replace(_shown_as(origin.record, row.record), params=row.record.params, origin=row.record.origin)
    return PlanRow(record, origin.row, history=origin.history)


def _shown_as(trained: RunRecord, cell: RunRecord) -> RunRecord:
    """What `trained` came to, shown as `cell`: under its own name, overrides and factors."""
    return replace(
        trained, cell=cell.cell, name=cell.name, overrides=cell.overrides, factors=cell.factors, origin=cell.origin
    )
