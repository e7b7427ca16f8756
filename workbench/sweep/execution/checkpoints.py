"""Checkpoints of packs: one file for each pack, written when it is time, and set aside if it is damaged.

A checkpoint holds the engine's state after an epoch, the histories so far, and the ends of the runs that have ended.
Training continues from it to the same numbers as without an interruption (`engine.training.train`). In the last
checkpoint of a pack every run has ended: it is the pack's result and stays until the store holds it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from pathlib import Path
from time import monotonic, sleep

from workbench import files
from workbench.sweep.execution import checkpoint_file
from workbench.sweep.execution.log import note, say, warn
from workbench.sweep.execution.unfinished import Unfinished, untouched
from workbench.sweep.planning.packs import PlannedPack

_RETRY_SECONDS, _RESULT_SECONDS = 1.0, 3600.0  # to write a result, where somebody may make room for it


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
        return sorted((runs for file in self._files() if (runs := checkpoint_file.fingerprints_of(file))), key=len)

    def tidy(self, jobs_write: bool = False) -> None:
        """Set broken files aside, with a message, and delete files that a kill left half-written. `jobs_write`: jobs of
        a cluster may be writing, so nothing is touched: on a network disk a file that is being replaced looks broken.
        """
        if jobs_write:
            return
        files.clear(self.folder)
        for file in self._files():
            try:
                checkpoint_file.check(file)
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
        larger = [
            file for file in self._files() if file != own and wanted <= set(checkpoint_file.fingerprints_of(file))
        ]
        for file in [own, *larger]:
            try:
                if file.exists():
                    return checkpoint_file.read(file, planned)
            except Exception as error:  # whatever a damaged file leads to
                _set_aside(file, error)
        return untouched(planned)

    def result(self, planned: PlannedPack) -> Unfinished | None:
        """The result of a pack, if its last checkpoint exists and is undamaged. Nothing is set aside: on a network disk
        a file that a job has just replaced looks broken for a while.
        """
        try:
            reached = checkpoint_file.read(self._file(planned), planned)
        except Exception:  # whatever a missing or damaged file leads to
            return None
        return reached if all(reached.ends) else None

    def epoch_of(self, planned: PlannedPack) -> int:
        """The epoch of the pack's own checkpoint; 0 if there is none that can be read."""
        try:
            return checkpoint_file.read(self._file(planned), planned).epoch
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
            checkpoint_file.write(self._file(planned), planned, reached)
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
            runs = checkpoint_file.fingerprints_of(file)
            if runs and set(runs) <= set(fingerprints):
                file.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("*.npz"))

    def _file(self, planned: PlannedPack) -> Path:
        return self.folder / f"{planned.digest}.npz"


def _at_once() -> bool:
    """Give up at once: who trains here also has the result in memory."""
    return True


def _set_aside(file: Path, error: Exception) -> None:
    aside = file.with_suffix(".broken")
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    try:
        file.replace(aside)
        warn(f"{aside}: a broken checkpoint was set aside ({reason}); its pack starts over")
    except OSError:  # another worker may have moved it first
        warn(f"{file}: a broken checkpoint is passed over ({reason}); its pack starts over")
