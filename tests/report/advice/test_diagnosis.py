"""The diagnosis of made-up symptoms and sweeps, and the commands that are proposed."""

from __future__ import annotations

import json
import shlex
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from tests.repetitions import repetitions
from tests.report.synthetic import sweep
from workbench import cli
from workbench.report.advice import diagnosis
from workbench.report.advice.diagnosis import Advice, advice, advised, diagnose
from workbench.report.advice.faults import FAULTS, HEALTHY
from workbench.report.advice.symptoms import Symptoms, settings_of
from workbench.report.experiments import known_claims
from workbench.report.language.words import say
from workbench.report.page.sweep import write
from workbench.report.statistics.design import read
from workbench.words.advise import in_words

WELL = Symptoms(
    lost=0.0, fit=0.999, held_out=0.965, best_held_out=0.97, gap=0.034, forgotten=0.005, rise=1.01, best_epoch=19,
    best_at=0.95, falling=0.25, jumps=0.0, reach=0.5, depth=2, dead=0.01, step=6e-3,
)  # fmt: skip
PLANTED = {
    "it diverges: the learning rate is too high": replace(WELL, lost=1.0),
    "gradients die towards the input": replace(WELL, reach=1e-5, fit=0.1, held_out=0.1, step=1e-4, falling=1e-3),
    "units are dead": replace(WELL, dead=0.9, fit=0.3, held_out=0.3, jumps=0.4),
    "the learning rate is too high": replace(WELL, jumps=0.4, step=0.09, fit=0.8, held_out=0.75),
    "the learning rate is too low": replace(WELL, step=2e-4, fit=0.5, held_out=0.5, best_at=1.0, falling=0.1),
    "labels look noisy": replace(
        WELL, held_out=0.54, best_held_out=0.63, gap=0.45, forgotten=0.09, rise=1.9, best_at=0.1
    ),
    "it overfits": replace(WELL, fit=1.0, held_out=0.88, gap=0.12),
    "it was stopped too early": replace(WELL, fit=0.7, held_out=0.7, best_at=1.0, falling=0.2),
    "it underfits": replace(WELL, fit=0.6, held_out=0.58, falling=0.04),
    HEALTHY: WELL,
}


def test_every_fault_has_a_planted_case() -> None:
    assert list(PLANTED) == [fault.name for fault in FAULTS]
    assert {c.symptom for fault in FAULTS for c in fault.conditions} <= {one.name for one in fields(Symptoms)}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_named_first(name: str) -> None:
    found = diagnose(PLANTED[name], "relu")
    assert found is not None
    assert found.name == name


def test_where_nothing_is_known_nothing_is_said() -> None:
    assert diagnose(Symptoms(0.0, *[float("nan")] * (len(fields(Symptoms)) - 1))) is None


def test_units_of_a_sigmoid_are_not_called_dead() -> None:
    found = diagnose(PLANTED["units are dead"], "sigmoid")
    assert found is not None
    assert found.name != "units are dead"


def test_every_remedy_stands_on_a_claim_of_the_notes_or_on_none() -> None:
    claims = {claim.id for listed in known_claims().values() for claim in listed}
    for fault in FAULTS:
        for remedy in fault.remedies:
            assert remedy.claim in {"", *claims}
            assert bool(remedy.depends) == bool(remedy.claim)


def test_symptoms_are_read_from_curves_and_probes() -> None:
    tables = sweep({"network.depth": (4,), "network.activation": ("sigmoid",)}, seeds=2, trouble=False)
    (found,) = settings_of(tables, read(tables))  # type: ignore[arg-type]
    own = tables.epochs[tables.epochs["cell"] == 0]
    other = tables.epochs[tables.epochs["cell"] == 1]
    rows = tables.layers[(tables.layers["probe"] == "gradient_z") & (tables.layers["epoch"] == 1)]
    first, last = (rows[rows["layer"] == layer].set_index("cell")["value"] for layer in (1, 5))
    assert found.symptoms.fit == pytest.approx(
        np.median([own["train_accuracy"].iloc[-1], other["train_accuracy"].iloc[-1]])
    )
    assert found.symptoms.reach == pytest.approx((first / last).median())
    assert (found.symptoms.depth, found.symptoms.lost) == (4, 0)


def of(tables: object) -> tuple[Advice, ...]:
    return advice(tables, read(tables))  # type: ignore[arg-type]


def test_a_sweep_counts_each_setting_once_and_shows_the_plainest() -> None:
    tables = sweep(
        {"network.depth": (1, 8), "network.activation": ("sigmoid", "relu")}, seeds=3, epochs=20, trouble=False
    )
    found = {one.fault: one for one in of(tables)}
    dying = found["gradients die towards the input"]
    assert sum(one.settings for one in found.values()) == dying.of == 4
    assert dying.example == "depth 8, activation sigmoid"
    assert "layer 1 gets" in dying.evidence
    first = dying.proposals[0]
    assert (first.claim, first.words) == ("C8", "another activation function")
    assert first.command == "workbench network.depth=8 network.activation=relu 'seed=range(12)'"
    assert list(found)[-1] == HEALTHY or HEALTHY not in found


def test_a_remedy_that_is_there_already_is_not_proposed() -> None:
    tables = sweep({"network.activation": ("relu",)}, seeds=2, trouble=False)
    runs = tables.runs.assign(**{"training.patience": 5, "dropout.rate": 0.5})
    epochs = tables.epochs.assign(train_accuracy=1.0, validation_accuracy=0.8)
    (found,) = of(replace(tables, runs=runs, epochs=epochs))
    assert found.fault == "it overfits"
    assert [one.claim for one in found.proposals] == ["D3"]
    assert "training.patience=5" in found.proposals[0].command


def test_a_setting_that_the_store_does_not_name_is_the_default() -> None:
    tables = sweep({"network.depth": (1,)}, seeds=2, trouble=False)
    epochs = tables.epochs.assign(train_accuracy=0.5, validation_accuracy=0.5)
    layers = tables.layers.assign(value=1e-4)
    loss = 2.0 - 0.05 * epochs["epoch"]
    (found,) = of(replace(tables, epochs=epochs.assign(train_loss=loss, validation_loss=loss), layers=layers))
    assert found.fault == "the learning rate is too low"
    assert "optimizer.learning_rate=1 " in found.proposals[0].command


@pytest.mark.parametrize(("slope", "said"), [(-0.01, "fell by 2.2"), (0.01, "rose by 1.9"), (0.0, "fell by 0.0")])
def test_a_training_loss_that_rose_is_not_said_to_have_fallen(slope: float, said: str) -> None:
    tables = sweep({"network.depth": (1,)}, seeds=2, epochs=20, trouble=False)
    epochs = tables.epochs.assign(train_accuracy=0.5, validation_accuracy=0.5, validation_loss=1.0)
    (found,) = of(replace(tables, epochs=epochs.assign(train_loss=2.0 + slope * epochs["epoch"])))
    assert found.fault == "it underfits"
    assert f"the training loss {said}\N{NO-BREAK SPACE}%" in found.evidence


def test_a_run_that_a_search_stopped_is_not_diagnosed() -> None:
    tables = sweep({"network.depth": (1, 2)}, seeds=2, trouble=False)
    runs = tables.runs.assign(**{"training.bounds": "5:0.1", "training.epochs": 40, "epochs": 5})
    runs.loc[runs["network.depth"] == 2, "epochs"] = 40
    (setting,) = settings_of(tables := replace(tables, runs=runs), read(tables))  # type: ignore[arg-type]
    assert set(setting.runs["network.depth"]) == {2}


def test_a_sweep_that_trained_nothing_gets_no_advice() -> None:
    tables = sweep({"network.depth": (1, 2)}, seeds=2, trouble=False, layers=False)
    assert of(replace(tables, runs=tables.runs.assign(measure="saddle_escape"))) == ()
    assert in_words((), {}) == "no run of two epochs or more has ended, so nothing can be diagnosed"


@pytest.mark.usefixtures("blank_figures")
def test_the_page_says_it_with_the_command(tmp_path: Path) -> None:
    tables = sweep({"network.depth": (1, 8), "network.activation": ("sigmoid",)}, seeds=3, trouble=False)
    page = write(tables, [], tmp_path)  # type: ignore[arg-type]
    text = page.html.read_text(encoding="utf-8")
    assert 'id="advice"' in text
    assert "Gradients die towards the input" in text
    assert "claim C8: from He" in text
    data = json.loads(page.json.read_text(encoding="utf-8"))
    assert data["advice"][0]["proposals"][0]["command"].startswith("workbench ")


@pytest.mark.usefixtures("workspace")
def test_what_is_proposed_can_be_typed(capsys: pytest.CaptureFixture[str]) -> None:
    """Every change of every remedy, from a run with other settings than the defaults."""
    row = sweep({"optimizer": ("sgd",)}, seeds=1, epochs=2, trouble=False)
    runs = row.runs.assign(**{
        "network.activation": "tanh", "network.depth": 8, "optimizer.learning_rate": 0.25, "data.train_size": 200,
        "penalty": "l1", "penalty.strength": 0.001, "training.epochs": 7, "training.patience": 0, "dropout.rate": 0.1,
    })  # fmt: skip
    design = read(replace(row, runs=runs))  # type: ignore[arg-type]
    (setting,) = settings_of(replace(row, runs=runs), design)  # type: ignore[arg-type]
    commands = {}
    for fault in FAULTS:
        for one in advised(fault, [setting], 1, design).proposals:
            commands[tuple(sorted(shlex.split(one.command)))] = one.command
    for command in list(commands.values())[: repetitions(3, 99)]:
        assert cli.main([*shlex.split(command)[1:], "dry_run=true", "--quiet"]) == 0, command
    assert "12 runs" in capsys.readouterr().out


@pytest.mark.parametrize(("falling", "said"), [(0.04, "fell by 4.0"), (-0.04, "rose by 4.0")])
def test_a_loss_that_rose_is_not_said_to_have_fallen_by_less_than_nothing(falling: float, said: str) -> None:
    told = diagnosis._in_words(replace(PLANTED["it underfits"], falling=falling))
    assert f"the training loss {said}" in say("symptom.underfits", **told)
