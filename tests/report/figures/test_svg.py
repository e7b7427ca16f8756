"""An inlined drawing: text is text, nothing can break out of it, and its colours can be told apart and read."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from workbench.report.figures import palette
from workbench.report.figures.heat_maps import heat_map
from workbench.report.figures.svg import draw

HOSTILE = '</text><script>alert(1)</script> & "$x_1$"'


def hostile_heat_map(axes: Axes) -> Axes:
    norm, texts = Normalize(0, 1), [["1", "0"], [HOSTILE, "1"]]
    return heat_map(axes, np.eye(2), ("a", HOSTILE), ("b", HOSTILE), norm, texts)


def test_text_from_outside_breaks_out_of_nothing() -> None:
    svg = draw(hostile_heat_map, "one", HOSTILE)
    assert ElementTree.fromstring(svg).get("aria-label") == HOSTILE
    assert "<script" not in svg


def test_text_stays_as_it_is_given() -> None:
    def paint(axes: Axes) -> Axes:
        axes.text(0.5, 0.5, "$5 at 1.23456")
        return axes

    texts = [element.text for element in ElementTree.fromstring(draw(paint, "a", "x")).iter("text")]
    assert "$5 at 1.23456" in texts


def test_a_cell_of_a_heat_map_costs_a_page_few_bytes() -> None:
    def size(cells: int) -> int:
        values = np.linspace(0, 1, cells * cells).reshape(cells, cells)
        names = [""] * cells
        return len(
            draw(lambda axes: heat_map(axes, values, names, names, Normalize(0, 1)), "layers-of-a-long-name", "x")
        )

    assert (size(30) - size(10)) / 800 < 75  # its corners, and its colour, which a page writes as a class


def test_what_every_line_of_a_drawing_refers_to_has_a_short_name() -> None:
    svg = draw(lambda axes: axes.plot([0, 1], [0, 1], "o-")[0].axes, "name", "x")
    assert set(re.findall(r"#(name-\d+)", svg)) == {"name-0", "name-1"} == set(re.findall(r' id="([^"]*)"', svg))


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
@pytest.mark.parametrize(
    "name", [name for name in palette.PAGE_COLOURS if name not in ("grid", "surface", "guide", "raised")]
)
def test_text_has_contrast(name: str, mode: int) -> None:
    colours = {key: pair[mode] for key, pair in palette.PAGE_COLOURS.items()}
    assert min(_contrast(colours[name], colours[ground]) for ground in ("surface", "raised")) >= 4.5
