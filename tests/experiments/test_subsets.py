"""Any part of a shipped sweep gives a page: no measure and no figure fails for want of an arm, a column or a seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.experiments.composed import FILES, cells_of
from tests.repetitions import mostly_thorough
from tests.report import synthetic
from workbench.engine.rules.probes import PROBES
from workbench.measure import ANALYSES, MEASUREMENTS
from workbench.report.experiments import Experiment, experiment_in
from workbench.report.figures.findings import Findings
from workbench.report.figures.own_figures import OwnFigures
from workbench.report.verdicts.decision import decide_all

TABLES: dict[str, dict[str, Any]] = {  # what analyses and measurements leave beside their metrics, two rows of each
    "weight_histogram": {"layer": [1, 2], "log10_size": [-2.0, -1.0], "share": [0.5, 0.5]},
    "pruning": {"pruned": [0.0, 0.5], "accuracy": [0.9, 0.8], "loss": [0.3, 0.6]},
    "monte_carlo": {
        "form": ["scaled", "monte_carlo"], "samples": [1, 10], "accuracy": [0.9, 0.8], "loss": [0.3, 0.6],
    },
    "linear_probes": {"layer": [0, 1], "network": ["untrained", "trained"], "accuracy": [0.9, 0.8]},
    "reliability": {"when": ["best", "last"], "confidence": [0.5, 0.9], "accuracy": [0.4, 0.8], "share": [0.5, 0.5]},
    "learned_slopes": {"layer": [1, 2], "slope": [0.01, 0.1]},
    "shrinkage": {"size": [0.1, 1.0], "lost_by_l1": [0.1, 0.1], "lost_by_l2": [0.01, 0.1]},
    "optimizer_memory": {"optimizer": ["adagrad", "rmsprop"], "step": [1, 1], "effective_step": [1.0, 0.5]},
    "tilted_cosine": {"lambda": [0.0, 0.9], "tilt": [0.1, 0.1], "escaped": [0.0, 1.0]},
    "ball_paths": {"tilt": [0.2, 0.2], "lambda": [0.0, 0.9], "step": [0, 1], "position": [-3.0, -2.9]},
    "sums_of_sigmoids": {"curve": ["relu", "fixed"], "spacing": [0.0, 0.25], "x": [0.0, 1.0], "sum": [0.0, 1.3]},
    "shifted_sigmoids": {
        "spacing": [0.5, 1.0], "steeper_to_relu": [0.1, 0.2], "fixed_to_relu": [0.7, 0.7],
        "fixed_to_softplus": [0.1, 0.2],
    },
    "memorizers": {
        "model": ["tree", "neighbours"], "size": [0, 1], "train_accuracy": [1.0, 1.0], "test_accuracy": [0.8, 0.9],
    },
}  # fmt: skip
CURVE = ("loss", "accuracy")


@dataclass(frozen=True)
class Tables(synthetic.Tables):
    """With what was measured, as the store has it."""

    tables: dict[str, pd.DataFrame] = field(default_factory=dict)


def made_up(cells: pd.DataFrame, outcome: str = "finished", measured: bool = True) -> Tables:
    """These cells with numbers of every metric that a run of them gives."""
    chance = np.random.default_rng(0)
    rows = [
        {"cell": number, "name": f"run {number}", "fingerprint": f"f{number}", "outcome": outcome, "reason": "",
         "reused": False, "run_id": "", "origin": "", "started": 0.0, "ended": 1.0, "weights_digest": ""}
        | cell | (_metrics(cell, chance) if measured else {})
        for number, cell in enumerate(cells.to_dict("records"))
    ]  # fmt: skip
    runs = pd.DataFrame(rows)
    held = {name: pd.merge(runs[["cell", "fingerprint"]], pd.DataFrame(rows), how="cross")
            for name, rows in TABLES.items()}  # fmt: skip
    epochs, layers = _histories(runs, chance)
    factors = tuple(key for key in ("arm", "seed") if key in cells)
    none = epochs.iloc[:0], layers.iloc[:0], {}
    epochs, layers, held = (epochs, layers, held) if measured else none
    return Tables("part", {}, factors, runs, epochs, layers, held)


def _metrics(cell: dict[str, Any], chance: np.random.Generator) -> dict[str, float]:
    if cell["measure"] in MEASUREMENTS:
        names = [*MEASUREMENTS[cell["measure"]].returns]
    else:
        names = [f"{when}_{part}_{kind}" for when in ("last", "best") for part in ("train", "validation", "test")
                 for kind in CURVE] + ["best_epoch", "epochs"]  # fmt: skip
        names += [name for analysis in str(cell["analyses"]).split("+") if analysis in ANALYSES
                  for name in ANALYSES[analysis].returns]  # fmt: skip
    return dict(zip(names, chance.uniform(0.1, 0.9, len(names)), strict=True))


def _histories(runs: pd.DataFrame, chance: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    names = [f"{part}_{kind}" for part in ("train", "validation", "test") for kind in CURVE]
    epochs = runs[["cell"]].merge(pd.DataFrame({"epoch": range(3)}), how="cross")
    epochs = epochs.assign(**{name: chance.uniform(0.1, 0.9, len(epochs)) for name in names})
    layers = runs[["cell"]].merge(pd.DataFrame({"epoch": (0, 5)}), how="cross")
    layers = layers.merge(pd.DataFrame({"layer": (1, 2, 3)}), how="cross")
    layers = layers.merge(pd.DataFrame({"probe": [*PROBES, "gini"]}), how="cross")
    return epochs, layers.assign(value=chance.uniform(0.1, 0.9, len(layers)))


def parts(cells: pd.DataFrame) -> Iterator[tuple[str, Tables]]:
    """Parts of a sweep, each with what it lacks."""
    yield "no more than the seed", made_up(cells)
    yield "nothing finished", made_up(cells, "pending", measured=False)
    first = cells.iloc[:1]
    yield "one cell", made_up(first.dropna(axis="columns").drop(columns="arm", errors="ignore"))
    yield "one cell, measured of nothing", made_up(first.dropna(axis="columns"), measured=False)
    yield "no setting but the seed", made_up(first[["seed", "measure", "analyses", "data.name"]])
    for arm in cells["arm"].dropna().unique() if "arm" in cells else ():
        mine = cells[cells["arm"] == arm].iloc[:2].dropna(axis="columns", how="all")
        yield f"the arm {arm} alone", made_up(mine.drop(columns="arm"))


def failures(experiment: Experiment, tables: Tables) -> list[str]:
    """What fails of a page: measures by their notes, figures by their captions."""
    judged = decide_all(experiment.claims, tables)
    found = [note for one in judged for note in one.notes if "failed" in note]
    kind = OwnFigures()
    for reduced in kind.reduce(Findings(tables, (), experiment.figures)):
        found += [f"{reduced.figure.title}: {reduced.why}"] if "could not" in reduced.why else []
        if not reduced.why:
            kind.panels(reduced, 0), kind.table(reduced), kind.legend(reduced), kind.scale(reduced)
    return found


@pytest.mark.parametrize("stem", mostly_thorough(FILES, "memorizers"))
def test_any_part_of_a_sweep_gives_a_page(stem: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    experiment = experiment_in(FILES[stem])
    found = {part: failures(experiment, tables) for part, tables in parts(cells_of(stem, tmp_path_factory))}
    assert {part: faults for part, faults in found.items() if faults} == {}
