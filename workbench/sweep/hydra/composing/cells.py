"""The cells of a sweep, from its jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from workbench.config import SETTINGS, RunConfig, Unread, setting_of
from workbench.config.setting import Value
from workbench.redaction import redacted_override
from workbench.sweep.hydra.complain import refuse_path
from workbench.sweep.hydra.composing.cell import Cell
from workbench.sweep.hydra.composing.composer import Composer
from workbench.sweep.hydra.composing.designs import Design, OfJob, configs_of, designs_of
from workbench.sweep.hydra.composing.factors import factors_of, keys_typed
from workbench.sweep.hydra.composing.unread import source_readers, unread_of
from workbench.sweep.hydra.sweep_file_checks import check_choice


def cells(composer: Composer, jobs: Sequence[Sequence[str]]) -> list[Cell]:
    """The cells of a sweep, one a job. Raises BadInput if a job cannot be composed or its values are not allowed."""
    designs, of_jobs = designs_of(composer, jobs)
    for group, name in dict.fromkeys(item for design in designs for item in design.composed.choices.items()):
        refuse_path(group, name)
        check_choice(group, name)
    configs = configs_of(designs, of_jobs)
    choices = [designs[place].composed.choices for place, _ in of_jobs]
    typed_in = keys_typed([design.job for design in designs], composer)
    typed = [typed_in[place] for place, _ in of_jobs]
    keys = list(dict.fromkeys(key for row in typed_in for key in row))
    held = zip(configs, choices, strict=True)
    columns = factors_of(keys, [{key: _held(key, config, chosen) for key in keys} for config, chosen in held])
    unread = _unread(configs, designs, of_jobs)
    shown = {text: redacted_override(text) for text in {text for job in jobs for text in job}}
    rows = zip(jobs, columns, configs, choices, typed, unread, strict=True)
    return [Cell(i, tuple(shown[text] for text in job), *row) for i, (job, *row) in enumerate(rows)]


def _held(key: str, config: RunConfig, chosen: Mapping[str, str]) -> Value:
    """What a cell has for a config group or a setting; None for any other key."""
    return chosen.get(key) or (setting_of(config, key) if key in SETTINGS else None)


def _unread(
    configs: Sequence[RunConfig], designs: Sequence[Design], of_jobs: Sequence[OfJob]
) -> list[dict[str, Unread]]:
    """What each job does not read. A seed decides nothing of that, so jobs that differ in their seeds share it.

    Of a job that goes on from a stored run nothing is said, since that run decides what is read.
    """
    readers = source_readers()
    known: dict[tuple[object, ...], dict[str, Unread]] = {}
    found: dict[int, dict[str, Unread]] = {}
    for config, (place, seed) in zip(configs, of_jobs, strict=True):
        if seed is not None:
            continue
        job = designs[place].composed
        key = (replace(config, seed=0), tuple(job.choices.items()), job.interpolated)
        if key not in known:
            goes_on = config.from_run is not None
            known[key] = {} if goes_on else unread_of(config, job.choices, job.interpolated, readers)
        found[place] = known[key]
    return [found[place] for place, _ in of_jobs]
