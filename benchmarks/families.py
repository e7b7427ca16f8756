"""Every activation, optimizer, penalty and dropout against the fastest of its family: no slow path may be left."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from benchmarks.contest import CONTESTANTS, Entry, Rules, compete
from benchmarks.hosts import Teams
from benchmarks.statistics import ratio, spread
from benchmarks.works import Work
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.rules.penalties import PENALTIES

BASE = Work("digits", 3, 128, 16, 32)
# A strength that acts without changing much. Max-norm bounds by it.
STRENGTHS = {"max_norm": 1.0}
STRENGTH = 1e-4

# Family -> name -> work. Their bare steps are measured: between epochs all are the same.
FAMILIES: dict[str, dict[str, Work]] = {
    "activation": {name: replace(BASE, activation=name) for name in ACTIVATIONS},
    "optimizer": {name: replace(BASE, optimizer=name) for name in OPTIMIZERS},
    "penalty": {
        "none": BASE,
        **{name: BASE.with_columns(**{name: STRENGTHS.get(name, STRENGTH)}) for name in PENALTIES},
        "l1 and l2": BASE.with_columns(l1=STRENGTH, l2=STRENGTH),
    },
    "dropout": {
        "none": BASE,
        "hidden 0.5": BASE.with_columns(dropout_rate=0.5),
        "hidden 0.5, inputs 0.2": BASE.with_columns(dropout_rate=0.5, input_dropout_rate=0.2),
    },
}


def measure(teams: Teams, rules: Rules, quick: bool) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """By kernel and family, each name's rate and the time of its step over that of the family's fastest."""
    kernels = [name for name in ("compiled", "plain") if CONTESTANTS[f"bare, {name}"].is_here]
    return {
        kernel: {family: _family(kernel, works, teams, rules, quick) for family, works in FAMILIES.items()}
        for kernel in kernels
    }


def _family(kernel: str, works: dict[str, Work], teams: Teams, rules: Rules, quick: bool) -> list[dict[str, Any]]:
    fewer = {name: replace(work, runs=2) if quick else work for name, work in works.items()}
    scores = compete([Entry(name, f"bare, {kernel}", work) for name, work in fewer.items()], teams, rules)
    fastest = max(scores.values(), key=lambda score: spread(score.rates).median)
    return [
        {
            "name": name,
            "run_steps_per_second": spread(score.rates).as_dict(),
            "time_over_fastest": ratio(fastest.rates, score.rates).as_dict(),
        }
        for name, score in scores.items()
    ]
