"""Statements in Chinese: whose they are, where they come from, and that a broken file is said in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.report.page.languages import left_in_english, said
from workbench import places
from workbench.claims import Arm
from workbench.engine.errors import BadInput
from workbench.report.experiments import TRANSLATIONS, claims_in, known_claims
from workbench.report.language.texts import translated
from workbench.report.language.words import Words

CLAIM = """from workbench.claims import Arm, Claim, Identity
RULE = Identity("last_train_loss", Arm("all"), 1e-6)
CLAIMS = [Claim("X1", "One.", "", RULE), Claim("X2", "Two.", "", RULE, statement_zh="own")]
"""


def test_every_translation_belongs_to_a_claim() -> None:
    known = {claim.id: claim for claims in known_claims().values() for claim in claims}
    told = json.loads((places.ours("experiments") / TRANSLATIONS).read_text(encoding="utf-8"))
    assert set(told) <= set(known)
    assert all(known[mark].statement_zh for mark in told)


def test_no_text_of_our_claims_stays_english() -> None:
    """Among them those that experiment files put together, such as the claims of published papers."""
    texts: set[str] = set()
    for claims in known_claims().values():
        for claim in claims:
            texts |= {claim.section, claim.remark, claim.slip}
            texts |= set() if claim.statement_zh else {claim.statement}
            for rule in (claim.rule, *claim.also):
                texts |= {held.label for held in vars(rule).values() if isinstance(held, Arm)}
    page = "".join(f"<p>{said(text)}</p>" for text in sorted(texts))
    assert left_in_english(page, {"Proc. IEEE", "max-norm", "eta lambda", "sqrt(fan * Var W) * rms(sigma')"}) == []


def test_every_sweep_of_ours_has_a_title_in_chinese_on_whatever_data() -> None:
    titles = [file.stem.replace("_", " ").capitalize() for file in places.ours("conf").glob("sweep/*.yaml")]
    titles += ["Dropout-mnist", "Dead units-breast_cancer"]
    assert [title for title in titles if not isinstance(translated(title), Words)] == []


def test_a_claims_own_words_come_before_those_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text(CLAIM)
    assert [claim.statement_zh for claim in claims_in(tmp_path / "x.py")] == ["", "own"]
    (tmp_path / TRANSLATIONS).write_text('{"X1": "\u4e00", "X2": "\u4e8c"}', encoding="utf-8")
    assert [claim.statement_zh for claim in claims_in(tmp_path / "x.py")] == ["\u4e00", "own"]


@pytest.mark.parametrize("text", ["{", "[1]", "3"])
def test_a_broken_file_is_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text(CLAIM)
    (tmp_path / TRANSLATIONS).write_text(text)
    with pytest.raises(BadInput, match="cannot be read"):
        claims_in(tmp_path / "x.py")


def test_every_sweep_of_ours_says_in_chinese_what_it_asks() -> None:
    files = sorted(places.ours("conf").glob("sweep/*.yaml"))
    asked = {file.stem: yaml.safe_load(file.read_text(encoding="utf-8")).get("description", "") for file in files}
    assert [stem for stem, text in asked.items() if text and not isinstance(translated(text.strip()), Words)] == []
