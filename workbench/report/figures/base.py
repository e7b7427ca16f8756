"""The contract of a figure: data reduced once, drawings made from them, a caption, and a table of the numbers drawn.

A kind of figure is one file with one subclass of `FigureKind`, and a row of `FIGURES`, or of `COMPARISON_FIGURES`. Its
attributes decide its place on a page. `tests/report/figures/test_contract.py` tests every row against this contract.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, Protocol, TypeVar

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes

from workbench.report.figures import painted, palette
from workbench.report.figures.marks import Readings
from workbench.report.figures.svg import HEIGHT, MARGINS, WIDTH, draw

PAGE_SECTIONS = (
    "verdicts",
    "search",
    "figures",
    "outcome",
    "factors",
    "interactions",
    "layers",
    "analyses",
    "sensitivity",
    "comparison",
)
NARROW, BROAD = 300, 550  # pixels of a drawing that may stand beside three others; of one too wide for a phone
MOST_COLUMNS = 6  # epochs in the table behind a figure
Source = TypeVar("Source")
Read = TypeVar("Read", contravariant=True)
Data = TypeVar("Data")


@dataclass(frozen=True)
class Table:
    """A table as it is shown; the first column heads its row. `words` counts the leading columns that hold words."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: int = 1


@dataclass(frozen=True)
class Key:
    """One entry of a legend: a factor's value with its colour and dashes, and the number of its arm in the drawings."""

    label: str
    colour: str
    dash: str
    arm: int = 0


@dataclass(frozen=True)
class Panel:
    """A drawing to be made: `paint` takes fresh axes and returns them.

    `identity` is unique on the page, and `alt` says in words what the drawing shows. `size` and `margins` (left, right,
    top, bottom) are in CSS pixels. `readings` are what its curves say where a reader points at them.
    """

    title: str
    paint: Callable[[Axes], Axes]
    identity: str
    alt: str
    size: tuple[float, float] = (WIDTH, HEIGHT)
    margins: tuple[float, float, float, float] = MARGINS
    readings: Readings | None = None

    def drawn(self) -> Plot:
        """The drawing made."""
        return Plot(self.title, draw(self.paint, self.identity, self.alt, self.size, self.margins), self)


@dataclass(frozen=True)
class Plot:
    """One drawing with its title, and the panel that it was made of."""

    title: str
    svg: Markup
    panel: Panel


@dataclass(frozen=True)
class DrawnFigure:
    """A figure as the page shows it: drawings side by side, a caption, a legend, a heat scale (low, high), its table.

    `about` names the part of the section to which it belongs: the key of a factor, the place of a claim. `absent` says
    that there was nothing to draw, so that only the caption is shown. `legend_of` is what the
    legend distinguishes, and `by` its key: who chooses one of the legend's values sees it alone in every figure with
    that key. `arms` are the labels of what can be chosen where the legend does not list it. `width` and `heading` are
    those of the template.
    """

    caption: str
    plots: tuple[Plot, ...]
    table: Table
    legend: tuple[Key, ...] = ()
    legend_of: str = ""
    scale: tuple[str, str] | None = None
    title: str = ""
    about: str = ""
    absent: bool = False
    width: str = ""
    heading: str = "h4"
    by: str = ""
    arms: tuple[str, ...] = ()

    @property
    def columns(self) -> str:
        """How its drawings stand in rows that are all full, as classes of the page's style; "" as there is room.
        Drawings of one size stand at one height, whatever their titles need.

        Where no number of columns divides them, the first one leads: it has a row to itself.
        """
        count = len(self.plots)
        rows = self._rows(count)
        if not rows and count > 1:
            rows = f"{self._rows(count - 1)} led"
        even = count > 1 and len({plot.panel.size for plot in self.plots}) == 1
        return " ".join(name for name, held in ((rows, rows), ("even", even), ("broad", self.broad)) if held)

    @property
    def broad(self) -> bool:
        """Whether a phone shows its drawings in a part that scrolls, since their words would be too small."""
        return any(plot.panel.size[0] > BROAD for plot in self.plots)

    def _rows(self, count: int) -> str:
        if count > 1 and count % 4 == 0 and all(plot.panel.size[0] <= NARROW for plot in self.plots):
            return "by-4"
        return next((f"by-{across}" for across in (3, 2) if count and count % across == 0), "")


class FigureKind(ABC, Generic[Source, Data]):
    """A kind of figure, drawn from a `Source`: the `Findings` of a sweep, or a `Comparison` in that section.

    `section` is one of SECTIONS, `nothing` the sentence in place of a figure if there is nothing to draw.
    """

    section: ClassVar[str]
    nothing: ClassVar[str]
    width: ClassVar[str] = ""
    heading: ClassVar[str] = "h4"

    @abstractmethod
    def reduce(self, source: Source) -> Sequence[Data]:
        """The data of each figure of this kind, in order; none if there is nothing to draw."""

    @abstractmethod
    def panels(self, data: Data, place: int) -> Sequence[Panel]:
        """The drawings of one figure, the `place`-th of its kind."""

    @abstractmethod
    def caption(self, data: Data) -> str:
        """What the figure shows, in a sentence or two; "" if the section already says it."""

    @abstractmethod
    def table(self, data: Data) -> Table:
        """The table of the numbers drawn."""

    def title(self, data: Data) -> str:  # noqa: ARG002
        """The heading of the figure."""
        return ""

    def legend(self, data: Data) -> tuple[Key, ...]:  # noqa: ARG002
        """The values that colours distinguish."""
        return ()

    def legend_of(self, data: Data) -> str:  # noqa: ARG002
        """What the legend distinguishes: the name of a factor."""
        return ""

    def by(self, data: Data) -> str:  # noqa: ARG002
        """The key of what the legend distinguishes, if its values are marked in the drawings (see `marks`)."""
        return ""

    def arms(self, data: Data) -> tuple[str, ...]:  # noqa: ARG002
        """The labels of what is marked in the drawings, if they are not those of the legend."""
        return ()

    def scale(self, data: Data) -> tuple[str, str] | None:  # noqa: ARG002
        """The ends of the heat scale in words, if the figure has one."""
        return None

    def about(self, data: Data) -> str:  # noqa: ARG002
        """The part of the section to which the figure belongs."""
        return ""

    def drawn(self, source: Source) -> list[DrawnFigure]:
        """Every figure of this kind; if there is nothing to draw, one that says so."""
        found = [self.one(data, place) for place, data in enumerate(self.reduce(source))]
        return found or [DrawnFigure(self.nothing, (), Table("", ("",), ()), absent=True)]

    def one(self, data: Data, place: int) -> DrawnFigure:
        """One figure, the `place`-th of its kind."""
        panels = self.panels(data, place)
        shown = (type(self), place, data)
        svgs = painted.svgs(shown, lambda: [panel.drawn().svg for panel in panels])
        plots = tuple(Plot(panel.title, Markup(svg), panel) for panel, svg in zip(panels, svgs, strict=True))
        return DrawnFigure(
            self.caption(data), plots, self.table(data), self.legend(data), self.legend_of(data), self.scale(data),
            self.title(data), self.about(data), width=self.width, heading=self.heading,
            by=self.by(data), arms=self.arms(data),
        )  # fmt: skip


def legend(labels: Sequence[str], slots: Sequence[palette.Slot] | None = None) -> tuple[Key, ...]:
    """The legend of a factor's values; without `slots`, of things that have no colour of their own."""
    slots = palette.slots(len(labels)) if slots is None else slots
    dashes = [" ".join(f"{2 * length:g}" for length in slot.dash) for slot in slots]
    entries = zip(labels, slots, dashes, strict=True)
    return tuple(Key(label, palette.css(slot), dash, arm) for arm, (label, slot, dash) in enumerate(entries))


def sampled(count: int, most: int) -> list[int]:
    """At most `most` of the places 0 to `count` - 1, evenly spread, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int)).tolist()


class DrawsFrom(Protocol[Read]):
    """What a page needs of a kind of figure, whatever its data: a row of the tables of figures."""

    section: ClassVar[str]
    nothing: ClassVar[str]

    def drawn(self, source: Read, /) -> list[DrawnFigure]:
        """Every figure of this kind; if there is nothing to draw, one that says so."""
        ...
