"""The index says of a claim that its predicted effect is ruled out, beside the verdict that stays open."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.report.page.languages import said
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
