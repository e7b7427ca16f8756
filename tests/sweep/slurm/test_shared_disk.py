"""Sweeps on shared disks that are not as good as a local one: what is written is seen late, locks do not reach other
hosts, or the disk is slow, or full for a while.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.commands import GATE, Commands
from tests.sweep.held_job import REFUSED
from tests.sweep.slurm.sweeps import HELD, JOBS, SLURM, TOY, digests, ended, held, logged, tokens
from tests.waiting import wait_until
from workbench.sweep.hydra.command import main

SECONDS = 15  # that a mount remembers what it has seen of a file, and that there was none
SLOW = ("--read-rate=2M", "--write-rate=1M")  # bytes a second
ROOM = "64m"  # of the small disk
TAKEN = "name: the sweep toy is being trained by process "


@pytest.fixture
def mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Mounts a file system; it is unmounted after the test."""
    places: list[str] = []

    def mount(place: Path, *command: str) -> None:
        place.mkdir(exist_ok=True)
        done = subprocess.run([*command, str(place)], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"needs to mount file systems: {command[0]}: {done.stderr.strip()}")
        places.append(str(place))

    yield mount
    monkeypatch.chdir(tmp_path)
    for place in places:
        subprocess.run(["umount", "--lazy", place], check=False)


@pytest.fixture
def two_hosts(
    mounted: Callable[..., None], tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, str]:
    """The working folder on a disk as one host sees it, and the interpreter of jobs that see it as another host does.

    Each host has a mount of its own, which remembers names and attributes, and knows only its own locks.
    """
    if not shutil.which("bindfs"):
        pytest.skip("needs Debian's package bindfs")
    disk, here, there = (tmp_path / name for name in ("disk", "here", "there"))
    disk.mkdir()
    late = ",".join(f"{what}_timeout={SECONDS}" for what in ("attr", "ac_attr", "entry", "negative"))
    for place in (here, there):
        mounted(place, "bindfs", "-o", late, str(disk))
    shutil.copyfile(empty_database, here / "mlflow.db")
    python = tmp_path / "python"
    as_another = f'mount --bind {there} {here} && cd "$PWD" && exec {sys.executable} "$@"'
    python.write_text(f"#!/bin/sh\nexec unshare --mount sh -c '{as_another}' sh \"$@\"\n")
    python.chmod(0o755)
    monkeypatch.chdir(here)
    return there, str(python)


@pytest.mark.thorough
def test_where_hosts_see_each_other_s_files_late_nothing_is_lost_or_trained_again(
    two_hosts: tuple[Path, str], expected: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*TOY, *SLURM, "slurm.job_seconds=0", f"slurm.python={two_hosts[1]}"]) == 0
    assert digests() == expected
    assert "again" not in capsys.readouterr().err
    assert not JOBS.exists()


@pytest.mark.thorough
def test_a_slow_disk_delays_results_and_nothing_else(
    mounted: Callable[..., None],
    tmp_path: Path,
    empty_database: Path,
    expected: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not shutil.which("bindfs"):
        pytest.skip("needs Debian's package bindfs")
    disk, slow = tmp_path / "disk", tmp_path / "slow"
    disk.mkdir()
    shutil.copyfile(empty_database, disk / "mlflow.db")
    mounted(slow, "bindfs", *SLOW, str(disk))
    monkeypatch.chdir(slow)
    assert main([*TOY, *SLURM]) == 0
    assert digests() == expected
    assert "again" not in capsys.readouterr().err
    assert not JOBS.exists()


@pytest.mark.thorough
def test_where_locks_do_not_reach_another_host_it_is_refused_all_the_same(
    two_hosts: tuple[Path, str], expected: dict[str, str], server: Commands
) -> None:
    there, here = two_hosts[0], Path.cwd()
    first = server.start(here, [*TOY, *HELD])
    wait_until(held)
    words = [sys.executable, "-m", "workbench", *TOY, *HELD]
    as_another = f'mount --bind {there} {here} && cd {here} && exec "$@"'
    other = ["unshare", "--mount", "sh", "-c", as_another, "sh", *words]
    done = subprocess.run(other, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.splitlines()[-1][: len(TAKEN)]) == (2, TAKEN)
    first.send_signal(signal.SIGKILL)
    ended(first, -signal.SIGKILL)
    (before,) = tokens()
    Path(GATE).touch()
    done = subprocess.run(other, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert before
    assert digests() == expected


@pytest.mark.thorough
def test_a_disk_that_is_full_for_a_while_delays_results_and_loses_none(
    mounted: Callable[..., None],
    tmp_path: Path,
    empty_database: Path,
    expected: dict[str, str],
    server: Commands,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    disk = tmp_path / "small"
    mounted(disk, "mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs")
    shutil.copyfile(empty_database, disk / "mlflow.db")
    monkeypatch.chdir(disk)
    command = server.start(disk, [*TOY, *HELD])
    wait_until(held)
    with suppress(OSError), Path("filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))
    Path(GATE).touch()
    wait_until(Path(REFUSED).exists)
    Path("filler").unlink()
    said = ended(command)
    assert logged("no checkpoint could be written to ")
    assert "trained again" not in said
    assert digests() == expected
