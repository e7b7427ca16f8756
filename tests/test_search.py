"""`hydra/sweeper=optuna`: searched in batches that train together, stored, and gone on with where it stopped."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench import app
from workbench.engine.errors import BadInput
from workbench.sweep.command import main
from workbench.sweep.study import Dimension, Goal, Study, Trial, judged
from workbench.tracking.read import load, sweeps

pytest.importorskip("optuna")

pytestmark = pytest.mark.usefixtures("workspace", "blank_figures")

SPACE = [
    Dimension("optimizer.learning_rate", 1e-3, 1.0, log=True),
    Dimension("network.activation", choices=("relu", "tanh")),
]
SEARCH = [
    "hydra/sweeper=optuna", "data=blobs", "data.examples=120", "training.epochs=2", "network.width=4", "device=cpu",
    "optimizer.learning_rate=tag(log,interval(1e-3,1))", "dropout.rate=interval(0,0.5)", "seed=range(2)",
    "workers=1", "name=look", "hydra.sweeper.batch=2",
]  # fmt: skip


def value(trial: Trial) -> float:
    return (trial.values["optimizer.learning_rate"] - 0.1) ** 2


def tried(file: Path, batches: int, cut_off: bool = False) -> list[Trial]:
    """The trials of a study that is opened anew for every batch; `cut_off` loses each batch once before it is told."""
    for _ in range(batches):
        if cut_off:
            Study(file, "mine", SPACE, "minimize", 0).batch(2)
        study = Study(file, "mine", SPACE, "minimize", 0)
        for trial in study.batch(4):
            study.tell(trial, value(trial))
    return Study(file, "mine", SPACE, "minimize", 0).done


def test_an_interrupted_study_tries_what_it_would_have_tried(tmp_path: Path) -> None:
    whole = tried(tmp_path / "a.db", 4)
    assert [trial.number for trial in whole] == [*range(16)]
    assert tried(tmp_path / "b.db", 4, cut_off=True) == whole
    assert min(map(value, whole[8:])) < min(map(value, whole[:4]))
    assert {trial.values["network.activation"] for trial in whole} == {"relu", "tanh"}


def test_another_space_under_the_same_name_is_refused(tmp_path: Path) -> None:
    Study(tmp_path / "a.db", "mine", SPACE, "minimize", 0)
    with pytest.raises(BadInput, match="searches something else; give another name="):
        Study(tmp_path / "a.db", "mine", SPACE[:1], "minimize", 0)


def test_an_integer_setting_is_searched_over_integers(tmp_path: Path) -> None:
    (trial,) = Study(tmp_path / "a.db", "mine", [Dimension("network.width", 4, 64, log=True)], "minimize", 0).batch(1)
    assert type(trial.values["network.width"]) is int


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([("finished", 1.0), ("finished", 2.0)], 1.5),
        ([("finished", 1.0), ("diverged", 2.0)], float("inf")),
        ([("finished", 1.0), ("failed", float("nan"))], None),
    ],
)
def test_a_trial_is_judged_by_the_mean_over_its_seeds(
    outcomes: list[tuple[str, float]], expected: float | None
) -> None:
    assert judged(outcomes, Goal("best_validation_loss", "minimize")) == expected


def test_a_search_trains_batches_together_and_ends_with_one_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SEARCH, "hydra.sweeper.trials=4"]) == app.FINISHED
    captured = capsys.readouterr()
    assert captured.out == "report: reports/look.html\n"
    assert "look/trials-0000-0001: 4 runs, 0 held already, 4 to train in 1 pack" in captured.err
    assert "look: 4/4 trials, best best_validation_loss " in captured.err
    assert "look: 8 runs, 8 held already, 0 to train in 0 packs" in captured.err
    runs = load("look").runs
    assert runs["optimizer.learning_rate"].nunique() == 4
    assert set(runs["outcome"]) == {"finished"}
    assert main([*SEARCH, "hydra.sweeper.trials=5"]) == app.FINISHED
    assert "look: 10 runs, 10 held already" in capsys.readouterr().err
    assert set(sweeps()["name"]) == {"look", "look/trials-0000-0001", "look/trials-0002-0003", "look/trials-0004-0004"}


BAD = {
    "optimizer.learning_rate=0.1": "nothing to search; type key=interval(low,high)",
    "hydra.sweeper.direction=up": "hydra.sweeper.direction is 'up'; allowed: one of minimize, maximize",
    "hydra.sweeper.trials=0": "allowed: at least 1 of each",
    "network.activation=interval(1,2)": "an interval is for a setting that is a number",
    "optimizer.learning_rate=tag(log,interval(0,1))": "optimizer.learning_rate: ",
    "hydra.sweeper.metric=loss": "hydra.sweeper.metric is 'loss'; allowed: one of ",
}


@pytest.mark.parametrize("argument", BAD)
def test_what_cannot_be_searched_is_one_line(argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    asked = [text for text in SEARCH if not text.startswith(("dropout", "optimizer"))]
    first = [] if argument.startswith(("optimizer", "network")) else ["optimizer.learning_rate=interval(0.1,0.2)"]
    assert main([*asked, "hydra.sweeper.trials=1", *first, argument]) == 2
    assert BAD[argument] in capsys.readouterr().err.splitlines()[-1]
