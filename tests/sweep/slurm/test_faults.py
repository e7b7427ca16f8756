"""What befalls a whole sweep on a real SLURM: second commands, memory that ends, jobs that are held, clocks apart."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from tests.commands import GATE, Command
from tests.sweep.slurm.sweeps import (
    HELD,
    JOBS,
    LOG,
    SLURM,
    TOY,
    digests,
    ended,
    held,
    jobs,
    logged,
    slurm,
    tokens,
)
from tests.sweep.slurm_cluster import FOLDER, limits_memory
from tests.waiting import wait_until
from workbench.sweep.execution.cluster import slurm_queue
from workbench.sweep.hydra.command import main
from workbench.tracking.read import load

TAKEN = "name: the sweep toy is being trained by process "


# Two commands


def test_of_two_commands_typed_at_once_one_trains_and_the_other_is_told_so(
    expected: dict[str, str],
    start: Callable[..., Command],
) -> None:
    both = [start(*TOY, *HELD) for _ in range(2)]
    wait_until(held)
    wait_until(lambda: any(one.has_ended() for one in both))
    (refused,) = [one for one in both if one.has_ended()]
    assert ended(refused, 2).startswith(TAKEN)
    assert len(tokens()) == 1  # submitted once
    Path(GATE).touch()
    (other,) = [one for one in both if one is not refused]
    ended(other)
    assert digests() == expected


@pytest.mark.thorough
def test_a_command_in_another_folder_or_on_another_host_is_refused_and_later_collects(
    expected: dict[str, str],
    start: Callable[..., Command],
    tmp_path: Path,
) -> None:
    """The folder of a sweep is beside the store, wherever the command is typed."""
    first = start(*TOY, *HELD)
    wait_until(held)
    (tmp_path / "elsewhere").mkdir()
    store = f"tracking.uri='sqlite:///{Path('mlflow.db').absolute()}'"
    typed = [sys.executable, "-m", "workbench", *TOY, *HELD, store]
    other_host = ["unshare", "--uts", "sh", "-c", 'hostname elsewhere && exec "$@"', "sh", *typed]
    for command in (typed, other_host):
        done = subprocess.run(command, cwd=tmp_path / "elsewhere", capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr[: len(TAKEN)]) == (2, TAKEN)
    first.send_signal(signal.SIGKILL)
    ended(first, -signal.SIGKILL)
    before = tokens()
    Path(GATE).touch()
    done = subprocess.run(other_host, cwd=tmp_path / "elsewhere", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(before) == 1
    assert digests() == expected
    assert not JOBS.exists()


# Memory


def test_a_job_that_the_kernel_ends_for_its_memory_is_said_to_be_and_goes_on_in_halves(
    expected: dict[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    limits_memory()
    hungry = [*SLURM, "workers=1", f"slurm.python={sys.executable} -m tests.sweep.hungry_job"]
    assert main([*TOY, *hungry]) == 0
    said = capsys.readouterr().err
    assert said.count("ran out of memory (") == 2  # of each pack
    assert "; more slurm.memory helps; tried again in halves" in said
    assert digests() == expected


# Jobs that are held


@pytest.mark.parametrize(
    ("reason", "who"),
    [
        ("JobHeldUser", "you type"),
        pytest.param("JobHeldAdmin", "your cluster's administrators type", marks=pytest.mark.thorough),
    ],
)
def test_a_held_job_is_said_with_what_to_type_and_is_collected_once_released(
    reason: str,
    who: str,
    expected: dict[str, str],
    start: Callable[..., Command],
    capsys: pytest.CaptureFixture[str],
) -> None:
    waiting = [*TOY, *SLURM, "slurm.options=--hold"]
    assert main([*waiting, "detach=true"]) == 0
    (job,) = jobs()
    assert "1 job with 2 packs: 1 waiting" in (said := capsys.readouterr().err)
    assert f"  job {job.job} waits in the queue, SLURM says: JobHeldUser; it waits until you type: scontrol " in said
    if reason == "JobHeldAdmin":
        slurm("scontrol", "hold", job.job)  # by root
    capsys.readouterr()
    helps = f"SLURM says: {reason}; it waits until {who}: scontrol release {job.job}\n"
    assert main([*waiting, "detach=true"]) == 0
    assert helps in capsys.readouterr().err
    command = start(*waiting)
    wait_until(lambda: helps in LOG.read_text().split("command:")[-1])
    slurm("scontrol", "release", job.job)
    ended(command)
    assert digests() == expected


def test_a_job_that_is_requeued_and_held_is_said_and_goes_on_from_its_checkpoint(
    expected: dict[str, str],
    start: Callable[..., Command],
) -> None:
    command = start(*TOY, *HELD)
    wait_until(held)
    (job,) = jobs()
    slurm("scontrol", "requeuehold", job.job)
    wait_until(lambda: logged(f"job requeued in held state; it waits until you type: scontrol release {job.job}"))
    Path(GATE).touch()
    slurm("scontrol", "release", job.job)
    assert f"job {job.job} was begun anew" in ended(command)
    assert digests() == expected


def test_ctrl_c_ends_held_jobs_and_leaves_nothing_half_written(start: Callable[..., Command]) -> None:
    command = start(*TOY, *SLURM, "slurm.options=--hold")
    wait_until(lambda: logged("JobHeldUser"))
    (token,) = tokens()
    command.send_signal(signal.SIGINT)
    ended(command, 130)
    assert slurm_queue.jobs_of([token]) == []
    assert sorted(file.name for file in Path("sweeps/toy").iterdir()) == ["lock", "log.txt"]
    assert set(load("toy").runs["outcome"]) == {"pending"}


@pytest.fixture
def failing_launch() -> Iterator[Path]:
    """The file that makes SLURM's prolog fail for jobs of the partition `unready`. A node that it drained is resumed
    afterwards; jobs of tests beside this one find another, or wait.
    """
    file = Path(os.environ[FOLDER]) / "prolog fails"
    file.touch()
    yield file
    file.unlink(missing_ok=True)
    drained = subprocess.run(
        ["sinfo", "-h", "-N", "-t", "drain", "-o", "%N"], capture_output=True, text=True, check=True
    )
    for node in set(drained.stdout.split()):
        slurm("scontrol", "update", f"nodename={node}", "state=resume")


@pytest.mark.thorough
def test_a_job_whose_launch_failed_is_held_by_slurm_and_said(
    failing_launch: Path,
    expected: dict[str, str],
    start: Callable[..., Command],
) -> None:
    command = start(*TOY, *SLURM, "slurm.partition=unready")
    wait_until(lambda: logged("launch failed requeued held; it waits until you type: scontrol release "))
    failing_launch.unlink()
    for job in jobs():
        slurm("scontrol", "release", job.job)
    ended(command)
    assert digests() == expected


# GPUs


def test_jobs_see_the_gpu_that_slurm_gave_them_and_no_other(
    expected: dict[str, str], start: Callable[..., Command], tmp_path: Path
) -> None:
    """The GPUs are none, and SLURM hands them out all the same; what trains is the processor."""
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\necho "$CUDA_VISIBLE_DEVICES" > {tmp_path}/seen.$SLURM_ARRAY_TASK_ID\n'
        f'exec {sys.executable} -m tests.sweep.held_job "$@"\n'
    )
    python.chmod(0o755)
    gpus = ["slurm.gpus_per_task=1", "slurm.job_seconds=0", "slurm.options='--nodelist=n1'", f"slurm.python={python}"]
    command = start(*TOY, *SLURM, *gpus)
    wait_until(lambda: held(2))
    assert sorted(file.read_text().strip() for file in tmp_path.glob("seen.*")) == ["0", "1"]
    Path(GATE).touch()
    ended(command)
    assert digests() == expected


# Clocks apart


@pytest.mark.thorough
@pytest.mark.parametrize("apart", ["+1h", "-1h"])
def test_where_the_clock_of_a_node_is_an_hour_apart_durations_stay_those_of_training(
    apart: str,
    expected: dict[str, str],
    start: Callable[..., Command],
) -> None:
    if not shutil.which("faketime"):
        pytest.skip("needs Debian's package faketime")
    wrong = [f"slurm.python=faketime --exclude-monotonic -f {apart} {sys.executable} -m tests.sweep.held_job"]
    command = start(*TOY, *SLURM, *wrong)
    wait_until(held)
    Path(GATE).touch()
    ended(command)
    runs = load("toy").runs
    took = pd.to_datetime(runs["ended"]) - pd.to_datetime(runs["started"])
    assert (took >= pd.to_timedelta(runs["seconds"].round(), unit="s") - pd.Timedelta(seconds=2)).all()
    assert (took < pd.Timedelta(minutes=50)).all()
    assert digests() == expected
