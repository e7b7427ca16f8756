"""Bad trials of a search are stopped where Optuna's own pruners would stop them, and by no one else's doing."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.repetitions import mostly_thorough, repetitions
from workbench.engine.training.early_stopping import above_bound, bounds_of, text_of_bounds
from workbench.sweep.hydra.command import main
from workbench.sweep.planning.pruning import STUDY_NAME, Pruning
from workbench.tracking.read import load

optuna = pytest.importorskip("optuna", reason="runs with the extra 'optuna'")
EPOCHS, TRIALS = 28, 40

PRUNERS: dict[str, Callable[[], Any]] = {
    "median": lambda: optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=2),
    "successive_halving": lambda: optuna.pruners.SuccessiveHalvingPruner(min_resource=2, reduction_factor=3),
    "hyperband": lambda: optuna.pruners.HyperbandPruner(min_resource=2, max_resource=EPOCHS, reduction_factor=3),
}


@dataclass(frozen=True)
class Trial:
    """A trial that is over."""

    number: int
    curve: tuple[float, ...]
    complete: bool


def curves() -> np.ndarray:
    """Least validation losses by epoch, (TRIALS, EPOCHS): some trials learn fast, some slowly, some not at all."""
    random = np.random.default_rng(3)
    falling = np.exp(-np.outer(random.uniform(0, 0.3, TRIALS), np.arange(EPOCHS))) + random.normal(0, 0.05, (TRIALS, 1))
    return np.minimum.accumulate(falling + random.normal(0, 0.02, (TRIALS, EPOCHS)), axis=1)


@pytest.mark.parametrize("name", PRUNERS)
def test_it_stops_whom_optuna_would_stop(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        study = optuna.create_study(study_name=STUDY_NAME, pruner=PRUNERS[name]())
    rule, seen, ended = Pruning(name, first_epoch=2), [], []
    for number, curve in enumerate(curves()):
        asked, reached = study.ask(), EPOCHS
        for epoch in range(1, EPOCHS):
            asked.report(float(curve[epoch - 1]), epoch)
            if asked.should_prune():
                reached = epoch
                break
        complete = reached == EPOCHS
        study.tell(asked, None if not complete else float(curve[-1]),
                   state=optuna.trial.TrialState.COMPLETE if complete else optuna.trial.TrialState.PRUNED)  # fmt: skip
        bounds = rule.bounds(number, EPOCHS, seen)
        stopped = next((epoch for epoch, bound in sorted(bounds.items()) if curve[epoch - 1] > bound), EPOCHS)
        assert stopped == reached
        seen.append(Trial(number, tuple(curve[:stopped]), stopped == EPOCHS))
        ended.append(stopped)
    assert 5 < sum(epoch < EPOCHS for epoch in ended) < TRIALS


def test_a_trial_that_diverged_in_its_first_epoch_moves_no_bound() -> None:
    rule, losses = Pruning("successive_halving", factor=2), (0.5, 0.1, 0.4, 0.2, 0.3)
    ended = [Trial(number, (loss,), complete=False) for number, loss in enumerate(losses)]
    diverged = Trial(9, (float("nan"),), complete=False)
    for place in range(len(ended) + 1):
        assert rule.bounds(10, 4, [*ended[:place], diverged, *ended[place:]]) == rule.bounds(10, 4, ended) == {1: 0.3}


@pytest.mark.parametrize("text", ["5:0.5", "1:1e-05+20:3.0"])
def test_bounds_are_read_as_they_are_written(text: str) -> None:
    assert text_of_bounds(bounds_of(text)) == text
    assert list(above_bound(5, np.array([0.6, 0.5, np.nan]), np.array(["5:0.5"] * 3))) == [True, False, False]
    assert not above_bound(4, np.array([9.0]), np.array([text])).any()


SEARCH = [
    "hydra/sweeper=optuna", "data=blobs", "data.examples=120", "training.epochs=9", "network.width=4", "device=cpu",
    "optimizer.learning_rate=tag(log,interval(1e-4,1))", "seed=0,1", "workers=1", "kernel=plain",
    "hydra.sweeper.batch=4", "hydra.sweeper.trials=8", "hydra.sweeper.pruner.name=successive_halving",
]  # fmt: skip


def found(name: str) -> list[tuple[object, ...]]:
    runs = load(name).runs
    return list(zip(runs["fingerprint"], runs["weights_digest"], runs["reason"], strict=True))


@pytest.mark.usefixtures("no_figures")
def test_a_search_stops_bad_trials_whoever_trains_them_and_wherever_it_is_cut_off(
    workspace: Path, empty_database: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main([*SEARCH, "name=whole"]) == 0
    assert "stopped early" in capsys.readouterr().err
    whole = found("whole")
    reasons = [str(reason) for _, _, reason in whole]
    assert all(reason == "" or reason.startswith("its validation loss was above its bound") for reason in reasons)
    assert 0 < sum(map(bool, reasons)) < len(reasons)
    runs = load("whole").runs
    assert set(runs["epochs"]) <= {1, 3, 9}
    assert set(load("whole").factors) == {"optimizer.learning_rate", "seed"}  # the bounds are none
    study = optuna.load_study(study_name="whole", storage=f"sqlite:///{workspace}/sweeps/whole/study.db")
    assert {trial.state.name for trial in study.trials} == {"COMPLETE", "PRUNED"}
    assert len(study.trials[0].intermediate_values) == 9

    elsewhere = workspace / "elsewhere"
    elsewhere.mkdir()
    shutil.copyfile(empty_database, elsewhere / "mlflow.db")
    monkeypatch.chdir(elsewhere)
    first = [*(text for text in SEARCH if "trials" not in text), "hydra.sweeper.trials=4"]
    assert main([*first, "name=cut"]) == 0
    assert main([*SEARCH, "name=cut", "executor=processes", "workers=2"]) == 0
    assert found("cut") == whole


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("hydra.sweeper.pruner.name=best", "hydra.sweeper.pruner.name is 'best'; allowed: one of none, median, succ"),
        ("hydra.sweeper.pruner.factor=1", "hydra.sweeper.pruner.factor is 1; allowed: an integer, x >= 2"),
        ("hydra.sweeper.metric=best_test_accuracy", "hydra.sweeper.pruner.name is 'successive_halving', which judges"),
        ("hydra.sweeper.sampler=best", "hydra.sweeper.sampler is 'best'; allowed: one of TPE, multivariate TPE, GP, N"),
        ("training.bounds=x", "training.bounds is 'x'; allowed: nothing, or epochs and losses as 5:0.83+10:0.7"),
    ],
)
@pytest.mark.usefixtures("workspace")
def test_what_cannot_be_is_one_line(typed: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SEARCH, typed]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith(said)


@pytest.mark.parametrize("sampler", mostly_thorough(["multivariate TPE", "random"], "multivariate TPE"))
@pytest.mark.usefixtures("workspace", "no_figures")
def test_a_sampler_is_chosen_by_name_and_goes_on_as_it_would_have(sampler: str) -> None:
    own = [text for text in SEARCH if "pruner" not in text and "trials" not in text and "epochs" not in text]
    asked = [*own, "training.epochs=1", f"hydra.sweeper.sampler='{sampler}'", "seed=0"]
    first, trials = repetitions(2, 3), repetitions(3, 8)
    assert main([*asked, "name=whole", f"hydra.sweeper.trials={trials}"]) == 0
    assert main([*asked, "name=cut", f"hydra.sweeper.trials={first}"]) == 0
    assert main([*asked, "name=cut", f"hydra.sweeper.trials={trials}"]) == 0
    assert found("cut") == found("whole")
