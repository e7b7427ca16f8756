"""The feature maps of the first convolution for a few test images, before and after training, of one run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from workbench.measure.filters import MAPS_TABLE
from workbench.report import wording
from workbench.report.figures import palette
from workbench.report.figures.base import FigureKind, Panel, Table
from workbench.report.figures.filter_tiles import LABEL, draw_tile, of_first_run
from workbench.report.figures.findings import Findings
from workbench.report.figures.svg import WIDTH
from workbench.report.language.words import say, word

TILE_GAP = 6.0  # pixels between tiles
BEYOND_ENDS = 0.01  # share of the numbers beyond either end of the scale: a few large ones would darken all others
TILES = {"before": word("Before training"), "after": word("After training")}


@dataclass(frozen=True)
class KeptMaps:
    """Of one run: images (images, height, width), and their maps before and after training, (images, channels, height,
    width) each.
    """

    run: str
    images: np.ndarray
    before: np.ndarray
    after: np.ndarray

    @property
    def ends(self) -> tuple[float, float]:
        """The ends of the scale of all maps: a hundredth of their numbers is less, and a hundredth more."""
        least, largest = np.quantile([self.before, self.after], (BEYOND_ENDS, 1 - BEYOND_ENDS))
        return float(least), float(largest)

    @property
    def tile(self) -> float:
        """The size of a tile, in pixels, with which an image and its maps fill a row."""
        return (WIDTH - TILE_GAP * self.before.shape[1]) / (1 + self.before.shape[1])

    @property
    def height(self) -> float:
        """Of a panel, in pixels."""
        return LABEL + len(self.images) * (self.tile + TILE_GAP)


class FeatureMaps(FigureKind[Findings, KeptMaps]):
    """One figure, of the finished run with the lowest number. A row is an image, and then its maps."""

    section = "layers"
    nothing = "No finished run kept its feature maps: analyses=filters keeps them."

    def reduce(self, source: Findings) -> list[KeptMaps]:
        name, rows = of_first_run(source, MAPS_TABLE)
        if not len(rows):
            return []
        images, before, after = (_stacked(rows[rows["when"] == when]) for when in ("input", *TILES))
        return [KeptMaps(name, images[:, 0], before, after)]

    def panels(self, data: KeptMaps, place: int) -> list[Panel]:
        return [
            Panel(
                title, partial(paint, maps=getattr(data, when), data=data), f"maps-{place}-{when}",
                say("maps.alt", title=title, images=len(data.images), maps=data.before.shape[1]),
                size=(WIDTH, data.height), margins=(0, 0, 0, 0),
            )
            for when, title in TILES.items()
        ]  # fmt: skip

    def caption(self, data: KeptMaps) -> str:
        return say("maps.caption", run=data.run, images=len(data.images))

    def table(self, data: KeptMaps) -> Table:
        rows = [
            (say("maps.row", image=image, channel=channel), title, *map(wording.number, (found.min(), found.max())))
            for when, title in TILES.items()
            for image, maps in enumerate(getattr(data, when), start=1)
            for channel, found in enumerate(maps, start=1)
        ]
        return Table("Numbers of the feature maps", ("Map", "When", "Least", "Largest"), tuple(rows), words=2)

    def title(self, data: KeptMaps) -> str:  # noqa: ARG002
        return "Feature maps of the first convolution"

    def scale(self, data: KeptMaps) -> tuple[str, str] | None:
        least, largest = data.ends
        return wording.number(least), wording.number(largest)


def _stacked(rows: pd.DataFrame) -> np.ndarray:
    """The numbers of some maps: (images, channels, height, width)."""
    shape = [int(rows[name].max()) for name in ("image", "channel", "row", "column")]
    return rows.sort_values(["image", "channel", "row", "column"])["value"].to_numpy(dtype=float).reshape(shape)


def paint(ax: Axes, maps: np.ndarray, data: KeptMaps) -> Axes:
    """A row for each image: the image in grey, then its maps, with their numbers above the first row."""
    norm, step = Normalize(*data.ends), data.tile + TILE_GAP
    grey = Normalize(float(data.images.min()), float(data.images.max()))
    for row, (image, of_image) in enumerate(zip(data.images, maps, strict=True)):
        top = LABEL + row * step
        draw_tile(ax, image, 0, top, data.tile, grey, "gray")
        for place, found in enumerate(of_image, start=1):
            draw_tile(ax, found, place * step, top, data.tile, norm, palette.HEAT)
    for place in range(1 + maps.shape[1]):
        ax.text(place * step, LABEL - 4, str(place) if place else word("image"), color=palette.MUTED)
    ax.set_xlim(0, WIDTH)
    ax.set_ylim(data.height, 0)
    ax.set_axis_off()
    return ax
