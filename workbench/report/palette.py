"""The page's colours, in one place: Okabe and Ito's eight, which colour-blind readers can tell apart, and a few greys.

A figure is drawn with the light value of a colour and inlined with a CSS variable in its place, so that it follows the
page into dark mode. Colour never stands alone: each slot has its own marker and dash pattern as well.
"""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib import colormaps
from matplotlib.colors import to_hex

HEAT = "cividis"  # ordered, even in lightness, and the same for colour-blind readers


@dataclass(frozen=True)
class Slot:
    """A colour with its dark-mode value, its marker and its dash pattern (lengths on and off, in line widths)."""

    light: str
    dark: str
    marker: str
    dash: tuple[float, ...]


SLOTS = (  # Okabe and Ito (2008); the dark values are lighter, the light yellow darker, for contrast
    Slot("#0072b2", "#3d9be0", "o", ()),
    Slot("#d55e00", "#f0813a", "s", (4, 1.5)),
    Slot("#009e73", "#2fc79a", "^", (1.2, 1.2)),
    Slot("#cc79a7", "#e29cc4", "D", (6, 1.5, 1.2, 1.5)),
    Slot("#e69f00", "#f2b632", "v", (8, 2)),
    Slot("#56b4e9", "#8fd0f7", "P", (2.5, 1, 2.5, 3)),
    Slot("#4b4f55", "#c9ccd1", "X", (1, 2.5)),
    Slot("#b8a800", "#f0e442", "h", (5, 1.2, 1.2, 1.2, 1.2, 1.2)),
)
INK, MUTED, GRID, SURFACE, GUIDE = "#1b1e23", "#5a616b", "#dfe2e6", "#fffffe", "#8b929c"
PAGE = {  # CSS variable: (light, dark); figures use the first five
    "ink": (INK, "#e9ebee"),
    "muted": (MUTED, "#a5acb6"),
    "grid": (GRID, "#333a43"),
    "surface": (SURFACE, "#14171b"),
    "guide": (GUIDE, "#7d8692"),
    "raised": ("#f5f6f8", "#1c2026"),
    "link": ("#005a8f", "#79bff0"),
    "reproduced": ("#00694d", "#3fd0a4"),
    "conditional": ("#7a5200", "#f2b632"),
    "contradicted": ("#a84300", "#ff9a5c"),
    "not-reproduced": ("#8a3d6b", "#e8a6cb"),
    "inconclusive": ("#5a616b", "#a5acb6"),
}


def variables() -> tuple[dict[str, str], dict[str, str]]:
    """The CSS variables of the page: (light, dark)."""
    table = PAGE | {f"slot-{place}": (slot.light, slot.dark) for place, slot in enumerate(SLOTS)}
    return {name: pair[0] for name, pair in table.items()}, {name: pair[1] for name, pair in table.items()}


def in_figures() -> dict[str, str]:
    """Colours as a figure holds them -> what an inlined figure has in their place."""
    names = ("ink", "muted", "grid", "surface", "guide")
    greys = {PAGE[name][0]: f"var(--{name})" for name in names}
    return greys | {slot.light: f"var(--slot-{place})" for place, slot in enumerate(SLOTS)}


def slots(count: int) -> list[Slot]:
    """One slot for each of `count` values, in order; beyond eight, even steps of one ordered ramp."""
    if count <= len(SLOTS):
        return list(SLOTS[:count])
    ramp = [to_hex(colormaps["viridis"](0.1 + 0.75 * place / (count - 1))) for place in range(count)]
    return [Slot(colour, colour, "o", ()) for colour in ramp]


def css(slot: Slot) -> str:
    """The CSS colour of a slot."""
    return in_figures().get(slot.light, slot.light)


def gradient(steps: int = 9) -> str:
    """The heat scale as a CSS gradient, low to high."""
    colours = [to_hex(colormaps[HEAT](place / (steps - 1))) for place in range(steps)]
    return f"linear-gradient(to right, {', '.join(colours)})"
