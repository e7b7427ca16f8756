"""Whatever a name, a tag, an override or a path holds, a page shows it as text and stays whole."""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.repetitions import repetitions
from tests.report.page.test_sweep import Outline
from tests.report.synthetic import Tables, sweep
from workbench.report.page.comparison_page import write_comparison
from workbench.report.page.index import write_index
from workbench.report.page.sweep import write
from workbench.report.verdicts.claim_rules import Arm, Claim, Identity

NASTY = (
    "</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\"' onmouseover='alert(1)", "</style><b>",
    "<!--", "]]>", "&lt;b&gt;&amp;", "{{ 7*7 }}{% raw %}", "\U0001f600\U0001f469\u200d\U0001f52c",
    "\u202e\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627", "javascript:alert(1)", "../../etc/passwd",
    "C:\\a\\b", "$x^2$ \\alpha", "a" * 5000, "<" * 5000, "%s %(x)s {0}", "`|`\n| a |", " ", "\x07\x1b[31m",
)  # fmt: skip
ANYTHING = st.one_of(st.sampled_from(NASTY), st.text(max_size=40)).filter(bool)
BASE = sweep({"a": (1, 2)}, seeds=2, epochs=2, layers=False, trouble=False)


def tables_of(name: str, key: str, values: list[str], fact: str) -> Tables:
    """A small sweep whose every text is somebody else's."""
    runs = BASE.runs.rename(columns={"a": key}) if key not in BASE.runs else BASE.runs.rename(columns={"a": "b"})
    key = key if key in runs else "b"
    told = dict.fromkeys(("reason", "overrides", "origin", "run_id", "name", "pack"), fact)
    runs = runs.assign(**told, **{key: [values[level - 1] for level in runs[key]]})
    facts = dict.fromkeys((*BASE.facts, "title", "description", "missing", fact), fact) | {"seconds": "1"}
    return replace(BASE, name=name, facts=facts, factors=(key, "seed"), runs=runs)


def is_whole(file: Path, scripts: int) -> None:
    """Its tags are ours and close; nothing runs or loads that is not ours."""
    text = file.read_text(encoding="utf-8")
    outline = Outline(text)
    assert not outline.open
    assert not outline.loads
    assert text.count("<script") == text.count("</script>") == scripts
    assert {tag for tag, _ in outline.tags}.isdisjoint({"img", "iframe", "object", "base", "form"})
    for tag, held in outline.tags:
        assert not [name for name in held if name.startswith("on")]
        if tag == "a":
            assert re.match(r"#|https?://|[A-Za-z0-9][A-Za-z0-9._-]*\.html$", str(held["href"]))
    assert len(outline.ids) == len(set(outline.ids))


@settings(max_examples=repetitions(2, 20), deadline=None)
@given(name=ANYTHING, key=ANYTHING, values=st.lists(ANYTHING, min_size=2, max_size=2, unique=True), fact=ANYTHING)
def test_pages_stay_whole(name: str, key: str, values: list[str], fact: str) -> None:
    tables = tables_of(name, key, values, fact)
    claim = Claim(fact, fact, fact, Identity("last_train_loss", Arm(fact), 1e-6), slip=fact, statement_zh=fact)
    with tempfile.TemporaryDirectory() as folder:
        page = write(tables, [claim], Path(folder) / "pages")
        is_whole(page.html, scripts=2)
        assert json.loads(page.json.read_text(encoding="utf-8"))["name"] == name
        pages = Path(folder) / "pages"
        assert {file.parent for file in page.files} == {pages, pages / page.html.stem}
        is_whole(write_comparison(tables, tables, Path(folder)), scripts=1)
        is_whole(write_index(Path(folder) / "pages", {fact: [claim]}), scripts=1)
