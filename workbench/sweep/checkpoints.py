"""Checkpoints of packs in flight: one file a pack, written whole or not at all, checked when it is read.

A checkpoint holds the engine's state after an epoch, the histories so far, and how the runs that are over have ended.
From it training goes on to the very numbers it would have come to (`engine.training.train`).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic
from zipfile import BadZipFile

import numpy as np

from workbench.engine.epoch import RunEnd, State
from workbench.sweep.history import History, Table
from workbench.sweep.measures import Measured
from workbench.sweep.packs import PlannedPack

STATE, EPOCHS, LAYERS = "state/", "epochs/", "layers/"


@dataclass
class Unfinished:
    """A pack as far as it has come: the state to go on from (None: from the start), its history and its ended runs.

    `analysed` holds what the analyses of those found.
    """

    state: State | None
    history: History
    ends: list[RunEnd | None]
    analysed: list[Measured | None]


class Checkpoints:
    """Keeps checkpoints in `folder`, which is made when the first is written, at most one in `every` seconds a pack."""

    def __init__(self, folder: Path, every: float = 30.0) -> None:
        self._folder, self._every = folder, every
        self._saved = monotonic()

    def resume(self, planned: PlannedPack) -> Unfinished:
        """How far a pack had come. A file that cannot be read is set aside with a word, and the pack starts over."""
        self._saved = monotonic()
        file = self._file(planned)
        if file.exists():
            try:
                return _read(file, planned)
            except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
                aside = file.with_suffix(".broken")
                file.replace(aside)
                _say(f"{aside.name}: a broken checkpoint was set aside ({error}); its pack starts over")
        runs = planned.pack.runs
        return Unfinished(None, History(planned.fingerprints), [None] * runs, [None] * runs)

    def due(self) -> bool:
        """Whether it is time for the next checkpoint."""
        return monotonic() - self._saved >= self._every

    def save(self, planned: PlannedPack, reached: Unfinished) -> None:
        """Write a checkpoint in one step: a crash leaves the one before.

        Where it cannot be written that is said, and training goes on without.
        """
        self._saved = monotonic()
        try:
            self._write(planned, reached)
        except OSError as error:
            _say(f"no checkpoint could be written to {self._folder} ({error}); training goes on without")

    def _write(self, planned: PlannedPack, reached: Unfinished) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._file(planned)
        unnamed = file.with_suffix(f".{os.getpid()}")
        with unnamed.open("wb") as target:
            np.savez(target, allow_pickle=False, **_arrays(planned, reached))
            target.flush()
            os.fsync(target.fileno())
        unnamed.replace(file)

    def drop(self, digest: str) -> None:
        """Forget a pack that is safely in the store, and the folder with the last of them."""
        (self._folder / f"{digest}.npz").unlink(missing_ok=True)
        if self._folder.is_dir() and not any(self._folder.iterdir()):
            self._folder.rmdir()

    def _file(self, planned: PlannedPack) -> Path:
        return self._folder / f"{planned.digest}.npz"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _arrays(planned: PlannedPack, reached: Unfinished) -> dict[str, np.ndarray]:
    assert reached.state is not None
    ends = [None if end is None else asdict(end) for end in reached.ends]
    arrays = {STATE + name: array for name, array in reached.state.items()}
    arrays |= _prefixed(EPOCHS, reached.history.epochs()) | _prefixed(LAYERS, reached.history.layers())
    analysed = [None if one is None else _as_data(one) for one in reached.analysed]
    texts = {"ends": np.array(json.dumps(ends)), "analysed": np.array(json.dumps(analysed))}
    return arrays | texts | {"fingerprints": np.array(planned.fingerprints)}


def _as_data(measured: Measured) -> list:
    """What was measured as JSON holds it."""
    tables = {
        name: {column: np.asarray(values).tolist() for column, values in table.items()}
        for name, table in measured.tables.items()
    }
    return [measured.metrics, tables]


def _from_data(metrics: dict[str, float], tables: dict[str, dict[str, list]]) -> Measured:
    """What `_as_data` put down."""
    found = {name: {column: np.asarray(values) for column, values in table.items()} for name, table in tables.items()}
    return Measured(metrics, found)


def _prefixed(prefix: str, table: Mapping[str, np.ndarray]) -> Table:
    """The table's columns for a file without pickles: texts as fixed-width strings."""
    return {prefix + name: column.astype(str) if column.dtype == object else column for name, column in table.items()}


def _read(file: Path, planned: PlannedPack) -> Unfinished:
    with file.open("rb") as source, np.load(source, allow_pickle=False) as content:
        arrays = {name: content[name] for name in content.files}
    if tuple(arrays["fingerprints"]) != planned.fingerprints:
        raise ValueError("it is of other runs")
    ends = [None if end is None else RunEnd(**end) for end in json.loads(str(arrays["ends"]))]
    history = History(planned.fingerprints)
    history.put_back(_part(arrays, EPOCHS), _part(arrays, LAYERS))
    analysed = [None if one is None else _from_data(*one) for one in json.loads(str(arrays["analysed"]))]
    return Unfinished(_part(arrays, STATE), history, ends, analysed)


def _part(arrays: Mapping[str, np.ndarray], prefix: str) -> Table:
    return {
        name.removeprefix(prefix): array.astype(object) if array.dtype.kind == "U" else array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
