"""The forms of layers in a kernel: modules of its folder, which the layers name."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from workbench.engine.layers import LAYERS
from workbench.engine.layers.base import Layer
from workbench.engine.training.pack import Pack


def form_of(layer: type[Layer] | Layer, kernel: str) -> ModuleType:
    """The module with the form of a layer in the kernel of that folder. Each kernel defines what the module offers."""
    return import_module(f"workbench.engine.kernels.{kernel}.{layer.forms[kernel]}")


def kinds_with_form(kernel: str) -> list[type[Layer]]:
    """The kinds of layers that the kernel of that folder has, in the order of the table."""
    return [kind for kind in LAYERS.values() if kernel in kind.forms]


def layer_obstacle(pack: Pack, kernel: str) -> str:
    """A kind of layer in the pack's networks that has no form in that kernel; "" if every kind has one."""
    for kind in pack.kinds():
        if kernel not in LAYERS[kind].forms:
            return f"a layer of kind {kind}: it has no form in this kernel"
    return ""
