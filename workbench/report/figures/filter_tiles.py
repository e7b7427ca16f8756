"""The filters of the first convolution as tiles, before and after training, of the first run that kept them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from workbench.measure.filters import FILTERS_TABLE
from workbench.report import wording
from workbench.report.figures import palette
from workbench.report.figures.base import FigureKind, Panel, Table
from workbench.report.figures.findings import Findings
from workbench.report.figures.svg import WIDTH
from workbench.report.language.words import joined, say, word

MOST_TILES, TILES_ACROSS = 16, 4
TILE_SIZE, TILE_AND_GAP, LABEL = 64.0, 85.0, 18.0  # pixels: a tile, from one to the next, the room for its label


@dataclass(frozen=True)
class KeptFilters:
    """The first tiles of one run: (tiles, kernel, kernel) weights before and after training, a label for each tile.

    `count` is the number of tiles that there are, one for each filter and channel it reads; `run` names the run.
    """

    run: str
    labels: tuple[str, ...]
    before: np.ndarray
    after: np.ndarray
    count: int

    @property
    def largest(self) -> float:
        """The largest weight drawn, whatever its sign: the ends of the scale."""
        return max(float(np.abs(self.before).max()), float(np.abs(self.after).max()), 1e-9)

    @property
    def parts(self) -> tuple[tuple[str, np.ndarray], ...]:
        """Both times in words, with their tiles."""
        return (word("Before training"), self.before), (word("After training"), self.after)


class Filters(FigureKind[Findings, KeptFilters]):
    """One figure, of the finished run with the lowest number."""

    section = "layers"
    nothing = "No finished run kept its filters: analyses=filters keeps them."

    def reduce(self, source: Findings) -> list[KeptFilters]:
        name, rows = of_first_run(source, FILTERS_TABLE)
        if not len(rows):
            return []
        rows = rows.sort_values(["filter", "channel", "row", "column"])
        places = rows.loc[rows["when"] == "after", ["filter", "channel"]].drop_duplicates().to_numpy(dtype=int)
        channels = places[:, 1].max() > 1
        labels = [
            say("filters.label", number=number, channel=channel) if channels else str(number)
            for number, channel in places
        ]
        kernel = int(rows["row"].max())
        before, after = (
            rows.loc[rows["when"] == when, "weight"].to_numpy(dtype=float).reshape(-1, kernel, kernel)[:MOST_TILES]
            for when in ("before", "after")
        )
        return [KeptFilters(name, tuple(labels[:MOST_TILES]), before, after, len(places))]

    def panels(self, data: KeptFilters, place: int) -> list[Panel]:
        down = -(-len(data.labels) // TILES_ACROSS)
        return [
            Panel(
                title, partial(paint, tiles=tiles, data=data), f"filters-{place}-{number}",
                say("filters.alt", title=title, count=len(data.labels)),
                size=(WIDTH, down * TILE_AND_GAP), margins=(0, 0, 0, 0),
            )
            for number, (title, tiles) in enumerate(data.parts)
        ]  # fmt: skip

    def caption(self, data: KeptFilters) -> str:
        some = ""
        if data.count > len(data.labels):
            some = say("filters.some", some=len(data.labels), all=data.count)
        return joined([say("filters.caption", run=data.run), some])

    def table(self, data: KeptFilters) -> Table:
        rows = [
            (label, title, str(number), *(wording.number(weight) for weight in row))
            for title, tiles in data.parts
            for label, tile in zip(data.labels, tiles, strict=True)
            for number, row in enumerate(tile, start=1)
        ]
        heads = [say("head.column", number=number) for number in range(1, data.after.shape[2] + 1)]
        return Table("Weights of the filters", (say("head.filter"), "When", "Row", *heads), tuple(rows), words=3)

    def title(self, data: KeptFilters) -> str:  # noqa: ARG002
        return "Filters of the first convolution"

    def scale(self, data: KeptFilters) -> tuple[str, str] | None:
        return wording.number(-data.largest), wording.number(data.largest)


def of_first_run(source: Findings, table: str) -> tuple[str, pd.DataFrame]:
    """The name of the first finished run with rows in a table, and these rows; none if there is no such run."""
    held, runs = source.tables.tables.get(table), source.design.runs
    if held is None:
        return "", pd.DataFrame()
    done = runs[runs["outcome"] == "finished"].sort_values("cell")
    kept = done[done["cell"].isin(held["cell"])]
    return (str(kept["name"].iloc[0]), held[held["cell"] == kept["cell"].iloc[0]]) if len(kept) else ("", held[:0])


def draw_tile(ax: Axes, tile: np.ndarray, left: float, top: float, size: float, norm: Normalize, colours: str) -> None:
    """A tile as a square of `size` pixels with its first row on top."""
    down, across = (np.linspace(0, size, count + 1) for count in tile.shape)
    ax.pcolormesh(
        left + across, top + down, tile, cmap=colours, norm=norm, edgecolors="none", antialiased=False, clip_on=False
    )


def paint(ax: Axes, tiles: np.ndarray, data: KeptFilters) -> Axes:
    """Every filter as a tile with its label above it."""
    norm = Normalize(-data.largest, data.largest)
    for number, (label, tile) in enumerate(zip(data.labels, tiles, strict=True)):
        down, across = divmod(number, TILES_ACROSS)
        left, top = across * TILE_AND_GAP, down * TILE_AND_GAP + LABEL
        ax.text(left, top - 4, label, color=palette.MUTED)
        draw_tile(ax, tile, left, top, TILE_SIZE, norm, palette.HEAT)
    ax.set_xlim(0, WIDTH)
    ax.set_ylim(-(-len(tiles) // TILES_ACROSS) * TILE_AND_GAP, 0)
    ax.set_axis_off()
    return ax
