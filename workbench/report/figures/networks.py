"""The networks of a sweep: their layers in a row, with the shape of what each gives and the number of its parameters.

They are built anew from the settings in the store and from the shapes of the data that the sweep noted. Nothing is
loaded or trained.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from itertools import groupby
from math import prod
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from workbench.config import SETTINGS
from workbench.config.reading import TRAINING
from workbench.config.setting import Value, integers
from workbench.engine.layers.base import Layer, Shape
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.rules.losses import LOSSES
from workbench.engine.training.architecture import NETWORKS, Architecture
from workbench.report import wording
from workbench.report.figures import palette
from workbench.report.figures.base import FigureKind, Panel, Table, sampled
from workbench.report.figures.data_shapes import noted_shapes
from workbench.report.figures.findings import Findings
from workbench.report.figures.svg import WIDTH
from workbench.report.language.words import joined, say, semicolons, word
from workbench.untyped import PandasCell

if TYPE_CHECKING:
    from workbench.tracking.read import SweepTables

MOST_NETWORKS = 3  # side by side in a row of the page
TIMES = "\u00d7"
ROW, BOX = 46.0, (4.0, 33.0, 164.0)  # pixels: from one layer to the next; left, height and width of a layer's box
BARS = (178.0, 96.0)  # pixels: where the bars of parameters begin, and the longest of them
OF_THE_DATA = {"inputs", "outputs", "image"}  # what settings do not say of an architecture


@dataclass(frozen=True, order=True)
class DrawnLayer:
    """A layer, or several alike: its name, the shape of its output for one example, the number of its parameters."""

    name: str
    shape: str
    parameters: int


@dataclass(frozen=True, order=True)
class DrawnNetwork:
    """A network from its inputs to its outputs; networks stand in the order of their numbers of parameters."""

    parameters: int
    name: str
    layers: tuple[DrawnLayer, ...]

    @property
    def title(self) -> str:
        """Its name and size."""
        return say("networks.title", name=self.name, parameters=wording.plural(self.parameters, "parameter"))


@dataclass(frozen=True)
class SweepNetworks:
    """The networks that are drawn, from the smallest to the largest, of the `count` different ones of the sweep."""

    drawn: tuple[DrawnNetwork, ...]
    count: int


class Networks(FigureKind[Findings, SweepNetworks]):
    """One figure of the different networks of a sweep; dropout and activations make no other network."""

    section = "outcome"
    nothing = "The store does not hold what the networks of this sweep look like."

    def reduce(self, source: Findings) -> list[SweepNetworks]:
        shapes = noted_shapes(source.tables.facts.get("data_shapes", ""))
        found = sorted({drawn_network(of) for of in architectures(source.design.runs, shapes)})
        chosen = tuple(found[place] for place in sampled(len(found), MOST_NETWORKS))
        return [SweepNetworks(chosen, len(found))] if found else []

    def panels(self, data: SweepNetworks, place: int) -> list[Panel]:
        return [
            Panel(
                one.title, partial(paint, network=one), f"network-{place}-{number}", _in_words(one),
                size=(WIDTH, ROW * len(one.layers)), margins=(0, 0, 0, 0),
            )
            for number, one in enumerate(data.drawn)
        ]  # fmt: skip

    def caption(self, data: SweepNetworks) -> str:
        text = say("networks.caption")
        if data.count > len(data.drawn):
            return joined([text, say("networks.some", some=len(data.drawn), all=data.count)])
        return joined([text, say("networks.all")]) if data.count > 1 else text

    def table(self, data: SweepNetworks) -> Table:
        rows = [
            (one.title, layer.name, layer.shape, wording.value(float(layer.parameters)))
            for one in data.drawn
            for layer in one.layers
        ]
        return Table("Layers of the networks", ("Network", "Layer", "Output shape", "Parameters"), tuple(rows), words=3)

    def title(self, data: SweepNetworks) -> str:
        return word("The network") if data.count == 1 else word("The networks")


def architectures(runs: pd.DataFrame, shapes: dict[str, tuple[Shape, int]]) -> set[Architecture]:
    """The different networks that the cells of a sweep train, as far as the store says what they are."""
    cells = runs.reindex(columns=_read(_keys())).drop_duplicates()
    return set(_by_place(cells, shapes).values())


def parameters_by_cell(tables: SweepTables) -> pd.Series:
    """How many parameters the network of each cell has, indexed by cell; without cells of which the store does not say
    what they train.
    """
    found = _by_place(tables.runs, noted_shapes(tables.facts.get("data_shapes", "")))
    sizes = {of: sum(tensor.size for layer in of.sequence for tensor in layer.tensors) for of in set(found.values())}
    cells = tables.runs["cell"].to_numpy()
    return pd.Series({cells[place]: sizes[of] for place, of in found.items()}, dtype=float)


def _by_place(runs: pd.DataFrame, shapes: dict[str, tuple[Shape, int]]) -> dict[int, Architecture]:
    """The network of each run, by its place; without those that train none, or of which the store says too little."""
    keys = _keys()
    read = _read(keys)
    settings = ({key: _value(key, cell[key]) for key in read} for cell in runs.reindex(columns=read).to_dict("records"))
    found = ((place, _architecture(cell, keys, shapes)) for place, cell in enumerate(settings))
    return {place: of for place, of in found if of is not None}


def _keys() -> list[str]:
    return [key for key, setting in SETTINGS.items() if setting.engine in _settings() and setting.role == "static"]


def _read(keys: list[str]) -> list[str]:
    return [*keys, "data.name", "network.loss", "measure"]


def _settings() -> set[str]:
    return {field.name for field in fields(Architecture)} - OF_THE_DATA


def _value(key: str, held: PandasCell) -> Value:
    """A setting as the store holds it, in its own type; its default if the run has none."""
    setting = SETTINGS[key]
    return setting.default if pd.isna(held) else setting.kind(held)


def _architecture(cell: dict[str, Value], keys: list[str], shapes: dict[str, tuple[Shape, int]]) -> Architecture | None:
    """The network of a cell; None if it trains none, or if the store does not say what it looks like."""
    known = cell["network.name"] in NETWORKS and cell["network.activation"] in ACTIVATIONS
    loss = cell["network.loss"]
    if cell["measure"] != TRAINING or cell["data.name"] not in shapes or not known or loss not in (*LOSSES, "auto"):
        return None
    shape, outputs = shapes[cell["data.name"]]
    settings = {
        SETTINGS[key].engine: integers(str(cell[key])) or () if SETTINGS[key].listed else cell[key] for key in keys
    }
    units = outputs if loss == "auto" else LOSSES[loss].units(outputs)
    made: Callable[..., Architecture] = Architecture  # whose settings have each a type of its own
    return made(prod(shape), units, image=shape if len(shape) == 3 else (), **settings)


def drawn_network(of: Architecture) -> DrawnNetwork:
    """An architecture as it is drawn."""
    made = [
        DrawnLayer(_named(kind, layer), _shape(layer.outputs), sum(tensor.size for tensor in layer.tensors))
        for (kind, _), layer in zip(of.named(), of.sequence, strict=True)
        if kind != "dropout"
    ]
    made[-1] = DrawnLayer(word("Output"), made[-1].shape, made[-1].parameters)
    rows = [DrawnLayer(word("Inputs"), _shape(of.reads), 0), *_together(made)]
    return DrawnNetwork(sum(layer.parameters for layer in rows), _network_name(of), tuple(rows))


def _together(layers: list[DrawnLayer]) -> list[DrawnLayer]:
    """Equal layers behind each other as one, with the parameters of all."""
    found = []
    for layer, alike in groupby(layers):
        count = len(list(alike))
        name = layer.name if count == 1 else say("networks.alike", count=count, name=layer.name)
        found.append(DrawnLayer(name, layer.shape, count * layer.parameters))
    return found


def _network_name(of: Architecture) -> str:
    equal = (
        f"{of.depth}{wording.SPACE}{TIMES}{wording.SPACE}{of.width}" if of.depth else say("networks.no_hidden_layer")
    )
    dense = " + ".join(map(str, of.widths)) or equal
    if not NETWORKS[of.network].of_images:
        return say("networks.dense", layers=dense)
    channels = wording.listing([str(number) for number in of.channels])
    if of.hidden_widths:
        return say("networks.convolutional_dense", channels=channels, layers=dense)
    return say("networks.convolutional", channels=channels)


def _named(kind: str, layer: Layer) -> str:
    """A kind of layer in words, with the size of its window and its stride."""
    name = word(kind.replace("_", " ").capitalize())
    size, stride = getattr(layer, "kernel", getattr(layer, "size", 0)), getattr(layer, "stride", 1)
    name = say("networks.window", name=name, size=size) if size else name
    return say("networks.stride", name=name, stride=stride) if stride > 1 else name


def _shape(shape: Shape) -> str:
    return f" {TIMES} ".join(map(str, shape))


def _in_words(network: DrawnNetwork) -> str:
    layers = [
        say(
            "networks.layer", name=layer.name, shape=layer.shape,
            parameters=wording.plural(layer.parameters, "parameter"),
        )
        for layer in network.layers
    ]  # fmt: skip
    return say("networks.alt", title=network.title, layers=semicolons(layers))


def paint(ax: Axes, network: DrawnNetwork) -> Axes:
    """Layers as boxes below each other, and beside each a bar as long as it has parameters."""
    most = max(layer.parameters for layer in network.layers)
    left, height, width = (BOX[0] - BARS[0]) * most / BARS[1], BOX[1] / ROW, BOX[2] * most / BARS[1]
    for place, layer in enumerate(network.layers):
        ax.add_patch(Rectangle((left, place - height / 2), width, height, facecolor="none", edgecolor=palette.GUIDE))
        middle = left + width / 2
        ax.text(middle, place - 0.15, layer.name, ha="center", va="center")
        ax.text(middle, place + 0.17, layer.shape, ha="center", va="center", color=palette.MUTED)
        if place:
            ends = [place - 1 + height / 2, place - height / 2 - 4 / ROW]
            ax.plot([middle, middle], ends, color=palette.GUIDE, linewidth=1.2, marker="v", markersize=4, markevery=[1])
        ax.plot([0, layer.parameters], [place, place], color=palette.SLOTS[0].light, linewidth=9, solid_capstyle="butt")
        if layer.parameters:
            ax.text(layer.parameters + 5 * most / BARS[1], place, f"{layer.parameters:,}", va="center")
    ax.set_xlim(-BARS[0] * most / BARS[1], (WIDTH - BARS[0]) * most / BARS[1])
    ax.set_ylim(len(network.layers) - 0.5, -0.5)
    ax.set_axis_off()
    return ax
