"""A copy of a search for Optuna's own tools, such as its dashboard. We never read it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import closing
from itertools import count
from pathlib import Path
from sqlite3 import DatabaseError, OperationalError, connect
from typing import TYPE_CHECKING

from workbench.sweep.execution.log import warn
from workbench.sweep.planning.goals import Goal
from workbench.sweep.planning.study import Dimension, TrialResult, distributions_of, frozen, needs_optuna

if TYPE_CHECKING:
    from sqlite3 import Connection

STUDY = "study.db"
MOST_TRIES, SECONDS_BETWEEN = 20, 0.1  # while somebody reads the file


class StudyCopy:
    """The search called `name` in an SQLite file of `folder`, written anew with every batch.

    The file stays where it is and changes in one transaction, so a dashboard that has it open shows the new trials. An
    error is said and ignored, because the file is only a copy.
    """

    def __init__(self, folder: Path, name: str, space: Sequence[Dimension], goals: Sequence[Goal]) -> None:
        optuna = needs_optuna()
        self.file, self.distributions, self.written = folder / STUDY, distributions_of(space), 0
        self.storage = optuna.storages.RDBStorage("sqlite:///:memory:")
        directions = [goal.direction for goal in goals]
        self.study = optuna.create_study(storage=self.storage, study_name=name, directions=directions)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Optuna warns that names of goals are experimental
            self.study.set_metric_names([goal.metric for goal in goals])

    def keep(self, results: Sequence[TrialResult]) -> None:
        """Write the results of all trials so far; earlier ones are as they were."""
        try:
            self.study.add_trials([frozen(one, self.distributions) for one in results[self.written :]])
            self.written = len(results)
            self._write()
        except Exception as error:
            said = f"{type(error).__name__}: {error!s:.200}"
            warn(f"{self.file} could not be written ({said}); it is a copy for Optuna's tools")

    def _write(self) -> None:
        with closing(self.storage.engine.raw_connection()) as source:
            try:
                _copy(source.driver_connection, self.file)
            except OperationalError:
                raise
            except DatabaseError:  # a file of that name that is no database
                self.file.unlink()
                _copy(source.driver_connection, self.file)

    def close(self) -> None:
        """Let go of the copy in memory."""
        self.storage.engine.dispose()


def _copy(source: Connection, file: Path) -> None:
    """Make the database in `file` that of `source`, in one transaction. Raises OperationalError if it stays locked."""
    tries = count()

    def tried(*_: int) -> None:
        if next(tries) >= MOST_TRIES:
            raise OperationalError("somebody else holds it")

    with closing(connect(file, timeout=0)) as target:
        source.backup(target, progress=tried, sleep=SECONDS_BETWEEN)
