"""The page: whole in one file, safe, the same for the same data, and honest about what it does not know."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.repetitions import mostly_thorough
from tests.report.figures.sources import search, search_by_two
from tests.report.page.languages import said
from tests.report.synthetic import Tables, sweep
from workbench.engine.errors import BadInput
from workbench.report import wording
from workbench.report.language.words import Words, word
from workbench.report.page.folder import stem
from workbench.report.page.index import write_index
from workbench.report.page.provenance import facts
from workbench.report.page.summary import share_of_mean
from workbench.report.page.sweep import Page, write
from workbench.report.statistics.design import STATUSES, read
from workbench.report.verdicts.claim_rules import Arm, Claim, Equivalence, Identity, Paired
from workbench.report.verdicts.stored_rules import canonical_rules
from workbench.report.verdicts.verdict import VERDICTS

words = pytest.mark.usefixtures("blank_figures")  # what is asked stands in no figure
HOSTILE = "</script><img src=x onerror=alert(1)>"
SMALL = {"network.depth": (1, 2), "network.activation": ("sigmoid", "relu")}
TWO = {"network.depth": (1, 2)}
VOID = {"meta", "br", "input", "img", "link", "hr"}
OPTIONAL = {"td", "th", "tr"}  # HTML lets their end tags be left out


def only(tables: Tables, outcome: str) -> Tables:
    """The sweep with every cell of one outcome and no history."""
    runs = tables.runs.assign(outcome=outcome, reused=False)
    runs = runs.drop(columns=[name for name in runs if name.startswith(("last_", "best_"))])
    return replace(tables, runs=runs, epochs=tables.epochs.iloc[:0], layers=tables.layers.iloc[:0])


SWEEPS = {
    "whole": lambda: sweep(SMALL, seeds=12),
    "one seed": lambda: sweep(SMALL, seeds=1),
    "one factor": lambda: sweep(TWO, seeds=3),
    "one run": lambda: sweep({}, seeds=1),
    "regression": lambda: sweep(SMALL, seeds=3, regression=True),
    "no layers": lambda: sweep(SMALL, seeds=3, layers=False),
    "many levels": lambda: sweep({"optimizer.learning_rate": tuple(2.0**-k for k in range(14))}, seeds=2),
    "pending": lambda: only(sweep(SMALL, seeds=3), "pending"),
    "failed": lambda: only(sweep(SMALL, seeds=3), "failed"),
    "search": search,
    "search by two": search_by_two,
    "hostile": lambda: sweep({HOSTILE: (HOSTILE, "$x_1$"), "network.depth": (1, 2)}, seeds=2),
}


def test_the_best_run_of_a_regression_is_set_against_predicting_the_mean() -> None:
    design = read(SWEEPS["regression"]())  # type: ignore[arg-type]
    best = float(design.runs.loc[design.runs["outcome"] == "finished", design.main].min())
    said_of = share_of_mean(design, 0.5)
    against = f"an R\u00b2 of {wording.number(1 - 2 * best)} against their mean."
    assert f"costs about 0.500; the best run costs {wording.number(200 * best)} % of that, {against}" in said_of
    assert share_of_mean(read(SWEEPS["one factor"]()), 0.5) == ""  # type: ignore[arg-type]


class Outline(HTMLParser):
    """Tags in order, whether they close, ids, references to elsewhere."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.headings: list[int] = []
        self.open: list[str] = []
        self.ids: list[str] = []
        self.loads: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = dict(attrs)
        self.tags.append((tag, held))
        ended = {"tr": OPTIONAL, "td": {"td", "th"}, "th": {"td", "th"}}.get(tag, set())
        while self.open and self.open[-1] in ended:
            self.open.pop()
        if tag not in VOID:
            self.open.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        self.ids += [held["id"]] if held.get("id") else []
        self.loads += [str(held[key]) for key in ("src", "srcset", "data") if key in held]
        self.loads += [str(held["href"])] if tag in ("link", "image") else []

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        while self.open[-1] in OPTIONAL and self.open[-1] != tag:
            self.open.pop()
        assert self.open.pop() == tag


def page_of(tables: Any, folder: Path, claims: Any = ()) -> tuple[str, Page]:
    page = write(tables, claims, folder)
    return page.html.read_text(encoding="utf-8"), page


@pytest.mark.parametrize("name", mostly_thorough(SWEEPS, "whole", "one run", "search", "pending", "hostile"))
def test_any_sweep_gets_a_whole_page(name: str, tmp_path: Path) -> None:
    tables = SWEEPS[name]()
    text, page = page_of(tables, tmp_path)
    outline = Outline(text)
    assert not outline.open
    assert outline.headings[0] == 1
    assert all(after <= before + 1 for before, after in zip(outline.headings, outline.headings[1:], strict=False))
    assert len(outline.ids) == len(set(outline.ids))
    assert not outline.loads
    assert not re.search(r"@import|url\((?!#)|\bfetch\(|localStorage|sessionStorage|indexedDB|XMLHttpRequest", text)
    assert text.count("<figure") == text.count(f"<details><summary>{said('The numbers')}")
    assert all(held.get("aria-label") for tag, held in outline.tags if tag == "svg" and held.get("role") == "img")
    data = json.loads(page.json.read_text(encoding="utf-8"))
    assert sum(data["counts"].values()) == len(tables.runs) == len(data["runs"]["cell"])
    assert all(f"<b>{data['counts'][outcome]}</b> {said(outcome)}" in text for outcome in STATUSES)


def test_equal_data_give_equal_bytes(tmp_path: Path) -> None:
    first, second = (write(sweep(TWO, seeds=3), CLAIMS, tmp_path / name) for name in ("a", "b"))
    assert first.html.read_bytes() == second.html.read_bytes()
    assert first.json.read_bytes() == second.json.read_bytes()


def test_the_order_of_the_rows_does_not_matter(tmp_path: Path) -> None:
    tables = sweep(TWO, seeds=3)
    shuffled = replace(
        tables, runs=tables.runs.sample(frac=1, random_state=0), epochs=tables.epochs.sample(frac=1, random_state=0)
    )
    assert page_of(tables, tmp_path / "a")[0] == page_of(shuffled, tmp_path / "b")[0]


@words
def test_the_data_in_the_page_are_those_beside_it(tmp_path: Path) -> None:
    text, page = page_of(SWEEPS["whole"](), tmp_path)
    inside = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert inside is not None
    assert json.loads(inside[1]) == json.loads(page.json.read_text(encoding="utf-8"))


def test_nothing_from_outside_becomes_markup(tmp_path: Path) -> None:
    tables = SWEEPS["hostile"]()
    facts = dict.fromkeys((*tables.facts, "title", "description", "missing", HOSTILE), HOSTILE)
    facts |= {"seconds": "1", "uri": "javascript:alert(1)"}
    runs = tables.runs.assign(reason=HOSTILE, run_id=HOSTILE, overrides=HOSTILE, origin=HOSTILE)
    claims = [Claim(HOSTILE, HOSTILE, HOSTILE, Identity("last_train_loss", Arm(HOSTILE), 1e-6), slip=HOSTILE)]
    text, _ = page_of(replace(tables, facts=facts, runs=runs), tmp_path, claims)
    outline = Outline(text)
    assert not [tag for tag, _ in outline.tags if tag == "img"]
    assert not [held for _, held in outline.tags if any(key.startswith("on") for key in held)]
    assert text.count("<script") == text.count("</script>") == 2
    assert not [held["href"] for tag, held in outline.tags if tag == "a" and str(held["href"]).startswith("javascript")]
    assert "&lt;img src=x" in text


SEEDS = tuple(range(12))
OTHERS = tuple(key for key in SMALL if key != "network.depth")
DEEP, FLAT = (Arm(name, {"network.depth": n}, averaged_over=OTHERS) for name, n in (("deep", 2), ("flat", 1)))
CLAIMS = [
    Claim("C4", "Deeper is worse.", "Training", Paired("last_train_accuracy", DEEP, FLAT, 0.01, "lower", SEEDS)),
    Claim("D2", "No difference.", "Testing", Equivalence("best_test_accuracy", DEEP, FLAT, 0.01, SEEDS)),
    Claim("B2", "An identity.", "Loss", Identity("last_train_loss", Arm("all runs"), 1e-6), slip="A slip."),
]


@words
def test_verdicts_come_first(tmp_path: Path) -> None:
    tables = sweep(SMALL, seeds=12, trouble=False)
    tables.facts["rules"] = canonical_rules(CLAIMS[:1])
    text, page = page_of(tables, tmp_path, CLAIMS)
    assert text.index('id="verdicts"') < text.index('id="outcome"')
    found = [claim["verdict"]["verdict"] for claim in json.loads(page.json.read_text())["claims"]]
    assert found[0] == "reproduced"
    for claim, verdict in zip(CLAIMS, found, strict=True):
        card = text[text.index(f"{said('Claim')} {claim.id}") - 220 :]
        assert str(said(verdict)) in card[:220]
    assert text.count("read this verdict as exploratory") == 2


@words
@pytest.mark.parametrize(
    ("seeds", "words"), [(1, "One seed only"), (6, "6 seeds: intervals are wide"), (12, "")], ids=["1", "6", "12"]
)
def test_too_few_seeds_are_said(seeds: int, words: str, tmp_path: Path) -> None:
    text, _ = page_of(sweep(SMALL, seeds=seeds), tmp_path)
    assert ("no verdict is possible" in text) == bool(words)
    assert words in text


@words
def test_losses_are_named_and_the_epoch_of_the_main_metric(tmp_path: Path) -> None:
    text, _ = page_of(sweep(seeds=2), tmp_path)
    assert "Test accuracy is that at the epoch with the best validation loss." in text
    assert "MemoryError: 1.2 GiB" in text
    assert "loss not finite at epoch" in text


@words
def test_every_run_links_to_the_store(tmp_path: Path) -> None:
    tables = sweep(SMALL, seeds=2, trouble=False)
    text, _ = page_of(tables, tmp_path)
    for run_id in tables.runs["run_id"]:
        assert f'href="http://127.0.0.1:5000/#/experiments/1/runs/{run_id}"' in text
    served = replace(tables, facts=tables.facts | {"uri": "https://tracking.example/"})
    assert 'href="https://tracking.example/#/experiments/1/runs/' in page_of(served, tmp_path)[0]


@words
def test_provenance_names_what_is_common_and_not_the_default(tmp_path: Path) -> None:
    tables = sweep(SMALL, seeds=2)
    text, page = page_of(replace(tables, runs=tables.runs.assign(**{"network.width": 100})), tmp_path)
    assert json.loads(page.json.read_text())["common"] == {"network.width": 100}
    assert "network.width" in text
    assert tables.facts["commit"] in text


@pytest.mark.parametrize(
    ("other", "remark"), [("P, 256-bit vectors", False), ("", False), ("Q, 512-bit vectors", True)]
)
def test_processors_are_named_if_they_differ_between_runs(other: str, remark: bool) -> None:
    tables = sweep(SMALL, seeds=2)
    tables.runs["processor"] = ["P, 256-bit vectors", *[other] * (len(tables.runs) - 1)]
    text = dict(facts(tables, read(tables))).get("Processors", "")
    told = "they differ, and so may the last digits of runs: P, 256-bit vectors | Q, 512-bit vectors"
    assert text == (told if remark else "")


@pytest.mark.thorough
def test_the_tour_is_light_enough(tmp_path: Path) -> None:
    tables = sweep()
    assert len(tables.runs) == 432
    assert write(tables, [], tmp_path).html.stat().st_size < 3_000_000


@words
@pytest.mark.parametrize(
    "name",
    [
        "",
        "../x",
        "a/b",
        "index",
        "Index",
        "a.html",
        "compare-a-b",
        "nul",
        "a b",
        "x" * 5000,
        "\u202eabc",
        "\U0001f600",
        HOSTILE,
    ],
)
def test_a_name_that_cannot_be_a_files_becomes_one(name: str, tmp_path: Path) -> None:
    page = write(replace(SWEEPS["one run"](), name=name), [], tmp_path / "pages")
    assert page.html.parent == tmp_path / "pages"
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,60}\.html", page.html.name)
    assert page.html.name != "index.html"
    assert page.html.stem != stem(name + "!", page.html.parent)


def test_an_empty_sweep_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no cell"):
        write(replace(sweep(SMALL, seeds=1), runs=pd.DataFrame()), [], tmp_path)


@words
def test_the_index_lists_every_page_and_nothing_else(tmp_path: Path) -> None:
    write(replace(SWEEPS["whole"](), name="first"), CLAIMS, tmp_path)
    write(replace(SWEEPS["one run"](), name="second", facts={"title": HOSTILE}), [], tmp_path)
    (tmp_path / "other.json").write_text("{}")
    (tmp_path / "broken.json").write_text("{")
    index = write_index(tmp_path)
    text = index.read_text(encoding="utf-8")
    assert index.name == "index.html"
    assert re.findall(r'href="([^"]+)"', text) == ["first.html"] * len(CLAIMS) + ["first.html", "second.html"]
    assert "<img" not in text
    assert not Outline(text).open
    assert write_index(tmp_path).read_text(encoding="utf-8") == text


@words
def test_the_index_follows_the_order_of_creation_and_no_clock(tmp_path: Path) -> None:
    for name, order, started in (("early", "1", "2030-01-01"), ("late", "2", "2020-01-01"), ("old", "", "2031-01-01")):
        facts = {"title": name, "order": order, "started": started}
        write(replace(SWEEPS["one run"](), name=name, facts=facts), [], tmp_path)
    found = re.findall(r'href="([^"]+)"', write_index(tmp_path).read_text(encoding="utf-8"))
    assert found == ["late.html", "early.html", "old.html"]


def test_an_empty_folder_has_an_index_too(tmp_path: Path) -> None:
    assert "No page yet" in write_index(tmp_path / "new").read_text(encoding="utf-8")


@words
def test_the_index_names_claims_that_were_not_run(tmp_path: Path) -> None:
    write(SWEEPS["whole"](), CLAIMS[:1], tmp_path)
    text = write_index(tmp_path, {"other": CLAIMS[1:]}).read_text(encoding="utf-8")
    assert text.count("+sweep=other") == 2
    assert text.index("Deeper is worse") < text.rindex("2\u00a0claims: not run yet")


@words
def test_statements_and_verdicts_stand_in_both_languages(tmp_path: Path) -> None:
    claim = replace(CLAIMS[0], statement_zh="\u6df1\u5ea6\u8d8a\u5927\u8d8a\u5dee\u3002")
    text, _ = page_of(sweep(SMALL, seeds=12, trouble=False), tmp_path, [claim])
    assert f'<span class="zh" lang="zh-Hant">{claim.statement_zh}</span>' in text
    index = write_index(tmp_path).read_text(encoding="utf-8")
    assert claim.statement_zh in index
    assert all(isinstance(word(name), Words) and isinstance(meaning, Words) for name, meaning in VERDICTS.items())


@words
def test_what_every_page_has_stands_in_both_languages(tmp_path: Path) -> None:
    text = write(sweep(TWO, seeds=2), [], tmp_path).html.read_text(encoding="utf-8")  # type: ignore[arg-type]
    for chinese in ("掃描了什麼", "測試準確率", "各訓練輪的平均", "由 Workbench 依儲存庫的內容製作", "因子"):
        assert f'<span class="zh" lang="zh-Hant">{chinese}' in text
