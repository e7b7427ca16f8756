"""An inlined figure: text is text, colours are the page's, nothing can break out of it, equal data give equal bytes."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from functools import partial

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from tests.report.synthetic import sweep
from workbench.report.figures import curves, painting, palette
from workbench.report.figures.svg import draw
from workbench.report.page.figure_files import standalone
from workbench.report.statistics import design, effects

HOSTILE = '</text><script>alert(1)</script> & "$x_1$"'
SWEEP = sweep({"network.depth": (1, 3), "network.activation": ("sigmoid", HOSTILE)}, seeds=3)
DESIGN = design.read(SWEEP)
FACTOR = DESIGN.factors[1]
HISTORIES = curves.Histories(SWEEP, DESIGN)
ROWS, DEPTH = curves.deepest(SWEEP, DESIGN)
LAYERS = curves.layers(DESIGN, ROWS, "gradient_z", FACTOR, DEPTH)
FIGURES = {
    "main_effect": partial(painting.main_effect, effect=effects.main_effect(DESIGN, FACTOR, "best_test_accuracy")),
    "learning_curves": partial(
        painting.learning_curves, curves=curves.curves(DESIGN, HISTORIES, FACTOR, "train_loss")
    ),
    "heat_map": partial(
        painting.heat_map, values=np.eye(2), rows=FACTOR.labels, columns=("a", HOSTILE), norm=Normalize(0, 1),
        texts=[["1", "0"], [HOSTILE, "1"]],
    ),
    "layer_map": partial(painting.layer_map, layers=LAYERS, level=0, norm=Normalize(-6, 0)),
    "profile": partial(painting.profile, layers=LAYERS),
    "spread": partial(
        painting.spread, spreads=effects.spreads(DESIGN, FACTOR, DESIGN.main), factor=FACTOR, key=DESIGN.main
    ),
    "interaction": partial(painting.interaction, pair=effects.interaction(DESIGN, *DESIGN.factors, DESIGN.main)),
    "differences": partial(
        painting.differences, values=np.arange(5.0), interval=(1.0, 3.0), margin=0.5, key="best_test_accuracy"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_takes_an_axes_and_returns_it(name: str) -> None:
    axes = Figure().add_subplot()
    assert FIGURES[name](axes) is axes


@pytest.mark.parametrize("name", FIGURES)
def test_an_inlined_figure(name: str) -> None:
    svg = draw(FIGURES[name], "one", f"What is seen: {HOSTILE}")
    root = ElementTree.fromstring(svg)  # well formed, so nothing broke out
    assert root.get("role") == "img"
    assert root.get("aria-label") == f"What is seen: {HOSTILE}"
    assert root.findall(".//text")
    assert "<script" not in svg
    assert not re.search(r"https?://|<style|<image|font-family|@import", svg)
    assert not any(colour in svg for colour in palette.in_figures())
    assert svg == draw(FIGURES[name], "one", f"What is seen: {HOSTILE}")


@pytest.mark.parametrize("name", FIGURES)
def test_figures_on_one_page_share_no_id(name: str) -> None:
    first, second = (set(re.findall(r' id="([^"]+)"', draw(FIGURES[name], identity, "x"))) for identity in ("a", "b"))
    assert not first & second
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', draw(FIGURES[name], "a", "x")))
    assert used == first


def test_text_stays_as_it_is_given() -> None:
    def paint(axes: Axes) -> Axes:
        axes.text(0.5, 0.5, "$5 at 1.23456")
        return axes

    texts = [element.text for element in ElementTree.fromstring(draw(paint, "a", "x")).iter("text")]
    assert "$5 at 1.23456" in texts


def test_every_value_has_its_own_colour_and_marker() -> None:
    slots = palette.slots(8)
    assert len({slot.light for slot in slots}) == len({slot.dark for slot in slots}) == 8
    assert len({slot.marker for slot in slots}) == 8
    assert len({slot.light for slot in palette.slots(20)}) == 20


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("name", [name for name in palette.PAGE if name not in ("grid", "surface", "guide", "raised")])
def test_text_has_contrast(name: str, mode: int) -> None:
    colours = {key: pair[mode] for key, pair in palette.PAGE.items()}
    assert min(_contrast(colours[name], colours[ground]) for ground in ("surface", "raised")) >= 4.5


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_stands_alone_as_a_file(name: str) -> None:
    text = standalone(draw(FIGURES[name], "one", HOSTILE))
    root = ElementTree.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "var(" not in text
