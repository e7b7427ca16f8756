"""Remarks on a plan: how a person's own data were read, how many examples a batch size leaves out, and which networks
are too large for the fastest kernel of a GPU, or for its probes.
"""

from __future__ import annotations

from collections.abc import Sequence

from workbench.data import describe, known
from workbench.engine.kernels.choice import why_not_fused, why_not_probed_in_blocks
from workbench.sweep.planning.packs import PlannedPack, Run, architecture_of

NOTEWORTHY = 0.05  # share of the training examples that an epoch leaves out
MOST = 3  # lines about batch sizes


def remarks(packs: Sequence[PlannedPack], measurements: Sequence[Run]) -> list[str]:
    """A line for each remark on the packs and measurements. Raises BadInput if data are no longer available."""
    configs = dict.fromkeys([*(pack.examples.config for pack in packs), *(run.config.data for run in measurements)])
    understood = dict.fromkeys(said for config in configs if (said := known(config).remark))
    return [*understood, *_left_out(packs), *_outside_blocks(packs)]


def _left_out(packs: Sequence[PlannedPack]) -> list[str]:
    """A line for each batch size that leaves many examples out of every epoch, the worst first."""
    found = {
        (pack.train_examples % pack.pack.batch_size / pack.train_examples, pack.pack.batch_size, pack.train_examples)
        for pack in packs
    }
    shown = sorted((row for row in found if row[0] >= NOTEWORTHY), reverse=True)
    lines = [_line(*row) for row in shown[:MOST]]
    return [*lines, f"and {len(shown) - MOST} more batch sizes leave many out"] if len(shown) > MOST else lines


def _line(share: float, batch: int, examples: int) -> str:
    better = min(range(batch, batch // 2, -1), key=lambda size: examples % size)
    return (
        f"training.batch_size={batch}: every epoch leaves out {examples % batch} of {examples} training examples "
        f"({share:.0%}), others each time, as they fill no minibatch; {better} would leave out "
        f"{examples % better or 'none'}"
    )


def _outside_blocks(packs: Sequence[PlannedPack]) -> list[str]:
    """One line if networks do not fit one block of the GPU, and one if they fit but their probes do not: which, and how
    many more.
    """
    trained: dict[object, str] = {}
    probed: dict[object, str] = {}
    for planned in packs:
        facts, pack = describe(planned.examples.config), planned.pack
        architecture = architecture_of(pack, facts)
        if why := why_not_fused(pack, architecture):
            shape = (architecture, pack.batch_size, pack.optimizer)
            trained[shape] = f"{planned.label}: {why}: it trains as CUDA graphs"
        elif why := why_not_probed_in_blocks(pack, architecture, planned.train_examples):
            probed[architecture] = f"{planned.label}: {why}: it is probed by array functions"
    return [_first_of(list(lines.values())) for lines in (trained, probed) if lines]


def _first_of(lines: list[str]) -> str:
    more = f"; so do others, {len(lines)} shapes of network in all" if len(lines) > 1 else ""
    return lines[0] + more
