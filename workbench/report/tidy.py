"""A sweep as tidy tables for notebooks and scripts: `workbench.report.load(name)`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from workbench.report.statistics.design import Design
    from workbench.tracking.read import SweepTables


@dataclass(frozen=True)
class Sweep:
    """A sweep in three tables, joined by `cell`, the number of a cell in the order in which the command asks for it.

    `runs`, one row a cell:
        cell, name         its number, and a name a person can read ("relu d4 adam s3")
        outcome, reason    finished, diverged, failed or pending, and why ("" if there is nothing to say)
        reused, run_id     whether another sweep trained it; its run in MLflow
        fingerprint, pack  identity of the run and of the pack it trained in
        overrides          what distinguishes the cell on the command line
        network.depth, ... every setting that decides numbers, and every swept key, under its dotted name
        best_*, last_*     losses and accuracies (0 to 1) at the epoch with the best validation loss, and at the last
        best_epoch, epochs that epoch, and how many were trained; seconds: the run's share of its pack's time
        started, ended     unix seconds

    `histories`, one row a cell and epoch (epoch 0 is the untrained network): cell, epoch, train_loss, train_accuracy,
    validation_loss, validation_accuracy, test_loss, test_accuracy, learning_rate, and whatever else was recorded.

    `probes`, one row a cell, epoch, layer (1 is the first, the last is the output) and probe: cell, epoch, layer,
    probe, value.

    `facts` say where the numbers come from (command, commit, versions, device, started ...), `factors` are the swept
    keys.
    """

    name: str
    runs: pd.DataFrame
    histories: pd.DataFrame
    probes: pd.DataFrame
    facts: dict[str, str]
    factors: tuple[str, ...]
    tables: SweepTables

    @property
    def design(self) -> Design:
        """The sweep's factors with their levels, as the statistics of `effects` and the page take them."""
        from workbench.report.statistics.design import read

        return read(self.tables)


def load(name: str, uri: str | None = None) -> Sweep:
    """The latest sweep called `name` from the store at `uri` (default: the environment's, else mlflow.db here).

    Raises BadInput if the store cannot be read or holds no such sweep.
    """
    from workbench.tracking.read import load as read_tables

    return tidy(read_tables(name, uri))


def tidy(tables: SweepTables) -> Sweep:
    """The tables of the store under the names that a reader looks for."""
    return Sweep(
        tables.name,
        tables.runs,
        tables.epochs.drop(columns="fingerprint", errors="ignore"),
        tables.layers.drop(columns="fingerprint", errors="ignore"),
        dict(tables.facts),
        tuple(tables.factors),
        tables,
    )
