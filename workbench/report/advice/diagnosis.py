"""From the symptoms of every setting of a sweep to what is wrong with it, and the commands to type next."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from workbench.report import wording
from workbench.report.advice.commands import command_with
from workbench.report.advice.faults import FAULTS, HEALTHY, Fault, Remedy
from workbench.report.advice.symptoms import Setting, Symptoms, settings_of
from workbench.report.language.words import commas, say
from workbench.report.statistics.design import Design

if TYPE_CHECKING:
    from workbench.tracking.read import SweepTables

IN_PERCENT = {"lost", "fit", "held_out", "best_held_out", "dead", "falling", "jumps"}


@dataclass(frozen=True)
class Proposal:
    """What to try: in words, the very command, the claim behind it ("" for none) and on what that claim depends."""

    words: str
    command: str
    claim: str
    depends: str


@dataclass(frozen=True)
class Advice:
    """A fault, the settings of the sweep that have it, the evidence of the plainest one of them, and proposals."""

    fault: str
    settings: int
    of: int
    example: str
    evidence: str
    proposals: tuple[Proposal, ...]

    @property
    def healthy(self) -> bool:
        """Whether there is nothing to cure."""
        return self.fault == HEALTHY


def diagnose(symptoms: Symptoms, activation: str = "") -> Fault | None:
    """The first fault whose conditions all hold; None if too little is known."""
    known = asdict(symptoms)
    for fault in FAULTS:
        possible = not fault.activations or not activation or activation in fault.activations
        if possible and all(condition.holds(known[condition.symptom]) for condition in fault.conditions):
            return fault
    return None


def advice(tables: SweepTables, design: Design) -> tuple[Advice, ...]:
    """What is wrong with the settings of a sweep: that of most settings first, what is healthy last."""
    found: dict[str, list[Setting]] = {}
    faults: dict[str, Fault] = {}
    for setting in settings_of(tables, design):
        if fault := diagnose(setting.symptoms, _activation(setting)):
            found.setdefault(fault.name, []).append(setting)
            faults[fault.name] = fault
    total = sum(map(len, found.values()))
    order = sorted(found, key=lambda name: (name == HEALTHY, -len(found[name]), list(faults).index(name)))
    return tuple(advised(faults[name], found[name], total, design) for name in order)


def _activation(setting: Setting) -> str:
    column = setting.runs.get("network.activation")
    return str(column.iloc[0]) if column is not None else ""


def advised(fault: Fault, settings: Sequence[Setting], total: int, design: Design) -> Advice:
    """The advice on one fault. Its example fits its training data worst of all settings, of healthy ones best."""
    fits = np.nan_to_num([setting.symptoms.fit for setting in settings], nan=-1.0)
    shown = settings[int(np.argmax(fits) if fault.name == HEALTHY else np.argmin(fits))]
    row = shown.runs.iloc[0]
    labels = [
        say("setting.one", name=factor.name, value=factor.labels[int(row[f"level:{factor.key}"])])
        for factor in design.factors
    ]
    proposals = [_proposal(remedy, row) for remedy in fault.remedies]
    return Advice(
        fault.name, len(settings), total, commas(labels), say(fault.evidence, **_in_words(shown.symptoms)),
        tuple(one for one in proposals if one),
    )  # fmt: skip


def _in_words(symptoms: Symptoms) -> dict[str, str]:
    """Every symptom as a sentence has it."""
    found = {}
    for name, value in asdict(symptoms).items():
        if name in IN_PERCENT:
            found[name] = wording.amount(value, "train_accuracy")
        elif name == "best_epoch":
            found[name] = f"{value:.0f}" if math.isfinite(value) else "\u2013"
        else:
            found[name] = wording.number(value, 2)
    found["moved"] = _moved(symptoms.falling)
    return found


def _moved(falling: float) -> str:
    """How the training loss moved that fell by this share of itself."""
    share = wording.amount(abs(falling), "train_accuracy")
    return say("symptom.rose", share=share) if falling < 0 else say("symptom.fell", share=share)


def _proposal(remedy: Remedy, row: pd.Series) -> Proposal | None:
    """A remedy for the run of that row; None if it changes nothing of it."""
    command = command_with(row, remedy.changes)
    return Proposal(remedy.words, command, remedy.claim, remedy.depends) if command else None
