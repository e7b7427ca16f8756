"""The pages in a real browser: no error, nothing loaded from elsewhere, a table that sorts and filters, both languages.

Skipped where no Chromium is found. The check of accessibility needs axe-core as well, which is no dependency of ours:
`npm install axe-core` in the checkout, or its axe.min.js named in AXE_CORE.
"""

from __future__ import annotations

import os
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.once import made_once
from tests.repetitions import crossed
from tests.report.page.browser import Tab, chromium, tab
from tests.report.page.test_sweep import CLAIMS, SMALL, SWEEPS
from tests.report.synthetic import sweep
from tests.waiting import wait_until
from workbench.report.page.comparison_page import write_comparison
from workbench.report.page.index import write_index
from workbench.report.page.sweep import write, write_live

BROWSER = chromium()
ROOT = Path(__file__).resolve().parents[3]
AXE = Path(os.environ.get("AXE_CORE") or ROOT / "node_modules" / "axe-core" / "axe.min.js")
PAGES = ("tour", "claims", "hostile", "index", "compare-claims-other")
SIZES = {"desktop": 1280, "phone": 390, "wide": 1920}

pytestmark = pytest.mark.skipif(BROWSER is None, reason="runs where Chromium is installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a page of every kind."""

    def make(found: Path) -> None:
        tables = sweep(SMALL, seeds=12, name="claims")
        write(sweep({**SMALL, "optimizer": ("sgd", "adam")}, seeds=2), [], found)
        write(tables, CLAIMS, found)
        hostile = SWEEPS["hostile"]()
        write(type(hostile)("hostile", *list(vars(hostile).values())[1:]), [], found)
        write_comparison(tables, sweep(SMALL, seeds=12, name="other", epochs=8), found)
        write_index(found)

    return made_once(tmp_path_factory, "pages in a browser", make)


@pytest.fixture(scope="module")
def page() -> Iterator[Tab]:
    """One browser for all tests."""
    assert BROWSER is not None
    with tab(BROWSER) as found:
        yield found


def opened(page: Tab, folder: Path, name: str, **shape: object) -> Tab:
    page.problems.clear()
    page.shape(**{"width": 1280, **shape})  # type: ignore[arg-type]
    page.open((folder / f"{name}.html").as_uri())
    return page


@pytest.mark.parametrize(
    ("name", "size"),
    [
        pytest.param(name, size, marks=() if size == "phone" or name == "claims" else pytest.mark.thorough)
        for name in PAGES
        for size in SIZES
    ],
)
def test_a_page_opens_without_a_word_and_fits(name: str, size: str, page: Tab, folder: Path) -> None:
    opened(page, folder, name, width=SIZES[size])
    assert page.problems == []
    assert page.run("document.documentElement.scrollWidth") <= SIZES[size]
    assert page.run("document.querySelectorAll('h1').length") == 1


def test_the_table_sorts_by_numbers_words_and_what_is_missing(page: Tab, folder: Path) -> None:
    opened(page, folder, "claims")
    column = page.run(
        "[...document.querySelectorAll('#table-of-runs thead th')]"
        ".findIndex(h => h.textContent.startsWith('Test accuracy'))"
    )
    cells = f"[...document.querySelectorAll('#table-of-runs tbody tr')].map(r => r.cells[{column}].textContent)"
    before = page.run(cells)
    click = f"document.querySelectorAll('#table-of-runs thead button')[{column}].click()"
    page.run(click)
    held = [float(text.split()[0]) for text in page.run(cells) if text != "\u2013"]
    assert held == sorted(held)
    page.run(click)
    shown = page.run(cells)
    assert [float(text.split()[0]) for text in shown if text != "\u2013"] == held[::-1]
    missing = sum(text == "\u2013" for text in before)
    assert missing
    assert shown[-missing:] == ["\u2013"] * missing
    assert sorted(shown) == sorted(before)
    assert page.problems == []


def test_the_table_filters_by_words_and_by_the_values_of_a_factor(page: Tab, folder: Path) -> None:
    opened(page, folder, "claims")
    visible = "[...document.querySelectorAll('#table-of-runs tbody tr')].filter(r => !r.hidden).map(r => r.textContent)"
    page.run(
        "(f => { f.value = 'relu finished'; f.dispatchEvent(new Event('input')); })(document.getElementById('filter'))"
    )
    assert all("relu" in row and "finished" in row for row in page.run(visible))
    found = len(page.run(visible))
    select = "document.querySelector('select[aria-label=Depth]')"
    page.run(f"(s => {{ s.value = '=2'; s.dispatchEvent(new Event('change')); }})({select})")
    assert 0 < len(page.run(visible)) < found
    assert page.run("document.getElementById('shown').textContent") == f"{len(page.run(visible))} of 48 runs"
    assert page.problems == []


@pytest.mark.parametrize("script", [True, False])
def test_one_language_is_shown_at_a_time(script: bool, page: Tab, folder: Path) -> None:
    opened(page, folder, "claims", script=script)
    heading = "[...document.querySelectorAll('#verdicts h2 span')].filter(s => s.offsetWidth).map(s => s.textContent)"
    page.shape(1280)  # asking needs script; the page has loaded without it
    assert page.run(heading) == ["Verdicts"]
    page.run("document.querySelector('label[for=in-chinese]').click()")
    assert page.run(heading) == ["\u5224\u5b9a"]
    page.run("document.querySelector('label[for=in-english]').click()")
    assert page.run(heading) == ["Verdicts"]


def test_attributes_choices_and_counts_follow_the_language(page: Tab, folder: Path) -> None:
    opened(page, folder, "claims")
    told = """(() => ({
      region: document.querySelector("#runs .scroll").getAttribute("aria-label"),
      figure: document.querySelector("#verdicts svg.plot").getAttribute("aria-label").slice(0, 12),
      choice: document.querySelector("#choices select").options[0].text,
      count: document.getElementById("shown").textContent,
    }))()"""
    english = page.run(told)
    assert (english["region"], english["choice"], english["count"]) == ("Runs", "Depth: all", "48 of 48 runs")
    page.run("document.querySelector('label[for=in-chinese]').click()")
    chinese = page.run(told)
    assert (chinese["region"], chinese["choice"], chinese["count"]) == ("所有訓練", "深度：全部", "48 次訓練中的 48 次")
    assert chinese["figure"].startswith("各組的每個種子")
    page.run("document.querySelector('label[for=in-english]').click()")
    assert page.run(told) == english
    assert page.problems == []


def test_a_page_is_whole_without_script(page: Tab, folder: Path) -> None:
    opened(page, folder, "claims", script=False)
    page.shape(1280)
    assert page.run("document.querySelectorAll('#table-of-runs tbody tr').length") == 48
    assert page.run("getComputedStyle(document.querySelector('.controls')).display") == "none"


def test_a_page_prints(page: Tab, folder: Path, tmp_path: Path) -> None:
    opened(page, folder, "claims").pdf(tmp_path / "claims.pdf")
    assert (tmp_path / "claims.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.skipif(not AXE.exists(), reason="runs where axe-core is: npm install axe-core")
@pytest.mark.parametrize(("name", "dark"), crossed(PAGES, [False, True]))
def test_a_page_can_be_used_by_everybody(name: str, dark: bool, page: Tab, folder: Path) -> None:
    opened(page, folder, name, dark=dark)
    page.run(AXE.read_text(encoding="utf-8") + ";0")
    found = page.run(
        "axe.run().then(r => r.violations.map(v => [v.impact, v.id, v.help, v.nodes.map(n => n.html).slice(0, 3)]))"
    )
    serious = [violation for violation in found if violation[0] in ("serious", "critical")]
    assert serious == []


TAKEN = """
(async () => {
  const kept = [];
  const make = URL.createObjectURL;
  URL.createObjectURL = (blob) => { kept.push(blob); return make.call(URL, blob); };
  HTMLAnchorElement.prototype.click = function () { kept.at(-1).named = this.download; };
  const figure = document.querySelector("#factors figure");
  const buttons = [...figure.querySelectorAll(".take button")];
  const found = {};
  for (const button of buttons) {
    const before = kept.length;
    button.dispatchEvent(new MouseEvent("click"));
    while (kept.length === before) await new Promise((go) => requestAnimationFrame(go));
    const blob = kept.at(-1);
    const bytes = new Uint8Array(await blob.arrayBuffer());
    found[button.textContent] = { type: blob.type, name: blob.named, size: blob.size,
      head: String.fromCharCode(...bytes.slice(0, 8)), tail: String.fromCharCode(...bytes.slice(-6)),
      text: blob.type.includes("svg") || blob.type.includes("csv") ? await blob.text() : "" };
  }
  return found;
})()
"""


@pytest.mark.parametrize("dark", [False, True])
def test_a_figure_can_be_taken_away_with_its_title_legend_and_numbers(dark: bool, page: Tab, folder: Path) -> None:
    opened(page, folder, "tour", dark=dark)
    found = page.run(TAKEN)
    assert page.problems == []
    assert list(found) == ["SVG", "PNG", "PDF", "CSV"]
    drawn = ElementTree.fromstring(found["SVG"]["text"])
    words = " ".join(drawn.itertext())
    assert "Test accuracy" in words
    assert "#ffffff" in found["SVG"]["text"]
    assert "var(" not in found["SVG"]["text"]
    assert "class=" not in found["SVG"]["text"]
    assert found["PNG"]["head"].startswith("\x89PNG")
    assert found["PDF"]["head"].startswith("%PDF-1.4")
    assert found["PDF"]["tail"].endswith("%%EOF\n")
    heads, *rows = found["CSV"]["text"].splitlines()
    assert len(rows) > 1
    assert {row.count(",") for row in rows} == {heads.count(",")}
    assert all(one["name"].endswith(kind.lower()) for kind, one in found.items())


def test_what_is_taken_away_is_light_also_from_a_dark_page(page: Tab, folder: Path) -> None:
    texts = []
    for dark in (False, True):
        opened(page, folder, "tour", dark=dark)
        texts.append(page.run(TAKEN)["SVG"]["text"])
    assert texts[0] == texts[1]


def test_a_page_that_trains_loads_itself_again_where_it_was_and_the_last_one_stays(page: Tab, tmp_path: Path) -> None:
    tables = sweep(SMALL, seeds=2, name="training")
    live = write_live(tables, tmp_path, "3 of 8 runs have ended")  # type: ignore[arg-type]
    text = live.html.read_text(encoding="utf-8").replace('data-live="5"', 'data-live="3"')
    live.html.write_text(text, encoding="utf-8")
    opened(page, tmp_path, "training")
    page.run("scrollTo(0, 700); document.querySelector('details').open = true")
    write(tables, [], tmp_path)  # type: ignore[arg-type]
    wait_until(lambda: page.run("document.readyState === 'complete' && !document.querySelector('[data-live]')"))
    assert page.run("scrollY") == 700
    assert page.run("document.querySelector('details').open")
    assert page.problems == []


def test_the_tour_prints_on_ten_pages_at_most(page: Tab, tmp_path: Path) -> None:
    grid = {"network.depth": (1, 2, 4, 8), "network.activation": ("sigmoid", "relu", "maxout"),
            "optimizer": ("sgd", "adam"), "penalty": ("none", "l1", "l2"), "dropout.rate": (0, 0.5)}  # fmt: skip
    write(sweep(grid, seeds=3), [], tmp_path)  # type: ignore[arg-type]
    opened(page, tmp_path, "tour")
    page.pdf(tmp_path / "tour.pdf")
    printed = (tmp_path / "tour.pdf").read_bytes()
    assert 1 < len(re.findall(rb"/Type /Page\b(?!s)", printed)) <= 10
