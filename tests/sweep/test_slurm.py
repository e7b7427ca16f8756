"""Sweeps on a real SLURM: what befalls their jobs, what a person is told, and that nothing is lost or trained twice."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import documents
from tests.blank import leave_out
from tests.commands import GATE, Command, Commands
from tests.once import made_once
from tests.sweep.held_job import HELD_AFTER
from tests.sweep.slurm_cluster import needs_slurm
from tests.waiting import CEILING, wait_until
from workbench.sweep.execution.cluster import slurm_queue
from workbench.sweep.execution.cluster.message_log import EpochDone, JobBegan, LogReader
from workbench.sweep.hydra.command import main
from workbench.tracking.read import load

TOY = [
    "data=blobs", "data.examples=120", "network.width=4,8", "training.epochs=8", "kernel=plain", "device=cpu",
    "seed=0,1", "name=toy", "checkpoint_seconds=0",
]  # fmt: skip
SLURM = ["executor=slurm", "workers=2", "slurm.cpus_per_task=1", "slurm.memory=0.8"]
HELD = [*SLURM, f"slurm.python={sys.executable} -m tests.sweep.held_job"]
FOR_EVER = ["data=blobs", "training.epochs=10000000", "kernel=plain", "device=cpu", "name=toy", *SLURM]
JOBS = Path("sweeps/toy/jobs")


@pytest.fixture(autouse=True)
def _real(workspace: Path, no_figures: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:  # noqa: ARG001
    needs_slurm()
    monkeypatch.setenv("PYTHONPATH", str(documents.ROOT))
    yield
    if JOBS.exists():  # of a test that failed
        slurm_queue.cancel([folder.name for folder in JOBS.iterdir()])


@pytest.fixture(scope="module")
def server() -> Iterator[Commands]:
    needs_slurm()
    with Commands() as found:
        yield found


@pytest.fixture
def start(workspace: Path, server: Commands) -> Callable[..., Command]:
    """Starts the command in a process of its own."""
    return lambda *overrides: server.start(workspace, overrides)


@pytest.fixture(scope="session")
def expected(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> dict[str, str]:
    """Fingerprint -> digest of the weights of the toy, trained without any cluster."""

    def make(folder: Path) -> None:
        shutil.copyfile(empty_database, folder / "mlflow.db")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            leave_out(patch.setattr)
            assert main(TOY) == 0
            (folder / "digests.json").write_text(json.dumps(digests()))

    found: dict[str, str] = json.loads((made_once(tmp_path_factory, "toy", make) / "digests.json").read_text())
    return found


def digests() -> dict[str, str]:
    runs = load("toy").runs
    return dict(zip(runs["fingerprint"], runs["weights_digest"], strict=True))


def tokens() -> list[str]:
    """The names of the jobs that are not collected."""
    return sorted(folder.name for folder in JOBS.glob("*"))


def jobs() -> list[slurm_queue.QueuedJob]:
    return slurm_queue.jobs_of(tokens()) or []


def entries(kind: type) -> list[object]:
    """What the jobs have said so far."""
    return [entry for log in JOBS.glob("*/*.jsonl") for entry in LogReader(log).news() if isinstance(entry, kind)]


def held(count: int = 1) -> bool:
    """Whether so many packs wait at the gate."""
    return sum(entry.epoch == HELD_AFTER for entry in entries(EpochDone)) >= count  # type: ignore[attr-defined]


def ended(command: Command, status: int = 0) -> str:
    """What a command that ended so has said."""
    said = command.communicate()[1]
    assert command.wait(CEILING) == status, said
    return said


def slurm(*words: str) -> None:
    subprocess.run(words, check=True)


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
