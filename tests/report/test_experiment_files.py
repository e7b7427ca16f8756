"""Of the files in `experiments` only those are run that say, unread by Python, that they are ours."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import pytest

from workbench import places
from workbench.engine.errors import BadInput
from workbench.report.experiment_files import declares_itself, experiment_files
from workbench.report.experiments import experiment_in, experiment_of, known_claims

OURS = "from workbench.claims import Claim\nCLAIMS: list[Claim] = []\n"


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's own folder `experiments`, in the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "experiments").mkdir()
    return tmp_path / "experiments"


@pytest.mark.parametrize(
    "text",
    [
        OURS,
        "import workbench\nif True:\n    CLAIMS = []\n",
        "from workbench.report import claims\nCLAIMS, other = [], 1\n",
        "from workbench.report import claims\nfrom mine import CLAIMS\n",
        "from workbench.claims import Claim\nCLAIMS = [\n",  # not finished
    ],
)
def test_a_file_of_claims_declares_itself(own: Path, text: str) -> None:
    (own / "x.py").write_text(text)
    assert declares_itself(own / "x.py")


@pytest.mark.parametrize(
    "text",
    [
        "print('train')\n",
        "CLAIMS = []\n",
        "import workbench\n",
        "import workbench\ndef claims():\n    CLAIMS = []\n",
        "import workbench_of_mine\nCLAIMS = []\n",
        "from .workbench import thing\nCLAIMS = []\n",
        "import workbench\nprint(CLAIMS)\n",
        "print 'python 2'\n",
        "\0",
        "",
    ],
)
def test_any_other_script_does_not(own: Path, text: str) -> None:
    (own / "x.py").write_text(text)
    assert not declares_itself(own / "x.py")


def test_all_of_ours_declare_themselves() -> None:
    assert set(experiment_files()) == {file.stem for file in places.ours("experiments").glob("[!_]*.py")}
    for file in places.ours("experiments").glob("[!_]*.py"):
        text = file.read_text(encoding="utf-8")
        assert "\nCLAIMS = " in text
        assert "from workbench." in text


def test_a_persons_scripts_are_not_run_whatever_their_name(own: Path) -> None:
    (own / "train.py").write_text("import argparse\nargparse.ArgumentParser().parse_args()\nopen('ran', 'w')\n")
    (own / "mnist.py").write_text("raise SystemExit(3)\n")
    assert "train" not in known_claims()
    assert experiment_of("mnist").claims == ()
    assert not Path("ran").exists()


@pytest.mark.parametrize("raised", ["SystemExit(3)", "RuntimeError('two\\nlines')", "BaseException()"])
def test_what_a_file_raises_costs_that_file_alone(own: Path, raised: str, capsys: pytest.CaptureFixture[str]) -> None:
    (own / "broken.py").write_text(f"{OURS}raise {raised}\n")
    known = known_claims()
    assert "broken" not in known
    assert len(known) == len(list(places.ours("experiments").glob("[!_]*.py")))
    said = capsys.readouterr().err
    assert said.startswith("experiments/broken.py cannot be imported: ")
    assert said.count("\n") == 1
    with pytest.raises(BadInput, match=r"experiments/broken\.py cannot be imported"):
        experiment_of("broken")


def test_ctrl_c_is_nobodys_fault(own: Path) -> None:
    (own / "slow.py").write_text(f"{OURS}raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        known_claims()


def test_the_log_says_what_code_of_the_folder_was_run(own: Path, caplog: pytest.LogCaptureFixture) -> None:
    (own / "mine.py").write_text(f"import helper_of_mine\n{OURS}")
    (own.parent / "helper_of_mine.py").write_text("")
    with caplog.at_level(logging.DEBUG, "workbench.sweep"):
        logging.getLogger("workbench.sweep").addHandler(caplog.handler)
        try:
            experiment_in(places.ours("experiments") / "matrix_form.py")
            experiment_in(own / "mine.py")
        finally:
            logging.getLogger("workbench.sweep").removeHandler(caplog.handler)
    assert [record.message for record in caplog.records] == ["code of this folder that is run: experiments/mine.py"]


def test_a_file_is_read_as_it_stands_however_soon_after_the_last_time(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the same size and written within the same second: Python itself would run what it compiled before."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    file = own / "mine.py"
    for dataset in ("digits", "wreath"):
        file.write_text(f"{OURS}DATASETS = {{{dataset!r}: []}}\n")
        os.utime(file, (1, 1))
        assert list(experiment_in(file).datasets) == [dataset]
    assert list(own.iterdir()) == [file]
