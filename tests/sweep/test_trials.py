"""A search that is killed anywhere, or gets more trials later, tries what it would have tried in one go."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.repetitions import crossed
from workbench import places
from workbench.engine.errors import BadInput
from workbench.sweep.planning import journal, trials
from workbench.sweep.planning.goals import Goal, on_pareto_front
from workbench.sweep.planning.journal import Journal, changed
from workbench.sweep.planning.study import GENETIC, SAMPLERS, Dimension, Trial, TrialResult, generations, suggested
from workbench.sweep.planning.trials import Kind, Search, best_trials

pytest.importorskip("optuna", reason="runs with the extra 'optuna'")

KILLS = int(os.environ.get("WORKBENCH_KILLS", "0"))
SPACE = [
    Dimension("optimizer.learning_rate", 1e-3, 1.0, log=True),
    Dimension("network.activation", choices=("relu", "tanh")),
    Dimension("network.width", 4, 64),
]
KIND = Kind(SPACE, [Goal("best_validation_loss", "minimize")], 0, 4, {"hydra.sweeper.seed": 0, "training.epochs": 2})
COUNT = 22  # beyond the first ten, which are drawn blindly


class Made:
    """Trains nothing: a trial comes to a function of its values, cannot be, or fails."""

    name = "mine"

    def __init__(self, digest: str = "runs of ") -> None:
        self.digest, self.trained = digest, list[Trial]()

    def runs(self, trials: Sequence[Trial]) -> list[tuple[str, str]]:
        return [("", "too wide") if trial.values["network.width"] > 56 else (f"{self.digest}{trial.values}", "")
                for trial in trials]  # fmt: skip

    def train(self, trials: Sequence[Trial]) -> list[TrialResult]:
        self.trained += trials
        return [self.results(trial, *found) for trial, found in zip(trials, self.runs(trials), strict=True)]

    def results(self, trial: Trial, runs: str, reason: str) -> TrialResult:
        if not runs:
            return TrialResult(trial, (float("inf"),), "", reason)
        failed = trial.values["network.width"] == 20
        return TrialResult(trial, None if failed else ((trial.values["optimizer.learning_rate"] - 0.1) ** 2,), runs)


def searched(folder: Path, count: int = COUNT, kind: Kind = KIND, trainer: Made | None = None) -> list[TrialResult]:
    return Search(kind, count, Journal(folder)).run(trainer or Made())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[TrialResult]:
    return searched(tmp_path_factory.mktemp("whole"))


def test_a_search_finds_goes_on_past_what_cannot_be_and_looks_everywhere(whole: list[TrialResult]) -> None:
    assert [one.trial.number for one in whole] == [*range(COUNT)]
    assert any(not one.runs for one in whole)
    assert {one.trial.values["network.activation"] for one in whole} == {"relu", "tanh"}
    assert all(type(one.trial.values["network.width"]) is int for one in whole)
    [best] = best_trials(KIND.goals, whole)
    assert best.values == min(one.values for one in whole if one.values is not None)


TWO = [Goal("best_test_accuracy", "maximize"), Goal("best_epoch", "minimize")]


class Twice(Made):
    """Trials come to two values that pull against each other."""

    def results(self, trial: Trial, runs: str, reason: str) -> TrialResult:
        found = super().results(trial, runs, reason)
        both = (-float("inf"), float("inf")) if not runs else (found.values or (0.0,)) * 2
        return TrialResult(trial, found.values and both, runs, reason)


@pytest.mark.parametrize("sampler", [name for name in SAMPLERS if name != "GP"])
def test_each_sampler_takes_several_metrics_and_goes_on_as_it_would_have(sampler: str, tmp_path: Path) -> None:
    kind = Kind(SPACE, TWO, 0, 4, {}, sampler)
    whole = searched(tmp_path / "whole", 14, kind, Twice())
    for count in (3, 9, 14):
        assert searched(tmp_path / "cut", count, kind, Twice()) == whole[:count]
    assert Journal(tmp_path / "cut").read() == Journal(tmp_path / "whole").read()


def test_a_generation_is_a_batch_as_optuna_counts_it() -> None:
    """A generation in which a trial failed takes in the next batch as well."""
    import optuna

    sampler, failed = optuna.samplers.NSGAIISampler(population_size=3, seed=0), (4, 12)
    study, found, results = optuna.create_study(directions=["minimize"] * 2, sampler=sampler), list[int](), []
    distributions = {one.key: one.distribution() for one in SPACE}
    for start in range(0, 18, 3):
        asked = [study.ask(distributions) for _ in range(3)]
        for number, trial in enumerate(asked, start):
            held = study.trials[number].system_attrs["NSGAIISampler:generation"]
            found.append(held)
            values = None if number in failed else (float(number), 1.0)
            results.append(TrialResult(Trial(number, {}), values, "runs"))
            study.tell(trial, values, state=None if values else optuna.trial.TrialState.FAIL)
    assert generations(results, 3) == found
    assert len(set(found)) > 2


def test_a_genetic_search_breeds_from_its_earlier_batches() -> None:
    earlier = [
        TrialResult(Trial(k, {"optimizer.learning_rate": 0.1, "network.activation": "relu", "network.width": 9}),
                    (1.0, 1.0), "runs")
        for k in range(4)
    ]  # fmt: skip
    bred = [suggested(SPACE, TWO, 0, number, earlier, GENETIC, 4) for number in range(4, 12)]
    assert sum(trial.values["network.width"] == 9 for trial in bred) > 4


def test_the_front_holds_what_nothing_beats() -> None:
    values = [(0.9, 5.0), (0.9, 4.0), (0.5, 4.0), (0.5, 1.0), (0.5, 1.0), (0.95, 9.0)]
    assert on_pareto_front(values, [1, -1]) == [False, True, False, True, True, True]
    assert on_pareto_front([], [1, -1]) == []


class Killed(BaseException):
    """What a process that is killed never gets to handle."""


def dying(function: Callable[..., Any], left: list[int], after: bool) -> Callable[..., Any]:
    """The function, which ends everything at its last call that is left: before it does anything, or after."""

    def called(*arguments: Any, **named: Any) -> Any:
        left[0] -= 1
        if left[0] == 0 and not after:
            raise Killed
        found = function(*arguments, **named)
        if left[0] == 0:
            raise Killed
        return found

    return called


@pytest.mark.parametrize(
    ("place", "after"), crossed(["one value asked for", "asked for", "trained", "written", "renamed"], [False, True])
)
def test_killed_anywhere_it_tries_the_same(
    whole: list[TrialResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, after: bool
) -> None:
    import optuna

    spots: dict[str, tuple[Any, str]] = {
        "one value asked for": (optuna.trial.Trial, "_suggest"), "asked for": (trials, "suggested"),
        "trained": (Made, "train"), "written": (journal.json, "dump"), "renamed": (Path, "replace"),
    }  # fmt: skip
    owner, name = spots[place]
    left = [0]
    monkeypatch.setattr(owner, name, dying(getattr(owner, name), left, after))
    for moment in (1, 2, 3, 5):
        left[0], kills = moment, 0
        folder = tmp_path / str(moment)
        while True:
            try:
                found = searched(folder)
            except Killed:
                kills += 1
                left[0] = moment + kills * 3  # else it would die at the same place for ever
            else:
                break
        assert kills
        assert found == whole


def test_more_trials_go_on_as_if_they_had_been_asked_for_at_once(whole: list[TrialResult], tmp_path: Path) -> None:
    trainer = Made()
    for count in (1, 6, 7, COUNT):
        assert searched(tmp_path, count, trainer=trainer) == whole[:count]
    assert trainer.trained == [one.trial for one in whole]
    assert searched(tmp_path, 5, trainer=trainer) == whole[:5]
    assert len(trainer.trained) == COUNT


def test_what_is_tried_does_not_hang_on_the_order_in_which_it_was_typed(whole: list[TrialResult]) -> None:
    again = suggested(SPACE[::-1], KIND.goals, 0, 21, whole[:20])
    assert again == whole[21].trial


def test_a_full_disk_stops_no_search(
    whole: list[TrialResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    searched(tmp_path, 4)
    with monkeypatch.context() as full:
        full.setattr(journal.json, "dump", dying_of(OSError(28, "No space left on device")))
        assert searched(tmp_path, 12) == whole[:12]
    assert (
        f"{tmp_path / journal.JOURNAL_FILE} could not be written (No space left on device)" in capsys.readouterr().err
    )
    kept = Journal(tmp_path).read()
    assert kept is not None
    assert kept.results == whole[:4]
    assert [file.name for file in tmp_path.iterdir()] == [journal.JOURNAL_FILE]
    assert searched(tmp_path, 12) == whole[:12]


def dying_of(error: Exception) -> Callable[..., Any]:
    def called(*_: Any, **__: Any) -> Any:
        raise error

    return called


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"digest": "", "content": {}}', "null", "flipped", "\udcff"])
def test_a_damaged_file_is_set_aside_and_the_same_is_tried_again(
    whole: list[TrialResult], tmp_path: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    searched(tmp_path, 8)
    file = tmp_path / journal.JOURNAL_FILE
    text = file.read_text().replace("tanh", "relu") if damage == "flipped" else damage
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert searched(tmp_path, 8) == whole[:8]
    assert f"{file}.broken: a broken file was set aside" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"hydra.sweeper.seed": 1}, "hydra.sweeper.seed 0, and now it is 1"),
        ({"training.epochs": 3}, "training.epochs 2, and now it is 3"),
        ({"dropout.rate": "between 0 and 1"}, "dropout.rate nothing, and now it is between 0 and 1"),
    ],
)
def test_another_search_under_the_same_name_is_refused(parts: dict[str, Any], said: str, tmp_path: Path) -> None:
    searched(tmp_path, 4)
    other = Kind(SPACE, KIND.goals, 0, 4, {**KIND.parts, **parts})
    with pytest.raises(BadInput, match=f"the search mine was begun with {said}; give another name="):
        searched(tmp_path, 4, other)
    with pytest.raises(BadInput, match="begun with other runs for the same trials"):
        searched(tmp_path, 4, trainer=Made("other runs of "))
    assert changed(KIND.parts, KIND.parts) == ""


def test_another_optuna_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    searched(tmp_path, 4)
    file = tmp_path / journal.JOURNAL_FILE
    content = json.loads(file.read_text())["content"] | {"optuna": "4.9"}
    file.write_text(json.dumps({"digest": journal._digest(content), "content": content}))
    searched(tmp_path, 4)
    assert "mine: begun with Optuna 4.9, and this is " in capsys.readouterr().err


@pytest.mark.skipif(not KILLS, reason="WORKBENCH_KILLS=50 kills a process that searches so often, at random moments")
def test_sigkill_at_random_moments_changes_nothing(whole: list[TrialResult], tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from tests.sweep.test_trials import searched\n"
        "print('begins', flush=True); searched(pathlib.Path(sys.argv[1])); print('done', flush=True)"
    )
    root = places.ours("conf").parent
    chance, kills, sweep, struck = random.Random(1), 0, 0, list[int]()
    while kills < KILLS:
        folder = tmp_path / str(sweep)
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE, text=True, cwd=root
        )
        assert process.stdout is not None
        process.stdout.readline()
        try:
            process.wait(chance.uniform(0, 1.5))
        except subprocess.TimeoutExpired:
            process.kill()
            kills += 1
            kept = Journal(folder).read()
            struck.append(len(kept.results) if kept else 0)
        rest, _ = process.communicate()
        if "done" in rest:
            sweep += 1
            assert searched(folder) == whole
    assert searched(tmp_path / str(sweep)) == whole
    print(f"{kills} kills, with so many trials kept: {sorted(struck)}")
