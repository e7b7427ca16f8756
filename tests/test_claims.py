"""Verdicts as a gate, and claims as a file to archive: what is written is borne out by its store."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.blank import leave_out
from tests.question import CLAIM, SWEEP
from workbench import cli
from workbench.engine.errors import BadInput
from workbench.report import claim_archive
from workbench.report.page.expected import NO_VERDICT, Expected, flips, read_expected

FILE = Path("claims.json")
AGAIN = ["reproduce", "mine", "--quiet", "--set", "workers=1", "device=cpu"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder whose question was asked, and its archive written."""
    made = tmp_path_factory.mktemp("claims")
    for name, text in (("conf/sweep/mine.yaml", SWEEP), ("experiments/mine.py", CLAIM)):
        (made / name).parent.mkdir(parents=True)
        (made / name).write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made)
        leave_out(patch.setattr)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        assert cli.main(AGAIN) == 0
        assert cli.main(["claims", "export", str(FILE)]) == 0
    return made


@pytest.fixture(autouse=True)
def inside(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leave_out(monkeypatch.setattr)
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def archived() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text())
    return found


def test_a_plan_says_what_the_claims_could_decide(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["+sweep=mine", "dry_run=true"]) == 0
    told = capsys.readouterr().err
    assert "claim Q1, training accuracy: 12 seeds decide an effect from 0 pp plus 1." in told.replace("\u00a0", " ")
    assert "false verdicts to expect, at most: 0.05 of" in told


def test_a_plan_refuses_an_open_arm_as_the_sweep_does(capsys: pytest.CaptureFixture[str]) -> None:
    file = Path("experiments/mine.py")
    file.write_text(CLAIM.replace('{"network.depth": number}', "{}"))
    try:
        assert cli.main(["+sweep=mine", "dry_run=true"]) == 2
    finally:
        file.write_text(CLAIM)
    assert "claim Q1: the arm 'depth 1' leaves network.depth open" in capsys.readouterr().err


def test_an_archive_holds_plan_question_attempts_and_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    (sweep,) = archived()["sweeps"]
    (claim,) = sweep["claims"]
    assert (sweep["name"], len(sweep["cells"]), claim["id"]) == ("mine", 24, "Q1")
    assert len({cell["fingerprint"] for cell in sweep["cells"]}) == 24
    assert len(claim["stored"]["question"]) == 16
    assert claim["rules"][0]["seeds"] == list(range(12))
    assert len(claim["differences"]) == claim["verdict"]["n"] == 12
    assert cli.main(["claims", "verify", str(FILE)]) == 0
    assert capsys.readouterr().out.startswith("verified: ")


def verdict(held: dict[str, Any]) -> None:
    held["sweeps"][0]["claims"][0]["verdict"]["verdict"] = "contradicted"


def weights(held: dict[str, Any]) -> None:
    held["sweeps"][0]["cells"][3]["weights_digest"] = "another"


def rule(held: dict[str, Any]) -> None:
    held["sweeps"][0]["claims"][0]["rules"][0]["margin"] = 0.5


def commit(held: dict[str, Any]) -> None:
    held["sweeps"][0]["facts"]["digest"] = "another"


def unknown(held: dict[str, Any]) -> None:
    held["sweeps"][0]["claims"].append(held["sweeps"][0]["claims"][0] | {"id": "Q2"})


def elsewhere(held: dict[str, Any]) -> None:
    held["sweeps"][0]["name"] = "gone"


CHANGES: dict[Callable[[dict[str, Any]], None], str] = {
    verdict: "and contradicted in the file", weights: "cells differ: 3", rule: "Q1: rules differ",
    commit: "digest is ", unknown: "Q2: there is no such claim any more", elsewhere: "holds none called 'gone'",
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_was_changed_in_an_archive_is_named(change: Callable[[dict[str, Any]], None]) -> None:
    held = archived()
    change(held)
    told, *lines = claim_archive.differences(held)
    assert told == "the file was changed: its digest is another one"
    assert any(CHANGES[change] in line for line in lines)


def test_a_rule_that_was_changed_since_is_named_and_ends_with_1(
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = Path("experiments/mine.py")
    file.write_text(CLAIM.replace("0.0,", "0.9,"))
    try:
        assert cli.main(["claims", "verify", str(FILE), "--json"]) == 1
    finally:
        file.write_text(CLAIM)
    found = json.loads(capsys.readouterr().out)
    assert "mine: Q1: rules differ" in found["differences"]


@pytest.mark.parametrize(
    ("text", "why"),
    [(None, "cannot be read"), ("{", "is no JSON"), ("[]", "no archive"), ('{"document": "workbench.claim_archive", '
     '"sweeps": [], "version": 9}', "is of version 9")],
)  # fmt: skip
def test_what_is_no_archive_is_bad_input(text: str | None, why: str, tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(BadInput, match=why):
        claim_archive.read(file)


def test_reproduce_ends_with_1_if_a_verdict_flips(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(Path("reports/index.json").read_text())["sections"][0]["claims"][0]
    word = next(word for word in ("reproduced", "contradicted") if word != found["verdict"])
    wrong = Path("wrong.json")
    wrong.write_text(json.dumps({"sections": [{"claims": [found | {"verdict": word}]}]}))
    assert cli.main([*AGAIN, "--expect", str(wrong)]) == 1
    assert f"flipped: Q1 on blobs is {found['verdict']}, expected was {word}" in capsys.readouterr().out


def test_an_archive_and_an_index_are_expected_alike() -> None:
    (one,) = archived()["sweeps"][0]["claims"]
    for file in (FILE, Path("reports/index.json")):
        (expected,) = read_expected(file, ["mine", "other"])
        assert expected == Expected("Q1", "blobs", "mine", one["verdict"]["verdict"])
        found = {"id": "Q1", "dataset": "blobs", "verdict": expected.verdict}
        assert flips([expected], [found]) == []
        assert [one.found for one in flips([expected], [found | {"dataset": "digits"}])] == [NO_VERDICT]


@pytest.mark.parametrize(
    ("text", "sweep"),
    [(None, "mine"), ("{", "mine"), ("{}", "mine"), ('{"sections": []}', "mine"),
     ('{"sections": [{"claims": [{"id": "A1", "dataset": "x", "sweep": "mine", "verdict": "maybe"}]}]}', "mine"),
     ('{"sections": [{"claims": [{"id": "A1", "dataset": "x", "sweep": "mine", "verdict": "reproduced"}]}]}', "two")],
)  # fmt: skip
def test_what_holds_no_verdict_of_the_sweeps_is_bad_input(text: str | None, sweep: str, tmp_path: Path) -> None:
    file = tmp_path / "expected.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(BadInput, match=r"^--expect: ") as caught:
        read_expected(file, [sweep])
    assert "\n" not in str(caught.value)
