"""The store that writes sweeps to MLflow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from workbench.addresses import scheme_of
from workbench.engine.errors import BadInput
from workbench.sweep.run_outcomes import HELD_OUTCOMES, PENDING
from workbench.sweep.store import Earlier, Held, PackResult, SweepRecord, Verified
from workbench.tracking import names
from workbench.tracking.artifacts import clear, keep, listing, put
from workbench.tracking.asking import asked_at_once
from workbench.tracking.cell_rows import CellRows, asked_for, begun_rows, place
from workbench.tracking.children import Child, Family, curves, existing, write
from workbench.tracking.connection import (
    Answer,
    begun_ever,
    connect,
    connect_to_read,
    experiments_of,
    parents,
    planned_of,
)
from workbench.tracking.experiment import experiment_name, experiment_of, known_experiment
from workbench.tracking.files_ahead import fetched_together, state_of
from workbench.tracking.held_marks import marks_of, without_marks
from workbench.tracking.history_tables import by_fingerprint
from workbench.tracking.holder import hold
from workbench.tracking.holdings import called, children_of, done_in, earlier, held, held_in, origins_of, same_sweep
from workbench.tracking.models import keep_models
from workbench.tracking.pack_tables import tables_of
from workbench.tracking.parent import (
    asked_of,
    batches_by_search,
    close_killed,
    describe,
    family_of,
    is_reused,
    next_order,
    outcome_counts,
    set_tags,
    start,
    sweep_files,
)
from workbench.tracking.patience import WAIT_SECONDS
from workbench.tracking.plan_table import PlanRow, from_table, look, to_table
from workbench.tracking.questions import Question
from workbench.tracking.replaced import Database
from workbench.tracking.system import SystemMetrics

if TYPE_CHECKING:
    import numpy as np
    from mlflow.entities import Run


class MlflowStore:
    """The `Store` of `workbench.sweep.store`, in MLflow.

    `uri` as in `location.locate` (None: the environment's, else mlflow.db here); `experiment` (None: the environment's,
    else "workbench") is created if missing;
    `patience` is how many seconds a server may be out of reach before an operation is given up. Raises BadInput when
    the store cannot be used. A run that a person deletes in the UI is no longer held, nor is one whose history is
    damaged. `to_read` asks what is held and no more: nothing is written, so the store may be one that cannot be
    written to. With `sampled` the load of this machine is kept while a sweep runs.
    """

    def __init__(
        self,
        uri: str | None = None,
        experiment: str | None = None,
        patience: float = WAIT_SECONDS,
        to_read: bool = False,
        sampled: bool = True,
    ) -> None:
        self._connection = (connect_to_read if to_read else connect)(uri, patience)
        self._database = Database(self._connection)
        find = known_experiment if to_read else experiment_of
        self._experiment_name, self._experiment = self._connection.patiently(
            lambda: (name := experiment_name(self._connection, experiment), find(self._connection, name))
        )
        self._family = Family(self._experiment, "", "")
        self._in_doubt = self._troubled = False  # whether a request failed: since the children were last read, and ever
        self._order, self._recorded = 0, 0  # the start's place in the order of creation, and its count of recordings
        self._shown: set[str] = set()  # fingerprints held, reused or recorded since this start
        self._tried: set[str] = set()  # the same with those of failed runs
        self._taken_over = ""
        self._sweep = SweepRecord("", "", "", (), [])
        self._batches: set[str] = set()  # of the sweep, if it is a search
        self._asks: dict[str, str] = {}  # the marks of what it is to train
        self._rows = CellRows()
        self._plan: list[PlanRow] | None = None  # the rows that the stored plan has; None: not known
        self._files: dict[str, str] = {}
        self._children: dict[tuple[int, str], Child] = {}
        self._system = SystemMetrics(sampled)

    @property
    def run_id(self) -> str:
        """The parent run of the sweep; "" before the sweep began."""
        return self._family.parent

    @property
    def shown(self) -> str:
        """The address of the store, without secrets."""
        return self._connection.location.shown

    def address(self, file: str = "") -> str:
        """Where MLflow's server shows the sweep that was begun, or a file of its page; "" if no server shows it."""
        server = self.shown.replace("***@", "").rstrip("/")
        if scheme_of(server) not in ("http", "https") or not self.run_id:
            return ""
        place = f"{server}/#/experiments/{self._experiment}/runs/{self.run_id}"
        return f"{place}/artifacts/{names.REPORT}/{quote(file)}" if file else place

    def held(self, fingerprints: Sequence[str]) -> dict[str, Held]:
        """Those of the fingerprints whose run is finished or diverged in any experiment of the store."""
        return self._patiently(lambda: held(self._connection, set(fingerprints)))

    def earlier(self, name: str) -> Earlier | None:
        """The latest sweep of that name in this experiment."""
        return self._patiently(lambda: earlier(self._connection, self._experiment, name))

    def begin(self, sweep: SweepRecord) -> None:
        """Write the plan, in which every cell is pending or reused, then the light children of the reused cells.

        A sweep of the same name and digest is continued in its parent run, unless `sweep.fresh` is set.
        """
        self._shown, self._tried = set(), set()
        self._patiently(lambda: self._begin(sweep))
        self._system.start(self.run_id, self._connection.location.uri)

    def record(self, result: PackResult) -> None:
        """Write histories, then children, then the pack's rows, so that a complete child always has its history."""
        self._patiently(lambda: self._record(result))

    def verified(self) -> Verified:
        """Which of the runs that this sweep held, reused or recorded the store still holds, and which it has lost.

        If the database was replaced or the sweep deleted, the sweep begins anew in the present store, and everything
        recorded before counts as lost.
        """
        if self._database.replaced():
            self._system.stop()  # it would write to the old database, and open the new one before it is complete
        return self._patiently(self._verified)

    def end(self, outcome: str) -> None:
        """Update the plan and close the parent run; `outcome` is finished, failed or interrupted."""
        self._system.stop()
        self._patiently(lambda: self._end(outcome))

    def attach(self, files: Sequence[Path]) -> None:
        """Store files, and whole folders, as artifacts of the parent run in its folder `report`."""
        self._patiently(lambda: keep(self._connection, self.run_id, files, names.REPORT))

    @contextmanager
    def hold(self, name: str, folder: Path | None = None) -> Iterator[None]:
        """A context in which no other process trains the sweep `name` into this store. Raises BadInput if one does.

        If the store is a file, the lock of its folder does this (`sweep.lock`). At the end the sampling of the load
        stops.
        """
        try:
            with hold(self._connection, self._experiment, name, self._lose, folder):
                yield
        finally:
            self._system.stop()

    def keep_files(self, files: Mapping[str, str]) -> None:
        """Keep these texts as what was asked, in place of those that `begin` wrote: of a sweep that is copied."""
        self._files = dict(files)
        self._patiently(lambda: put(self._connection, self.run_id, files))

    def _lose(self, reason: str) -> None:
        """Record nothing more, since another process took the sweep over."""
        self._taken_over = reason

    def _patiently(self, act: Callable[[], Answer]) -> Answer:
        """The result of `act`, repeated while a server is unreachable; after a failure the store is read again."""

        def attempt() -> Answer:
            if self._taken_over:
                raise BadInput(self._taken_over)
            try:
                return act()
            except Exception:
                self._in_doubt = self._troubled = True
                raise

        return self._connection.patiently(attempt)

    def _begin(self, sweep: SweepRecord) -> None:
        begun = begun_ever(self._connection)
        everything = planned_of(begun)
        of_the_name = called(everything, self._experiment, sweep.name)
        self._batches = batches_by_search(everything).get(names.tag(sweep.name), set())
        self._connection.roots.update({run.info.run_id: run.info.artifact_uri for run in of_the_name})
        same = same_sweep(of_the_name, sweep)
        parent = None if sweep.fresh else same
        known = parent.info.run_id if parent else None
        self._plan = None
        with fetched_together(self._connection, [state_of(parent, names.SWEEP_FILE)] if parent else []):
            before = self._rows_before(parent) if parent else []
            asked = asked_of(self._connection, same) if same else {}
        self._children = children_of(self._connection, parent, before) if parent else {}
        done = done_in(before, self._children)
        reused = {cell.origin: cell.fingerprint for cell in sweep.cells if cell.origin and place(cell) not in done}
        origins = origins_of(self._connection, everything, reused, before)
        for killed in of_the_name:
            if killed.data.tags[names.OUTCOME] == names.RUNNING and killed.info.run_id != known:
                close_killed(self._connection, killed)
        self._order, self._recorded = next_order(begun), 0
        run_id = start(self._connection, self._experiment, sweep, known, self._order, begun)
        self._sweep, self._family = sweep, family_of(self._experiment, run_id, sweep)
        self._rows = begun_rows(sweep.cells, done, origins)
        self._files = sweep_files(sweep, asked)
        clear(self._connection.root_of(run_id))
        put(self._connection, run_id, self._files)
        self._put_plan()
        own = (row.record.fingerprint for row in self._rows if not row.record.origin)
        self._asks = marks_of(own, names.ASKS)
        set_tags(self._connection, run_id, {**self._asks, names.KIND: names.SWEEP_KIND})
        self._write_reused()

    def _record(self, result: PackResult) -> None:
        folder = f"{names.PACKS}/{names.pack_folder(result.pack)}"
        put(self._connection, self.run_id, {f"{folder}/{name}": table for name, table in tables_of(result).items()})
        histories = by_fingerprint(result.epochs)
        rows = self._write(self._rows.of_result(result, self.run_id), histories)
        keep_models(self._connection, rows, result.tables)
        self._recorded += 1
        order = self._order * _RECORDINGS + self._recorded
        put(self._connection, self.run_id, {f"{folder}/{names.RUNS}": to_table(rows, order)})

    def _verified(self) -> Verified:
        self._shown |= {row.record.fingerprint for row in self._rows if row.record.outcome in HELD_OUTCOMES}
        self._tried |= {row.record.fingerprint for row in self._rows if row.record.outcome != PENDING}
        if self._database.reopened():
            self._connection.roots.clear()
            self._connection.experiments.clear()
            self._experiment = experiment_of(self._connection, self._experiment_name)
        with asked_at_once(self._connection, Question(held=frozenset(self._shown))):
            experiments = experiments_of(self._connection)
            everything = parents(self._connection, experiments)
            if any(parent.info.run_id == self.run_id for parent in everything):
                if names.SWEEP_FILE not in listing(self._connection, self._connection.root_of(self.run_id), ""):
                    put(self._connection, self.run_id, self._files)
                    self._plan = None
                found = set(held_in(self._connection, everything, experiments, self._shown))
                return Verified(found, self._shown - found)
        reused = held(self._connection, {cell.fingerprint for cell in self._sweep.cells if cell.origin})
        cells = [
            replace(cell, origin=reused[cell.fingerprint].run_id) if cell.fingerprint in reused else asked_for(cell)
            for cell in self._sweep.cells
        ]
        self._begin(replace(self._sweep, cells=cells))
        found = {row.record.fingerprint for row in self._rows if row.held or row.record.origin}
        return Verified(found, self._tried - found)

    def _end(self, outcome: str) -> None:
        from mlflow.entities import Metric

        if self._database.replaced():
            raise BadInput(f"tracking.uri: the database of the store {self._connection.location.shown} was replaced")
        client, run_id = self._connection.client, self.run_id
        if self._troubled:
            existing(self._connection, run_id, {row.run_id for row in self._rows})
        self._put_plan()
        cells = [row.record for row in self._rows]
        reused = [is_reused(row.record.origin, row.history, self._batches) for row in self._rows]
        counts = outcome_counts([cell.outcome for cell in cells], reused)
        now = int(time.time() * 1000)
        metrics = [Metric(f"cells/{name}", count, now, 0) for name, count in counts.items()]
        note = names.tag(describe(self._sweep, counts))
        held = marks_of(row.record.fingerprint for row in self._rows if row.held and row.run_id)
        tags = {names.NOTE: note, names.OUTCOME: outcome, **without_marks(self._asks), **held}
        with self._connection.waiting():
            set_tags(self._connection, run_id, tags, metrics)
            client.set_terminated(run_id, names.SWEEP_STATUS[outcome])

    def _write_reused(self) -> None:
        """Write a light child for every reused cell, and the plan again with their run ids."""
        reused = [row for row in self._rows if row.record.origin]
        if reused:
            self._write(reused, {})
            self._put_plan()

    def _rows_before(self, parent: Run) -> list[PlanRow]:
        """The rows of an earlier start. If its plan alone holds them, the plan is known."""
        table, broken = look(self._connection, parent)
        rows = from_table(table)
        self._plan = rows if not broken and parent.data.tags[names.OUTCOME] != names.RUNNING else None
        return rows

    def _put_plan(self) -> None:
        """Write the plan, unless the stored one has the same rows."""
        rows = list(self._rows)
        if rows != self._plan:
            put(self._connection, self.run_id, {names.PLAN: to_table(rows)})
            self._plan = rows

    def _write(self, rows: Sequence[PlanRow], histories: Mapping[str, Mapping[str, np.ndarray]]) -> list[PlanRow]:
        """Write the children of these cells, and their run ids into the plan."""
        if self._in_doubt:
            self._children = existing(
                self._connection, self.run_id, {child.run_id for child in self._children.values()}
            )
            self._in_doubt = False
        places = [(row.record.cell, names.tag(row.record.fingerprint)) for row in rows]
        points = [
            curves(row.record, histories[row.record.fingerprint]) if row.record.fingerprint in histories else []
            for row in rows
        ]
        known = [self._children.get(place) for place in places]
        children = write(self._connection, self._family, list(zip(rows, points, known, strict=True)))
        self._children.update(zip(places, children, strict=True))
        written = [replace(row, run_id=child.run_id) for row, child in zip(rows, children, strict=True)]
        self._rows.put(written)
        return written


_RECORDINGS = 10**6  # more than a start makes
