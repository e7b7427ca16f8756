"""A real NFS, seen by two machines with clocks, caches and locks of their own (`scripts/services/nfs-up`)."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tests.commands import GATE
from tests.sweep.nfs_clients import Answer, Client, needs_nfs, the_server_fails_and_comes_back
from workbench.sweep.hydra.command import main
from workbench.tracking.read import load

pytestmark = pytest.mark.thorough

TOY = [
    "data=blobs", "data.examples=120", "network.width=4,8", "training.epochs=8", "kernel=plain", "device=cpu",
    "seed=0,1", "checkpoint_seconds=0",
]  # fmt: skip
HAS_CHECKPOINT = "until ls sweeps/toy/*.npz; do sleep 0.1; done 2> /dev/null"


class Lab:
    """Two machines that are started again where one was killed, and a folder of the disk that they share."""

    def __init__(self, options: str = "") -> None:
        self._options = options
        self._machines = {number: Client(number, options) for number in (1, 2)}
        self.folder = ""

    def machine(self, number: int) -> Client:
        if self._machines[number].has_ended():
            self._machines[number] = Client(number, self._options)
        return self._machines[number]

    def shell(self, words: str, number: int = 2) -> str:
        return self.machine(number).shell(f"cd '{self.folder}' && {words}")

    def mount(self, options: str) -> None:
        """Both machines anew, if their disk is mounted in another way now."""
        if options != self._options:
            self.close()
            self._options = options

    def close(self) -> None:
        for machine in self._machines.values():
            machine.kill()


@pytest.fixture(scope="module")
def machines() -> Iterator[Lab]:
    needs_nfs()
    lab = Lab()
    yield lab
    lab.close()


@pytest.fixture
def lab(machines: Lab, empty_database: Path, request: pytest.FixtureRequest) -> Lab:
    """In a folder of its own, with an empty store. Its parameter: how the disk is mounted."""
    machines.mount(getattr(request, "param", ""))
    machines.folder = machines.machine(2).shell("mktemp --directory ./XXXXXX").strip()
    machines.shell(f"cp {empty_database} mlflow.db")
    return machines


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> dict[str, str]:
    """Fingerprint -> digest of the weights of the toy, trained on a local disk without an interruption."""
    folder = tmp_path_factory.mktemp("expected")
    shutil.copyfile(empty_database, folder / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main([*TOY, "name=toy"]) == 0
        return digests("toy")


def digests(name: str) -> dict[str, str]:
    runs = load(name).runs
    return dict(zip(runs["fingerprint"], runs["weights_digest"], strict=True))


def all_end_well(sweeps: Sequence[Callable[[], Answer]]) -> None:
    for sweep in sweeps:
        status, _, errors = sweep()
        assert status == 0, errors


def brought_here(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a local copy of the folder on the disk the working folder."""
    lab.shell(f"cp -r . {tmp_path}/copy")
    monkeypatch.chdir(tmp_path / "copy")
    with closing(sqlite3.connect("mlflow.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_one_machine_trains_a_sweep_and_another_goes_on_when_it_is_killed(
    lab: Lab, tmp_path: Path, expected: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the first's checkpoints, although the server keeps the dead machine's locks for a while."""
    lab.machine(1).begin(lab.folder, *TOY, "name=toy", hold=1)
    lab.shell(HAS_CHECKPOINT)
    status, _, errors = lab.machine(2).run(lab.folder, *TOY, "name=toy")
    assert status == 2
    refusal = r"name: the sweep toy is being trained by process \d+ on nfs-1 since .*"
    assert re.fullmatch(refusal, errors.splitlines()[-1])
    lab.machine(1).kill()
    lab.shell("ls sweeps/toy/*.npz")
    status, _, errors = lab.machine(2).run(lab.folder, *TOY, "name=toy")
    assert status == 0, errors
    assert "toy: 4 runs, 2 held already, 2 to train" in errors
    assert "checkpoint" not in errors  # it was read, and was whole
    assert ".broken" not in lab.shell("ls sweeps/toy")
    brought_here(lab, tmp_path, monkeypatch)
    assert digests("toy") == expected


def test_two_machines_write_to_one_store_at_once(
    lab: Lab, tmp_path: Path, expected: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite's write-ahead mode, in which the store was made, would damage it."""
    names = [f"toy{number}" for number in range(4)]
    sweeps = [
        lab.machine(1 + number % 2).begin(lab.folder, *TOY, f"name={name}", "reuse=false")
        for number, name in enumerate(names)
    ]
    all_end_well(sweeps)
    brought_here(lab, tmp_path, monkeypatch)
    assert [digests(name) for name in names] == [expected] * len(names)


def test_a_full_disk_is_said_in_one_line_and_the_same_command_goes_on(
    lab: Lab, tmp_path: Path, expected: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = lab.machine(1).begin(lab.folder, *TOY, "name=toy", hold=1)
    lab.shell(HAS_CHECKPOINT)
    lab.shell("cat /dev/zero > filler || true")
    try:
        status, _, errors = lab.machine(2).run(lab.folder, *TOY, "name=other")
        assert status == 2
        assert "No space left on device" in errors.splitlines()[-1]
        lab.shell(f"touch '{GATE}'")
        status, _, errors = sweep()
        assert status == 1
        assert "no checkpoint could be written to sweeps/toy ([Errno 28] No space left on device)" in errors
    finally:
        lab.shell("rm filler")
    status, _, errors = lab.machine(2).run(lab.folder, *TOY, "name=toy")
    assert status == 0, errors
    brought_here(lab, tmp_path, monkeypatch)
    assert digests("toy") == expected


def test_a_server_that_fails_and_comes_back_costs_nothing(
    lab: Lab, tmp_path: Path, expected: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both machines wait for it, have their locks again, and go on."""
    names = ["first", "second"]
    sweeps = [
        lab.machine(1 + number).begin(lab.folder, *TOY, f"name={name}", "reuse=false", hold=number)
        for number, name in enumerate(names)
    ]
    for name in names:
        lab.shell(HAS_CHECKPOINT.replace("toy", name))
    the_server_fails_and_comes_back()
    lab.shell(f"touch '{GATE}'")
    all_end_well(sweeps)
    brought_here(lab, tmp_path, monkeypatch)
    assert [digests(name) for name in names] == [expected] * len(names)


@pytest.mark.parametrize("lab", ["vers=3,nolock"], indirect=True)
def test_where_locks_do_not_reach_the_other_machine_one_at_a_time_writes_and_all_may_read(
    lab: Lab, tmp_path: Path, expected: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    toy = lab.machine(1).begin(lab.folder, *TOY, "name=toy", hold=1)
    lab.shell(HAS_CHECKPOINT)
    status, _, errors = lab.machine(2).run(lab.folder, *TOY, "name=toy")
    assert status == 2
    assert errors.splitlines()[-1].startswith("name: the sweep toy is being trained by process")
    status, _, errors = lab.machine(2).run(lab.folder, *TOY, "name=other")
    assert status == 2
    assert re.search(r"mlflow.db is being written to by process \d+ on nfs-1 since", errors.splitlines()[-1])
    status, _, errors = lab.machine(2).run(lab.folder, *TOY, "name=other", "dry_run=true")
    assert status == 0, errors
    lab.shell(f"touch '{GATE}'")
    status, _, errors = toy()
    assert status == 0, errors
    status, _, errors = lab.machine(2).run(lab.folder, *TOY, "name=other", "reuse=false")
    assert status == 0, errors
    brought_here(lab, tmp_path, monkeypatch)
    assert digests("toy") == digests("other") == expected
