"""The library: a sweep asked for from Python is the sweep of the command, and what comes back shows itself."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import workbench
from tests import documents
from workbench.engine.errors import BadInput
from workbench.library import overrides
from workbench.sweep.hydra import command
from workbench.sweep.hydra.command import main

SMALL = {"data": "blobs", "data.examples": 120, "network.width": 4, "device": "cpu", "workers": 1}


@pytest.mark.parametrize(
    ("asked", "typed"),
    [
        ({"network.depth": [1, 2, 4]}, ["network.depth=1,2,4"]),
        ({"seed": range(12)}, ["seed=range(0,12)"]),
        ({"seed": range(4, 12, 2)}, ["seed=range(4,12,2)"]),
        ({"optimizer.learning_rate": np.array([0.1, 0.5])}, ["optimizer.learning_rate=0.1,0.5"]),
        ({"training.epochs": np.int64(5)}, ["training.epochs=5"]),
        ({"optimizer": "adam", "reuse": False, "workers": None}, ["optimizer=adam", "reuse=false", "workers=null"]),
        ({"network.channels": [8, 16]}, ["network.channels=[8,16]"]),
        ({"network.channels": [[8], [8, 16]]}, ["network.channels=[8],[8,16]"]),
        ({"description": "what, really?"}, ["description='what, really?'"]),
        ({"arm": "null"}, ["arm='null'"]),
        ({"sweep": "tour"}, ["+sweep=tour"]),
    ],
    ids=lambda asked: str(asked)[:40],
)  # fmt: skip
def test_what_is_asked_for_is_what_would_be_typed(asked: dict[str, object], typed: list[str]) -> None:
    assert list(overrides(asked)) == typed


@pytest.mark.usefixtures("workspace")
def test_bad_input_is_the_line_of_the_command_and_nothing_is_begun() -> None:
    for call, line in [
        (lambda: workbench.sweep({"network.dept": 1}), "did you mean network.depth"),
        (lambda: workbench.sweep({"seed": []}), "seed: has no values"),
        (lambda: workbench.sweep({"seed": 1}, seed=2), "seed: is given twice"),
        (lambda: workbench.sweep({"network.depth": [1, 2]}, network={"depth": 3}), "network.depth: is given twice"),
        (lambda: workbench.sweep({"network": {"depth": 1}, "network.depth": 2}), "network.depth: is given twice"),
        (lambda: workbench.sweep({"seed": {1, 2}}), "seed is a set; allowed: a number or a text; several in a list"),
        (lambda: workbench.sweep(["seed"]), "sweep: found a list; allowed first: a dictionary"),  # type: ignore[arg-type]
        (lambda: workbench.load(None), "name: found None; allowed: the name of a sweep"),  # type: ignore[arg-type]
        (lambda: workbench.load(3), "name: found 3; allowed"),  # type: ignore[arg-type]
        (lambda: workbench.load_run(None), "run_id: found None; allowed"),  # type: ignore[arg-type]
        (lambda: workbench.sweep(dry_run=True), "dry_run: is not for a call"),
        (lambda: workbench.sweep({3: 1}), "3: is no key"),  # type: ignore[dict-item]
        (lambda: workbench.load("nothing"), "nothing"),
    ]:
        with pytest.raises(BadInput, match=line) as raised:
            call()
        assert raised.value._render_traceback_() == [f"BadInput: {raised.value}"]
    assert not Path("reports").exists()


def test_two_threads_of_a_process_do_not_train_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is the process's would be mixed: Hydra's settings, and which sweep is given back."""
    entered, refused = [], []

    def train(typed: list[str]) -> int:
        entered.append(typed)
        with ThreadPoolExecutor(1) as other:
            refused.append(other.submit(workbench.sweep, {"seed": 1}).exception())
        return 2

    monkeypatch.setattr(command, "train", train)
    for _ in range(2):  # the first has let go of it
        with pytest.raises(BadInput, match="nothing was trained"):
            workbench.sweep({"seed": 0})
    assert len(entered) == 2
    assert all(isinstance(one, BadInput) and "another thread of this process" in str(one) for one in refused)


@pytest.mark.usefixtures("workspace", "blank_figures")
def test_a_sweep_is_trained_recorded_and_shows_itself(capsys: pytest.CaptureFixture[str]) -> None:
    varied = {"network.depth": [0, 1], "seed": range(2)}
    found = workbench.sweep(varied, name="depths", quiet=True, training={"epochs": 1}, **SMALL)
    assert capsys.readouterr() == ("", "")
    assert found.name == "depths"
    assert (found.runs["outcome"] == "finished").all()
    assert Path("reports/depths.html").is_file()
    assert "<h4>depths</h4>" in found._repr_html_()
    assert "4\u00a0runs: 4 finished" in repr(found)
    levels = found.effects()
    assert list(levels["level"]) == ["0", "1"]
    assert np.isfinite(levels["mean"]).all()
    with pytest.raises(BadInput, match="metric: found 'accuracy'"):
        found.effects("accuracy")
    assert found.verdicts.empty
    assert found.page.html == Path("reports/depths.html").read_text(encoding="utf-8")
    assert found.page._repr_html_().startswith("<iframe srcdoc=")
    assert len(found.figures) > 1
    for name, figure in found.figures.items():
        assert "<svg" in figure._repr_html_(), name
        assert len(figure.table) > 0, name
    with pytest.raises(BadInput, match="this page has"):
        found.figures["nothing"]
    with pytest.raises(BadInput, match=r"file: gone/page\.html cannot be written"):
        found.page.save("gone/page.html")
    with pytest.raises(BadInput, match=r"file: gone/figure\.svg cannot be written"):
        next(iter(found.figures.values())).save("gone/figure.svg")
    with pytest.raises(BadInput, match=r"the ending is \.doc"):
        figure.save("figure.doc")
    figure.save("figure.svg")
    assert Path("figure.svg").read_bytes().startswith(b"<?xml")
    again = workbench.sweep(varied, name="again", quiet=True, training={"epochs": 1}, **SMALL)
    assert again.runs["reused"].all()
    assert main(["data=blobs", "data.examples=120", "network.width=4", "device=cpu", "workers=1", "training.epochs=1",
                 "network.depth=0,1", "seed=range(2)", "name=typed", "--quiet"]) == 0  # fmt: skip
    assert list(workbench.load("typed").runs["fingerprint"]) == list(found.runs["fingerprint"])


@pytest.mark.thorough
@pytest.mark.usefixtures("workspace", "no_figures")
def test_the_page_on_the_library_can_be_followed(workspace: Path) -> None:
    documents.in_a_process_of_its_own(workspace, "-m", "tests.documents", str(documents.ROOT / "docs/api.md"))
