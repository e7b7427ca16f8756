"""The index says of a claim that its predicted effect is ruled out, beside the verdict that stays open."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.report.page.languages import said
from workbench.claims import Arm, Claim, Identity
from workbench.report.page.index import write_index
from workbench.report.page.page_data import FORMAT


@pytest.mark.parametrize(("verdict", "fails", "shown"), [
    ("inconclusive", True, True), ("inconclusive", False, False), ("contradicted", True, False),
])  # fmt: skip
def test_what_is_ruled_out_has_a_badge(verdict: str, fails: bool, shown: bool, tmp_path: Path) -> None:
    found = {"verdict": verdict, "fails": fails, "effect": 0.1, "interval": [0.0, 0.2], "n": 12}
    claim = {"id": "X1", "statement": "s", "section": "S", "rule": {"metric": "score"}, "verdict": found}
    counts = dict.fromkeys(("finished", "reused", "diverged", "failed", "pending"), 1)
    data = {"format": FORMAT, "name": "one", "title": "One", "description": "", "summary": "", "counts": counts,
            "claims": [claim], "provenance": {}}  # fmt: skip
    (tmp_path / "one.json").write_text(json.dumps(data))
    (tmp_path / "one.html").write_text("")
    text = write_index(tmp_path).read_text(encoding="utf-8")
    assert (str(said("ruled out")) in text) == shown


def page_of_one(folder: Path, **more: object) -> None:
    """A folder with one page, of claim X1 on the score."""
    verdict = {"verdict": "reproduced", "fails": False, "effect": 0.5, "interval": [0.4, 0.6], "n": 12}
    rule = {"metric": "last_train_loss"}
    claim = {"id": "X1", "statement": "s", "section": "S", "rule": rule, "verdict": verdict}
    counts = dict.fromkeys(("finished", "reused", "diverged", "failed", "pending"), 1)
    data = {"format": FORMAT, "name": "one", "title": "One", "description": "", "summary": "", "counts": counts,
            "claims": [claim], "provenance": {}} | more  # fmt: skip
    (folder / "one.json").write_text(json.dumps(data))
    (folder / "one.html").write_text("")


def test_an_effect_is_named_and_the_dataset_told_in_both_languages(tmp_path: Path) -> None:
    page_of_one(tmp_path, dataset="mnist, train size 600")
    text = write_index(tmp_path).read_text(encoding="utf-8")
    assert "training loss +0.500, 95 % interval +0.400 to +0.600" in text
    assert "mnist, train size 600" in text
    assert "mnist\u3001訓練樣本數 600" in text


def test_a_claim_that_two_sweeps_ask_is_one_that_waits(tmp_path: Path) -> None:
    page_of_one(tmp_path)
    rule = Identity("last_train_loss", Arm("all"), 1e-6)
    asked = {
        "first": [Claim("Y1", "A.", "S", rule), Claim("Y2", "B.", "S", rule)],
        "second": [Claim("Y1", "A.", "S", rule)],
    }
    text = write_index(tmp_path, asked).read_text(encoding="utf-8")
    assert "1\u00a0sweep of 5\u00a0runs, 3\u00a0claims." in text
    assert "2\u00a0claims: not run yet" in text
    assert "<b>2</b>" in text.partition("not run yet")[0]
