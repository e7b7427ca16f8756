"""What a model says about its network: architecture, loss and dtype. A saved model has it as a JSON file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TypeVar

from workbench.config.setting import integers
from workbench.engine.errors import BadInput
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.rules.losses import LOSSES
from workbench.engine.training.architecture import Architecture, Images, ImageSettings
from workbench.engine.training.layout import Layout
from workbench.persons_code import RULE_FILES

Kind = TypeVar("Kind")
ABOUT_FILE = "network.json"


@dataclass(frozen=True)
class About(Images):
    """The network: its architecture (`engine.training.architecture`), loss, fixed slope of leaky ReLU, and working
    dtype.
    """

    inputs: int
    outputs: int
    depth: int
    width: int
    activation: str
    pieces: int
    loss: str
    slope: float
    dtype: str
    image: tuple[int, ...] = ()
    widths: tuple[int, ...] = ()

    @property
    def layout(self) -> Layout:
        """The place of each tensor in a row of parameters."""
        shape = self.inputs, self.outputs, self.depth, self.width, self.activation, self.pieces, tuple(self.image)
        return Layout(Architecture(*shape, widths=tuple(self.widths), **self.of_images()))

    def as_saved(self) -> dict[str, object]:
        """Its fields by name; without those that only networks of images have if it is none, and without widths if all
        are equal.
        """
        left_out = set() if self.image else {*self.of_images(), "image"}
        left_out |= set() if self.widths else {"widths"}
        return {name: value for name, value in asdict(self).items() if name not in left_out}

    @classmethod
    def from_saved(cls, held: Mapping[str, object]) -> About:
        """Made from what `as_saved` returned, read from JSON. Raises BadInput if a field is missing or of another type,
        or if a rule of the network is unknown.
        """
        require_rules(_saved(held, "activation", str), _saved(held, "loss", str))
        return cls(
            inputs=_saved(held, "inputs", int), outputs=_saved(held, "outputs", int), depth=_saved(held, "depth", int),
            width=_saved(held, "width", int), activation=_saved(held, "activation", str),
            pieces=_saved(held, "pieces", int), loss=_saved(held, "loss", str), slope=_saved(held, "slope", float),
            dtype=_saved(held, "dtype", str), image=tuple(_saved(held, "image", list)) if "image" in held else (),
            widths=tuple(_saved(held, "widths", list)) if "widths" in held else (),
            **image_settings({name: str(value) for name, value in held.items()}),
        )  # fmt: skip


def require_rules(activation: str, loss: str) -> None:
    """Raise BadInput with the rule's name if a network uses a rule of a person's own that is not installed."""
    for kind, name, known in (("activation", activation, ACTIVATIONS), ("loss", loss, LOSSES)):
        if name not in known:
            raise BadInput(
                f"the network uses the {kind} {name!r:.80}, which is no rule of Workbench's: load it in the folder "
                f"whose rules/*.py has it{RULE_FILES.in_brackets()}"
            )


def image_settings(texts: Mapping[str, str]) -> ImageSettings:
    """The settings of networks of images, from their texts; the defaults for a fully connected network."""
    if texts.get("network", Images.network) == Images.network:
        return Images().of_images()
    return {
        "network": texts["network"], "channels": integers(texts["channels"]) or (), "padding": texts["padding"],
        "kernel_size": int(texts["kernel_size"]), "stride": int(texts["stride"]), "pool": texts["pool"],
        "pool_size": int(texts["pool_size"]), "global_average": texts["global_average"] == "True",
    }  # fmt: skip


def _saved(held: Mapping[str, object], name: str, kind: type[Kind]) -> Kind:
    value = held.get(name)
    if not isinstance(value, kind):
        raise BadInput(f"{ABOUT_FILE}: {name} is {value!r}; allowed: what Workbench saved, {kind.__name__}")
    return value
