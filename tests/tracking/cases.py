"""Small sweeps to record: what the tests of the store have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from workbench.sweep.run_outcomes import FINISHED
from workbench.sweep.store import EPOCH_COLUMNS, PackResult, RunRecord, SweepRecord

STARTED = 1_700_000_000.0
EPOCHS = 30
LAYERS = 2


def uri_of(folder: Path) -> str:
    """The URI of the store in a folder."""
    return f"sqlite:///{folder}/mlflow.db"


def cell(number: int, fingerprint: str | None = None, **changes: Any) -> RunRecord:
    """A pending cell of a sweep over seeds."""
    record = RunRecord(
        cell=number,
        name=f"seed={number}",
        fingerprint=fingerprint or f"fp{number}",
        pack="pack",
        overrides=(f"seed={number}", "optimizer=adam"),
        factors={"seed": number, "optimizer": "adam"},
        params={"seed": number, "optimizer.name": "adam", "data.train_size": None, "network.depth": 2},
    )
    return replace(record, **changes)


def trained(record: RunRecord, outcome: str = FINISHED, **changes: Any) -> RunRecord:
    """What a cell came to."""
    metrics = {"last_train_loss": 0.5 + record.cell, "best_epoch": 7.0}
    done = replace(
        record,
        outcome=outcome,
        metrics=metrics,
        weights_digest=f"weights of {record.fingerprint}",
        started=STARTED,
        ended=STARTED + 30,
    )
    return replace(done, **changes)


def result(runs: Sequence[RunRecord], pack: str = "pack", **columns: Any) -> PackResult:
    """A pack's result: a history of EPOCHS epochs and two layers for each distinct fingerprint."""
    fingerprints = list(dict.fromkeys(run.fingerprint for run in runs))
    epoch = np.tile(np.arange(EPOCHS + 1), len(fingerprints))
    epochs = {"fingerprint": np.repeat(fingerprints, EPOCHS + 1), "epoch": epoch}
    epochs |= dict.fromkeys(EPOCH_COLUMNS[2:], 1.0 / (1.0 + epoch)) | columns
    rows = len(epoch) * LAYERS
    layers = {
        "fingerprint": np.repeat(epochs["fingerprint"], LAYERS),
        "epoch": np.repeat(epoch, LAYERS),
        "layer": np.tile(np.arange(1, LAYERS + 1), len(epoch)),
        "probe": np.full(rows, "gradient_norm"),
        "value": np.linspace(0, 1, rows),
    }
    return PackResult(pack, list(runs), epochs, layers)


def sweep(cells: Sequence[RunRecord], name: str = "seeds", digest: str = "d1", **changes: Any) -> SweepRecord:
    """A sweep of these cells."""
    facts = {"commit": "abc123", "description": "Do seeds matter?", "device": "cpu"}
    record = SweepRecord(name, digest, "python -m workbench 'seed=range(3)'", ("seed", "optimizer"), list(cells), facts)
    return replace(record, **changes)
