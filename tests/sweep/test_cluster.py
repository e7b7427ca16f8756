"""What a cluster's executor does by itself, without a cluster: files, shares, words."""

from __future__ import annotations

import io
import json
import os
import random
from dataclasses import replace
from itertools import count
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest

from tests.repetitions import repetitions
from tests.sweep.cases import outcome_after, small
from tests.sweep.conftest import PLENTY, MakeCells
from workbench import cli
from workbench.config import SlurmConfig
from workbench.engine.errors import BadInput
from workbench.engine.kernels.compiled import jit
from workbench.sweep.execution.checkpoints import Checkpoints
from workbench.sweep.execution.cluster import array, compiling, job_sizes, lost_jobs, slurm_queue, submission
from workbench.sweep.execution.cluster.array import SubmittedJob
from workbench.sweep.execution.cluster.driver import Driver
from workbench.sweep.execution.cluster.lost_jobs import PackLosses, after_loss, loss_of, may_be_heard
from workbench.sweep.execution.cluster.message_log import EpochDone, JobBegan, JobOver, LogReader, MessageLog
from workbench.sweep.execution.cluster.slurm_queue import Ending, Node
from workbench.sweep.execution.cluster.submission import Bundle, Submission
from workbench.sweep.execution.executor import ExecutionContext
from workbench.sweep.execution.executors import EXECUTORS
from workbench.sweep.execution.messages import Message, PackDone, PackResumed, PackRetried, PackStarted, PackStopped
from workbench.sweep.execution.outcome import outcome_of
from workbench.sweep.execution.unfinished import untouched
from workbench.sweep.hydra.command import main
from workbench.sweep.planning.packs import PlannedPack
from workbench.sweep.planning.plan import identified, plan

DAMAGED = int(os.environ.get("WORKBENCH_FUZZ") or repetitions(50, 200))
BEGAN = JobBegan("7_0", "n1", 2, "numpy")
NODES = [Node(8, 16_000, 30), Node(4, 8_000, None)]


@pytest.fixture
def pack(cells: MakeCells) -> PlannedPack:
    (found,) = plan(identified(cells([small(seed=seed) for seed in range(4)])), {}, PLENTY).packs
    return found


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of commands that takes the place of SLURM's."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    (tmp_path / "bin").mkdir()
    return tmp_path / "bin"


def left(bundle: Bundle) -> list[str]:
    return [pack.digest for pack in bundle.left]


def put(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_what_a_job_writes_is_read_once_and_a_damaged_line_is_passed_over(tmp_path: Path) -> None:
    reader = LogReader(tmp_path / "log")
    assert reader.news() == []
    with MessageLog(tmp_path / "log") as log:
        log.write(BEGAN)
        assert reader.news() == [BEGAN]
        with (tmp_path / "log").open("a") as file:
            file.write('{"kind": "EpochDo')  # as a full disk leaves it
        log.write(EpochDone("a", 1, 4, examples=10))
    with MessageLog(tmp_path / "log") as log:
        log.write(JobOver())
    assert reader.news() == [JobOver()]


def test_a_line_that_is_seen_in_part_is_read_once_it_is_whole(tmp_path: Path) -> None:
    """A network disk may show a part of what was written."""
    with MessageLog(tmp_path / "written") as log:
        log.write(BEGAN)
        log.write(JobOver())
    content, seen = (tmp_path / "written").read_bytes(), tmp_path / "seen"
    for cut in range(len(content) + 1):
        reader = LogReader(seen)
        seen.write_bytes(content[:cut])
        first = reader.news()
        seen.write_bytes(content)
        assert [*first, *reader.news()] == [BEGAN, JobOver()]


def test_a_job_that_begins_anew_is_heard_from_its_first_word_whatever_its_last_start_left(tmp_path: Path) -> None:
    log, again = tmp_path / "log", JobBegan("7_0", "n2", 2, "numpy")
    with MessageLog(log) as first:
        first.write(BEGAN)
    with log.open("a") as file:
        file.write('{"kind": "EpochDo')  # it was killed
    with MessageLog(log) as second:
        second.write(again)
    assert LogReader(log).news() == [BEGAN, again]


def test_a_full_disk_delays_what_a_job_says(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    with MessageLog(folder / "log") as log:
        log.write(BEGAN)
        assert not log.flush()
        folder.mkdir()
    assert LogReader(folder / "log").news() == [BEGAN]


def test_of_what_a_full_disk_took_in_part_nothing_is_written_twice(tmp_path: Path) -> None:
    """It takes five bytes at a time, and every third time none."""
    taken = count()

    class Narrow(io.FileIO):
        def write(self, content: Any) -> int:
            if next(taken) % 3 == 2:
                raise OSError(28, "No space left on device")
            return super().write(bytes(content)[:5]) or 0

    log = MessageLog(Path(tmp_path / "log"))
    log._file = SimpleNamespace(open=lambda *_, **__: Narrow(tmp_path / "log", "a"))  # type: ignore[assignment]
    entries = [BEGAN, EpochDone("a", 1, 4), JobOver()]
    for entry in entries:
        log.write(entry)
    while not log.flush():
        pass
    assert LogReader(tmp_path / "log").news() == entries
    assert next(taken) > 30


def test_a_bundle_follows_its_job_through_halves_a_stop_and_a_new_start(pack: PlannedPack) -> None:
    bundle, (first, second) = Bundle([pack]), pack.halves()
    for entry in (BEGAN, PackStarted.of(pack), PackRetried(pack.digest, "too large")):
        assert bundle.follow(entry) is None
    assert left(bundle) == [first.digest, second.digest]
    further = Bundle([first, second])
    further.follow(PackStarted.of(first))
    further.follow(PackRetried(first.digest, "too large"))
    assert left(further) == [*(quarter.digest for quarter in first.halves()), second.digest], "in its place"
    bundle.follow(PackStarted.of(first))
    bundle.follow(PackDone(first.digest, 0))
    bundle.follow(PackStarted.of(second))
    interrupted = bundle.follow(BEGAN)  # the job was begun anew, without a word of the pack in training
    assert interrupted is not None
    assert interrupted.digest == second.digest
    bundle.follow(PackStarted.of(second))
    bundle.follow(PackStopped(second.digest))
    assert left(bundle) == [second.digest]
    assert not bundle.over
    bundle.follow(JobOver())
    assert bundle.over


@pytest.fixture
def submitted(pack: PlannedPack, tmp_path: Path) -> SubmittedJob:
    """A job that has been accepted."""
    made = Submission.new(tmp_path / "toy", [[pack]], ExecutionContext(1, Checkpoints(tmp_path)))
    made.accept(["7_0"])
    (job,) = SubmittedJob.all_of(made, [[pack]], Checkpoints(tmp_path))
    return job


def test_whatever_damages_what_a_job_said_every_run_is_done_or_left(pack: PlannedPack, submitted: SubmittedJob) -> None:
    halves, log = pack.halves(), submitted.submission.log_of(0)
    with MessageLog(log) as written:
        for entry in (BEGAN, PackStarted.of(pack), EpochDone(pack.digest, 1, 4), PackRetried(pack.digest, "too large")):
            written.write(entry)
        for half in halves:
            for said in (PackStarted.of(half), EpochDone(half.digest, 1, 2), PackDone(half.digest, 2)):
                written.write(said)
        written.write(JobOver())
    content = log.read_bytes()
    for case in range(DAMAGED):
        chance = random.Random(f"messages {case}")
        log.write_bytes(chance.choice([flipped, a_line_less, a_line_twice])(content, chance))
        for told in (SubmittedJob.catch_up, SubmittedJob.news):
            (job,) = SubmittedJob.all_of(submitted.submission, [[pack]], submitted.checkpoints)
            done = [message.outcome for message in told(job) if isinstance(message, PackDone)]
            late = [job.bundle.known[one.pack] for one, _ in job.late]
            found = [one.planned.fingerprints for one in done if one]
            found += [one.fingerprints for one in (*job.bundle.left, *late)]
            assert {mark for marks in found for mark in marks} == set(pack.fingerprints), f"case {case}"


def test_a_command_that_comes_later_is_told_how_far_a_pack_is_and_how_many_of_its_runs_have_ended(
    pack: PlannedPack, submitted: SubmittedJob
) -> None:
    mark, started = pack.digest, PackStarted.of(pack)
    with MessageLog(submitted.submission.log_of(0)) as log:
        for entry in (
            BEGAN,
            started,
            EpochDone(mark, 1, 4),
            EpochDone(mark, 2, 4, ended=1),
            EpochDone(mark, 3, 3, ended=2),
        ):
            log.write(entry)
    assert list(submitted.catch_up()) == [started, PackResumed(mark, 3, 3)]
    with MessageLog(submitted.submission.log_of(0)) as log:
        for entry in (
            JobBegan("7_0", "n2", 2, "numpy"),
            started,
            PackResumed(mark, 2, 1),
            EpochDone(mark, 3, 3, ended=1),
        ):
            log.write(entry)
    (afresh,) = SubmittedJob.all_of(submitted.submission, [[pack]], submitted.checkpoints)
    assert list(afresh.catch_up()) == [started, PackResumed(mark, 3, 2)], "a job begun anew counts from its checkpoint"


def test_why_a_pack_failed_in_its_job_is_told_by_the_command(pack: PlannedPack, submitted: SubmittedJob) -> None:
    """No checkpoint holds a failure, so the job keeps it beside its messages."""
    failed = outcome_of(pack, untouched(pack), MemoryError("no room"))
    submitted.submission.keep_failed(failed)
    with MessageLog(submitted.submission.log_of(0)) as log:
        for entry in (BEGAN, PackStarted.of(pack), PackDone.of(failed)):
            log.write(entry)
    *_, done = submitted.news()
    assert isinstance(done, PackDone)
    assert done.outcome is not None
    assert (done.failed, done.outcome.reason) == (4, "MemoryError: no room")
    assert submitted.late == []


def test_a_result_that_is_seen_late_is_waited_for_and_one_that_never_comes_is_trained_again(
    pack: PlannedPack, submitted: SubmittedJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network disk may show what the job wrote last before what it wrote first."""
    clock = iter([0.0, 1.0, array.LATE_SECONDS + 1])
    monkeypatch.setattr(array, "monotonic", clock.__next__)
    assert list(submitted._collected(PackDone(pack.digest, 0), array.LATE_SECONDS)) == []
    assert list(submitted.news()) == []
    assert [done.pack for done, _ in submitted.late] == [pack.digest]
    assert list(submitted.news()) == []
    assert (submitted.late, submitted.lost) == ([], [pack])
    monkeypatch.undo()
    submitted.late, submitted.lost = [(PackDone(pack.digest, 0), 0.0)], []
    outcome_after(pack, ExecutionContext(1, submitted.checkpoints))
    (done,) = submitted.news()
    assert isinstance(done, PackDone)
    assert done.outcome is not None
    assert done.outcome.failed == 0
    assert submitted.late == []


def test_a_job_that_ended_well_without_a_word_is_given_time_to_be_heard(
    submitted: SubmittedJob, commands: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 1.0, 1.0, lost_jobs.LATE_SECONDS + 1])
    monkeypatch.setattr(lost_jobs, "monotonic", clock.__next__)
    put(commands, "scontrol", 'echo "JobId=7 JobState=COMPLETED ExitCode=0:0"')
    assert may_be_heard(submitted)
    assert may_be_heard(submitted)
    assert not may_be_heard(submitted)


@pytest.mark.parametrize(
    ("state", "printed", "waits"),
    [("FAILED", "no python", False), ("FAILED", "", True), ("CANCELLED", "", False), ("NODE_FAIL", "", False)],
)
def test_of_a_job_that_ended_otherwise_only_silence_is_waited_for(
    state: str, printed: str, waits: bool, submitted: SubmittedJob, commands: Path
) -> None:
    put(commands, "scontrol", f'echo "JobId=7 JobState={state} ExitCode=1:0"')
    submitted.submission.output.mkdir(exist_ok=True)
    (submitted.submission.output / "7_0_0_log.err").write_text(printed)
    assert may_be_heard(submitted) is waits


def test_a_disk_that_takes_no_description_of_jobs_is_one_line_and_leaves_nothing(
    pack: PlannedPack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first jobs are refused; those of packs that were lost wait until there is room."""

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    driven = Driver(ExecutionContext(1, Checkpoints(tmp_path)), lambda packs: [list(packs)], lambda *_: ["7"])
    with monkeypatch.context() as patch:
        patch.setattr(submission.files, "write", full)
        with pytest.raises(BadInput, match=r"^slurm: .* cannot be written to \(No space left on device\), where"):
            driven._submit([pack], first=True)
        driven._submit([pack])
        assert driven._again == [pack]
        assert not list(tmp_path.glob("jobs/*"))
    driven._submit([pack])
    assert [job.number for job in driven._jobs] == ["7"]


def flipped(content: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(content))
    return content[:place] + bytes([content[place] ^ (1 << chance.randrange(8))]) + content[place + 1 :]


def a_line_less(content: bytes, chance: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    del lines[chance.randrange(len(lines))]
    return b"".join(lines)


def a_line_twice(content: bytes, chance: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    lines.insert(chance.randrange(len(lines)), chance.choice(lines))
    return b"".join(lines)


@pytest.mark.parametrize("content", [b"", b"{", b"3", b'{"a": 1}', b"null", b"[" * 10**5, b"\xff"])
def test_a_damaged_list_of_jobs_is_none(content: bytes, submitted: SubmittedJob) -> None:
    (submitted.submission.folder / "accepted.json").write_bytes(content)
    assert submitted.submission.numbers() == []


def test_a_damaged_outcome_of_a_failed_pack_is_none(pack: PlannedPack, submitted: SubmittedJob) -> None:
    failed = outcome_of(pack, untouched(pack), ValueError("broken"))
    submitted.submission.keep_failed(failed)
    (file,) = submitted.submission.folder.glob("*.failed")
    content = file.read_bytes()
    kept = submitted.submission.failed(pack)
    assert kept is not None
    assert kept.reason == failed.reason
    for case in range(DAMAGED):
        file.write_bytes(flipped(content, random.Random(f"failed {case}")))
        assert submitted.submission.failed(pack) is None
    file.write_bytes(content[:40])
    assert submitted.submission.failed(pack) is None


def test_damaged_packs_are_never_trained(submitted: SubmittedJob) -> None:
    """A flipped bit may be another learning rate, under the fingerprint of the right one."""
    assert [one.digest for one in submitted.submission.read()[0][0]] == [*submitted.bundle.known]
    file = submitted.submission.folder / "packs.pickle"
    content = file.read_bytes()
    for case in range(DAMAGED):
        file.write_bytes(flipped(content, random.Random(f"packs {case}")))
        with pytest.raises(ValueError, match="is not what was written"):
            submitted.submission.read()


def test_small_packs_share_a_job_and_long_ones_have_their_own(
    pack: PlannedPack, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = [100.0, 30.0, 40.0, 1.0]
    packs = [pack.take([row]) for row in range(4)]  # type: ignore[arg-type]
    by_digest = dict(zip([one.digest for one in packs], seconds, strict=True))
    monkeypatch.setattr(job_sizes, "typical_seconds", lambda one, _: by_digest[one.digest])
    assert job_sizes.bundled(packs, 1, 60.0) == [[packs[0]], [packs[1], packs[2]], [packs[3]]]
    assert job_sizes.bundled(packs, 1, 0.0) == [[one] for one in packs]


def test_a_job_asks_for_what_its_packs_need_within_what_nodes_have(pack: PlannedPack) -> None:
    size = job_sizes.job_size([pack], SlurmConfig(), NODES)
    assert (size.cores, size.minutes, size.warning_seconds) == (4, 30, 90)
    assert size.memory > pack.memory
    large = job_sizes.job_size([pack, replace(pack, memory=2**33), pack], SlurmConfig(), NODES)
    assert large.memory >= 1.5 * 2**33, "a prediction is rough, and SLURM ends a job beyond its limit"
    assert job_sizes.capacity(SlurmConfig(), NODES).jobs == 3
    asked = SlurmConfig(cpus_per_task=2, memory=3.0, time=2, array_parallelism=5)
    assert job_sizes.job_size([pack], asked, NODES) == job_sizes.JobSize(2, 3 * 2**30, 2, 40)
    assert job_sizes.capacity(asked, NODES).jobs == 5
    assert job_sizes.capacity(asked, NODES).memory == 3 * 2**30
    assert job_sizes.capacity(SlurmConfig(), []).jobs == 1  # no cluster is here


def test_jobs_with_gpus_are_as_many_as_the_nodes_have_gpus_for(pack: PlannedPack) -> None:
    nodes = [replace(node, gpus=gpus) for node, gpus in zip(NODES, (2, 1), strict=True)]
    assert job_sizes.capacity(SlurmConfig(cpus_per_task=1), nodes).jobs == 12
    assert job_sizes.capacity(SlurmConfig(cpus_per_task=1, gpus_per_task=1), nodes).jobs == 3
    assert job_sizes.capacity(SlurmConfig(cpus_per_task=8, gpus_per_task=1), nodes).jobs == 1
    large = replace(pack, pack=replace(pack.pack, device="cuda"), memory=2**36)
    assert job_sizes.job_size([large], SlurmConfig(gpus_per_task=1), nodes).memory <= 8_000 * 2**20


def test_runs_on_a_gpu_without_one_asked_for_are_refused(pack: PlannedPack, commands: Path) -> None:
    put(commands, "sbatch", "")
    put(commands, "sinfo", "")
    there = replace(pack, pack=replace(pack.pack, device="cuda"))
    with pytest.raises(BadInput, match=r"^slurm\.gpus_per_task is 0, and runs train on a GPU; allowed: "):
        EXECUTORS["slurm"].check([there], SlurmConfig())  # type: ignore[attr-defined]
    EXECUTORS["slurm"].check([there], SlurmConfig(gpus_per_task=1))  # type: ignore[attr-defined]


def test_a_dry_run_says_jobs_and_core_hours(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: ARG001
    command = ["data=blobs", "network.width=4,8", "slurm.cpus_per_task=3", "slurm.memory=2", "slurm.job_seconds=0"]
    assert main([*command, "executor=slurm", "slurm.array_parallelism=2", "slurm.time=10", "dry_run=true"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "core-hours" in line]
    assert "jobs 2, 2 at a time, each 3 cores and 2.0 GiB for up to 10 minutes" in line
    more = ["executor=slurm", "slurm.array_parallelism=2", "slurm.time=10", "dry_run=true", "--json"]
    assert cli.main([*command, *more]) == 0
    found = json.loads(capsys.readouterr().out)["cluster"]
    assert (found["jobs"], found["at_a_time"], found["cores"], found["minutes"]) == (2, 2, 3, 10)
    assert found["memory_bytes"] == 2 * 2**30
    assert found["core_hours"] == pytest.approx(3 * 2 * found["seconds"] / 3600, rel=0.1)


def test_the_queue_is_read_by_name_and_a_silent_controller_is_no_empty_queue(commands: Path) -> None:
    put(commands, "squeue", 'echo "a|7_2|RUNNING|None"; echo "b|9|PENDING|Resources"')
    running, waiting = slurm_queue.jobs_of(["a", "b"]) or []
    assert (running.token, running.place, running.waits) == ("a", 2, False)
    assert (waiting.token, waiting.place, waiting.waits, waiting.reason) == ("b", 0, True, "Resources")
    put(commands, "squeue", "exit 1")
    assert slurm_queue.jobs_of(["a"]) is None


def test_nodes_are_those_of_the_partition_or_of_the_default_one(commands: Path) -> None:
    put(commands, "sbatch", "")
    gpus = "gpu:a100:4(S:0-1),gpu:2,gpumem:80G"
    first, second = f"main*|8|16000|30:00|{gpus}", "long|4|8000+|2-01:00:00|(null)"
    put(commands, "sinfo", f'echo "{first}"; echo "{second}"; echo "long|4|8000|infinite|shard:8"')
    assert slurm_queue.nodes(None) == [Node(8, 16_000, 30, 6)]
    assert slurm_queue.nodes("long") == [Node(4, 8_000, 49 * 60), Node(4, 8_000, None)]
    assert slurm_queue.nodes("none") == []


ENDINGS = {
    "TIMEOUT": ("reached its time limit before it could stop", True),
    "CANCELLED": ("was cancelled", True),
    "NODE_FAIL": ("lost its node", True),
    "OUT_OF_MEMORY": ("ran out of memory (OUT_OF_MEMORY, exit 0:125); more slurm.memory helps", False),
    "FAILED": ("was killed (FAILED, exit 0:9)", False),
    "": ("is gone, and SLURM does not know how it ended", True),
}


@pytest.mark.parametrize("state", ENDINGS)
def test_why_a_job_is_gone_is_one_line_and_whose_fault_it_was(
    state: str, pack: PlannedPack, tmp_path: Path, commands: Path
) -> None:
    """Asked of `scontrol`, and where that has forgotten it of `sacct`, which is absent on many clusters."""
    code = "0:125" if state == "OUT_OF_MEMORY" else "0:9"
    put(commands, "scontrol", "exit 1")
    put(commands, "sacct", f'echo "{state} by 0|{code}"' if state else "exit 1")
    if state != "CANCELLED" and state:
        put(commands, "scontrol", f'echo "JobId=7 JobState={state} ExitCode={code}"')
    made = Submission.new(tmp_path / "toy", [[pack]], ExecutionContext(1, Checkpoints(tmp_path)))
    made.accept(["7_0"])
    (job,) = SubmittedJob.all_of(made, [[pack]], Checkpoints(tmp_path))
    job.bundle.follow(BEGAN)
    loss = loss_of(job)
    words, of_the_machine = ENDINGS[state]
    assert loss.words.startswith(f"job 7_0 {words}")
    assert (loss.of_the_machine, loss.hopeless) == (of_the_machine, False)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("slurmstepd-n1: error: Detected 1 oom-kill event(s) in StepId=1.0.", "ran out of memory (FAILED, exit 1:0)"),
        ("srun: error: n1: task 0: Out Of Memory", "ran out of memory (FAILED, exit 1:0)"),
        ("ValueError: an oom-kill of its own", "was killed (FAILED, exit 1:0)"),
    ],
)
def test_a_step_that_the_kernel_ended_for_its_memory_is_told_by_what_slurm_printed(
    line: str, told: str, submitted: SubmittedJob, commands: Path
) -> None:
    """SLURM calls such a job FAILED if the step was ended, and its script was not."""
    put(commands, "scontrol", 'echo "JobId=7 JobState=FAILED ExitCode=1:0"')
    submitted.submission.output.mkdir(exist_ok=True)
    (submitted.submission.output / "7_0_0_log.err").write_text(f"{line}\n")
    submitted.bundle.follow(BEGAN)
    assert loss_of(submitted).words.startswith(f"job 7_0 {told}")
    assert not loss_of(submitted).of_the_machine


def after(job: SubmittedJob, losses: PackLosses, is_stopping: bool = False) -> tuple[list[Message], list[PlannedPack]]:
    """What is said of the loss of a job, and the packs to be submitted again."""
    said, follows = [], after_loss(job, losses, is_stopping)
    while True:
        try:
            said.append(next(follows))
        except StopIteration as end:
            return said, end.value


def in_training(job: SubmittedJob, ending: str) -> SubmittedJob:
    """The job, lost with this ending while it trained its first pack."""
    job.ending = Ending(ending, "0:9")
    job.bundle.follow(BEGAN)
    job.bundle.follow(PackStarted.of(job.bundle.waiting[0]))
    return job


def test_a_pack_that_its_nodes_lose_is_submitted_again_until_it_has_lost_three_in_a_row(
    pack: PlannedPack, submitted: SubmittedJob
) -> None:
    in_training(submitted, "NODE_FAIL")
    losses = PackLosses(submitted.checkpoints)
    for _ in range(3):
        said, again = after(submitted, losses)
        assert ([type(one) for one in said], again) == ([PackRetried], [pack])
    (failed,), again = after(submitted, losses)
    assert isinstance(failed, PackDone)
    assert (failed.failed, again) == (4, [])
    assert failed.outcome is not None
    assert failed.outcome.reason == "job 7_0 lost its node"


def test_losses_of_a_pack_that_gets_on_between_them_are_not_in_a_row(
    pack: PlannedPack, submitted: SubmittedJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_training(submitted, "PREEMPTED")
    epochs = count()
    monkeypatch.setattr(submitted.checkpoints, "epoch_of", lambda _: next(epochs))
    losses = PackLosses(submitted.checkpoints)
    assert [after(submitted, losses)[1] for _ in range(9)] == [[pack]] * 9


def test_a_pack_whose_training_ends_its_jobs_is_tried_in_halves_and_a_single_run_once_more(
    pack: PlannedPack, submitted: SubmittedJob, tmp_path: Path
) -> None:
    half, _ = pack.halves()
    for planned, follows in ((pack, [2, 2]), (half, [1, 1])):
        job = in_training(replace(submitted, bundle=Bundle([planned])), "FAILED")
        _, again = after(job, PackLosses(submitted.checkpoints))
        assert [part.pack.runs for part in again] == follows
    run, _ = half.halves()
    job, losses = in_training(replace(submitted, bundle=Bundle([run])), "FAILED"), PackLosses(Checkpoints(tmp_path))
    assert after(job, losses)[1] == [run]
    (failed,), again = after(job, losses)
    assert isinstance(failed, PackDone)
    assert again == []


def test_packs_that_wait_in_jobs_that_are_lost_wait_no_more_than_three_times(
    pack: PlannedPack, submitted: SubmittedJob
) -> None:
    """Nothing says that they will ever begin; before the first is in training none is the cause."""
    first, second = pack.halves()
    job, losses = replace(submitted, bundle=Bundle([first, second])), PackLosses(submitted.checkpoints)
    job.ending = Ending("CANCELLED")
    job.bundle.follow(BEGAN)
    assert [after(job, losses)[1] for _ in range(3)] == [[first, second]] * 3
    said, again = after(job, losses)
    assert again == []
    assert [one.pack for one in said if isinstance(one, PackDone)] == [first.digest, second.digest]


def test_a_job_that_could_never_begin_fails_its_packs_at_once(pack: PlannedPack, submitted: SubmittedJob) -> None:
    submitted.hopeless = "InvalidQOS"
    said, again = after(submitted, PackLosses(submitted.checkpoints))
    assert again == []
    assert [one.outcome.reason for one in said if isinstance(one, PackDone) and one.outcome] == [
        "job 7_0 can never begin, SLURM says: InvalidQOS"
    ]
    assert [type(one) for one in said] == [PackStarted, PackDone]
    assert said[0].pack == pack.digest


def test_of_a_pack_only_those_runs_are_submitted_that_no_job_trains(
    pack: PlannedPack, submitted: SubmittedJob, tmp_path: Path
) -> None:
    driven = Driver(ExecutionContext(1, Checkpoints(tmp_path)), lambda packs: [list(packs)], lambda *_: [])
    assert driven._uncovered([pack]) == [pack]
    half, other = pack.halves()
    driven._jobs = [replace(submitted, bundle=Bundle([half]))]
    (left_over,) = driven._uncovered([pack])
    assert left_over.fingerprints == other.fingerprints
    driven._jobs = [submitted]
    assert driven._uncovered([half, other]) == []


def test_an_ending_without_an_exit_code_is_its_state_alone() -> None:
    assert str(Ending("CANCELLED", "0:0")) == "CANCELLED"


def test_without_slurm_or_submitit_it_is_refused_in_one_line(
    pack: PlannedPack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BadInput, match="slurm needs"):
        EXECUTORS["slurm"].check([pack], SlurmConfig())  # type: ignore[attr-defined]


def test_an_executor_of_this_machine_cannot_be_left(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: ARG001
    assert main(["data=blobs", "detach=true"]) == 2
    assert capsys.readouterr().err == "detach is true, and executor is inline; allowed with jobs of a cluster\n"


def test_of_several_jobs_one_compiles_and_the_others_wait_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jit, "cache_folder", lambda: str(tmp_path))
    monkeypatch.setattr(jit, "is_compiled", (tmp_path / "passes.nbc").exists)
    monkeypatch.setattr(compiling, "_BETWEEN_TRIES", 0.01)
    order: list[str] = []

    def second() -> None:
        with compiling.compiled_by_one():
            order.append("second")

    with compiling.compiled_by_one() as compiled:
        other = Thread(target=second)
        other.start()
        order.append("first")
        (tmp_path / "passes.nbc").touch()
        compiled()
        other.join()
    assert order == ["first", "second"]
    assert [file.name for file in tmp_path.iterdir()] == ["passes.nbc"]


def test_a_lock_that_a_killed_job_left_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jit, "cache_folder", lambda: str(tmp_path))
    monkeypatch.setattr(jit, "is_compiled", (tmp_path / "passes.nbc").exists)
    monkeypatch.setattr(compiling, "_BETWEEN_TRIES", 0.01)
    monkeypatch.setattr(compiling, "_DEAD_SECONDS", 0.05)
    (tmp_path / "compiling").mkdir()
    with compiling.compiled_by_one():
        assert (tmp_path / "compiling").exists()
    assert not (tmp_path / "compiling").exists()


def test_a_lock_that_is_touched_is_waited_for_though_a_client_of_nfs_remembers_how_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jit, "cache_folder", lambda: str(tmp_path))
    monkeypatch.setattr(jit, "is_compiled", (tmp_path / "passes.nbc").exists)
    lock, clock, honest = tmp_path / "compiling", count(0, 5), os.stat
    lock.mkdir()
    remembered = lock.stat()
    monkeypatch.setattr(os, "stat", lambda path, **how: remembered if Path(path) == lock else honest(path, **how))
    monkeypatch.setattr(compiling, "monotonic", lambda: float(next(clock)))  # no five readings are within a lock's life
    touches = iter(range(1, 20))

    def touched(_seconds: float) -> None:
        if number := next(touches, 0):
            os.utime(lock, (number, number))
        elif lock.exists():
            lock.rmdir()
            (tmp_path / "passes.nbc").touch()

    monkeypatch.setattr(compiling, "sleep", touched)
    with compiling.compiled_by_one():
        assert next(touches, None) is None  # it had waited until the other one was done
    assert [file.name for file in tmp_path.iterdir()] == ["passes.nbc"]


def test_within_a_job_cores_are_those_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench.sweep.execution.cores import cores

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "1")
    assert cores() == 1
