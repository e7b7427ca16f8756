"""Which arm each line of a drawing belongs to, and what a curve says where a reader points at it.

A painter names what it draws of an arm with `part_of` or, for the one line that stands for the arm, `curve_of`: the SVG
on the page then has `data-arm` or `data-curve` there. Only the page's script reads them; a drawing that is taken away
has neither.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.report import wording

MOST_READINGS = 1000  # values of a drawing that its page holds in words
_NAMED = re.compile(r' id="(arm|curve)-(\d+)"')
_UNBROKEN = str.maketrans({" ": wording.SPACE, ";": ","})
_MARKED = re.compile(r' data-(?:arm|curve)="\d+"')


@dataclass(frozen=True)
class Readings:
    """The values of the curves of a drawing in words, `curves` by arm: a text for each of `places`, "" for no value.

    `unit` stands behind each of them, with its space. `names`: what an arm is called, and what stands at each place; a
    reader who points at an arm is then told all of its values, and not the one at that place.
    """

    places: tuple[str, ...]
    curves: tuple[tuple[str, ...], ...]
    unit: str
    names: tuple[str, ...] = ()

    @property
    def texts(self) -> str:
        """All values: those of an arm with spaces between them, the arms with semicolons; in a value neither stands."""
        return ";".join(" ".join(text.translate(_UNBROKEN) for text in texts) for texts in self.curves)


def part_of(arm: int) -> str:
    """The name, for Matplotlib, of something drawn of an arm; arms are counted from 0 as in the legend."""
    return f"arm-{arm}"


def curve_of(arm: int) -> str:
    """The name, for Matplotlib, of the line that has the arm's readings."""
    return f"curve-{arm}"


def marked(svg: str) -> str:
    """The SVG with the names of arms as data, which several lines may share, and not as ids."""
    return _NAMED.sub(r' data-\1="\2"', svg)


def unmarked(svg: str) -> str:
    """The SVG without the names of arms."""
    return _MARKED.sub("", svg)


def readings(places: Sequence[int], curves: np.ndarray, key: str) -> Readings | None:
    """The readings of `curves` (arms, places) of the metric `key`; None if they are too many to stand on a page."""
    if curves.size > MOST_READINGS:
        return None
    unit = f"{wording.SPACE}%" if wording.metric(key).percent else ""
    texts = tuple(
        tuple(wording.amount(value, key).removesuffix(unit) if np.isfinite(value) else "" for value in curve)
        for curve in curves.tolist()
    )
    return Readings(tuple(map(str, places)), texts, unit)
