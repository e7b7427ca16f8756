"""Figures of published papers' sweeps in Chinese: every column, panel and legend, on test errors that are made up."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from tests.experiments.composed import FILES
from tests.report.page.languages import said, single_words_left
from workbench import places
from workbench.report.experiments import experiment_in
from workbench.report.figures.base import DrawnFigure
from workbench.report.figures.own_figures import OwnFigures, Reduced

SEEDS, EPOCHS = range(3), range(5)
PAPERS = [stem for stem in FILES if any(letter.isdigit() for letter in stem)]
NAMES = {"logistic", "istic", "max-norm", "max norm", "learning_curves"}


def arms_of(stem: str) -> tuple[str, ...]:
    """The arms of a sweep file."""
    text = (places.ours("conf") / "sweep" / f"{stem}.yaml").read_text(encoding="utf-8")
    return tuple(yaml.safe_load(text)["hydra"]["sweeper"]["arms"])


def tables(stem: str) -> Any:
    """Every arm of the sweep file has finished with every seed; no two have one error."""
    runs = pd.DataFrame([
        {"cell": place * len(SEEDS) + seed, "arm": arm, "seed": seed, "outcome": "finished",
         "last_test_accuracy": 0.9 + 0.001 * place + 0.0001 * seed}
        for place, arm in enumerate(arms_of(stem)) for seed in SEEDS
    ])  # fmt: skip
    epochs = runs.loc[np.repeat(runs.index, len(EPOCHS)), ["cell", "last_test_accuracy"]]
    epoch = np.tile(EPOCHS, len(runs))
    errors = (1 - epochs.pop("last_test_accuracy")) * (1 + epoch.max() - epoch)
    return SimpleNamespace(runs=runs, epochs=epochs.assign(epoch=epoch, test_accuracy=1 - errors))


def shown(drawn: DrawnFigure) -> str:
    """All that a reader sees of a figure, as a page has it."""
    texts = [drawn.title, drawn.caption, drawn.legend_of, *(key.label for key in drawn.legend), *(drawn.scale or ())]
    texts += [text for row in (drawn.table.heads, *drawn.table.rows) for text in row]
    texts += [plot.title for plot in drawn.plots]
    return "".join(f"<p>{said(text)}</p>" for text in texts) + "".join(plot.svg for plot in drawn.plots)


def test_every_paper_is_asked_for() -> None:
    assert len(PAPERS) == 6


@pytest.mark.parametrize("stem", PAPERS)
def test_no_word_of_its_figures_stays_english(stem: str) -> None:
    kind, held = OwnFigures(), tables(stem)
    figures = experiment_in(FILES[stem]).figures
    assert figures
    for place, figure in enumerate(figures):
        drawn = kind.one(Reduced(figure, figure.data(held)), place)
        assert drawn.plots, drawn.caption
        found = single_words_left(shown(drawn), {*NAMES, *held.runs["arm"]})
        assert found == [], stem
