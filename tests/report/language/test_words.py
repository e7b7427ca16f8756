"""The wordings of both languages: complete, with the same placeholders, all used; and texts that carry both."""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path
from string import Formatter

import pytest

from workbench.config import SETTINGS
from workbench.engine.layers import LAYERS
from workbench.engine.rules.probes import PROBES
from workbench.measure import ANALYSES, MEASUREMENTS
from workbench.report import wording
from workbench.report.language.words import (
    Words,
    attribute,
    begun,
    commas,
    counted,
    cut,
    joined,
    recognised,
    say,
    sentence,
    spaced,
    table,
    word,
)  # fmt: skip
from workbench.report.page.provenance import name_of

PACKAGE = Path(wording.__file__).resolve().parents[1]
FACTS = (
    "started", "ended", "outcome", "commit", "versions", "python", "device", "dtype", "data digest", "run_id", "uri",
    "earlier", "digest", "part_of", "rules_stored", "dirty", "machine", "departures",
    "data_shapes", "backend", "kernel", "executor",
)  # fmt: skip


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def written() -> tuple[str, tuple[str, ...]]:
    """The sources of the report, and what every key begins with that is put together there."""
    files = sorted([*(PACKAGE / "report").rglob("*.py"), *(PACKAGE / "report").rglob("*.j2")])
    source = "".join(file.read_text(encoding="utf-8") for file in files).replace("\\u2019", "\u2019")
    return source, tuple(re.findall(r'f"([a-z_]+\.[a-z_]*)\{', source))


def named() -> set[str]:
    """Words that are made from names: of settings, metrics, probes, analyses, layers and facts."""
    returned = [name for row in (*ANALYSES.values(), *MEASUREMENTS.values()) for name in row.returns]
    shown = [wording.metric(name) for name in (*returned, *PROBES, *wording.METRICS, "epochs")]
    found = {str.__str__(text) for one in shown for text in (one.name, one.note)}
    found |= {str.__str__(wording.factor(key)) for key in SETTINGS}
    found |= {name.replace("_", " ") for name in (*PROBES, *ANALYSES)} | set(ANALYSES)
    found |= {row.summary for row in (*ANALYSES.values(), *PROBES.values())}
    found |= {str.__str__(name_of(fact)) for fact in FACTS}
    found |= {f"{kind} by epoch" for kind in ("Loss", "Accuracy")}
    found |= {kind.replace("_", " ") for kind in LAYERS} | {"running", "interrupted"}  # the outcomes of a sweep
    return found | {text.capitalize() for text in found}


def test_both_tables_hold_the_same_keys_with_the_same_placeholders() -> None:
    english, chinese = table("english"), table("chinese")
    assert set(english) == set(chinese)
    assert {key: placeholders(text) for key, text in english.items()} == {
        key: placeholders(text) for key, text in chinese.items()
    }
    assert all(english.values())
    assert all(chinese.values())


def test_words_that_are_their_own_key_are_themselves_in_english() -> None:
    assert all(text == key for key, text in table("english").items() if "." not in key or " " in key.split(".")[0])


def test_every_setting_has_a_name_in_both_languages() -> None:
    assert {str.__str__(wording.factor(key)) for key in SETTINGS} <= set(table("chinese"))


def test_every_wording_is_used() -> None:
    source, heads = written()
    names = named()
    unused = {
        key
        for key in table("english")
        if f'"{key.removeprefix("counted.")}"' not in source
        and key not in names
        and not key.startswith((*heads, "stored."))
    }
    assert unused == set()


def test_chinese_has_full_width_punctuation() -> None:
    beside = re.compile(r"[\u3400-\u9fff][,;:!?()]|[,;:!?()][\u3400-\u9fff]")
    assert not [text for text in table("chinese").values() if beside.search(text)]


@pytest.mark.parametrize(("text", "found"), [
    ("在12個種子上relu較好", "在 12 個種子上 relu 較好"), ("深度 與 寬度", "深度與寬度"),
    ("平均 （95 %）。 其次", "平均（95 %）。其次"),
    ("差異\u22123 個", "差異 \u22123 個"), ("relu and tanh", "relu and tanh"),
])  # fmt: skip
def test_a_space_stands_between_han_and_latin_alone(text: str, found: str) -> None:
    assert spaced(text) == found


def test_a_text_of_both_languages_is_the_english_to_every_other_program() -> None:
    text = say("number.points", value="5")
    assert text == "5\u00a0pp"
    assert hash(text) == hash("5\u00a0pp")
    assert json.dumps(text) == json.dumps("5\u00a0pp")
    assert f"{text}." == "5\u00a0pp."
    assert pickle.loads(pickle.dumps(text)).chinese == text.chinese == "5 個百分點"


def test_a_page_gets_both_escaped() -> None:
    text = Words("a < b", "甲 < 乙").__html__()
    assert text == '<span class="en" lang="en">a &lt; b</span><span class="zh" lang="zh-Hant">甲 &lt; 乙</span>'
    assert attribute("title", Words('"a"', "甲")) == 'title="&#34;a&#34;" data-zh-title="甲"'
    assert attribute("title", "<a>") == 'title="&lt;a&gt;"'
    assert "&lt;b&gt;" in sentence("paper.sentence", text="<b>")


def test_parts_give_each_language_its_own() -> None:
    seeds = wording.plural(12, "seed")
    text = say("card.interval", interval=wording.between(0.01, 0.02, "test_accuracy"), seeds=seeds)
    assert text == "95 % interval +1.0 to +2.0\u00a0pp, 12\u00a0seeds"
    assert text.chinese == "95 % 信賴區間 +1.0 至 +2.0 個百分點，12 個種子"


def test_numbers_have_their_plural_in_english_alone() -> None:
    assert [str(wording.plural(count, "run")) for count in (0, 1, 2000)] == [
        "0\u00a0runs",
        "1\u00a0run",
        "2,000\u00a0runs",
    ]
    assert say("counted.run", count=2000).chinese == "2,000 次訓練"
    assert counted(3, "thing of nobody", lambda: "3 things") == "3 things"


def test_lists_and_cuts_keep_both_languages() -> None:
    both = [word("depth"), word("width")]
    assert wording.listing([*both, "x"]) == "depth, width and x"
    assert [text.chinese for text in (wording.listing(both), commas(both), joined(both, " ", ""))] == [
        "深度與寬度", "深度、寬度", "深度寬度",
    ]  # fmt: skip
    assert begun(word("depth")) == "Depth"
    shortened = cut(say("effects.table", factor=word("learning rate")), 12)
    assert (shortened, shortened.chinese) == ("Means by le\u2026", "學習率各水準的平均")


def test_what_the_store_says_in_english_is_recognised() -> None:
    assert recognised("the loss was not finite at epoch 3").chinese == "第 3 輪的損失不是有限值"
    assert not isinstance(recognised("MemoryError: no room"), Words)


def test_what_is_always_large_stays_so_within_a_sentence_and_at_its_beginning() -> None:
    for english, small, large in (
        ("GPU speedup", "GPU speedup", "GPU speedup"),
        ("Test accuracy", "test accuracy", "Test accuracy"),
        ("share of ReLU units", "share of ReLU units", "Share of ReLU units"),
        ("Test R2", "test R2", "Test R2"),
    ):
        assert (Words(english, "").lower(), Words(english, "").capitalize()) == (small, large)
