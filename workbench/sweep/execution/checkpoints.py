"""Checkpoints of packs: one file for each pack, written atomically, with a digest that is checked when it is read.

A checkpoint holds the engine's state after an epoch, the histories so far, and the ends of the runs that have ended.
Training continues from it to the same numbers as without an interruption (`engine.training.train`). In the last
checkpoint of a pack every run has ended: it is the pack's result and stays until the store holds it.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import file_digest
from pathlib import Path
from time import monotonic, sleep, time
from typing import BinaryIO

import numpy as np

from workbench import files
from workbench.engine.training.epoch import RunEnd, State
from workbench.sweep.execution.conditions import numerics
from workbench.sweep.execution.history import History, Table
from workbench.sweep.execution.log import note, say, warn
from workbench.sweep.instruments import Measured
from workbench.sweep.planning.packs import PlannedPack

STATE, EPOCHS_PREFIX, LAYERS_PREFIX = "state/", "epochs/", "layers/"
DIGEST_ALGORITHM = "blake2b"  # of everything before it, at the end of a checkpoint's file
DIGEST_BYTES = 64
_RETRY_SECONDS, _RESULT_SECONDS = 1.0, 3600.0  # to write a result, where somebody may make room for it


@dataclass
class Unfinished:
    """The progress of a pack: the state to continue from (None: from the start), its history and its ended runs.

    `analysed` holds the results of the analyses of ended runs. `started` is when the pack began and `written` when its
    last checkpoint was, in unix seconds of the machine that trained it (0: it was not read from one); `seconds` is its
    training time, without pauses; `processors` are those that trained it, in order.
    """

    state: State | None
    history: History
    ends: list[RunEnd | None]
    analysed: list[Measured | None]
    started: float = 0.0
    seconds: float = 0.0
    processors: tuple[str, ...] = ()
    written: float = 0.0

    @property
    def epoch(self) -> int:
        """The epoch it has reached."""
        return int(self.state["epoch"]) if self.state else 0


class Checkpoints:
    """Writes checkpoints to `folder`, for each pack at most one in `every` seconds. The first one
    creates the folder.
    """

    def __init__(self, folder: Path, every: float = 30.0) -> None:
        self.folder, self._every = folder, every
        self._saved = monotonic()
        self._complained = False  # whether the last write failed: only the first failure in a row is reported
        self.gives_up: Callable[[], bool] = _at_once  # whether a result that cannot be written is not tried again

    def packs(self) -> list[tuple[str, ...]]:
        """The ordered fingerprints of every pack that has a checkpoint, small packs first. Broken files are skipped."""
        return sorted((runs for file in self._files() if (runs := _fingerprints(file))), key=len)

    def tidy(self, jobs_write: bool = False) -> None:
        """Set broken files aside, with a message, and delete files that a kill left half-written. `jobs_write`: jobs of
        a cluster may be writing, so nothing is touched: on a network disk a file that is being replaced looks broken.
        """
        if jobs_write:
            return
        files.clear(self.folder)
        for file in self._files():
            try:
                _check(file)
            except Exception as error:  # whatever a damaged file leads to
                _set_aside(file, error)

    def resume(self, planned: PlannedPack) -> Unfinished:
        """The progress of a pack: from its own checkpoint, else from that of a larger pack that contained all of its
        runs.

        A file that cannot be read is set aside with a message, and the pack starts over.
        """
        self._saved = monotonic()
        own = self._file(planned)
        wanted = set(planned.fingerprints)
        larger = [file for file in self._files() if file != own and wanted <= set(_fingerprints(file))]
        for file in [own, *larger]:
            try:
                if file.exists():
                    return _read(file, planned)
            except Exception as error:  # whatever a damaged file leads to
                _set_aside(file, error)
        return untouched(planned)

    def result(self, planned: PlannedPack) -> Unfinished | None:
        """The result of a pack, if its last checkpoint exists and is undamaged. Nothing is set aside: on a network disk
        a file that a job has just replaced looks broken for a while.
        """
        try:
            reached = _read(self._file(planned), planned)
        except Exception:  # whatever a missing or damaged file leads to
            return None
        return reached if all(reached.ends) else None

    def epoch_of(self, planned: PlannedPack) -> int:
        """The epoch of the pack's own checkpoint; 0 if there is none that can be read."""
        try:
            return _read(self._file(planned), planned).epoch
        except Exception:  # whatever a missing or damaged file leads to
            return 0

    def holds(self, planned: PlannedPack) -> bool:
        """Whether this pack has a checkpoint."""
        return self._file(planned).exists()

    def keep_next(self) -> None:
        """Save a checkpoint after the next epoch, even if none is due. May be called by a signal handler."""
        self._saved = -math.inf

    def due(self) -> bool:
        """Whether it is time for the next checkpoint."""
        return monotonic() - self._saved >= self._every

    def save(self, planned: PlannedPack, reached: Unfinished) -> None:
        """Write a checkpoint atomically: a crash leaves the previous one.

        If it cannot be written, a message says so and training continues without it; a result is tried again until
        `gives_up` says otherwise.
        """
        self._saved = began = monotonic()
        while not self._is_written(planned, reached):
            if not all(reached.ends) or self.gives_up() or monotonic() - began > _RESULT_SECONDS:
                return
            sleep(_RETRY_SECONDS)

    def _is_written(self, planned: PlannedPack, reached: Unfinished) -> bool:
        try:
            self._write(planned, reached)
            self._complained = False
        except OSError as error:
            report = note if self._complained else say
            again = all(reached.ends) and not self.gives_up()
            goes_on = "its result is tried again until there is room" if again else "training goes on without"
            report(f"no checkpoint could be written to {self.folder} ({error}); {goes_on}")
            self._complained = True
            return False
        return True

    def drop(self, planned: PlannedPack) -> None:
        """Delete the checkpoint of a pack that the store holds."""
        self._file(planned).unlink(missing_ok=True)

    def drop_all_of(self, fingerprints: Collection[str]) -> None:
        """Delete every checkpoint of which the store holds all runs."""
        for file in self._files():
            runs = _fingerprints(file)
            if runs and set(runs) <= set(fingerprints):
                file.unlink(missing_ok=True)

    def _write(self, planned: PlannedPack, reached: Unfinished) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with files.whole(self._file(planned)) as unnamed, unnamed.open("w+b") as target:
            np.savez(target, allow_pickle=False, **_arrays(planned, reached))
            target.seek(0)
            digest = file_digest(target, DIGEST_ALGORITHM).digest()
            target.seek(0, os.SEEK_END)
            target.write(digest)

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("*.npz"))

    def _file(self, planned: PlannedPack) -> Path:
        return self.folder / f"{planned.digest}.npz"


def _at_once() -> bool:
    """Give up at once: who trains here also has the result in memory."""
    return True


def untouched(planned: PlannedPack) -> Unfinished:
    """A pack that has not begun."""
    runs = planned.pack.runs
    return Unfinished(None, History(planned.fingerprints), [None] * runs, [None] * runs, time())


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


def _check(file: Path) -> None:
    """Raises ValueError if the file's content differs from what was written."""
    with file.open("rb") as source:
        size = max(source.seek(0, os.SEEK_END) - DIGEST_BYTES, 0)
        source.seek(size)
        noted = source.read()
        source.seek(0)
        if file_digest(_Beginning(source, size), DIGEST_ALGORITHM).digest() != noted:
            raise ValueError("it is not what was written")


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


def _set_aside(file: Path, error: Exception) -> None:
    aside = file.with_suffix(".broken")
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    try:
        file.replace(aside)
        warn(f"{aside}: a broken checkpoint was set aside ({reason}); its pack starts over")
    except OSError:  # another worker may have moved it first
        warn(f"{file}: a broken checkpoint is passed over ({reason}); its pack starts over")


def _read(file: Path, planned: PlannedPack) -> Unfinished:
    _check(file)
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


def _fingerprints(file: Path) -> tuple[str, ...]:
    """The runs of a checkpoint; none if it cannot be read."""
    try:
        with file.open("rb") as source, np.load(source, allow_pickle=False) as content:
            return tuple(str(mark) for mark in content["fingerprints"])
    except Exception:  # whatever a damaged file leads to
        return ()


def _part(arrays: Mapping[str, np.ndarray], prefix: str) -> Table:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
