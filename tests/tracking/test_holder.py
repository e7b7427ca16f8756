"""The hold on a sweep of a server's: one at a time, a dead holder is forgotten, and no two clocks are compared."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.clock import Clock
from workbench.engine.errors import BadInput
from workbench.sweep.execution import heartbeats
from workbench.sweep.execution.cluster import slurm_queue
from workbench.sweep.execution.heartbeats import BEAT, STALE
from workbench.tracking import holder
from workbench.tracking.connection import Connection
from workbench.tracking.holder import Leases, hold
from workbench.tracking.location import Location
from workbench.tracking.patience import Patience


class Server:
    """The tags of one experiment."""

    def __init__(self) -> None:
        self.tags: dict[str, str] = {}
        self.connection = Connection(self, Location("http://far", "http://far"), Patience("http://far", 1.0))  # type: ignore[arg-type]

    def get_experiment(self, _: str) -> Any:
        return SimpleNamespace(tags=dict(self.tags))

    def set_experiment_tag(self, _: str, key: str, value: str) -> None:
        self.tags[key] = value

    def delete_experiment_tag(self, _: str, key: str) -> None:
        self.tags.pop(key, None)


def leases(
    server: Server,
    clock: Clock | None = None,
    machine: str = "elsewhere",
    token: str = "",
    folder: Path | None = None,
) -> Leases:
    """Leases on the sweep `mine` by a process of some machine."""
    clock = clock or Clock()
    made = Leases(server.connection, "1", "mine", clock, clock.pause, folder)
    made.mine = replace(made.mine, machine=machine, token=token or made.mine.token)
    return made


def test_a_free_sweep_is_held_at_once_and_given_back() -> None:
    server, clock = Server(), Clock()
    first = leases(server, clock)
    first.take()
    assert clock.now == 0
    assert json.loads(*server.tags.values())["holds"] is True
    first.withdraw()
    assert server.tags == {}


def test_a_holder_that_gives_signs_of_life_is_named_and_stays() -> None:
    server = Server()
    first = leases(server)
    first.take()
    clock = Clock(lambda: clock.now % BEAT or first.beat())
    with pytest.raises(BadInput, match=r"^name: the sweep mine is being trained by process \d+ on \S+ since "):
        leases(server, clock).take()
    assert clock.now <= BEAT
    assert list(server.tags) == [f"{first._key}{first.mine.token}"]


def test_a_holder_that_is_no_more_is_forgotten_by_the_clock_of_who_waits(capsys: pytest.CaptureFixture[str]) -> None:
    server, clock = Server(), Clock()
    leases(server).take()
    second = leases(server, clock)
    second.take()
    assert STALE <= clock.now <= STALE + 2
    assert len(server.tags) == 1
    assert second.mine.turn == 2
    assert "holds it; waiting for up to 90 s" in capsys.readouterr().err


def test_on_one_machine_the_process_is_looked_for_and_nobody_waits() -> None:
    server, clock = Server(), Clock()
    here = holder.machine()
    first = leases(server, machine=here)
    first.take()
    with pytest.raises(BadInput, match="is being trained by"):
        leases(server, clock, here).take()
    first._write(replace(first.mine, born="of another process of that number"))
    leases(server, clock, here).take()
    assert clock.now == 0


def test_a_holder_that_was_taken_over_stops_even_if_it_comes_back() -> None:
    server = Server()
    first, second = leases(server), leases(server)
    first.take()
    second.take()
    assert "was taken over by process" in first.beat()
    first._write(first.mine)  # it was writing a sign of life meanwhile
    assert "was taken over by process" in first.beat()
    assert second.beat() == ""


def test_who_waits_takes_nothing_over_however_many_it_has_outlived() -> None:
    """It took the leases of dead processes away, so its turn is higher; but it does not hold the sweep."""
    server = Server()
    first, waiting = leases(server), leases(server)
    first.take()
    waiting._write(replace(waiting.mine, turn=first.mine.turn + 1))
    assert first.beat() == ""
    waiting._write(replace(waiting.mine, holds=True))
    assert "was taken over by process" in first.beat()


def test_of_many_that_come_at_once_one_holds() -> None:
    """Real threads, each of which may be anywhere."""
    for _ in range(20):
        server, held, refused = Server(), [], []
        barrier = threading.Barrier(4)

        def come(server: Server = server, held: list = held, refused: list = refused, barrier: Any = barrier) -> None:
            mine = leases(server, Clock(lambda: threading.Event().wait(0.001)), holder.machine())
            barrier.wait()
            try:
                mine.take()
                held.append(mine.mine.token)
            except BadInput:
                refused.append(mine.mine.token)

        threads = [threading.Thread(target=come) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(held) == 1, (held, refused)
        assert [json.loads(text)["token"] for text in server.tags.values()] == held


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_two_that_have_both_claimed_agree(order: tuple[str, str]) -> None:
    """The first by token waits for the other to withdraw, whoever looks first."""
    server = Server()
    late = leases(server, token=order[1])
    late._write(replace(late.mine, beat=1))
    clock = Clock(lambda: late._write_beat() if clock.now < 3 else late.withdraw())
    early = leases(server, clock, token=order[0])
    if order == ("a", "b"):
        early.take()
        assert clock.now == 3
    else:
        with pytest.raises(BadInput, match="is being trained"):
            early.take()


def test_who_waits_for_another_to_withdraw_takes_nothing_from_it_while_it_gives_signs_of_life() -> None:
    server = Server()
    late = leases(server, token="b")
    late._write(replace(late.mine, beat=1))
    clock = Clock(lambda: late._write_beat() if clock.now < STALE + 10 else late.withdraw())
    leases(server, clock, token="a").take()
    assert clock.now == STALE + 10


@pytest.fixture
def with_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a sweep that has submitted the job `mine-1`, which is in SLURM's queue."""
    (tmp_path / "first" / "jobs" / "mine-1").mkdir(parents=True)
    queued = slurm_queue.QueuedJob("mine-1", 0, "7_0", "RUNNING", "None")
    monkeypatch.setattr(slurm_queue, "is_here", lambda: True)
    monkeypatch.setattr(slurm_queue, "jobs_of", lambda names: [queued] if "mine-1" in names else [])
    return tmp_path / "first"


@pytest.mark.parametrize("killed", [False, True])
def test_jobs_that_are_left_keep_a_command_in_another_folder_from_training_the_same(
    killed: bool, with_jobs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the folder that submitted them knows them; whether it was left or its command killed is the same."""
    server = Server()
    first = leases(server, folder=with_jobs)
    first.take()
    if not killed:
        first.withdraw()
    said = rf"name: jobs of a cluster train the sweep mine, submitted from {with_jobs} by process .*--name=mine-1$"
    with pytest.raises(BadInput, match=said):
        leases(server, folder=tmp_path / "second").take()
    monkeypatch.setattr(slurm_queue, "jobs_of", lambda _: None)
    with pytest.raises(BadInput, match="SLURM, which knows the jobs mine-1, does not answer here"):
        leases(server, folder=tmp_path / "second").take()
    monkeypatch.setattr(slurm_queue, "jobs_of", lambda _: [])
    leases(server, folder=tmp_path / "second").take()
    assert len(server.tags) == 1


def test_who_is_refused_leaves_no_lease_behind_also_where_jobs_of_its_folder_train(with_jobs: Path) -> None:
    server, here = Server(), holder.machine()
    first = leases(server, machine=here, folder=with_jobs)
    first.take()
    with pytest.raises(BadInput, match="is being trained by"):
        leases(server, machine=here, folder=with_jobs).take()
    assert [json.loads(lease)["token"] for lease in server.tags.values()] == [first.mine.token]


def test_the_folder_that_submitted_jobs_may_always_go_on_with_them(with_jobs: Path) -> None:
    server, clock = Server(), Clock()
    first = leases(server, folder=with_jobs)
    first.take()
    first.withdraw()
    second = leases(server, clock, folder=with_jobs)
    second.take()
    assert clock.now == 0
    (with_jobs / "jobs" / "mine-1").rmdir()
    second.withdraw()
    assert server.tags == {}


@pytest.mark.parametrize("odd", ["", "{", "[]", '{"token": 1}', json.dumps({"token": "x"}), "é" * 500])
def test_what_is_no_lease_is_passed_over(odd: str) -> None:
    server = Server()
    first = leases(server)
    server.tags[f"{first._key}odd"] = odd
    server.tags[f"{first._key}typed"] = json.dumps(asdict(replace(first.mine, holds=1)))
    first.take()


def test_where_the_store_is_a_file_nothing_is_written() -> None:
    server = Server()
    location = Location("sqlite:////x", "x", file=Path("/x"))
    with hold(replace(server.connection, location=location), "1", "mine", print):
        assert server.tags == {}


def test_a_lost_hold_stops_the_sweep_as_ctrl_c_does(monkeypatch: pytest.MonkeyPatch) -> None:
    server, lost = Server(), []
    monkeypatch.setattr(heartbeats, "BEAT", 0.01)

    def trained() -> None:
        with hold(server.connection, "1", "mine", lost.append):
            server.tags.clear()
            threading.Event().wait(60)

    with pytest.raises(KeyboardInterrupt):
        trained()
    assert "was taken over" in lost[0]
    assert server.tags == {}
