"""The page's colours, in one place: Okabe and Ito's eight, which colour-blind readers can distinguish, and a few greys.

A figure is drawn with the light value of a colour. When it is inlined, a CSS variable replaces the colour, so that the
figure follows the page into dark mode. Colour is never the only distinction: each slot has its own marker and dash
pattern as well.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TypeGuard

from matplotlib import colormaps
from matplotlib.colors import to_hex

from workbench.config import SETTINGS, Choices, table

HEAT = "cividis"  # ordered, even in lightness, and the same for colour-blind readers


@dataclass(frozen=True)
class Slot:
    """A colour with its dark-mode value, its marker and its dash pattern (lengths on and off, in line widths)."""

    light: str
    dark: str
    marker: str
    dash: tuple[float, ...]

    @property
    def linestyle(self) -> str | tuple[int, tuple[float, ...]]:
        """The dash pattern as Matplotlib takes it."""
        return (0, self.dash) if self.dash else "-"


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
_GREY = 6
GREY_SLOT = SLOTS[_GREY]
_STEPS = 25


def _ramp(colours: str, first: float, last: float) -> list[str]:
    return [to_hex(colormaps[colours](first + (last - first) * step / (_STEPS - 1))) for step in range(_STEPS)]


# Ordered numbers, from pale to strong on either background, in steps of lightness that all readers see.
RAMP = tuple(
    Slot(light, dark, SLOTS[step % len(SLOTS)].marker, ())
    for step, (light, dark) in enumerate(zip(_ramp("viridis", 0.78, 0.0), _ramp("viridis", 0.38, 1.0), strict=True))
)
_COLOURED = (0, 1, 2, 3, 4, 7, 5)  # blue and light blue far apart
_GROUPS = {"optimizer": "optimizers", "penalty": "penalties", "data": "datasets"}  # groups of choices in conf/
INK, MUTED, GRID, SURFACE, GUIDE = "#1b1e23", "#5a616b", "#dfe2e6", "#fffffe", "#8b929c"
PAGE_COLOURS = {  # CSS variable: (light, dark); figures use the first five
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
    table = PAGE_COLOURS | {f"slot-{place}": (slot.light, slot.dark) for place, slot in enumerate(SLOTS)}
    table |= {f"ramp-{place}": (slot.light, slot.dark) for place, slot in enumerate(RAMP)}
    return {name: pair[0] for name, pair in table.items()}, {name: pair[1] for name, pair in table.items()}


def in_figures() -> dict[str, str]:
    """The colours in a figure -> what replaces them in an inlined figure."""
    names = ("ink", "muted", "grid", "surface", "guide")
    greys = {PAGE_COLOURS[name][0]: f"var(--{name})" for name in names}
    ramp = {slot.light: f"var(--ramp-{place})" for place, slot in enumerate(RAMP)}
    return greys | ramp | {slot.light: f"var(--slot-{place})" for place, slot in enumerate(SLOTS)}


def slots(count: int) -> list[Slot]:
    """One slot for each of `count` things that have no value, in order; more than eight have an ordered ramp."""
    return list(SLOTS[:count]) if count <= len(SLOTS) else ordered(count)


def ordered(count: int) -> list[Slot]:
    """Slots of a ramp, evenly from its pale to its strong end; up to eight have a dash pattern each as well."""
    steps = [round(place * (_STEPS - 1) / max(count - 1, 1)) for place in range(count)]
    if count > len(SLOTS):
        return [replace(RAMP[step], marker="o") for step in steps]
    return [replace(RAMP[step], marker=slot.marker, dash=slot.dash) for step, slot in zip(steps, SLOTS, strict=False)]


def slots_of(key: str, values: Sequence[object]) -> tuple[Slot, ...]:
    """The slots of a factor's values.

    Two numbers or more have a ramp, from the smallest to the largest, with a grey one for no value. A name has the
    same slot on every page, whatever else was swept. Only if two names on one page would share a slot, the later one
    takes another. More than eight values have a ramp whatever they are.
    """
    numbers = sorted({value for value in values if _is_number(value)})
    if len(numbers) > 1 and all(_is_number(value) or value is None for value in values):
        of = dict(zip(numbers, ordered(len(numbers)), strict=True))
        return tuple(of[value] if _is_number(value) else GREY_SLOT for value in values)
    if len(values) > len(SLOTS):
        return tuple(ordered(len(values)))
    taken: list[int] = []
    for value in values:
        place = _place(key, value)
        while place in taken:
            place = (place + 1) % len(SLOTS)
        taken.append(place)
    return tuple(SLOTS[place] for place in taken)


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def _place(key: str, value: object) -> int:
    """The slot of a value: grey for a missing one, one of the seven colours for any other."""
    if value is None or value is False or value in (0, "none"):
        return _GREY
    if isinstance(value, int | float) and abs(value) < 1e300:
        return _COLOURED[_number(abs(value)) % len(_COLOURED)]
    names = _choices(key)
    word = str(value)
    order = names.index(word) if word in names else zlib.crc32(word.encode("utf-8", "replace"))
    return _COLOURED[order % len(_COLOURED)]


def _number(value: float) -> int:
    """Neighbours in the usual series (1 2 3, 1 2 4 8, 0.1 0.2 0.5, 1e-3 1e-2) get different numbers."""
    if value == int(value):
        return int(value) - 1 if value < 8 else round(math.log2(value)) + 1
    tenths = round(10 * value, 9)
    return int(tenths) - 1 if tenths == int(tenths) and value < 1 else round(3 * math.log10(value))


@cache
def _choices(key: str) -> tuple[str, ...]:
    """The names that a setting or a group of choices may have, in the order of their family; none for other keys."""
    if key in _GROUPS:
        return tuple(table(_GROUPS[key]))
    choices = SETTINGS[key].choices if key in SETTINGS else ()
    return choices.names() if isinstance(choices, Choices) else tuple(choices or ())


def css(slot: Slot) -> str:
    """The CSS colour of a slot."""
    return in_figures().get(slot.light, slot.light)


def gradient(steps: int = 9) -> str:
    """The heat scale as a CSS gradient, low to high."""
    colours = [to_hex(colormaps[HEAT](place / (steps - 1))) for place in range(steps)]
    return f"linear-gradient(to right, {', '.join(colours)})"
