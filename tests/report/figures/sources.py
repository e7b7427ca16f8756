"""What figures are drawn from in tests: a sweep with a claim and a figure of its own, a comparison, both also empty."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from tests.report.synthetic import Tables, sweep
from workbench.claims import Arm, Claim, Figure, Lines, Paired, runs, varied
from workbench.report.figures.analysed import Analyses
from workbench.report.figures.base import DrawnFigure, FigureKind, Panel
from workbench.report.figures.findings import Findings
from workbench.report.figures.pareto_front import ParetoFront
from workbench.report.figures.single_factor import SingleFactor
from workbench.report.figures.whole_curves import WholeCurves
from workbench.report.statistics.comparison import Comparison, compare
from workbench.report.verdicts.decision import decide_all

DEPTH, ACTIVATION, ACCURACY = "network.depth", "network.activation", "best_test_accuracy"
HOSTILE = '</text><script>alert(1)</script> & "$x_1$"'
RULE = Paired(
    ACCURACY, Arm("3", {DEPTH: 3, ACTIVATION: "sigmoid"}), Arm("1", {DEPTH: 1, ACTIVATION: "sigmoid"}), 0.01, "lower",
    tuple(range(12)),
)  # fmt: skip
CLAIM = Claim("C1", "Deeper is worse.", "", RULE, vary=varied(RULE, {ACTIVATION: ("sigmoid", HOSTILE)}))
OWN = Figure("Depth", f"Deeper: {HOSTILE}", runs(DEPTH, ACTIVATION, ACCURACY), Lines(DEPTH, ACCURACY, by=ACTIVATION))


@cache
def tables(seeds: int = 4) -> Tables:
    """A sweep over two factors in which every run finished."""
    return sweep({DEPTH: (1, 3), ACTIVATION: ("sigmoid", HOSTILE)}, seeds=seeds, trouble=False)


@cache
def search(trials: int = 24, optuna: bool = True) -> Tables:
    """A search over two numbers and a name, in which the learning rate decides and the width does nothing."""
    chance = np.random.default_rng(7)
    settings = {
        "optimizer.learning_rate": 10 ** chance.uniform(-3, 0, trials), "network.width": chance.uniform(8, 64, trials),
        "network.activation": chance.choice(["relu", "tanh"], trials),
    }  # fmt: skip
    whole = sweep({"trial": tuple(range(trials))}, seeds=3, epochs=2, trouble=False, layers=False, name="search")
    number = whole.runs["trial"].to_numpy()
    loss = 0.1 + (np.log10(settings["optimizer.learning_rate"])[number] + 1) ** 2 + chance.uniform(0, 0.02, len(number))
    columns = {key: values[number] for key, values in settings.items()}
    runs = whole.runs.drop(columns="trial").assign(**columns, best_validation_loss=loss)
    command = "python -m workbench hydra/sweeper=optuna 'optimizer.learning_rate=tag(log,interval(1e-3,1))'"
    facts = whole.facts | {"command": command if optuna else "python -m workbench"}
    return replace(whole, facts=facts, factors=(*settings, "seed"), runs=runs)


@cache
def search_by_two() -> Tables:
    """The same search by two metrics that pull against each other: trials with the least losses take longest."""
    whole = search()
    epoch = np.round(40 - 30 * whole.runs["best_validation_loss"]).clip(lower=1)
    goals = "'hydra.sweeper.metric=[best_validation_loss,best_epoch]' 'hydra.sweeper.direction=[null,minimize]'"
    facts = whole.facts | {"command": f"{whole.facts['command']} {goals}"}
    return replace(whole, facts=facts, runs=whole.runs.assign(best_epoch=epoch))


def without_result(whole: Tables) -> Tables:
    """The sweep with every cell still to be trained."""
    held = whole.runs.drop(columns=[name for name in whole.runs if str(name).startswith(("last_", "best_"))])
    waiting = held.assign(outcome="pending", reused=False)
    return replace(whole, runs=waiting, epochs=whole.epochs.iloc[:0], layers=whole.layers.iloc[:0])


def findings(whole: Tables) -> Findings:
    """What the page of a sweep is drawn from, with a claim and a figure of the experiment."""
    return Findings(whole, [(CLAIM, decide_all([CLAIM], whole)[0])], [OWN])  # type: ignore[arg-type]


@cache
def comparison() -> Comparison:
    """The sweep beside one with another accuracy."""
    changed = tables().runs.assign(**{ACCURACY: tables().runs[ACCURACY] * 0.9 + 0.01 * tables().runs["seed"]})
    return compare(tables(), replace(tables(), name="changed", runs=changed))  # type: ignore[arg-type]


@cache
def source_of(section: str) -> Any:
    """What a kind of figure of that section is drawn from."""
    if section == "search":
        return Findings(search())  # type: ignore[arg-type]
    return comparison() if section == "comparison" else findings(tables())


@cache
def empty_source_of(section: str) -> Any:
    """The same without any result."""
    if section != "comparison":
        return findings(without_result(tables()))
    whole = comparison()
    sides = tuple(without_result(side) for side in whole.sides)  # type: ignore[arg-type]
    return replace(whole, sides=sides, cases=dict.fromkeys(whole.cases, ()))


@cache
def of_one_setting() -> Findings:
    """A sweep over nothing but seeds."""
    return Findings(sweep({}, seeds=4, trouble=False))  # type: ignore[arg-type]


@cache
def of_analysed() -> Findings:
    """The sweep over two factors whose networks were pruned, counted for dead units and read by linear probes."""
    whole = tables()
    chance = np.random.default_rng(2)
    columns = {"analyses": "dead_units+linear_probes+pruning", "dead_units": chance.uniform(0, 1, len(whole.runs))}
    pruned = np.array([0.0, 0.5, 0.9])
    cell, share = np.repeat(whole.runs["cell"].to_numpy(), 3), np.tile(pruned, len(whole.runs))
    kept = pd.DataFrame({"cell": cell, "pruned": share, "accuracy": 0.9 - 0.5 * share**2})
    layer = np.tile([0, 1], len(whole.runs))
    cell = np.repeat(whole.runs["cell"].to_numpy(), 2)
    probes = pd.DataFrame({"cell": cell, "layer": layer, "network": "trained", "accuracy": 0.7 + 0.1 * layer})
    further = {"pruning": kept, "linear_probes": probes}
    return Findings(replace(whole, runs=whole.runs.assign(**columns), tables=whole.tables | further))  # type: ignore[arg-type]


def source_for(kind: FigureKind[Any, Any]) -> Any:
    """What a kind of figure has something to draw from."""
    if isinstance(kind, Analyses):
        return of_analysed()
    if isinstance(kind, ParetoFront):
        return Findings(search_by_two())  # type: ignore[arg-type]
    if isinstance(kind, SingleFactor):
        return Findings(sweep({"network.activation": ("sigmoid", "relu")}, seeds=3, epochs=4))  # type: ignore[arg-type]
    return of_one_setting() if isinstance(kind, WholeCurves) else source_of(kind.section)


@cache
def panels_of(kind: FigureKind[Any, Any]) -> tuple[Panel, ...]:
    """Every drawing of a kind of figure."""
    data = kind.reduce(source_for(kind))
    return tuple(panel for place, one in enumerate(data) for panel in kind.panels(one, place))


@cache
def figures_of(kind: FigureKind[Any, Any]) -> tuple[DrawnFigure, ...]:
    """Every figure of a kind, painted."""
    return tuple(kind.drawn(source_for(kind)))
