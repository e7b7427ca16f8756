"""The lock of a sweep whose store is a server: a lease in the store itself. One process at a time trains a sweep.

Every process that wants a sweep writes a lease, as a tag of the experiment, and then reads all leases. It holds the
sweep once it sees only its own lease. Two processes cannot both succeed: each writes before it reads, so at least one
sees the other's lease. If several start at once, the one with the first token waits for the others to withdraw.

A holder increments a heartbeat in its lease. Other processes watch it with their own clocks; clocks of two machines are
never compared. A lease without a heartbeat for STALE seconds belongs to a dead process and is removed. On the same
machine the process itself is checked, without waiting.

Jobs of a cluster train on when the command that submitted them has ended, and only its folder knows them. So a lease
names the jobs, and stays when they are left: a command in another folder is refused while one is in SLURM's queue.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from time import monotonic, sleep

from workbench.engine.errors import BadInput
from workbench.sweep.execution.cluster import slurm_queue
from workbench.sweep.execution.cluster.submission import Submission
from workbench.sweep.execution.heartbeats import LOOK, STALE, beating
from workbench.sweep.execution.log import say
from workbench.sweep.execution.process_identity import machine, start_time, still_runs, this_process
from workbench.tracking.connection import Connection

_SAID_AFTER = 5.0
PREFIX = "workbench.lock."


@dataclass(frozen=True)
class Lease:
    """A lease: whether it holds the sweep, its count of heartbeats, and its holder.

    `turn` is higher than that of every lease it replaced. `machine` names the running system to which `pid` and `born`,
    the start time of the process, belong; "" if it is unknown. `jobs` are the names of a cluster's jobs, joined by
    commas, that were submitted from the sweep's `folder`; `left`: the process has ended, and they train on.
    """

    token: str
    holds: bool
    beat: int
    turn: int
    holder: str
    machine: str
    pid: int
    born: str
    folder: str = ""
    jobs: str = ""
    left: bool = False


@contextmanager
def hold(
    connection: Connection, experiment: str, name: str, lose: Callable[[str], None], folder: Path | None = None
) -> Iterator[None]:
    """Hold the sweep `name` of an experiment on a server, whose own files are in `folder`. Raises BadInput, with the
    holder, if another process holds it, or if jobs train it that were submitted from another folder.

    `lose` is called with a reason if another process took the sweep over for lack of heartbeats; then this process gets
    SIGINT, as from Ctrl-C.
    """
    if connection.location.file is not None:
        yield
        return
    leases = Leases(connection, experiment, name, folder=folder)
    leases.take()
    try:
        with beating(partial(_beat, leases, lose)):
            yield
    finally:
        leases.withdraw()


class _Beats:
    """The heartbeats of other leases, as seen by our own clock."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[int, float]] = {}  # token -> its latest heartbeat, and when that was first seen
        self._first: dict[str, int] = {}

    def see(self, other: Lease, now: float) -> None:
        """Note the heartbeat that a lease has now."""
        self._first.setdefault(other.token, other.beat)
        if other.token not in self._last or self._last[other.token][0] != other.beat:
            self._last[other.token] = other.beat, now

    def silent(self, other: Lease, now: float) -> float:
        """Seconds since its latest heartbeat."""
        return now - self._last[other.token][1]

    def has_beaten(self, other: Lease) -> bool:
        """Whether there was a heartbeat since it was first seen."""
        return other.beat != self._first[other.token]


class Leases:
    """The leases on one sweep, and ours among them."""

    def __init__(
        self,
        connection: Connection,
        experiment: str,
        name: str,
        clock: Callable[[], float] = monotonic,
        pause: Callable[[float], None] = sleep,
        folder: Path | None = None,
    ) -> None:
        self._connection, self._experiment, self._name = connection, experiment, name
        self._clock, self._pause = clock, pause
        self._key = f"{PREFIX}{sha256(name.encode('utf-8', 'replace')).hexdigest()[:16]}."
        pid, place = os.getpid(), str(folder.absolute()) if folder else ""
        self.mine = Lease(secrets.token_hex(8), False, 0, 1, this_process(), machine(), pid, start_time(pid), place)

    def take(self) -> None:
        """Hold the sweep, or raise BadInput with its holder."""
        try:
            self._take()
        except BaseException:
            self.withdraw()
            raise

    def withdraw(self) -> None:
        """Delete our lease, unless jobs train on; if the server is unreachable, it becomes stale by itself."""
        with suppress(Exception):
            if self.mine.holds and _names(self.mine.folder):
                self._write(replace(self.mine, left=True))
            else:
                self._remove(self.mine.token)

    def beat(self) -> str:
        """Increment the heartbeat. Returns a reason if the sweep is no longer ours, else ""."""
        found = self._all()
        taken = [other for other in found.values() if other.holds and other.turn > self.mine.turn]
        if self.mine.token not in found or taken:
            by = f" by {taken[0].holder}" if taken else ""
            return (
                f"name: the sweep {self._name} was taken over{by}, because this process sent no heartbeat for "
                f"{STALE:.0f} s; it stops here, and the same command goes on"
            )
        self._write_beat()
        return ""

    def _take(self) -> None:
        began, announced, beats = self._clock(), False, _Beats()
        self._connection.patiently(self._write_beat)
        while True:
            others = self._connection.patiently(self._all)
            others.pop(self.mine.token, None)
            now = self._clock()
            left = [other for other in others.values() if not self._is_out_of_the_way(other, beats, now)]
            if not left:
                self._connection.patiently(lambda: self._write(replace(self.mine, holds=True, beat=self.mine.beat + 1)))
                return
            if not announced and now - began >= _SAID_AFTER:
                announced = True
                say(
                    f"{self._name}: {left[0].holder} holds it; waiting for up to "
                    f"{STALE:.0f} s for a heartbeat, to see whether it still runs"
                )
            self._pause(LOOK)
            self._connection.patiently(self._write_beat)

    def _is_out_of_the_way(self, other: Lease, beats: _Beats, now: float) -> bool:
        """Whether a lease was left or is of a dead process; it is taken away. Raises BadInput if its process lives and
        comes before ours.
        """
        beats.see(other, now)
        there = still_runs(other.machine, other.pid, other.born)
        if other.left or there is False or (there is None and beats.silent(other, now) >= STALE):
            self._refuse_jobs(other)
            self._connection.patiently(lambda: self._take_away(other))
            return True
        if (there or beats.has_beaten(other)) and (other.holds or other.token < self.mine.token):
            raise BadInput(
                f"name: the sweep {self._name} is being trained by {other.holder}; wait until it ends, stop "
                f"it, or give another name= (a dead process loses the sweep after {STALE:.0f} s)"
            )
        return False

    def _refuse_jobs(self, other: Lease) -> None:
        """Raise BadInput if jobs of the lease may be in SLURM's queue that our own folder does not know."""
        names = sorted({*_names(other.folder), *filter(None, other.jobs.split(","))} - {*_names(self.mine.folder)})
        found = slurm_queue.jobs_of(names) if slurm_queue.is_here() or not names else None
        if found is None:
            doubt = f"SLURM, which knows the jobs {','.join(names)}, does not answer here"
        elif found:
            doubt = f"or end them: scancel --name={','.join(sorted({job.token for job in found}))}"
        else:
            return
        raise BadInput(
            f"name: jobs of a cluster train the sweep {self._name}, submitted from {other.folder} by {other.holder}; "
            f"type the command in that folder, {doubt}"
        )

    def _all(self) -> dict[str, Lease]:
        """All leases on the sweep by token, in the order of the tokens; invalid tags are skipped."""
        with self._connection.waiting():
            tags = self._connection.client.get_experiment(self._experiment).tags
        found = {}
        for key in sorted(tags):
            if key.startswith(self._key) and (lease := _lease(tags[key])):
                found[lease.token] = lease
        return found

    def _write_beat(self) -> None:
        self._write(replace(self.mine, beat=self.mine.beat + 1))

    def _write(self, mine: Lease) -> None:
        self.mine = replace(mine, jobs=",".join(_names(mine.folder)))
        with self._connection.waiting():
            key = self._key + self.mine.token
            self._connection.client.set_experiment_tag(self._experiment, key, json.dumps(asdict(self.mine)))

    def _take_away(self, other: Lease) -> None:
        self._write(replace(self.mine, turn=max(self.mine.turn, other.turn + 1)))
        self._remove(other.token)

    def _remove(self, token: str) -> None:
        from mlflow.exceptions import RestException

        with self._connection.waiting():
            try:
                self._connection.client.delete_experiment_tag(self._experiment, self._key + token)
            except RestException as error:
                if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"):  # another process removed it
                    self._connection.client.set_experiment_tag(
                        self._experiment, self._key + token, ""
                    )  # an old server cannot delete


def _beat(leases: Leases, lose: Callable[[str], None]) -> str:
    """The heartbeat of our lease. A reason, if the sweep is lost, goes to `lose` too."""
    reason = ""
    with suppress(Exception):  # the server may be unreachable for a while
        reason = leases.beat()
    if reason:
        lose(reason)
    return reason


def _names(folder: str) -> list[str]:
    """The names of the jobs that a sweep's folder knows."""
    return [submission.token for submission in Submission.all_of(Path(folder))] if folder else []


def _lease(text: str) -> Lease | None:
    try:
        lease = Lease(**json.loads(text))
        kinds = {name: type(value) for name, value in asdict(lease).items()}
    except (TypeError, ValueError):
        return None
    return lease if all(kinds[name].__name__ == kind for name, kind in Lease.__annotations__.items()) else None
