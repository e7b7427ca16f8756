"""The lock on network disks: one process at a time, the dead are forgotten, and no two clocks are compared."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from tests.clock import Clock
from workbench.engine.errors import BadInput
from workbench.sweep.execution import heartbeats, lock, mounts, shared_disk
from workbench.sweep.execution.heartbeats import STALE
from workbench.sweep.execution.mounts import is_shared, locks_reach_all
from workbench.sweep.execution.process_identity import machine, start_time
from workbench.sweep.execution.shared_disk import Exclusive, Holder, held, lost_to, take

ELSEWHERE = Holder("a", 0, "process 7 on elsewhere", "another machine", 7, "1")
ME = Holder("b", 0, "process 8 on here", machine(), os.getpid(), start_time(os.getpid()))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "holder"


def sweep(file: Path) -> Exclusive:
    return Exclusive(file, "mine", "name: the sweep mine", "being trained by", "wait until it ends")


def taken(file: Path, mine: Holder, clock: Clock | None = None) -> Clock:
    clock = clock or Clock()
    take(sweep(file), mine, clock, clock.pause)
    return clock


def rewrite(file: Path, holder: Holder) -> None:
    file.unlink()
    taken(file, holder)


def test_a_free_sweep_is_held_at_once_and_given_back(file: Path) -> None:
    with held(sweep(file)):
        assert (lost_to(file, ME) or "").startswith(f"process {os.getpid()} on ")
    assert not file.exists()


def test_a_holder_whose_count_moves_is_named_and_stays(file: Path) -> None:
    taken(file, ELSEWHERE)
    clock = Clock(lambda: rewrite(file, replace(ELSEWHERE, count=int(clock.now))) if clock.now == 20 else None)
    with pytest.raises(BadInput, match=r"^name: the sweep mine is being trained by process 7 on elsewhere; wait until"):
        taken(file, ME, clock)
    assert clock.now == 20
    assert lost_to(file, ELSEWHERE) is None


@pytest.mark.parametrize("damage", [None, b"", b"{", b"[]", b'{"token": 1}'])
def test_a_holder_whose_count_stands_still_is_forgotten_by_the_clock_of_who_waits(
    damage: bytes | None, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """However old the file is by the clock of another machine, and whatever a full disk left of it."""
    taken(file, ELSEWHERE)
    if damage is not None:
        file.write_bytes(damage)
    os.utime(file, (0, 0))
    assert STALE <= taken(file, ME).now <= STALE + 2
    assert lost_to(file, ELSEWHERE) == ME.words
    assert [one.name for one in file.parent.iterdir()] == [file.name]
    assert "holds it; waiting for up to 90 s" in capsys.readouterr().err


def test_a_holder_that_comes_while_one_waits_has_all_of_the_time(file: Path) -> None:
    file.touch()
    clock = Clock(lambda: rewrite(file, ELSEWHERE) if clock.now == 50 else None)
    assert 50 + STALE <= taken(file, ME, clock).now <= 50 + STALE + 2


def test_a_time_in_which_the_server_kept_all_waiting_says_nothing_of_the_holder(file: Path) -> None:
    """A server that was away for longer than STALE: the holder could write as little as the other could look."""
    taken(file, ELSEWHERE)
    clock = Clock()

    def pause(seconds: float) -> None:
        clock.pause(seconds)
        if clock.now == 20:
            clock.now += 500
        if clock.now == 540:
            rewrite(file, replace(ELSEWHERE, count=1))

    with pytest.raises(BadInput, match="is being trained by process 7 on elsewhere"):
        take(sweep(file), ME, clock, pause)
    assert lost_to(file, ELSEWHERE) is None


def test_on_one_machine_the_process_is_looked_for_and_nobody_waits(file: Path) -> None:
    taken(file, ME)
    with pytest.raises(BadInput, match="is being trained by process 8 on here"):
        taken(file, replace(ME, token="c"))
    rewrite(file, replace(ME, born="of another process of that number"))
    assert taken(file, replace(ME, token="c")).now == 0


def test_what_another_has_taken_meanwhile_is_not_taken_away(file: Path) -> None:
    taken(file, ELSEWHERE)
    shared_disk._take_away(file, ME)
    assert lost_to(file, ME) == ELSEWHERE.words


def test_of_many_that_come_at_once_one_holds(file: Path) -> None:
    """Real threads, each of which may be anywhere."""
    for _ in range(20):
        outcomes: list[str] = []
        barrier = threading.Barrier(4)

        def come(token: str, outcomes: list[str] = outcomes, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            try:
                taken(file, replace(ME, token=token), Clock(lambda: threading.Event().wait(0.001)))
                outcomes.append(token)
            except BadInput:
                pass

        threads = [threading.Thread(target=come, args=(token,)) for token in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(outcomes) == 1
        file.unlink()


def test_a_sweep_that_was_taken_over_stops_as_by_ctrl_c(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(heartbeats, "BEAT", 0.01)

    def trained() -> None:
        with held(sweep(file)):
            file.unlink()
            taken(file, ELSEWHERE)
            threading.Event().wait(60)

    with pytest.raises(KeyboardInterrupt):
        trained()
    assert "was taken over by process 7 on elsewhere" in capsys.readouterr().err
    assert lost_to(file, ELSEWHERE) is None  # what is the other's stays


@pytest.mark.parametrize(("kind", "shared"), [("nfs4", True), ("fuse.bindfs", True), ("lustre", True), ("ext4", False)])
def test_which_disks_are_shared_the_system_says(
    kind: str, shared: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, place = tmp_path / "mounts", tmp_path / "a disk"
    (place / "sweeps").mkdir(parents=True)
    named = str(place.resolve()).replace(" ", "\\040")
    table.write_text(f"1 0 0:1 / / rw - overlay none rw\n2 1 0:2 / {named} rw shared:1 - {kind} there rw\n")
    monkeypatch.setattr(mounts, "_MOUNTS", table)
    assert is_shared(place / "sweeps") is shared
    assert not is_shared(tmp_path)
    table.write_text("damaged")
    assert not is_shared(place)


@pytest.mark.parametrize(
    ("kind", "options", "reach"),
    [
        ("nfs4", "rw,vers=4.2,hard,local_lock=none", True),
        ("nfs", "rw,vers=3,hard,local_lock=none", True),
        ("nfs", "rw,vers=3,nolock,local_lock=all", False),
        ("nfs", "rw,vers=3,local_lock=posix", False),
        ("nfs", "rw,vers=3,local_lock=flock", True),  # SQLite takes the other kind
        ("cifs", "rw,nobrl", False),
        ("lustre", "rw,localflock", False),
        ("lustre", "rw,flock", True),
        ("ext4", "rw,nolock", True),
    ],
)
def test_how_far_locks_reach_the_system_says(
    kind: str, options: str, reach: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "mounts"
    table.write_text(
        f"1 0 0:1 / / rw - overlay none rw\n2 1 0:2 / {tmp_path.resolve()} rw shared:1 - {kind} there {options}\n"
    )
    monkeypatch.setattr(mounts, "_MOUNTS", table)
    assert locks_reach_all(tmp_path) is reach
    assert locks_reach_all(Path("/"))
    table.write_text("damaged")
    assert locks_reach_all(tmp_path)


@pytest.mark.parametrize("without", ["locks", "shared locks", "locks that end with their holder"])
def test_where_locks_do_not_reach_everybody_the_file_names_the_holder(
    without: str, tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(37, "No locks available")

    def keep(*_: object) -> None:  # as a server of NFS does, of a machine that is no more
        raise BlockingIOError

    if without != "shared locks":
        monkeypatch.setattr(lock.fcntl, "flock", refuse if without == "locks" else keep)
    if without != "locks":
        monkeypatch.setattr(lock, "is_shared", lambda _: True)
    with lock.locked(tmp_path, "mine"):
        assert (lost_to(file, ELSEWHERE) or "").startswith(f"process {os.getpid()} on ")
    assert not file.exists()
