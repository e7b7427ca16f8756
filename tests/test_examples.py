"""The examples run: the folder of one's own to its verdict, the notebook to its last cell."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest

from tests.documents import ROOT, in_a_process_of_its_own
from workbench.sweep.hydra.command import main

EXAMPLES = ROOT / "examples"


@pytest.mark.thorough
def test_a_question_of_ones_own_comes_to_its_verdict(workspace: Path) -> None:
    shutil.copytree(EXAMPLES / "own-question", workspace, dirs_exist_ok=True)
    said = in_a_process_of_its_own(workspace, "-m", "workbench", "+sweep=sine_spirals")
    assert "report: reports/sine_spirals.html" in said
    assert "plain kernel" not in said
    page = json.loads((workspace / "reports/sine_spirals.json").read_text(encoding="utf-8"))
    assert page["counts"]["finished"] == 24
    (claim,) = page["claims"]
    assert claim["verdict"]["verdict"] == "reproduced"
    assert "Withheld" not in claim["verdict"]["sentence"]
    assert claim["verdict"]["fixed"]


@pytest.mark.thorough
@pytest.mark.usefixtures("workspace")
def test_every_cell_of_the_notebook_runs() -> None:
    small = ["data=blobs", "data.examples=120", "network.width=4", "training.epochs=2", "device=cpu", "workers=1"]
    assert main([*small, "network.depth=0,1", "optimizer=sgd,adam", "seed=range(3)", "name=tour"]) == 0
    notebook = json.loads((EXAMPLES / "results.ipynb").read_text(encoding="utf-8"))
    space: dict[str, Any] = {}
    try:
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                assert cell["outputs"] == []
                exec(compile("".join(cell["source"]), "results.ipynb", "exec"), space)
        assert len(plt.get_fignums()) == 2
    finally:
        plt.close("all")
    assert {level.label for level in space["effect"].levels} == {"0", "1"}


NOTEBOOK = json.loads((EXAMPLES / "notebook.ipynb").read_text(encoding="utf-8"))


def test_the_executed_notebook_shows_what_came_out_and_nothing_of_the_machine_that_ran_it() -> None:
    cells = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] and cell["execution_count"] for cell in cells)
    assert not [one for cell in cells for one in cell["outputs"] if one["output_type"] == "error"]
    text = json.dumps(NOTEBOOK)
    assert "<progress" in text
    assert "<svg" in text
    assert "/site-packages/" not in text


@pytest.mark.thorough
@pytest.mark.usefixtures("workspace")
def test_every_cell_of_the_executed_notebook_runs() -> None:
    space: dict[str, Any] = {}
    for cell in NOTEBOOK["cells"]:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), "notebook.ipynb", "exec"), space)
    assert (space["depths"].runs["outcome"] == "finished").all()
    assert space["longer"].runs["epochs"].iloc[0] == 20
