"""The networks that a configuration can name: their layers in order, as rows of `LAYERS`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TypedDict

from workbench.engine.layers import LAYERS
from workbench.engine.layers.base import Layer, Shape
from workbench.engine.rules.activations import ACTIVATIONS

LayerSetting = bool | int | str
Named = tuple[str, Mapping[str, LayerSetting]]  # a row of `LAYERS` and its settings
POOLING = {"max": "max_pooling", "average": "average_pooling"}  # or "none"


class ImageSettings(TypedDict):
    """The fields of `Images` as keyword arguments."""

    network: str
    channels: tuple[int, ...]
    kernel_size: int
    stride: int
    padding: str
    pool: str
    pool_size: int
    global_average: bool


@dataclass(frozen=True, kw_only=True)
class Images:
    """The row of `NETWORKS`, and the settings of networks of images: see `workbench.config`."""

    network: str = "mlp"
    channels: tuple[int, ...] = ()
    kernel_size: int = 3
    stride: int = 1
    padding: str = "same"
    pool: str = "max"
    pool_size: int = 2
    global_average: bool = False

    def of_images(self) -> ImageSettings:
        """These settings by their names."""
        return {
            "network": self.network, "channels": self.channels, "kernel_size": self.kernel_size, "stride": self.stride,
            "padding": self.padding, "pool": self.pool, "pool_size": self.pool_size,
            "global_average": self.global_average,
        }  # fmt: skip


@dataclass(frozen=True)
class Architecture(Images):
    """A network by its configuration: `depth` hidden layers of `width` units between inputs and outputs, or one for
    each number of `widths`, of so many units.

    `pieces` matters only if the activation reads it. Depth 0 is logistic (or linear) regression. `image` is the shape
    of an example, (height, width, channels), if the examples are images; a convolutional network reads it.
    """

    inputs: int
    outputs: int
    depth: int
    width: int
    activation: str
    pieces: int = 2
    image: Shape = ()
    widths: tuple[int, ...] = ()

    @property
    def hidden_widths(self) -> tuple[int, ...]:
        """The units of every hidden layer that reads features, in order."""
        return self.widths or (self.width,) * self.depth

    def named(self) -> Iterator[Named]:
        """The layers as rows of `LAYERS` with the settings of each, in order; shapes follow from one to the next."""
        return NETWORKS[self.network].named(self)

    def hidden(self, units: int) -> Named:
        """A hidden layer of so many units that reads features."""
        kind = ACTIVATIONS[self.activation].layer
        known: dict[str, LayerSetting] = {"units": units, "activation": self.activation, "pieces": self.pieces}
        return kind, {field.name: known[field.name] for field in fields(LAYERS[kind]) if field.name in known}

    @property
    def reads(self) -> Shape:
        """The shape of an example as the first layer reads it."""
        return self.image if NETWORKS[self.network].of_images else (self.inputs,)

    @cached_property
    def sequence(self) -> tuple[Layer, ...]:
        """Every layer in the order of the forward pass."""
        made: list[Layer] = []
        for kind, settings in self.named():
            made.append(LAYERS[kind](made[-1].outputs if made else self.reads, **settings))
        return tuple(made)

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers that have parameters: hidden layers, then the output layer. They are numbered in this order."""
        return tuple(layer for layer in self.sequence if layer.tensors)


@dataclass(frozen=True)
class NetworkKind:
    """One row of `NETWORKS`. `reads` names the settings that not every network reads; `of_images`: it reads images."""

    summary: str
    named: Callable[[Architecture], Iterator[Named]]
    reads: tuple[str, ...] = ()
    of_images: bool = False


def _fully_connected(of: Architecture) -> Iterator[Named]:
    yield "dropout", {"rate": "input_dropout_rate", "in_place": True}
    yield from _dense_layers(of)


def _convolutional(of: Architecture) -> Iterator[Named]:
    """For each entry of `channels` a convolution, pooling and dropout; then the layers that read features."""
    filters: dict[str, LayerSetting] = {"kernel": of.kernel_size, "stride": of.stride, "padding": of.padding}
    yield "dropout", {"rate": "input_dropout_rate", "in_place": True}
    for channels in of.channels:
        yield "convolution", {"units": channels, "activation": of.activation, "pieces": of.pieces, **filters}
        if of.pool != "none":
            yield POOLING[of.pool], {"size": of.pool_size}
        yield "dropout", {"rate": "map_dropout_rate"}
        yield "dropout", {"rate": "channel_dropout_rate", "of_channels": True}
    yield ("global_average" if of.global_average else "flatten"), {}
    yield from _dense_layers(of)


def _dense_layers(of: Architecture) -> Iterator[Named]:
    for units in of.hidden_widths:
        yield of.hidden(units)
        yield "dropout", {"rate": "dropout_rate"}
    yield "dense", {"units": of.outputs}  # without an activation: that belongs to the loss


NETWORKS: dict[str, NetworkKind] = {
    "mlp": NetworkKind("fully connected layers: network.depth of network.width, or network.widths", _fully_connected),
    "cnn": NetworkKind(
        "convolutions and pooling over images, then network.depth fully connected layers",
        _convolutional,
        (
            "channels", "kernel", "stride", "padding", "pool", "pool_size", "global_average", "dropout.map_rate",
            "dropout.channel_rate",
        ),
        of_images=True,
    ),
}  # fmt: skip
