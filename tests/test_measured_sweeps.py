"""Measurements and analyses the whole way: from a command to the store and the page."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from workbench import app
from workbench.measure import MEASUREMENTS
from workbench.sweep.hydra.command import main
from workbench.tracking.read import load

SMALL = ["data=blobs", "data.examples=120", "training.epochs=2", "network.width=4", "device=cpu", "workers=1"]
MEASURED = [*SMALL, "measure=training,matrix_form", "seed=range(2)", "name=measured"]


pytestmark = pytest.mark.usefixtures("workspace")
quick = pytest.mark.usefixtures("no_figures")


@quick
def test_measurements_stand_beside_training_in_the_store_and_are_not_taken_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*MEASURED, "analyses=linear_probes"]) == app.EXIT_FINISHED
    assert "4 runs, 0 held already, 2 to train in 1 pack, 2 to measure" in capsys.readouterr().err
    found = load("measured")
    runs = found.runs.set_index(["measure", "seed"])
    assert (runs["outcome"] == "finished").all()
    assert (runs.loc["matrix_form", "matrix_form_error"] < 1e-12).all()
    assert runs.loc["training", "linear_probe_inputs"].notna().all()
    assert found.tables["linear_probes"]["cell"].nunique() == 2
    assert main([*MEASURED, "analyses=linear_probes"]) == app.EXIT_FINISHED
    assert "4 held already, 0 to train in 0 packs\n" in capsys.readouterr().err
    again = load("measured")
    pd.testing.assert_frame_equal(again.tables["linear_probes"], found.tables["linear_probes"])


@quick
def test_a_timing_is_taken_anew_and_stands_in_a_sweep_of_its_own(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MEASUREMENTS, "matrix_form", replace(MEASUREMENTS["matrix_form"], timing=True))
    assert main(MEASURED) == main(MEASURED) == app.EXIT_FINISHED
    assert "4 runs, 2 held already, 0 to train in 0 packs, 2 to measure" in capsys.readouterr().err
    found = load("measured")
    assert found.facts["earlier"]
    assert set(found.runs.loc[found.runs["measure"] == "matrix_form", "reused"]) == {False}


@quick
def test_a_measurement_that_fails_is_said_and_the_status_tells(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SMALL, "measure=relu_as_maxout", "network.activation=relu,tanh", "name=half"]) == app.EXIT_FAILED
    assert "1 run failed: network.activation is 'tanh'; allowed with" in capsys.readouterr().err
    assert dict(load("half").runs["outcome"].value_counts()) == {"finished": 1, "failed": 1}


def test_a_claim_that_is_measured_gets_its_verdict_and_its_figure() -> None:
    assert main(["+sweep=sigmoid_sums"]) == app.EXIT_FINISHED
    page, data = (
        Path("reports/sigmoid_sums.html").read_text(),
        json.loads(Path("reports/sigmoid_sums.json").read_text()),
    )
    (claim,) = data["claims"]
    assert (claim["id"], claim["verdict"]["verdict"]) == ("C10", "conditional")
    assert "Largest distance of the sum" in page
    assert "could not be drawn" not in page
    assert "No run has finished" not in page
