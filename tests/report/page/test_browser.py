"""The pages in a real browser: no error, nothing loaded from elsewhere, a table that sorts and filters, both languages.

Skipped where no Chromium is found. The check of accessibility needs axe-core as well, which is no dependency of ours:
`npm install axe-core` in the checkout, or its axe.min.js named in AXE_CORE.
"""

from __future__ import annotations

import json
import os
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.blank import leave_blank
from tests.experiments.composed import FILES
from tests.experiments.test_published_in_chinese import PAPERS, arms_of
from tests.once import made_once
from tests.repetitions import crossed
from tests.report.figures.sources import search
from tests.report.page.browser import Tab, chromium, tab
from tests.report.page.test_sweep import CLAIMS, SMALL, SWEEPS
from tests.report.page.test_taken_away import FORMULAS, NUMBERS
from tests.report.synthetic import sweep
from tests.waiting import wait_until
from workbench.report.experiments import experiment_in
from workbench.report.figures.base import Table
from workbench.report.page import view
from workbench.report.page.begun import LevelProgress, PackProgress, Progress, write_begun
from workbench.report.page.comparison_page import write_comparison
from workbench.report.page.figure_files import as_csv
from workbench.report.page.index import write_index
from workbench.report.page.sweep import write, write_live
from workbench.report.wording import as_data

BROWSER = chromium()
ROOT = Path(__file__).resolve().parents[3]
AXE = Path(os.environ.get("AXE_CORE") or ROOT / "node_modules" / "axe-core" / "axe.min.js")
PAGES = ("tour", "claims", "hostile", "index", "compare-claims-other")
OTHER_PAGES = ("search", "alone", "begun", "compare-long-longer")
LONG = "a rather long name of an activation"
PROGRESS = Progress(
    13, 36, {"finished": 9, "reused": 2, "diverged": 1, "failed": 1, "pending": 23},
    [PackProgress(f"digits, {LONG} {depth} x 32, adam", 5, 17, {"finished": 5, "pending": 12}, f"in training, {depth}")
     for depth in (4, 2)],
    "Validation accuracy", [LevelProgress("activation", level, 4, 17, "96.1 %") for level in (LONG, "relu")],
)  # fmt: skip
SIZES = {"desktop": 1280, "phone": 390, "wide": 1920}

pytestmark = pytest.mark.skipif(BROWSER is None, reason="runs where Chromium is installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a page of every kind."""

    def make(found: Path) -> None:
        tables = sweep(SMALL, seeds=12, name="claims")
        hostile = SWEEPS["hostile"]()
        write(sweep({**SMALL, "optimizer": ("sgd", "adam")}, seeds=2), [], found)
        write(type(hostile)("hostile", *list(vars(hostile).values())[1:]), [], found)
        write(tables, CLAIMS, found)
        with pytest.MonkeyPatch.context() as patch:
            leave_blank(patch.setattr)  # its tests look at words and tables
            write_comparison(tables, sweep(SMALL, seeds=12, name="other", epochs=8), found)
            named = {"network.activation": (LONG, "relu")}
            long = [sweep(named, seeds=3, name=name) for name in ("long", "longer")]
            write_comparison(long[0], long[1], found)
        write(search(), [], found)
        write(sweep({"network.depth": (2,)}, seeds=1, name="alone"), [], found)
        write_begun("begun", {"command": "python -m workbench name=begun"}, PROGRESS, found, 100.0)
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


DRAWN_TOO_WIDE = """[...document.querySelectorAll("figure .plots")]
  .filter((plots) => plots.checkVisibility())
  .filter((plots) => plots.scrollWidth > plots.clientWidth + 1
    || [...plots.querySelectorAll("svg.plot, svg.plot text")]
      .some((one) => one.getBoundingClientRect().right > innerWidth))
  .map((plots) => plots.textContent.trim().slice(0, 60))"""


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", [*PAGES, *OTHER_PAGES])
def test_every_drawing_is_whole_on_a_phone(name: str, dark: bool, page: Tab, folder: Path) -> None:
    opened(page, folder, name, width=SIZES["phone"], dark=dark)
    page.run("document.querySelectorAll('details.more').forEach((one) => { one.open = true; })")
    assert page.run("document.documentElement.scrollWidth") <= SIZES["phone"]
    assert page.run(DRAWN_TOO_WIDE) == []


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a page of every paper's sweep: its claims and its own figures, on results that are made up."""

    def make(found: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(view, "FIGURES", {name: view.FIGURES[name] for name in ("own", "differences")})
            for stem in PAPERS:
                made = experiment_in(FILES[stem])
                tables = sweep({"arm": arms_of(stem)}, seeds=3, epochs=4, trouble=False, name=stem)
                write(tables, made.claims, found, made.figures)

    return made_once(tmp_path_factory, "pages of papers", make)


@pytest.mark.parametrize("stem", PAPERS)
def test_every_drawing_of_a_paper_is_whole_on_a_phone_in_both_languages(stem: str, page: Tab, papers: Path) -> None:
    opened(page, papers, stem, width=SIZES["phone"])
    assert page.run("document.querySelectorAll('.panel svg').length")
    for language in ("in-english", "in-chinese"):
        page.run(f"document.getElementById('{language}').click()")
        assert page.run("document.documentElement.scrollWidth") <= SIZES["phone"]
        assert page.run(DRAWN_TOO_WIDE) == []


@pytest.mark.parametrize(
    ("shown", "data"),
    [
        ("\u22122.5\u00d710\u207b\u2079\u00a0pp", "-2.5e-9 pp"),
        ("10\u2076", "1e6"),
        ("\u00d710\u207b\u00b9\u00b2", "\u00d71e-12"),
        ("x10\u00b2", "x10\u00b2"),
    ],
)
def test_numbers_are_plain_in_what_is_taken_away(shown: str, data: str, page: Tab, folder: Path) -> None:
    opened(page, folder, "index")
    assert page.run(f"asData({json.dumps(shown)})") == data == as_data(shown)


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


CELLS_TAKEN = """
(async () => {
  const table = document.querySelector("#factors figure table");
  table.innerHTML = "<tr><td></td></tr>".repeat(CELLS.length);
  [...table.rows].forEach((row, place) => { row.cells[0].textContent = CELLS[place]; });
  let blob;
  URL.createObjectURL = (made) => { blob = made; return "blob:none"; };
  HTMLAnchorElement.prototype.click = () => {};
  [...document.querySelectorAll("#factors figure .take button")].find((one) => one.textContent === "CSV").click();
  while (!blob) await new Promise((go) => requestAnimationFrame(go));
  return blob.text();
})()
"""


def test_a_table_that_is_taken_away_holds_no_formula(page: Tab, folder: Path) -> None:
    cells = [cell for cell in (*FORMULAS, *NUMBERS) if not cell.startswith("\t")]  # a page shows no tab
    opened(page, folder, "tour")
    taken = page.run(CELLS_TAKEN.replace("CELLS", json.dumps(cells)))
    assert taken == "".join(as_csv(Table("t", (cell,), ())) for cell in cells)
    assert page.problems == []


NO_PICTURE = """
(async () => {
  HTMLCanvasElement.prototype.toBlob = (answer) => answer(null);
  const bar = document.querySelector("#factors figure .take");
  const failed = bar.querySelector("[role=status]");
  const said = [];
  for (const kind of ["PNG", "PDF"]) {
    [...bar.querySelectorAll("button")].find((one) => one.textContent === kind).click();
    while (!failed.textContent.startsWith(kind)) await new Promise((go) => requestAnimationFrame(go));
    said.push(failed.textContent);
  }
  return said;
})()
"""


def test_a_picture_that_the_browser_does_not_make_is_reported_beside_its_button(page: Tab, folder: Path) -> None:
    opened(page, folder, "tour")
    said = page.run(NO_PICTURE)
    assert [re.sub(r"\d+", "N", text) for text in said] == [
        f"{kind} failed: the browser made no picture of N \u00d7 N pixels" for kind in ("PNG", "PDF")
    ]
    assert page.problems == []


def test_what_is_taken_away_is_light_also_from_a_dark_page(page: Tab, folder: Path) -> None:
    texts = []
    for dark in (False, True):
        opened(page, folder, "tour", dark=dark)
        texts.append(page.run(TAKEN)["SVG"]["text"])
    assert texts[0] == texts[1]


def meanwhile(page: Tab, script: str) -> object:
    """What a script gives; None if the page gave way to the next one before it answered."""
    try:
        return page.run(script)
    except RuntimeError as error:
        if "navigated" not in str(error):
            raise
        return None


@pytest.mark.usefixtures("blank_figures")
def test_a_page_that_trains_loads_itself_again_where_it_was_and_the_last_one_stays(page: Tab, tmp_path: Path) -> None:
    tables = sweep(SMALL, seeds=2, name="training")
    live = write_live(tables, tmp_path, "3 of 8 runs have ended")  # type: ignore[arg-type]
    later = "<script>window.later = []; window.setTimeout = (act) => later.push(act);</script>"  # when the test says so
    text = live.html.read_text(encoding="utf-8").replace("<head>", f"<head>{later}")
    live.html.write_text(text, encoding="utf-8")
    opened(page, tmp_path, "training")
    page.run("scrollTo(0, 700); document.querySelector('details').open = true")
    page.run("document.querySelector('.legend button').click()")
    assert page.run("document.querySelectorAll('.off').length")
    write(tables, [], tmp_path)  # type: ignore[arg-type]
    meanwhile(page, "later.forEach((act) => act())")
    wait_until(lambda: meanwhile(page, "document.readyState === 'complete' && !document.querySelector('[data-live]')"))
    assert page.run("scrollY") == 700
    assert page.run("document.querySelector('details').open")
    assert page.run("document.querySelectorAll('.off').length")
    assert page.problems == []


def test_a_page_without_figures_loads_itself_again_where_it_was(page: Tab, tmp_path: Path) -> None:
    facts = {"command": "\n".join(f"line {number}" for number in range(200))}  # a page that is longer than the window
    later = "<script>window.later = []; window.setTimeout = (act) => later.push(act);</script>"  # when the test says so
    file = write_begun("begun", facts, PROGRESS, tmp_path, 100.0)
    file.write_text(file.read_text("utf-8").replace("<head>", f"<head>{later}"), "utf-8")
    opened(page, tmp_path, "begun")
    page.run("document.getElementById('in-chinese').click(); scrollTo(0, 700)")
    write_begun("begun", facts, replace(PROGRESS, ended=14), tmp_path, 100.0)
    meanwhile(page, "later.forEach((act) => act())")
    wait_until(
        lambda: meanwhile(page, "document.readyState === 'complete' && document.body.textContent.includes('14 of 36')")
    )
    assert page.run("scrollY") == 700
    assert page.run("document.getElementById('in-chinese').checked")
    assert page.problems == []


@pytest.mark.usefixtures("blank_figures")  # they take as much room
def test_the_tour_prints_on_ten_pages_at_most(page: Tab, tmp_path: Path) -> None:
    grid = {"network.depth": (1, 2, 4, 8), "network.activation": ("sigmoid", "relu", "maxout"),
            "optimizer": ("sgd", "adam"), "penalty": ("none", "l1", "l2"), "dropout.rate": (0, 0.5)}  # fmt: skip
    write(sweep(grid, seeds=3), [], tmp_path)  # type: ignore[arg-type]
    opened(page, tmp_path, "tour")
    page.pdf(tmp_path / "tour.pdf")
    printed = (tmp_path / "tour.pdf").read_bytes()
    assert 1 < len(re.findall(rb"/Type /Page\b(?!s)", printed)) <= 10


def faded(by: str) -> str:
    """JavaScript: the labels of the arms that are faded in any figure of the factor, each once."""
    return (
        f"""[...new Set([...document.querySelectorAll('figure[data-by="{by}"] li.off')].map((li) => li.textContent))]"""
    )


def test_an_arm_or_a_run_that_is_chosen_stands_alone_in_every_figure_until_it_is_chosen_again(
    page: Tab, folder: Path
) -> None:
    opened(page, folder, "claims")
    entry = "document.querySelector('figure[data-by=\"network.activation\"] .legend button')"
    chosen = page.run(f"{entry}.textContent")
    page.run(f"{entry}.click()")
    assert page.run(faded("network.activation")) == [{"sigmoid": "relu", "relu": "sigmoid"}[chosen]]
    assert page.run(faded("network.depth")) == []
    assert page.run(f"{entry}.getAttribute('aria-pressed')") == "true"
    assert page.run("getComputedStyle(document.querySelector('svg .off')).opacity") < "0.2"
    taken = page.run(TAKEN)["SVG"]["text"]
    page.run(f"{entry}.click()")
    assert page.run("document.querySelectorAll('.off').length") == 0
    assert taken == page.run(TAKEN)["SVG"]["text"]  # what is taken away shows all arms
    assert "data-" not in taken
    cells = "[...document.querySelector('#table-of-runs tbody').rows[0].cells]"
    page.run(f"{cells}[0].dispatchEvent(new KeyboardEvent('keydown', {{ key: 'Enter', bubbles: true }}))")
    row = page.run(f"{cells}.map((cell) => cell.textContent)")
    for by, labels in (("network.depth", {"1", "2"}), ("network.activation", {"sigmoid", "relu"})):
        assert page.run(faded(by)) == list(labels - set(row[1:3]))
    page.run(f"{cells}[1].click()")
    assert page.run("document.querySelectorAll('.off').length") == 0
    assert page.problems == []


def test_a_curve_says_its_values_to_the_pointer_and_to_the_arrow_keys(page: Tab, folder: Path) -> None:
    opened(page, folder, "claims")
    page.run("window.panel = document.querySelector('[data-read]'); window.drawing = panel.querySelector('svg'); 0")
    tip = "document.querySelector('.tip')"
    press = "drawing.dispatchEvent(new KeyboardEvent('keydown', { key: '%s', bubbles: true }))"
    said = []
    for key in ("End", "ArrowLeft", "ArrowDown", "Home"):
        page.run(press % key)
        said.append(page.run(f"{tip}.innerText"))
    places, texts, unit = page.run("[panel.dataset.at, panel.dataset.read, panel.dataset.unit]")
    first, second = (line.split(" ") for line in texts.split(";"))
    epochs = places.split(" ")
    label, other = (text.split(",")[0] for text in (said[0], said[2]))
    assert label != other
    assert said == [
        f"{label}, epoch {epochs[-1]}: {first[-1]}{unit}", f"{label}, epoch {epochs[-2]}: {first[-2]}{unit}",
        f"{other}, epoch {epochs[-2]}: {second[-2]}{unit}", f"{other}, epoch {epochs[0]}: {second[0]}{unit}",
    ]  # fmt: skip
    page.run(press % "Escape")
    assert page.run(f"{tip}.hidden")
    page.run("""(() => {
      const box = drawing.getBoundingClientRect();
      const at = { clientX: box.right - 1, clientY: box.top, bubbles: true };
      drawing.dispatchEvent(new PointerEvent("pointermove", at));
    })()""")
    assert f"epoch {epochs[-1]}: " in page.run(f"{tip}.innerText")
    page.run("drawing.dispatchEvent(new PointerEvent('pointerleave'))")
    assert page.run(f"{tip}.hidden")
    assert page.problems == []


@pytest.mark.thorough  # what it says is held by test_marks.py
def test_the_line_of_a_trial_says_all_its_values_and_a_click_or_enter_chooses_it(
    page: Tab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view, "FIGURES", {"parallel_coordinates": view.FIGURES["parallel_coordinates"]})
    write(search(), [], tmp_path)  # type: ignore[arg-type]
    opened(page, tmp_path, "search")
    page.run("window.drawing = document.querySelector('[data-read] svg'); 0")
    press = "drawing.dispatchEvent(new KeyboardEvent('keydown', { key: '%s', bubbles: true }))"
    tip, others = "document.querySelector('.tip').innerText", "document.querySelectorAll('.off').length"
    page.run(press % "End")
    best = page.run(tip).splitlines()
    assert {line.rpartition(" ")[0] for line in best} == {
        "trial", "learning rate", "width", "activation", "validation loss",
    }  # fmt: skip
    page.run(press % "ArrowDown")
    second = page.run(tip).splitlines()
    assert float(best[-1].split()[-1]) <= float(second[-1].split()[-1])
    page.run(press % "Enter")
    assert page.run(others) == 23
    click = """(() => {
      const box = drawing.getBoundingClientRect();
      drawing.dispatchEvent(new MouseEvent("click", { clientX: box.right, clientY: box.top, bubbles: true }));
    })()"""
    page.run(click)  # only the one that is shown can be pointed at
    assert page.run(others) == 0
    page.run(click)
    assert page.run(others) == 23
    assert page.run(tip).splitlines()[0] not in (best[0], second[0])
    page.run("document.getElementById('in-chinese').click()")
    page.run(press % "End")
    assert page.run(tip).startswith("試驗 ")
    assert page.problems == []


@pytest.mark.parametrize("script", [True, False])
def test_the_contents_stay_beside_the_text_and_fold_where_there_is_no_room(
    script: bool, page: Tab, folder: Path
) -> None:
    shown = "document.querySelector('.contents ul').getClientRects().length > 0"
    opened(page, folder, "claims", width=1100, script=script)
    page.shape(1100)
    page.run("document.getElementById('factors').scrollIntoView({ behavior: 'instant' })")
    assert page.run(shown)
    assert 0 <= page.run("document.querySelector('.contents').getBoundingClientRect().top") < 100
    marked = "[...document.querySelectorAll('.contents [aria-current]')].map((link) => link.hash)"
    wait_until(lambda: page.run(marked) == (["#factors"] if script else []))
    page.shape(390)
    assert not page.run(shown)
    page.run("document.querySelector('.contents summary').click()")
    assert page.run(shown)
    page.shape(1280, media="print")
    assert not page.run(shown)


@pytest.mark.parametrize(("width", "columns"), [(1280, 2), (390, 1)])
def test_the_drawings_of_a_claim_fill_its_card_and_their_words_can_be_read(
    width: int, columns: int, page: Tab, folder: Path
) -> None:
    opened(page, folder, "claims", width=width)
    card, panels, letters = page.run("""(() => {
      const figure = document.querySelector(".claim figure.wide");
      const panels = [...figure.querySelectorAll(".panel")].map((one) => one.getBoundingClientRect());
      const drawing = figure.querySelector("svg.plot");
      const scale = drawing.getBoundingClientRect().width / drawing.viewBox.baseVal.width;
      return [figure.clientWidth, panels.map((one) => [one.left, one.top, one.right]), 11.5 * scale];
    })()""")
    first, second = panels
    assert (first[1] == second[1]) == (columns == 2)
    assert second[2] - first[0] > 0.85 * card
    assert letters > 9
