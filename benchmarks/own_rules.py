"""A person's own rules, from a folder of their own, beside ours: the same bare steps, compiled."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.contest import Entry, Rules, compete
from benchmarks.hosts import Teams
from benchmarks.ours import Bare
from benchmarks.statistics import ratio, spread
from benchmarks.works import Work, pack_of
from workbench.engine.kernels.checks import check
from workbench.engine.kernels.choice import resolve_kernel
from workbench.engine.rules import rule_files

FOLDER = Path(__file__).resolve().parent / "rules"
WORK = Work("digits", 2, 32, 64, 32)
OURS = "relu, adam"
# Name -> what differs from ReLU and Adam. Copies show what it costs that a rule is a person's own.
OWN: dict[str, dict[str, str]] = {
    "own copy of relu": {"activation": "own_relu"},
    "own copy of adam": {"optimizer": "own_adam"},
    "swish": {"activation": "swish"},
    "adabelief": {"optimizer": "adabelief"},
}


class OwnBare(Bare):
    """Training steps alone, after the rules of the folder are installed and checked in this process."""

    def __init__(self, work: Work, runs: np.ndarray, kernel: str) -> None:
        rule_files.install([file for path in sorted(FOLDER.glob("*.py")) if (file := rule_files.read(path))])
        for (table, name), file in rule_files.rows_of_own().items():
            if name in (work.activation, work.optimizer):
                check(file, table, name)
        resolve_kernel(kernel, pack_of(work, runs, kernel))  # raises if a rule is not compiled
        super().__init__(work, runs, kernel)


def measure(teams: Teams, rules: Rules, quick: bool) -> dict[str, Any]:
    """Of each own rule: its rate, and the time of its step over that of ReLU with Adam, taken within rounds."""
    work = replace(WORK, runs=2) if quick else WORK
    works = {OURS: work} | {name: replace(work, **changes) for name, changes in OWN.items()}
    scores = compete([Entry(name, "own rules, compiled", one) for name, one in works.items()], teams, rules)
    rows = [
        {
            "name": name,
            "run_steps_per_second": spread(score.rates).as_dict(),
            "time_over_ours": ratio(scores[OURS].rates, score.rates).as_dict(),
            "setup_seconds": score.setup,
        }
        for name, score in scores.items()
    ]
    return {"work": work.name, "rows": rows}
