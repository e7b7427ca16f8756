"""The file of a checkpoint: what is in it, a digest behind it that is checked when it is read, and how it is read."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from hashlib import file_digest
from pathlib import Path
from time import time
from typing import BinaryIO

import numpy as np

from workbench import files
from workbench.engine.training.epoch import RunEnd
from workbench.sweep.execution.conditions import numerics
from workbench.sweep.execution.history import History, Table
from workbench.sweep.execution.log import say
from workbench.sweep.execution.unfinished import Unfinished
from workbench.sweep.instruments import Measured
from workbench.sweep.planning.packs import PlannedPack

STATE, EPOCHS_PREFIX, LAYERS_PREFIX = "state/", "epochs/", "layers/"
DIGEST_ALGORITHM = "blake2b"  # of everything before it, at the end of a checkpoint's file
DIGEST_BYTES = 64


def write(file: Path, planned: PlannedPack, reached: Unfinished) -> None:
    """Write a checkpoint whole, or leave the previous one. Raises OSError if it cannot be written."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with files.whole(file) as unnamed, unnamed.open("w+b") as target:
        np.savez(target, allow_pickle=False, **_arrays(planned, reached))
        target.seek(0)
        digest = file_digest(target, DIGEST_ALGORITHM).digest()
        target.seek(0, os.SEEK_END)
        target.write(digest)


def read(file: Path, planned: PlannedPack) -> Unfinished:
    """The progress of the planned runs from a file that holds them. Raises an error of any type if it is damaged."""
    check(file)
    with file.open("rb") as source, np.load(source, allow_pickle=False) as content:
        arrays = {name: content[name] for name in content.files}
    runs, share = _places(arrays, planned)
    about = json.loads(str(arrays["about"]))
    _say_other_numerics(about["numerics"], planned)
    ended = [about["ends"][run] for run in runs]
    ends = [None if end is None else replace(RunEnd(**end), run=i) for i, end in enumerate(ended)]
    analysed = [None if one is None else _from_data(*one) for one in (about["analysed"][run] for run in runs)]
    history = History(planned.fingerprints)
    history.put_back(_part(arrays, EPOCHS_PREFIX), _part(arrays, LAYERS_PREFIX), runs)
    state = {name: array if name == "epoch" else array[runs] for name, array in _part(arrays, STATE).items()}
    seconds, processors = about["seconds"] * share, tuple(about.get("processors", ()))  # earlier versions noted none
    started, written = about["started"], about.get("written", 0.0) if all(ends) else 0.0
    return Unfinished(state or None, history, ends, analysed, started, seconds, processors, written)


def fingerprints_of(file: Path) -> tuple[str, ...]:
    """The runs of a checkpoint; none if it cannot be read."""
    try:
        with file.open("rb") as source, np.load(source, allow_pickle=False) as content:
            return tuple(str(mark) for mark in content["fingerprints"])
    except Exception:  # whatever a damaged file leads to
        return ()


def check(file: Path) -> None:
    """Raises ValueError if the file's content differs from what was written."""
    with file.open("rb") as source:
        size = max(source.seek(0, os.SEEK_END) - DIGEST_BYTES, 0)
        source.seek(size)
        noted = source.read()
        source.seek(0)
        if file_digest(_Beginning(source, size), DIGEST_ALGORITHM).digest() != noted:
            raise ValueError("it is not what was written")


def _arrays(planned: PlannedPack, reached: Unfinished) -> dict[str, np.ndarray]:
    ends = [None if end is None else asdict(end) for end in reached.ends]
    analysed = [None if one is None else _as_data(one) for one in reached.analysed]
    about = {
        "ends": ends,
        "analysed": analysed,
        "started": reached.started,
        "written": time(),
        "seconds": reached.seconds,
        "numerics": numerics(),
        "processors": reached.processors,
    }
    epochs, layers = reached.history.raw()
    arrays = {STATE + name: array for name, array in (reached.state or {}).items()}
    arrays |= {EPOCHS_PREFIX + name: array for name, array in epochs.items()}
    arrays |= {LAYERS_PREFIX + name: array for name, array in layers.items()}
    return {"fingerprints": np.array(planned.fingerprints), "about": np.array(json.dumps(about))} | arrays


class _Beginning:
    """The first `size` bytes of a file, as `file_digest` reads them."""

    def __init__(self, source: BinaryIO, size: int) -> None:
        self._source, self._left = source, size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:
        part = self._source.read(min(len(buffer), self._left))
        self._left -= len(part)
        buffer[: len(part)] = part
        return len(part)


def _places(arrays: Mapping[str, np.ndarray], planned: PlannedPack) -> tuple[np.ndarray, float]:
    """Where the planned runs stand in a checkpoint, and their share of its runs. Raises ValueError if it lacks one."""
    place = {str(mark): i for i, mark in enumerate(arrays["fingerprints"])}
    if not set(planned.fingerprints) <= set(place):
        raise ValueError("it is of other runs")
    return np.array([place[mark] for mark in planned.fingerprints]), len(planned.fingerprints) / len(place)


def _say_other_numerics(found: str, planned: PlannedPack) -> None:
    """Say so if a checkpoint was computed with other libraries or another processor."""
    if found != numerics():
        say(
            f"{planned.label}: its checkpoint is of {found}, and this is {numerics()}; "
            "it goes on, and may end with numbers that differ in their last digits"
        )


def _as_data(measured: Measured) -> list:
    """The measured values as JSON."""
    tables = {
        name: {column: np.asarray(values).tolist() for column, values in table.items()}
        for name, table in measured.tables.items()
    }
    return [measured.metrics, tables]


def _from_data(metrics: dict[str, float], tables: dict[str, dict[str, list]]) -> Measured:
    """The measured values from what `_as_data` returned."""
    found = {name: {column: np.asarray(values) for column, values in table.items()} for name, table in tables.items()}
    return Measured(metrics, found)


def _part(arrays: Mapping[str, np.ndarray], prefix: str) -> Table:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
