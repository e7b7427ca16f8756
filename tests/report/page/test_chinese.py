"""Pages in Chinese: no sentence is left in English, in whatever state the sweep is, in text, attribute or figure."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from tests.report.figures.sources import search, search_by_two
from tests.report.page.languages import left_in_english
from tests.report.page.test_sweep import CLAIMS, only
from tests.report.synthetic import Tables, sweep
from workbench.report.language.texts import NUMBER, TEXT, TRANSLATED_TEXTS, translated
from workbench.report.language.words import Words
from workbench.report.page.begun import Progress, standing
from workbench.report.page.comparison_page import write_comparison
from workbench.report.page.index import write_index
from workbench.report.page.sweep import write, write_live

blank = pytest.mark.usefixtures("blank_figures")
SMALL = {"network.depth": (1, 2), "network.activation": ("sigmoid", "relu")}
SWEEPS = {
    "grid": lambda: sweep(SMALL, seeds=12),
    "one seed": lambda: sweep(SMALL, seeds=1),
    "one run": lambda: sweep({}, seeds=1),
    "regression": lambda: sweep(SMALL, seeds=3, regression=True),
    "pending": lambda: only(sweep(SMALL, seeds=3), "pending"),
    "diverged": lambda: only(sweep(SMALL, seeds=3), "diverged"),
    "failed": lambda: only(sweep(SMALL, seeds=3), "failed"),
    "search": search,
    "search by two": search_by_two,
}
QUICK = ("one seed", "diverged", "failed")  # the others are thorough: a whole grid stands in the test of a claim


def page_of(tables: Tables, folder: Path, claims: object = ()) -> str:
    return write(tables, claims, folder).html.read_text(encoding="utf-8")  # type: ignore[arg-type]


def names_of(tables: Tables) -> set[str]:
    """What is a name on the page of this sweep: facts of its machine, what its runs are called, reasons of failures."""
    runs = tables.runs
    texts = {
        str(text) for column in ("name", "reason", "overrides") if column in runs for text in runs[column].dropna()
    }
    return texts | {*map(str, tables.facts.values()), tables.name, tables.name.replace("_", " ").capitalize()}


@blank
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.thorough) for name in SWEEPS]
)
def test_nothing_but_names_stays_english(name: str, tmp_path: Path) -> None:
    tables = SWEEPS[name]()
    assert left_in_english(page_of(tables, tmp_path), names_of(tables)) == []


@blank
def test_a_claim_and_its_verdict_are_told_in_chinese(tmp_path: Path) -> None:
    tables = sweep(SMALL, seeds=12)
    own = [text for claim in CLAIMS for text in (claim.statement, claim.section, claim.remark, claim.slip)]
    arms = [claim.rule.treatment.label for claim in CLAIMS if hasattr(claim.rule, "treatment")]
    arms += [claim.rule.baseline.label for claim in CLAIMS if hasattr(claim.rule, "baseline")]
    found = left_in_english(page_of(tables, tmp_path, CLAIMS), {*names_of(tables), *own, *arms})
    assert found == []
    assert left_in_english(write_index(tmp_path).read_text(encoding="utf-8"), {*names_of(tables), *own, *arms}) == []


@blank
def test_a_comparison_is_told_in_chinese(tmp_path: Path) -> None:
    first, second = sweep(SMALL, seeds=8, trouble=False), sweep(SMALL, seeds=8, trouble=False)
    runs = second.runs.assign(best_test_accuracy=second.runs["best_test_accuracy"] + 0.01)
    second = replace(second, name="other", runs=runs)
    text = write_comparison(first, second, tmp_path).read_text(encoding="utf-8")  # type: ignore[arg-type]
    assert left_in_english(text, names_of(first) | names_of(second)) == []


@blank
def test_the_page_of_a_sweep_that_trains_is_told_in_chinese(tmp_path: Path) -> None:
    tables = only(sweep(SMALL, seeds=3), "pending")
    far = Progress(3, 12, to_go="1:23", packs_ended=1, all_packs=4)
    page = write_live(tables, tmp_path, standing(far, datetime(2026, 11, 27, 12, tzinfo=UTC)))  # type: ignore[arg-type]
    text = page.html.read_text(encoding="utf-8")
    assert "12:00:00 UTC 時，12 次訓練中已有 3 次結束" in text
    assert "批中已有 1 批結束，大約還需 1:23。本頁會自動更新" in text
    assert left_in_english(text, names_of(tables)) == []


@pytest.mark.thorough
@pytest.mark.parametrize("name", SWEEPS)
def test_no_figure_is_labelled_in_english(name: str, tmp_path: Path) -> None:
    tables = SWEEPS[name]()
    text = page_of(tables, tmp_path)
    assert '<tspan class="zh">' in text or "<svg class" not in text.partition("<main>")[2]
    assert left_in_english(text, names_of(tables)) == []


def test_english_that_stays_is_found() -> None:
    page = (
        '<p><span class="en">All is well</span><span class="zh">很好</span></p><p title="not so good">壞 relu tanh</p>'
    )
    assert left_in_english(page) == ["not so good"]
    assert left_in_english("<p>nothing at all</p>") == ["nothing at all"]
    assert left_in_english('<p title="one two" data-zh-title="三">x</p><svg><text>epoch of training</text></svg>') == [
        "epoch of training"
    ]


def test_a_persons_own_texts_are_translated_from_their_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "experiments").mkdir()
    monkeypatch.chdir(tmp_path)
    assert translated("My own figure") == "My own figure"
    (tmp_path / "experiments" / TRANSLATED_TEXTS).write_text('{"My own figure": "我的圖"}', encoding="utf-8")
    assert translated("My own figure").chinese == "我的圖"  # type: ignore[attr-defined]


def test_a_text_of_known_parts_is_translated_by_them() -> None:
    label = translated("sigmoid, fan-in weights, 8 layers")
    assert label == "sigmoid, fan-in weights, 8 layers"
    assert label.chinese == "sigmoid，fan-in 權重，8 層"  # type: ignore[attr-defined]
    assert not isinstance(translated("fan-in weights, and something of a person's own"), Words)
    assert not isinstance(translated("relu, tanh"), Words)


@pytest.mark.parametrize(
    ("held", "text", "told"),
    [
        ({"{} of {} units": "{} / {} 個"}, "3 of 1,024 units", "3 / 1,024 個"),
        ({"a net of {text}, {} %": "{text}的網路，{} %"}, "a net of 3 layers, 1.6 %", "3 層的網路，1.6 %"),
        ({"a net of {text}": "{text}的網路"}, "a net of something else", None),  # half of a text is none
        ({"{} gizmos": "個"}, "3 gizmos", None),  # a number would be lost
        ({"three units": "{}"}, "three units", "{}"),
    ],
)  # fmt: skip
def test_texts_put_together_are_translated_by_their_places(
    held: dict[str, str], text: str, told: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / TRANSLATED_TEXTS).write_text(json.dumps(held), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert getattr(translated(text), "chinese", None) == told


def test_a_broken_table_of_texts_is_one_line_and_costs_no_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / TRANSLATED_TEXTS).write_text("[1", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert translated("My own figure") == "My own figure"
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_our_texts_are_those_of_our_experiments() -> None:
    """A text that was changed there keeps no translation of what it said before."""
    from workbench import places

    sources = "".join(
        file.read_text(encoding="utf-8")
        for folder, kind in (("experiments", "*.py"), ("conf", "**/*.yaml"))
        for file in places.ours(folder).glob(kind)
    )
    held = json.loads((places.ours("experiments") / TRANSLATED_TEXTS).read_text(encoding="utf-8"))

    def letters(text: str) -> str:
        return "".join(character for character in text if character.isalnum())

    known = letters(sources) + letters(" ".join(file.stem for file in places.ours("conf").glob("sweep/*.yaml")))
    assert [
        text for text in held if NUMBER not in text and TEXT not in text and letters(text).lower() not in known.lower()
    ] == []
    assert pd.Series(held).str.contains(r"[\u3400-\u9fff]").mean() > 0.95
