"""From runs to packs: runs that share every static setting train together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise

import numpy as np

from workbench import quantities
from workbench.config import SETTINGS, DataConfig, RunConfig
from workbench.config.setting import Value, integers
from workbench.data import describe, split_sizes
from workbench.data.dataset import Facts
from workbench.engine.rules.losses import LOSSES
from workbench.engine.training.architecture import NETWORKS, Architecture
from workbench.engine.training.layout import Layout
from workbench.engine.training.pack import Pack
from workbench.engine.training.sizes import memory_of_pack
from workbench.sweep.gone_on_from import Origin
from workbench.sweep.planning.free_memory import PACKS_SHARE
from workbench.sweep.planning.going_on import judged_alike
from workbench.sweep.planning.identity import engine_columns, engine_pack, joint_digest

COUNTED = ("fused", "graph")  # kernels whose device memory is predicted exactly, array by array
LARGEST_PACK = 256  # runs, on a CPU: larger packs are not faster there, and an interruption costs more


@dataclass(frozen=True)
class Run:
    """One run to be trained.

    Its fingerprint, its settings as composed, all that decides its numbers (see `identity.numbers`), and the stored run
    that it goes on from.
    """

    fingerprint: str
    config: RunConfig
    numbers: Mapping[str, Value]
    origin: Origin | None = None


@dataclass(frozen=True)
class Examples:
    """Which data the runs of a pack read, with the digest these must have: arguments of `data.load` and `prepare`."""

    config: DataConfig
    label_noise: np.ndarray
    scaling: tuple[str, ...]
    test_noise: np.ndarray


@dataclass(frozen=True)
class PlannedPack:
    """A pack to be trained: a plain value that can be pickled.

    `analyses` are those of each run, "" for none; `train_examples` is the size of the training split. `memory` is the
    predicted size in bytes; `cost` is the expected training time in a unit common to all packs; `updates` are those of
    its longest run. `origin` is the stored run that all of them go on from, and `same_judge` whether the validation
    loss of its best epoch counts among theirs.
    """

    digest: str
    label: str
    fingerprints: tuple[str, ...]
    pack: Pack
    examples: Examples
    analyses: tuple[str, ...]
    train_examples: int
    updates: int
    memory: int
    cost: float
    origin: Origin | None = None
    same_judge: bool = False

    @property
    def epochs(self) -> int:
        """Epochs of the longest run."""
        return int(self.pack.columns["epochs"].max())

    def take(self, rows: np.ndarray) -> PlannedPack:
        """The pack of some of the runs, by their places."""
        marks = tuple(self.fingerprints[row] for row in rows)
        examples, share = self.examples, len(rows) / len(self.fingerprints)
        return replace(
            self,
            digest=joint_digest(marks),
            fingerprints=marks,
            pack=self.pack.take(rows),
            examples=replace(
                examples,
                label_noise=examples.label_noise[rows],
                scaling=tuple(examples.scaling[row] for row in rows),
                test_noise=examples.test_noise[rows],
            ),
            analyses=tuple(self.analyses[row] for row in rows),
            memory=round(self.memory * share),
            cost=self.cost * share,
        )

    def halves(self) -> list[PlannedPack]:
        """The two halves of a pack of several runs."""
        return [self.take(rows) for rows in np.array_split(np.arange(self.pack.runs), 2)]


@dataclass(frozen=True)
class MemoryBudget:
    """The limit for packs: `total` bytes of free memory, `shared` by the packs that train at once, unless each has
    this much to itself. Packs may use `share` of it.
    """

    total: int
    packs_at_once: int = 1
    shared: bool = True
    share: float = PACKS_SHARE

    @property
    def of_a_pack(self) -> int:
        """The largest predicted size of a pack, in bytes."""
        return int(self.total * self.share) // (self.packs_at_once if self.shared else 1)


def unfit(runs: Sequence[Run], budget: MemoryBudget) -> dict[str, str]:
    """The runs that do not fit in memory even alone: fingerprint -> reason."""
    reasons: dict[tuple[Value, ...], str] = {}
    found = {}
    for run in runs:
        key = _static(run)
        if key not in reasons:
            size = _at_least(run)
            size = size if size > budget.total else _planned([run]).memory
            needed, free = quantities.size(size), quantities.size(budget.total)
            words = f"does not fit in memory: takes about {needed}, and {free} are free"
            reasons[key] = words if size > budget.total else ""
        if reasons[key]:
            found[run.fingerprint] = reasons[key]
    return found


def packed(runs: Sequence[Run], budget: MemoryBudget, kept: Iterable[Sequence[str]] = ()) -> list[PlannedPack]:
    """Group runs into packs that fit, the most costly pack first.

    `kept` are packs of an earlier start as ordered fingerprints. What is left of each stays together, because one
    checkpoint holds all of its runs.
    """
    left = {run.fingerprint: run for run in runs}
    groups = []
    for marks in kept:
        together = [left.pop(mark) for mark in marks if mark in left]
        groups += _by_shape(together)
    fresh = _by_shape(list(left.values()))
    parts = [part for group in groups for part in _cut(group, budget, 1)]
    parts += [part for group in fresh for part in _cut(group, budget, -(-budget.packs_at_once // len(fresh)))]
    return sorted((_planned(part) for part in parts), key=lambda pack: -pack.cost)


def _by_shape(runs: Sequence[Run]) -> list[list[Run]]:
    """The runs grouped by their static settings: those of a group can train together."""
    groups: dict[tuple[Value, ...], list[Run]] = {}
    for run in runs:
        groups.setdefault(_static(run), []).append(run)
    return list(groups.values())


def _static(run: Run) -> tuple[Value, ...]:
    return run.config.data.path, *(value for key, value in run.numbers.items() if SETTINGS[key].role == "static")


def _cut(group: list[Run], budget: MemoryBudget, parts: int) -> list[list[Run]]:
    """A group cut into parts of nearly equal size that fit in memory: at least `parts`, if there are as many runs."""
    if group[0].numbers["device"] == "cpu":
        parts = max(parts, -(-len(group) // LARGEST_PACK))
    parts = min(max(parts, _planned(group).memory // max(1, budget.of_a_pack)), len(group))
    while parts < len(group) and _planned(group[: -(-len(group) // parts)]).memory > budget.of_a_pack:
        parts += 1
    return [[group[i] for i in part] for part in np.array_split(np.arange(len(group)), parts)]


def _at_least(run: Run) -> int:
    """Bytes of the weights between hidden layers: a lower bound that needs no network, however large it would be."""
    network = run.config.network
    widths = integers(str(network.widths)) or (network.width,) * min(network.depth, 2)
    between = [one * other for one, other in pairwise(widths)]
    weights = sum(between) if network.widths else max(network.depth - 1, 0) * sum(between)
    return weights * np.dtype(run.config.dtype).itemsize


def architecture_of(pack: Pack, facts: Facts) -> Architecture:
    """The networks of a pack, for data of these facts."""
    return pack.architecture(facts.features, LOSSES[pack.loss].units(facts.outputs), facts.image)


def _planned(runs: list[Run]) -> PlannedPack:
    first = runs[0]
    columns = engine_columns([run.numbers for run in runs])
    pack = engine_pack(first.numbers, columns)
    facts = describe(first.config.data)
    sizes = split_sizes(facts, first.config.data.train_size, first.config.data.validation, first.config.data.test)
    updates = sizes.train // pack.batch_size
    architecture = architecture_of(pack, facts)
    done = first.origin.epoch if first.origin else 0
    if first.origin:
        first.origin.begin(1, Layout(architecture).size, same_judge=True)  # raises if the networks are not its own
    work = sum(layer.work(pack.batch_size) for layer in architecture.sequence)  # of an update
    return PlannedPack(
        digest=joint_digest(run.fingerprint for run in runs),
        label=_label(first),
        fingerprints=tuple(run.fingerprint for run in runs),
        pack=pack,
        examples=Examples(
            first.config.data,
            np.array([run.numbers["data.label_noise"] for run in runs]),
            tuple(str(run.numbers["data.scaling"]) for run in runs),
            np.array([run.numbers.get("data.test_noise", 0.0) for run in runs]),
        ),
        analyses=tuple(str(run.numbers.get("analyses", "")) for run in runs),
        train_examples=sizes.train,
        updates=updates * (int(columns["epochs"].max()) - done),
        memory=_memory(pack, architecture, asdict(sizes), facts),
        cost=float(columns["epochs"].sum() - done * len(runs)) * updates * work,
        origin=first.origin,
        same_judge=first.origin is not None and all(judged_alike(run.config, first.origin) for run in runs),
    )


def _memory(pack: Pack, architecture: Architecture, examples: Mapping[str, int], facts: Facts) -> int:
    """The predicted bytes of a pack where it trains: on the device for the kernels in COUNTED, else on the host."""
    if pack.kernel not in COUNTED:
        return memory_of_pack(pack, architecture, examples)
    from workbench.engine.kernels.cuda import memory  # late: no other pack needs it

    stored = sum(examples.values()) * facts.features * 4  # float32 at most
    of_a_run = memory.memory_per_run(pack, architecture, dict(examples), facts.classes)
    return pack.runs * of_a_run + memory.memory_of_pack(stored)


def _label(run: Run) -> str:
    network = run.config.network
    images = f"{network.name} {network.channels} + " if NETWORKS[network.name].of_images else ""
    sizes = network.widths or f"{network.depth} x {network.width}"
    layers = f"{network.activation} {images}{sizes}"
    return f"{run.config.data.name}, {layers}, {run.config.optimizer.name}"
