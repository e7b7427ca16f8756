"""What a network says of test examples: the classes that it confuses, its surest mistakes, a regression's predictions.

Of the finished run with the lowest number that kept them: a sweep of one run does so by itself, others by
analyses=answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.ticker import MaxNLocator

from workbench.engine.classes import NO_CLASS
from workbench.measure.answers import CONFUSION_TABLE, MISTAKES_TABLE, PREDICTIONS_TABLE
from workbench.report import wording
from workbench.report.figures import palette
from workbench.report.figures.base import FigureKind, Panel, Table
from workbench.report.figures.filter_tiles import draw_tile, of_first_run
from workbench.report.figures.findings import Findings
from workbench.report.figures.heat_maps import heat_map
from workbench.report.figures.svg import WIDTH
from workbench.report.language.words import say, semicolons, word

MOST_WRITTEN = 20  # classes: with more, the cells are too small for their numbers
MISTAKES_ACROSS = 4  # in a row
MISTAKE_SIZE, MISTAKE_STEP, MISTAKE_WORDS = 70.0, 85.0, 32.0  # pixels: of a tile, to the next one, of its words
MOST_SHOWN = 8


@dataclass(frozen=True)
class ConfusionMatrix:
    """Counts of test examples by class (rows) and by the class that was named (columns) of one run.

    `named` may hold one column more, of examples for which no class was named.
    """

    run: str
    labels: tuple[str, ...]
    named: tuple[str, ...]
    counts: np.ndarray

    @property
    def right(self) -> int:
        """How many were right."""
        return int(np.trace(self.counts[:, : len(self.labels)]))

    @property
    def commonest(self) -> str:
        """The commonest mistake in words; "" if there is none."""
        wrong = self.counts.copy()
        np.fill_diagonal(wrong, 0)
        row, column = np.unravel_index(int(wrong.argmax()), wrong.shape)
        count = int(wrong[row, column])
        if not count:
            return ""
        key = "confusion.once" if count == 1 else "confusion.times"
        return say(key, count=count, label=self.labels[row], named=self.named[column])


class Confusion(FigureKind[Findings, ConfusionMatrix]):
    """A heat map of counts."""

    section = "outcome"
    nothing = "No finished run kept which classes it confuses: analyses=answers does."
    heading = "h3"

    def reduce(self, source: Findings) -> list[ConfusionMatrix]:
        name, rows = of_first_run(source, CONFUSION_TABLE)
        if not len(rows):
            return []
        table = rows.pivot_table(index="label", columns="named", values="examples", aggfunc="sum", fill_value=0)
        labels = list(range(int(max(table.index.max(), table.columns.max())) + 1))
        missing = [NO_CLASS] if NO_CLASS in table.columns else []
        counts = table.reindex(index=labels, columns=labels + missing, fill_value=0).to_numpy(dtype=int)
        words = tuple(map(str, labels))
        return [ConfusionMatrix(name, words, (*words, *(word("none") for _ in missing)), counts)]

    def panels(self, data: ConfusionMatrix, place: int) -> list[Panel]:
        alt = say("confusion.alt", right=data.right, all=data.counts.sum(), commonest=data.commonest)
        size = min(420.0, 90.0 + 30 * len(data.named))
        return [
            Panel(
                "Which classes it confuses", partial(paint_confusion, data=data), f"confusion-{place}", alt,
                (size, size * 0.86), (52, 8, 8, 44),
            )
        ]  # fmt: skip

    def caption(self, data: ConfusionMatrix) -> str:
        return say("confusion.caption", run=data.run, right=data.right, all=data.counts.sum(), commonest=data.commonest)

    def table(self, data: ConfusionMatrix) -> Table:
        rows = [(label, *map(str, row)) for label, row in zip(data.labels, data.counts, strict=True)]
        return Table("Test examples by class and named class", ("Class", *data.named), tuple(rows))


def paint_confusion(ax: Axes, data: ConfusionMatrix) -> Axes:
    """The counts, written into the cells unless there are very many."""
    shades = np.log1p(data.counts.astype(float))
    texts = [[str(count) if count else "" for count in row] for row in data.counts]
    written = texts if len(data.labels) <= MOST_WRITTEN else None
    heat_map(ax, shades, data.labels, data.named, Normalize(0, float(shades.max()) or 1.0), written)
    mesh = ax.collections[0]
    mesh.set_array(data.counts.astype(float))
    mesh.set_norm(_Log1p(0, float(data.counts.max()) or 1.0))
    ax.set_xlabel(word("class that is named"))
    ax.set_ylabel(word("class"))
    return ax


class _Log1p(Normalize):
    """Colours by the logarithm of 1 + the value."""

    def __call__(self, value: object, clip: bool | None = None) -> np.ma.MaskedArray:  # type: ignore[override]
        return Normalize(0, float(np.log1p(self.vmax or 1.0)))(np.log1p(np.ma.asarray(value)), clip)


@dataclass(frozen=True)
class WrongAnswers:
    """The mistakes that one run was surest of: images (n, height, width), and a line of words for each."""

    run: str
    images: np.ndarray
    words: tuple[tuple[str, str], ...]


class Mistakes(FigureKind[Findings, WrongAnswers]):
    """The images as tiles. What is no image is not shown."""

    section = "outcome"
    nothing = "No finished run of images kept its mistakes, or made any: analyses=answers keeps them."
    heading = "h3"

    def reduce(self, source: Findings) -> list[WrongAnswers]:
        name, rows = of_first_run(source, MISTAKES_TABLE)
        if not len(rows) or rows["row"].max() == 0:
            return []
        rows = rows[rows["example"] < MOST_SHOWN].sort_values(["example", "row", "column"])
        first = rows.drop_duplicates("example")
        shape = len(first), int(rows["row"].max()) + 1, int(rows["column"].max()) + 1
        columns = (first[key].tolist() for key in ("label", "named", "probability"))
        words = [
            (
                say("mistakes.not", label=f"{label:g}", named=word("none") if named == NO_CLASS else f"{named:g}"),
                say("mistakes.sure", share=f"{100 * sure:.0f}"),
            )
            for label, named, sure in zip(*columns, strict=True)
        ]
        return [WrongAnswers(name, rows["value"].to_numpy(dtype=float).reshape(shape), tuple(words))]

    def panels(self, data: WrongAnswers, place: int) -> list[Panel]:
        alt = say("mistakes.alt", count=len(data.images), what=semicolons([what for what, _ in data.words]))
        down = -(-len(data.images) // MISTAKES_ACROSS)
        return [
            Panel(
                "What it gets wrong most surely", partial(paint_mistakes, data=data), f"mistakes-{place}", alt,
                (WIDTH, down * (MISTAKE_STEP + MISTAKE_WORDS)), (0, 0, 0, 0),
            )
        ]  # fmt: skip

    def caption(self, data: WrongAnswers) -> str:
        return say("mistakes.caption", run=data.run)

    def table(self, data: WrongAnswers) -> Table:
        rows = [
            (say("mistakes.row", what=what, sure=sure), str(number), *(wording.number(value) for value in row))
            for (what, sure), image in zip(data.words, data.images, strict=True)
            for number, row in enumerate(image, start=1)
        ]
        columns = [say("head.column", number=number) for number in range(1, data.images.shape[2] + 1)]
        return Table("Pixels of the images", ("Image", "Row", *columns), tuple(rows), words=2)


def paint_mistakes(ax: Axes, data: WrongAnswers) -> Axes:
    """Every image in grey, with its words above."""
    grey = Normalize(float(data.images.min()), max(float(data.images.max()), float(data.images.min()) + 1e-9))
    for number, (image, (what, sure)) in enumerate(zip(data.images, data.words, strict=True)):
        down, across = divmod(number, MISTAKES_ACROSS)
        left, top = across * MISTAKE_STEP, down * (MISTAKE_STEP + MISTAKE_WORDS) + MISTAKE_WORDS
        ax.text(left, top - 18, what, color=palette.INK)
        ax.text(left, top - 5, sure, color=palette.MUTED, fontsize=10)
        draw_tile(ax, image, left, top, MISTAKE_SIZE, grey, "gray")
    ax.set_xlim(0, WIDTH)
    ax.set_ylim(-(-len(data.images) // MISTAKES_ACROSS) * (MISTAKE_STEP + MISTAKE_WORDS), 0)
    ax.set_axis_off()
    return ax


@dataclass(frozen=True)
class Predicted:
    """What one run predicts of one output, and what was to be predicted, (n,) each, in the units of the dataset."""

    run: str
    output: int
    outputs: int
    wanted: np.ndarray
    predicted: np.ndarray

    @property
    def explained(self) -> float:
        """R2: the share of the variance of these examples that is explained; NaN if they do not vary."""
        around = float(((self.wanted - self.wanted.mean()) ** 2).sum())
        return 1 - float(((self.predicted - self.wanted) ** 2).sum()) / around if around else float("nan")

    @property
    def name(self) -> str:
        """Of several outputs which one it is."""
        if self.outputs > 1:
            return say("predictions.output", output=self.output)
        return word("Predicted against wanted")


class Predictions(FigureKind[Findings, Predicted]):
    """A point for each test example, the diagonal, and the line of predicting the mean."""

    section = "outcome"
    nothing = "No finished run of a regression kept its predictions: analyses=answers does."
    heading = "h3"

    def reduce(self, source: Findings) -> list[Predicted]:
        name, rows = of_first_run(source, PREDICTIONS_TABLE)
        groups = list(rows.groupby("output")) if len(rows) else []
        return [_predicted(name, int(str(output)), len(groups), mine) for output, mine in groups[:4]]

    def panels(self, data: Predicted, place: int) -> list[Panel]:
        explained, count = wording.number(data.explained), len(data.wanted)
        alt = say("predictions.alt", name=data.name, explained=explained, count=count)
        return [
            Panel(
                data.name,
                partial(paint_predictions, data=data),
                f"predictions-{place}",
                alt,
                (340, 280),
                (58, 12, 12, 40),
            )
        ]

    def caption(self, data: Predicted) -> str:
        explained = wording.number(data.explained)
        return say("predictions.caption", count=len(data.wanted), run=data.run, explained=explained)

    def table(self, data: Predicted) -> Table:
        order = np.argsort(data.wanted, kind="stable")
        chosen = order[np.unique(np.linspace(0, len(order) - 1, min(len(order), 40)).round().astype(int))]
        rows = [
            (str(one + 1), wording.value(float(data.wanted[one])), wording.value(float(data.predicted[one])))
            for one in chosen
        ]
        return Table("Some of the predictions, by what was wanted", ("Example", "Wanted", "Predicted"), tuple(rows))


def _predicted(name: str, output: int, outputs: int, rows: pd.DataFrame) -> Predicted:
    return Predicted(name, output, outputs, *(rows[key].to_numpy(dtype=float) for key in ("wanted", "predicted")))


def paint_predictions(ax: Axes, data: Predicted) -> Axes:
    """The points between two lines."""
    ends = [float(min(data.wanted.min(), data.predicted.min())), float(max(data.wanted.max(), data.predicted.max()))]
    ax.axhline(float(data.wanted.mean()), color=palette.GUIDE, linewidth=1.4)
    ax.plot(ends, ends, color=palette.MUTED, linewidth=1, linestyle=(0, (4, 3)))
    ax.plot(data.wanted, data.predicted, "o", markersize=3, color=palette.SLOTS[0].light, alpha=0.6, markeredgewidth=0)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(5, min_n_ticks=3))
    ax.set_xlabel(word("wanted"))
    ax.set_ylabel(word("predicted"))
    return ax
