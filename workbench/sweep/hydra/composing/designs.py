"""Jobs that differ in nothing but their seeds are one design, which is composed and checked once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from workbench.config import RunConfig, check, run_config
from workbench.sweep.hydra.complain import complaint
from workbench.sweep.hydra.composing.composer import Composed, Composer
from workbench.sweep.hydra.composing.seeds import decides_nothing_else, without_seed


@dataclass(frozen=True)
class Design:
    """Jobs that differ in nothing but their seeds: the first of them, and how Hydra composes that one."""

    job: Sequence[str]
    composed: Composed


OfJob = tuple[int, int | None]  # the place of a job's design, and its seed if it is not the design's first job


def designs_of(composer: Composer, jobs: Sequence[Sequence[str]]) -> tuple[list[Design], list[OfJob]]:
    """The designs in the order of their first jobs, and the place of every job."""
    designs: list[Design] = []
    of_jobs: list[OfJob] = []
    shared: dict[tuple[str, ...], int] = {}
    for job in jobs:
        rest, seed = without_seed(job)
        if seed is not None and rest in shared:
            of_jobs.append((shared[rest], seed))
            continue
        try:
            composed = composer.compose(job)
        except (HydraException, OmegaConfBaseException) as error:
            raise complaint(error, job, composer.loader) from error
        if seed is not None and decides_nothing_else(rest, composed.interpolated):
            shared[rest] = len(designs)
        of_jobs.append((len(designs), None))
        designs.append(Design(job, composed))
    return designs, of_jobs


def configs_of(designs: Sequence[Design], of_jobs: Sequence[OfJob]) -> list[RunConfig]:
    """The checked configuration of every job. A seed fits everything else, so it is checked by itself."""
    first: dict[int, RunConfig] = {}
    configs = []
    for place, seed in of_jobs:
        if seed is None:
            config = first[place] = run_config(designs[place].composed.values)
        else:
            check("seed", seed)
            config = replace(first[place], seed=seed)
        configs.append(config)
    return configs
