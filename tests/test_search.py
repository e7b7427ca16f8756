"""`hydra/sweeper=optuna`: searched in batches that train together, stored, and gone on with where it stopped."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from workbench import app
from workbench.report.rebuild import sweep_names
from workbench.sweep.hydra.command import main
from workbench.sweep.planning.goals import Goal, judged
from workbench.sweep.run_outcomes import PENDING
from workbench.tracking.names import history
from workbench.tracking.parent import is_reused
from workbench.tracking.read import load, sweeps

optuna = pytest.importorskip("optuna", reason="runs with the extra 'optuna'")

pytestmark = pytest.mark.usefixtures("workspace", "no_figures")

SEARCH = [
    "hydra/sweeper=optuna", "data=blobs", "data.examples=120", "training.epochs=2", "network.width=4", "device=cpu",
    "optimizer.learning_rate=tag(log,interval(1e-3,1))", "dropout.rate=interval(0,0.5)", "seed=range(2)",
    "workers=1", "kernel=plain", "name=look", "hydra.sweeper.batch=2",
]  # fmt: skip


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
    goals = [Goal("best_validation_loss", "minimize"), Goal("best_test_accuracy", "maximize")]
    found = judged([(outcome, (value, value)) for outcome, value in outcomes], goals)
    assert found == (expected if expected is None else (expected, -expected if expected == float("inf") else expected))


def test_a_search_trains_batches_together_and_ends_with_one_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SEARCH, "hydra.sweeper.trials=3"]) == app.EXIT_FINISHED
    captured = capsys.readouterr()
    assert captured.out == "report: reports/look.html\n"
    assert "look/trials-0000-0001: 4 runs, 0 held already, 4 to train in 1 pack" in captured.err
    assert "look: 3/3 trials, best best_validation_loss " in captured.err
    assert "look: 6 runs, 6 held already, 0 to train in 0 packs" in captured.err
    assert re.search(r"^look: 6 runs: 6 finished, in \d+ s$", captured.err, re.MULTILINE)
    runs = load("look").runs
    assert runs["optimizer.learning_rate"].nunique() == 3
    assert set(runs["outcome"]) == {"finished"}
    study = optuna.load_study(study_name="look", storage=f"sqlite:///{Path('sweeps/look/study.db').absolute()}")
    assert sorted(trial.params["optimizer.learning_rate"] for trial in study.trials) == sorted(
        runs["optimizer.learning_rate"].unique()
    )

    assert main([*SEARCH, "hydra.sweeper.trials=4"]) == app.EXIT_FINISHED
    told = capsys.readouterr().err
    assert "look: 8 runs, 8 held already" in told
    assert re.search(r"^look: 8 runs: 2 finished, 6 reused, in ", told, re.MULTILINE)  # as of any sweep started again
    assert not load("look").runs["reused"].any()
    assert sweeps().groupby("name")[["finished", "reused"]].last().loc["look"].tolist() == [8, 0]
    assert set(sweeps()["name"]) == {"look", "look/trials-0000-0001", "look/trials-0002-0002", "look/trials-0003-0003"}
    assert sweep_names() == ["look"]  # a batch has no page, also when all pages are made again

    assert main([*SEARCH, "hydra.sweeper.trials=4", "training.epochs=3"]) == 2
    expected = "name: the search look was begun with training.epochs 2, and now it is 3; give another name="
    assert capsys.readouterr().err.splitlines()[-1].startswith(expected)

    assert main([*SEARCH, "hydra.sweeper.trials=6", "dry_run=true"]) == app.EXIT_FINISHED
    assert "sweep look/trials-0004-0005: 4 cells" in capsys.readouterr().out
    assert len(json.loads(Path("sweeps/look/search.json").read_text())["content"]["trials"]) == 4


def test_what_a_search_has_from_its_own_batches_is_not_reused_and_all_else_with_an_origin_is() -> None:
    batch, other = "b" * 32, "c" * 32
    assert not is_reused("run", history(batch, "pack"), {batch})
    assert is_reused("run", history(other, "pack"), {batch})
    assert is_reused("run", "no address", {batch})
    assert not is_reused("", history(other, "pack"), {batch})


@pytest.mark.thorough
def test_what_another_sweep_has_trained_is_reused_by_a_search_as_by_any(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SEARCH, "hydra.sweeper.trials=2"]) == app.EXIT_FINISHED
    assert main([*SEARCH, "hydra.sweeper.trials=3", "name=other"]) == app.EXIT_FINISHED  # begins with the same trials
    assert re.search(r"^other: 6 runs: 2 finished, 4 reused, in ", capsys.readouterr().err, re.MULTILINE)
    assert load("other").runs["reused"].tolist() == [True] * 4 + [False] * 2
    assert sweeps().set_index("name").loc["other", ["finished", "reused"]].tolist() == [2, 4]


IMPOSSIBLE = [
    *(text for text in SEARCH if not text.startswith(("dropout", "optimizer", "seed"))),
    "training.batch_size=interval(8,200)", "hydra.sweeper.trials=6", "hydra.sweeper.batch=3", "training.epochs=1",
]  # fmt: skip


def test_a_search_goes_on_past_a_trial_that_cannot_be(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(IMPOSSIBLE) == app.EXIT_FINISHED
    lines = capsys.readouterr().err.splitlines()
    said = [line for line in lines if "is impossible and counts as the worst" in line]
    assert not [line for line in lines if "could not be written" in line]
    assert said
    assert all("training.batch_size is " in line for line in said)
    tables = load("look")
    assert len(tables.runs) == 6 - len(said)
    assert tables.facts["description"].startswith(f"{len(said)} of 6 trials are impossible: training.batch_size is ")


def test_a_search_in_which_nothing_can_be_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*IMPOSSIBLE, "training.batch_size=interval(150,200)", "hydra.sweeper.trials=2"]) == 2
    assert "look: none of 2 trials is possible: training.batch_size is 1" in capsys.readouterr().err.splitlines()[-1]


def test_a_batch_that_is_not_all_recorded_is_not_taken_for_failed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        app, "run_batch", lambda cells, *_: (app.EXIT_FAILED, [(PENDING, (float("nan"),))] * len(cells))
    )
    assert main([*SEARCH, "hydra.sweeper.trials=2"]) == app.EXIT_FAILED
    assert "4 runs of look/trials-0000-0001 without a result, so the search stops here" in capsys.readouterr().err
    assert not Path("sweeps/look/search.json").exists()


BAD = {
    "optimizer.learning_rate=0.1": "nothing to search; type key=interval(low,high)",
    "hydra.sweeper.direction=up": "hydra.sweeper.direction is 'up'; allowed: one of minimize, maximize",
    "hydra.sweeper.direction=[minimize,maximize]": "direction is [minimize,maximize]; allowed with hydra.sweeper",
    "hydra.sweeper.metric=[best_epoch,best_validation_loss]": "found none, and whether more or less of best_epoch is ",
    "hydra.sweeper.metric=[]": "hydra.sweeper.metric is []; allowed: a metric, or a list of different ones as [a,b]",
    "hydra.sweeper.metric=[last_test_loss,last_test_loss]": "allowed: a metric, or a list of different ones as [a,b]",
    "hydra.sweeper.metric=a,b": "a list of the sweeper stands in brackets; allowed: hydra.sweeper.metric=[a,b]",
    "hydra.sweeper.sampler=CMA-ES": "allowed: one of TPE, multivariate TPE, GP, NSGA-II, random",
    "hydra.sweeper.trials=0": "allowed: at least 1 of each",
    "network.activation=relu,tanhh": "network.activation is 'tanhh'; did you mean tanh? allowed: one of ",
    "optimizer=adam,sdg": "optimizer is 'sdg'; allowed: one of ",
    "optimizer.lr=1,2": "optimizer.lr",
    "optimizer.learning_rate=interval(-1,1)": "optimizer.learning_rate: found an interval from -1.0 to 1.0; allowed: a",
    "optimizer.learning_rate=interval(1,0)": "found an interval from 1.0 to 0.0; allowed: a number, x > 0",
    "optimizer.learning_rate=interval(1e-3,1e400)": "found an interval from 0.001 to inf; allowed: a number, x > 0",
    "network.width=interval(1,1e300)": "found an interval from 1.0 to 1e+300; allowed: an integer, x >= 1",
    "hydra.sweeper.metric=best_rank_loss": "hydra.sweeper.metric is 'best_rank_loss'; did you mean best_train_loss? ",
    "network.activation=interval(1,2)": "an interval is for a setting that is a number",
    "optimizer.learning_rate=tag(log,interval(0,1))": "optimizer.learning_rate: ",
    "optimizer.momentum=interval(0.5,0.9)": "optimizer.momentum is searched, but nothing reads it with optimizer=sgd",
    "hydra.sweeper.metric=loss": "found none, and whether more or less of loss is better is not known; allowed: mini",
}


@pytest.mark.parametrize("argument", BAD)
def test_what_cannot_be_searched_is_one_line(argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    asked = [text for text in SEARCH if not text.startswith(("dropout", "optimizer"))]
    first = [] if argument.startswith(("optimizer", "network")) else ["optimizer.learning_rate=interval(0.1,0.2)"]
    assert main([*asked, "hydra.sweeper.trials=1", *first, argument]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert BAD[argument] in lines[-1]
    assert not any("to train" in line for line in lines)


def test_a_population_of_one_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SEARCH, "hydra.sweeper.sampler=NSGA-II", "hydra.sweeper.batch=1"]) == 2
    assert "hydra.sweeper.batch is 1; allowed with hydra.sweeper.sampler=NSGA-II" in capsys.readouterr().err


def test_several_metrics_prune_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    metrics = "hydra.sweeper.metric=[best_validation_loss,best_test_accuracy]"
    assert main([*SEARCH, metrics, "hydra.sweeper.pruner.name=median"]) == 2
    assert "and Optuna stops no trials early by several metrics; allowed with" in capsys.readouterr().err


@pytest.mark.thorough
@pytest.mark.parametrize("sampler", ["TPE", "NSGA-II"])
def test_a_search_by_several_metrics_that_is_cut_off_tries_the_same_and_shows_its_front(
    sampler: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [
        *SEARCH, "hydra.sweeper.metric=[best_validation_accuracy,best_validation_loss]", "hydra.sweeper.batch=3",
        f"hydra.sweeper.sampler={sampler}",
    ]  # fmt: skip
    assert main([*asked, "hydra.sweeper.trials=9"]) == app.EXIT_FINISHED
    assert "on the Pareto front of best_validation_accuracy and best_validation_loss" in capsys.readouterr().err
    assert main([*asked, "hydra.sweeper.trials=5", "name=cut"]) == app.EXIT_FINISHED
    assert main([*asked, "hydra.sweeper.trials=9", "name=cut", "executor=processes"]) == app.EXIT_FINISHED
    whole, cut = (
        json.loads(Path(f"sweeps/{name}/search.json").read_text())["content"]["trials"] for name in ("look", "cut")
    )
    assert whole == cut
    study = optuna.load_study(study_name="cut", storage=f"sqlite:///{Path('sweeps/cut/study.db').absolute()}")
    assert [direction.name for direction in study.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert [trial.values for trial in study.trials] == [one["value"] for one in cut]
    front = json.loads(Path("reports/cut.json").read_text())["pareto_front"]
    assert {tuple(one["settings"].values()) for one in front["trials"]} == {
        tuple(trial.params[key] for key in front["trials"][0]["settings"]) for trial in study.best_trials
    }
