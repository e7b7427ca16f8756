"""Sweeps on a real SLURM: what befalls their jobs, what a person is told, and that nothing is lost or trained twice."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import documents
from tests.commands import GATE, Command
from tests.sweep.slurm.sweeps import (
    FOR_EVER,
    HELD,
    JOBS,
    SLURM,
    TOY,
    digests,
    ended,
    entries,
    held,
    jobs,
    slurm,
    tokens,
)
from tests.waiting import wait_until
from workbench.sweep.execution.cluster import slurm_queue
from workbench.sweep.execution.cluster.message_log import EpochDone, JobBegan
from workbench.sweep.hydra.command import main


def test_a_sweep_of_several_jobs_ends_with_the_numbers_it_has_without_them(expected: dict[str, str]) -> None:
    assert main([*TOY, *SLURM, "slurm.job_seconds=0"]) == 0
    assert digests() == expected
    assert not JOBS.exists()


def test_left_alone_it_is_collected_by_the_same_command(
    expected: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    waiting = [*TOY, *SLURM, "slurm.options=--hold"]
    assert main([*waiting, "detach=true", "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["outcome"] == "detached"
    assert "1 job with 2 packs: 1 waiting; the same command collects what has ended" in captured.err
    (before,) = jobs()
    assert main([*waiting, "detach=true"]) == 0
    assert [job.job for job in jobs()] == [before.job]  # nothing was submitted twice
    assert main(TOY) == 2  # nor is it trained here meanwhile
    assert "jobs of a cluster train this sweep; " in (said := capsys.readouterr().err)
    assert said.endswith(f"scancel --name={before.token}\n")
    slurm("scontrol", "release", before.job)
    wait_until(lambda: not jobs())
    assert main([*waiting, "detach=true"]) == 0
    assert digests() == expected
    assert not JOBS.exists()


def test_the_driver_may_be_killed_and_the_next_one_takes_its_jobs_over(
    expected: dict[str, str], start: Callable[..., Command]
) -> None:
    first = start(*TOY, *HELD)
    wait_until(held)
    first.send_signal(signal.SIGKILL)
    ended(first, -signal.SIGKILL)
    before = tokens()
    second = start(*TOY, *HELD)
    wait_until(lambda: second.has_ended() or "toy" in Path("sweeps/toy/log.txt").read_text().split("command:")[-1])
    assert tokens() == before
    Path(GATE).touch()
    ended(second)
    assert digests() == expected


def test_a_driver_killed_while_it_submits_leaves_jobs_that_the_next_one_replaces(expected: dict[str, str]) -> None:
    assert main([*TOY, *SLURM, "slurm.options=--hold", "detach=true"]) == 0
    (folder,) = JOBS.iterdir()
    (folder / "accepted.json").unlink()  # as if it had been killed before sbatch answered
    assert main([*TOY, *SLURM]) == 0
    assert slurm_queue.jobs_of([folder.name]) == []
    assert digests() == expected


def test_interrupted_it_ends_its_jobs_which_keep_what_they_have(start: Callable[..., Command]) -> None:
    command = start(*FOR_EVER, "seed=0")
    wait_until(lambda: entries(EpochDone))
    (job,) = jobs()
    command.send_signal(signal.SIGINT)
    ended(command, 130)
    assert slurm_queue.jobs_of([job.token]) == []
    assert len(list(Path("sweeps/toy").glob("*.npz"))) == 1
    assert not JOBS.exists()


def test_before_its_time_limit_a_job_keeps_its_progress_and_is_requeued(
    expected: dict[str, str], start: Callable[..., Command]
) -> None:
    command = start(*TOY, *HELD)
    wait_until(held)
    (job,) = jobs()
    slurm("scancel", "--signal=USR2", job.job)  # as SLURM does before the limit
    Path(GATE).touch()
    said = ended(command)
    assert f"job {job.job} reached its time limit; it is requeued, and goes on from its checkpoint" in said
    assert digests() == expected


@pytest.mark.thorough
def test_a_real_time_limit_is_survived_as_well(start: Callable[..., Command]) -> None:
    command = start(*FOR_EVER, "seed=0", "slurm.partition=short")
    wait_until(lambda: len(entries(JobBegan)) > 1)
    command.send_signal(signal.SIGINT)
    assert "reached its time limit; it is requeued" in ended(command, 130)


def test_a_preempted_job_goes_on_when_it_may(expected: dict[str, str], start: Callable[..., Command]) -> None:
    command = start(*TOY, *HELD, "slurm.partition=low")
    wait_until(held)
    (job,) = jobs()
    slurm("sbatch", "-p", "high", "--exclusive", "-o", "/dev/null", "-J", f"over {job.token}", "--wrap", "sleep 1")
    wait_until(lambda: all(found.waits for found in jobs()))
    Path(GATE).touch()
    said = ended(command)
    assert f"job {job.job} was begun anew, after a preemption or the loss of its node; it goes on" in said
    assert digests() == expected


def test_a_cancelled_job_is_submitted_again(expected: dict[str, str], start: Callable[..., Command]) -> None:
    command = start(*TOY, *HELD)
    wait_until(held)
    (job,) = jobs()
    slurm("scancel", job.job)
    wait_until(lambda: job.job not in [found.job for found in jobs()])
    Path(GATE).touch()
    said = ended(command)
    assert f"(2 runs): job {job.job} was cancelled; submitted again" in said
    assert digests() == expected


def test_a_job_that_never_began_fails_with_what_it_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*TOY, *SLURM, "slurm.python=/nowhere/python"]) == 1
    said = capsys.readouterr().err
    assert "4 runs failed: job " in said
    assert "never began (FAILED, exit 2:0): " in said
    assert "/nowhere/python: No such file or directory" in said


REFUSED = {
    "slurm.partition=nowhere": "invalid partition specified: nowhere",
    "slurm.cpus_per_task=5000": "Requested node configuration is not available",
    "slurm.options=--qos": "option '--qos' requires an argument",
    "slurm.options=qos": "allowed: options of sbatch such as",
}


@pytest.mark.parametrize("override", REFUSED)
def test_what_slurm_refuses_is_refused_in_its_own_words_before_anything_is_written(
    override: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*TOY, *SLURM, override]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("slurm")
    assert REFUSED[override] in line
    assert not JOBS.exists()


def test_jobs_that_wait_for_a_reason_say_it_and_end_with_the_command(start: Callable[..., Command]) -> None:
    command = start(*TOY, *SLURM, "slurm.partition=closed")
    log = Path("sweeps/toy/log.txt")
    wait_until(lambda: log.exists() and "in the queue, SLURM says: PartitionDown" in log.read_text())
    (token,) = tokens()
    command.send_signal(signal.SIGINT)
    ended(command, 130)
    assert slurm_queue.jobs_of([token]) == []


def test_the_page_on_slurm_can_be_followed() -> None:
    documents.follow(documents.ROOT / "docs" / "slurm.md")
