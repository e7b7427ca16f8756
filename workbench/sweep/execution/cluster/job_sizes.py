"""Distributes packs over jobs, and computes what a job requests: cores, memory, time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from workbench import quantities
from workbench.config import SlurmConfig
from workbench.sweep.execution.cluster.slurm_queue import Node
from workbench.sweep.execution.executor import Capacity, Forecast
from workbench.sweep.planning.packs import PlannedPack
from workbench.sweep.planning.speed import typical_seconds

USUAL_CORES, USUAL_MINUTES, MOST_JOBS = 4, 60, 256
STARTING_SECONDS = 20.0  # of a job, before it trains
STARTING_MEMORY = 2**29  # bytes for interpreter, libraries and compiler
_SPARE = 1.5  # times a pack's predicted memory, which is rough: SLURM kills a job beyond its limit
_WARNED_SHARE = 3  # a job trains for at least the rest of this share of its limit


@dataclass(frozen=True)
class JobSize:
    """What a job requests: cores, memory in bytes, minutes, and how long before the limit it is warned, in seconds."""

    cores: int
    memory: int
    minutes: int
    warning_seconds: int


def capacity(asked: SlurmConfig, nodes: Sequence[Node]) -> Capacity:
    """How many such jobs a partition of these nodes runs at once, and the memory of each; guesses if none is known."""
    cores = cores_of_job(asked, nodes)
    places = sum(_places(node, cores, asked.gpus_per_task) for node in nodes)
    share = min((node.memory * 2**20 * min(1.0, cores / node.cores) for node in nodes), default=0.0)
    memory = round((asked.memory or 0) * 2**30 or share) or cores * 2**31
    return Capacity(asked.array_parallelism or min(max(1, places), MOST_JOBS), memory)


def _places(node: Node, cores: int, gpus: int) -> int:
    """How many jobs of so many cores and GPUs run at once on a node."""
    return min(node.cores // cores, *([node.gpus // gpus] if gpus else []), node.cores)


def cores_of_job(asked: SlurmConfig, nodes: Sequence[Node]) -> int:
    """The cores of a job."""
    return asked.cpus_per_task or min([USUAL_CORES, *(node.cores for node in nodes)])


def job_size(packs: Iterable[PlannedPack], asked: SlurmConfig, nodes: Sequence[Node]) -> JobSize:
    """What a job requests that trains these packs one after the other.

    Packs on a GPU are as large as its memory, and may be larger than a node's: they request no more than their share.
    """
    packs = list(packs)
    predicted = STARTING_MEMORY + _SPARE * max((pack.memory for pack in packs), default=0)
    if nodes and any(pack.pack.device != "cpu" for pack in packs):
        predicted = min(predicted, capacity(asked, nodes).memory)
    minutes = asked.time or min([USUAL_MINUTES, *(node.limit for node in nodes if node.limit)])
    return JobSize(
        cores_of_job(asked, nodes),
        round(asked.memory * 2**30 if asked.memory else predicted),
        minutes,
        min(asked.warning_seconds, minutes * 60 // _WARNED_SHARE),
    )


def bundled(packs: Sequence[PlannedPack], cores: int, job_seconds: float) -> list[list[PlannedPack]]:
    """The packs of each job, in order. Packs share a job until it is expected to take `job_seconds`."""
    bundles: list[list[PlannedPack]] = []
    filled = job_seconds  # of the last bundle, in seconds
    for pack in packs:
        seconds = typical_seconds(pack, cores)
        if max(filled, seconds) >= job_seconds:
            bundles.append([])
            filled = 0.0
        bundles[-1].append(pack)
        filled += seconds
    return bundles


def forecast(packs: Sequence[PlannedPack], asked: SlurmConfig, nodes: Sequence[Node], at_once: int) -> Forecast:
    """How many jobs, how large, and how long they take on a typical processor."""
    size = job_size(packs, asked, nodes)
    jobs = bundled(packs, size.cores, asked.job_seconds)
    of_jobs = [STARTING_SECONDS + sum(typical_seconds(pack, size.cores) for pack in job) for job in jobs]
    together = min(at_once, len(jobs))
    whole = max(sum(of_jobs) / together, max(of_jobs)) if jobs else 0.0
    hours = sum(of_jobs) * size.cores / 3600
    return Forecast(len(jobs), together, size.cores, size.memory, size.minutes, whole, hours)


def estimate(packs: Sequence[PlannedPack], asked: SlurmConfig, nodes: Sequence[Node], at_once: int) -> str:
    """The same in words, for `dry_run=true`."""
    if not packs:
        return "none, nothing is left to train"
    found = forecast(packs, asked, nodes, at_once)
    each = f"each {found.cores} cores and {quantities.size(found.memory_bytes)} for up to {found.minutes} minutes"
    return (
        f"about {quantities.clock(found.seconds)} and {found.core_hours:.2g} core-hours, without waiting in the queue: "
        f"jobs {found.jobs}, {found.at_a_time} at a time, {each} (basis: a typical processor)"
    )
