"""The plan of a sweep: the runs of its cells, those that the store holds, and packs of the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from workbench.config import RunConfig, as_read
from workbench.config.reading import TRAINING
from workbench.config.setting import Value
from workbench.quantities import counted
from workbench.sweep.execution.measuring import COST
from workbench.sweep.hydra.composing.cell import Cell
from workbench.sweep.instruments import Instruments
from workbench.sweep.planning.identity import content, fingerprints_by_seed, joint_digest, numbers, pinned, run_name
from workbench.sweep.planning.packs import MemoryBudget, PlannedPack, Run, packed, unfit
from workbench.sweep.planning.remarks import remarks
from workbench.sweep.run_outcomes import PENDING
from workbench.sweep.store import Held, RunRecord


@dataclass(frozen=True)
class PlannedCell:
    """A cell with its name, its run's fingerprint and the settings that decide its numbers."""

    cell: Cell
    name: str
    fingerprint: str
    numbers: Mapping[str, Value]


@dataclass(frozen=True)
class Plan:
    """What a sweep will do. Several cells may ask for one run: it is trained once and shown in each of them.

    `packs` are trained; `measurements` are the cells that measure instead; `unfit` are the runs that cannot be trained
    here, fingerprint -> reason.
    """

    cells: list[PlannedCell]
    held: dict[str, Held]
    packs: list[PlannedPack]
    measurements: list[Run] = field(default_factory=list)
    unfit: dict[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """The identity of the set of cells."""
        return joint_digest(cell.fingerprint for cell in self.cells)

    @property
    def runs_to_train(self) -> int:
        """Runs that are not held."""
        return sum(pack.pack.runs for pack in self.packs)

    @property
    def runs_to_do(self) -> int:
        """Runs to be trained or measured."""
        return self.runs_to_train + len(self.measurements)

    @property
    def cost(self) -> float:
        """The work of all packs, in the units of `PlannedPack.cost`."""
        return sum(pack.cost for pack in self.packs) + COST * len(self.measurements)

    def held_since(self, place: int, search: str) -> list[str]:
        """The outcomes of those held runs that batches of the search trained, of the cells from that place on."""
        marks = dict.fromkeys(cell.fingerprint for cell in self.cells[place:])
        return [self.held[mark].outcome for mark in marks if mark in self.held and self.held[mark].part_of == search]

    def records(self) -> list[RunRecord]:
        """Every cell as it stands before training: pending, or held with its origin."""
        pack_of = {name: pack.digest for pack in self.packs for name in pack.fingerprints}
        return [
            RunRecord(
                cell=cell.cell.index,
                name=cell.name,
                fingerprint=cell.fingerprint,
                pack=pack_of.get(cell.fingerprint, ""),
                overrides=cell.cell.overrides,
                factors=dict(cell.cell.factors),
                params=dict(cell.numbers),
                outcome=self.held[cell.fingerprint].outcome if cell.fingerprint in self.held else PENDING,
                origin=self.held[cell.fingerprint].run_id if cell.fingerprint in self.held else "",
            )
            for cell in self.cells
        ]

    def remarks(self) -> list[str]:
        """What a person should know before training, a line each; see `remarks`."""
        return remarks(self.packs, self.measurements)

    def factors(self) -> tuple[str, ...]:
        """The keys that vary over the cells."""
        return tuple(dict.fromkeys(key for cell in self.cells for key in cell.cell.factors))


def identified(cells: Sequence[Cell], instruments: Instruments | None = None) -> list[PlannedCell]:
    """The cells with the identities of their runs, their data pinned to the digest these have now.

    Raises BadInput if a device or dataset is not available.
    """
    pins = {data: pinned(data) for data in dict.fromkeys(cell.config.data for cell in cells)}
    known: dict[RunConfig, _Identity] = {}  # of runs that differ in nothing but their seeds: it decides no more of it
    planned = []
    for cell in cells:
        config = replace(cell.config, data=pins[cell.config.data])
        like = replace(config, seed=0)
        if (shared := known.get(like)) is None:
            shared = known[like] = _identity(config, instruments)
        decided = {**shared.decided, "seed": config.seed}
        name = run_name(config, cell.choices, cell.factors)
        planned.append(PlannedCell(replace(cell, config=config), name, shared.fingerprint(config.seed), decided))
    return planned


@dataclass(frozen=True)
class _Identity:
    """What decides the numbers of runs that differ in their seeds alone: their settings, and what is digested for the
    fingerprint of the run with each seed.
    """

    decided: Mapping[str, Value]
    fingerprint: Callable[[int], str]


def _identity(config: RunConfig, instruments: Instruments | None) -> _Identity:
    decided, read = numbers(config), as_read(config)
    versions = instruments.versions(decided) if instruments else []
    read_alone = decided if read == config else numbers(read)
    return _Identity(decided, fingerprints_by_seed(read_alone, content(config), versions))


def plan(
    cells: Sequence[PlannedCell], held: Mapping[str, Held], budget: MemoryBudget, kept: Iterable[Sequence[str]] = ()
) -> Plan:
    """What is left to train, in packs that fit into memory; `kept` as in `packed`."""
    runs = {cell.fingerprint: Run(cell.fingerprint, cell.cell.config, cell.numbers, cell.cell.origin) for cell in cells}
    present = {mark: held[mark] for mark in runs if mark in held}
    left = [run for mark, run in runs.items() if mark not in present]
    trained = [run for run in left if run.config.measure == TRAINING]
    too_large = unfit(trained, budget)
    packs = packed([run for run in trained if run.fingerprint not in too_large], budget, kept)
    return Plan(list(cells), present, packs, [run for run in left if run.config.measure != TRAINING], too_large)


def described(plan: Plan, name: str, page: str, time: str) -> str:
    """The plan in words, for `dry_run=true`: runs, packs, what varies, memory, time, and where the report will be."""
    marks = {cell.fingerprint for cell in plan.cells}
    lines = [
        f"sweep {name}: {counted(len(plan.cells), 'cell')}, {counted(len(marks), 'run')}; {len(plan.held)} held "
        f"already, {plan.runs_to_train} to train in {counted(len(plan.packs), 'pack')}{to_measure(plan)}",
        *(f"  varies: {key} = {', '.join(values)}" for key, values in _levels(plan).items()),
        *(
            f"  pack {pack.digest}: {counted(pack.pack.runs, 'run'):>9} · {pack.label} · "
            f"{counted(pack.updates, 'update')}{' each' * (pack.pack.runs > 1)}"
            f" · {pack.memory / 2**20:,.0f} MiB"
            for pack in plan.packs
        ),
        *(
            f"  {counted(count, 'run')} cannot be trained here: {reason}"
            for reason, count in Counter(plan.unfit.values()).items()
        ),
        *(f"  note: {remark}" for remark in plan.remarks()),
        f"  time: {time}",
        f"  report: {page}",
    ]
    return "\n".join(lines)


def as_data(plan: Plan, name: str, page: str, time: str) -> dict[str, object]:
    """The same for a machine."""
    return {
        "sweep": name,
        "cells": len(plan.cells),
        "runs": len({cell.fingerprint for cell in plan.cells}),
        "held": len(plan.held),
        "to_train": plan.runs_to_train,
        "to_measure": len(plan.measurements),
        "varies": _levels(plan),
        "packs": [
            {
                "digest": pack.digest,
                "runs": pack.pack.runs,
                "label": pack.label,
                "updates": pack.updates,
                "memory_bytes": pack.memory,
            }
            for pack in plan.packs
        ],
        "unfit": [{"reason": reason, "runs": count} for reason, count in Counter(plan.unfit.values()).items()],
        "remarks": plan.remarks(),
        "time": time,
        "page": page,
    }


def to_measure(plan: Plan) -> str:
    """Like ", 12 to measure"; empty if nothing is."""
    return f", {len(plan.measurements)} to measure" if plan.measurements else ""


def _levels(plan: Plan) -> dict[str, list[str]]:
    counts: dict[str, Counter[str]] = {}
    for cell in plan.cells:
        for key, value in cell.cell.factors.items():
            counts.setdefault(key, Counter())["null" if value is None else str(value)] += 1
    return {key: list(values) for key, values in counts.items()}
