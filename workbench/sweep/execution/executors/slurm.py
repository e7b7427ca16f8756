"""Packs trained by the jobs of a SLURM cluster, submitted as arrays through submitit.

Jobs communicate through files in the sweep's folder, which every node must see; no port is opened. `cluster/` has the
driver of the jobs, the code that runs in a job, and SLURM's commands.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from importlib.util import find_spec

from workbench import blas
from workbench.config import SlurmConfig
from workbench.engine.errors import BadInput
from workbench.sweep.execution.cluster import job_sizes, slurm_queue
from workbench.sweep.execution.cluster.driver import Driver
from workbench.sweep.execution.cluster.submission import Submission
from workbench.sweep.execution.executor import Capacity, ExecutionContext, Forecast
from workbench.sweep.execution.messages import Messages
from workbench.sweep.planning.packs import PlannedPack

_FOR_EVER = 10**6  # how often a job may be started again after its time limit


class Slurm:
    """See the contract, `PackExecutor`."""

    summary = (
        "jobs of a SLURM cluster train packs, submitted as arrays; the sweep's folder is on a disk that nodes share"
    )

    def packs_at_once(self, workers: int) -> int:
        """One for each job."""
        return workers

    def capacity(self, asked: SlurmConfig) -> Capacity:
        """As many jobs as the partition has cores for, each with the memory that goes with its cores."""
        return job_sizes.capacity(asked, slurm_queue.nodes(asked.partition))

    def estimate(self, packs: Sequence[PlannedPack], asked: SlurmConfig, jobs: int) -> str:
        """Jobs, core-hours and memory."""
        return job_sizes.estimate(packs, asked, slurm_queue.nodes(asked.partition), jobs)

    def forecast(self, packs: Sequence[PlannedPack], asked: SlurmConfig, jobs: int) -> Forecast:
        """The same in numbers."""
        return job_sizes.forecast(packs, asked, slurm_queue.nodes(asked.partition), jobs)

    def check(self, packs: Sequence[PlannedPack], asked: SlurmConfig) -> None:
        """Ask SLURM whether it would accept the jobs."""
        if find_spec("submitit") is None:
            raise BadInput("executor: slurm needs submitit; install the extra 'slurm'")
        if not slurm_queue.is_here():
            raise BadInput("executor: slurm needs SLURM's commands, and found no sbatch on this machine")
        if not asked.gpus_per_task and any(pack.pack.device != "cpu" for pack in packs):
            raise BadInput(
                "slurm.gpus_per_task is 0, and runs train on a GPU; allowed: slurm.gpus_per_task=1, or device=cpu"
            )
        size = job_sizes.job_size(packs, asked, slurm_queue.nodes(asked.partition))
        options = {**_parameters(asked, size), **_further(asked)}
        flags = "".join(f"#SBATCH --{name.replace('_', '-')}={value}\n" for name, value in options.items())
        if words := slurm_queue.refusal(f"#!/bin/sh\n{flags.replace('=True', '')}"):
            raise BadInput(f"slurm: sbatch refuses such jobs: {words}")

    def train(self, packs: Sequence[PlannedPack], context: ExecutionContext) -> Messages:
        """Submit, follow and collect. Raises KeyboardInterrupt once all jobs have stopped."""
        nodes = slurm_queue.nodes(context.slurm.partition)

        def bundled(waiting: Sequence[PlannedPack]) -> list[list[PlannedPack]]:
            return job_sizes.bundled(waiting, job_sizes.cores_of_job(context.slurm, nodes), context.slurm.job_seconds)

        def submit(submission: Submission, bundles: list[list[PlannedPack]]) -> list[str]:
            size = job_sizes.job_size([pack for bundle in bundles for pack in bundle], context.slurm, nodes)
            return _submit(submission, len(bundles), context, size)

        yield from Driver(context, bundled, submit).train(packs)


SLURM = {"slurm": Slurm()}


def _submit(submission: Submission, jobs: int, context: ExecutionContext, size: job_sizes.JobSize) -> list[str]:
    """Submit so many jobs as one array; their numbers. Raises BadInput with SLURM's own words if it refuses them."""
    from submitit import SlurmExecutor  # late: only this executor needs it
    from submitit.core.utils import FailedJobError, FailedSubmissionError

    from workbench.sweep.execution.cluster.job import TrainBundle

    blas.one_thread_unless_set()  # in the environment of the jobs
    asked = context.slurm
    executor = SlurmExecutor(submission.output, max_num_timeout=_FOR_EVER, python=asked.python)
    executor.update_parameters(
        **_parameters(asked, size),
        job_name=submission.token,
        signal_delay_s=size.warning_seconds,
        array_parallelism=context.workers,
        setup=[asked.setup] if asked.setup else None,
        srun_args=[f"--cpus-per-task={size.cores}"],
        additional_parameters={"requeue": True, **_further(asked)},
    )
    try:
        submitted = executor.map_array(TrainBundle(), [str(submission.folder)] * jobs, list(range(jobs)))
    except (FailedJobError, FailedSubmissionError) as error:
        raise BadInput(f"slurm: sbatch refuses the jobs: {slurm_queue.in_words(_said(error))}") from None
    return [job.job_id for job in submitted]


def _parameters(asked: SlurmConfig, size: job_sizes.JobSize) -> dict[str, object]:
    """Parameters as sbatch names them, with underscores."""
    parameters: dict[str, object] = {
        "cpus_per_task": size.cores,
        "mem": f"{-(-size.memory // 2**20)}M",
        "time": size.minutes,
        "partition": asked.partition,
        "account": asked.account,
        "gpus_per_task": asked.gpus_per_task or None,
        "ntasks_per_node": 1,
        "nodes": 1,
    }
    return {name: value for name, value in parameters.items() if value is not None}


def _further(asked: SlurmConfig) -> dict[str, object]:
    """The further options of sbatch, by name without the dashes."""
    found: dict[str, object] = {}
    try:
        words = shlex.split(asked.options)
    except ValueError:
        words = [asked.options]
    for word in words:
        name, equals, value = word.removeprefix("--").partition("=")
        if not word.startswith("--") or not name:
            raise BadInput(
                f"slurm.options is {asked.options!r}; allowed: options of sbatch such as --qos=long --exclusive"
            )
        found[name] = value if equals else True
    return found


def _said(error: Exception) -> str:
    """The lines that sbatch printed, from an error of submitit."""
    lines = str(error).splitlines()
    return "\n".join(line for line in lines if "sbatch: error" in line) or (lines[-1] if lines else "")
