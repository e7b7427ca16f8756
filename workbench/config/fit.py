"""Checks that the settings of a run fit each other, its dataset and its loss."""

from __future__ import annotations

from functools import lru_cache

from workbench.config.families import table
from workbench.config.reading import TRAINING
from workbench.config.schema import DataConfig, NetworkConfig, RunConfig
from workbench.config.setting import integers
from workbench.data import Facts, describe, split_sizes
from workbench.engine.errors import BadInput
from workbench.engine.layers.convolution import NEURONS, Convolution
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.rules.losses import LOSSES, fits_task
from workbench.engine.training.architecture import NETWORKS, Architecture


def fit(data: DataConfig, loss: str, batch_size: int) -> None:
    """Raise BadInput unless splits, batch, label noise and loss suit the dataset as it is now."""
    _fit(data, describe(data), loss, batch_size)


@lru_cache(maxsize=256)  # cells share most of these
def _fit(data: DataConfig, facts: Facts, loss: str, batch_size: int) -> None:
    sizes = split_sizes(facts, data.train_size, data.validation, data.test)
    if batch_size > sizes.train:
        raise BadInput(
            f"training.batch_size is {batch_size}; allowed: at most {sizes.train}, the training examples of {data.name}"
        )
    if data.label_noise > 0 and facts.classes == 0:
        raise BadInput(
            f"data.label_noise is {data.label_noise:g}; allowed: 0, as {data.name} is a regression without labels"
        )
    if data.test_noise > 0 and facts.classes == 0:
        raise BadInput(
            f"data.test_noise is {data.test_noise:g}; allowed: 0, as {data.name} is a regression without labels"
        )
    if data.shift > 0 and not facts.image:
        raise BadInput(f"data.shift is {data.shift}; allowed: 0, as the examples of data={data.name} are no images")
    if data.shift > 0 and data.shift >= min(facts.image[:2]):
        raise BadInput(f"data.shift is {data.shift}; allowed: less than {min(facts.image[:2])}, the size of an image")
    if data.permute_pixels:
        _fit_permuted(data, facts)
    if loss != "auto" and not fits_task(loss, facts.classes):
        fitting = ", ".join(["auto", *(name for name in LOSSES if fits_task(name, facts.classes))])
        task = f"{facts.classes} classes" if facts.classes else "regression"
        raise BadInput(f"network.loss is {loss!r}; allowed with {data.name} ({task}): one of {fitting}")


def _fit_permuted(data: DataConfig, facts: Facts) -> None:
    """Raise BadInput unless the examples are images, and no other setting needs neighbouring pixels."""
    if not facts.image:
        raise BadInput(
            f"data.permute_pixels is true; allowed: false, as the examples of data={data.name} are no images"
        )
    if data.shift > 0:
        raise BadInput(f"data.shift is {data.shift}; allowed with data.permute_pixels=true: 0")


def fit_network(config: RunConfig) -> None:
    """Raise BadInput unless the network suits the data, and the measurement or analyses suit the network."""
    if config.data.permute_pixels and "model" in config.analyses.split("+"):
        raise BadInput(
            "analyses is 'model', whose model would read images as they are; allowed with "
            "data.permute_pixels=true: any other"
        )
    if not NETWORKS[config.network.name].of_images:
        _fit_dense(config)
        return
    names = [config.measure] if config.measure != TRAINING else [name for name in config.analyses.split("+") if name]
    rows = table("analyses") if config.measure == TRAINING else table("measurements")
    for name in names:
        if rows[name].dense_only:
            key = "analyses" if config.measure == TRAINING else "measure"
            raise BadInput(f"network is {config.network.name!r}; allowed with {key}={name}: mlp")
    if config.measure == TRAINING:
        _fit_images(config.network, config.data.name, describe(config.data))


def _fit_dense(config: RunConfig) -> None:
    """Raise BadInput if an analysis knows only networks of images, or a measurement only equal layers."""
    unequal, measured = config.network.widths is not None, config.measure != TRAINING
    if unequal and measured and table("measurements")[config.measure].dense_only:
        raise BadInput(f"network.widths is {config.network.widths}; allowed with measure={config.measure}: null")
    for name in filter(None, config.analyses.split("+") if config.measure == TRAINING else ()):
        if table("analyses")[name].images_only:
            allowed = ", ".join(other for other, row in NETWORKS.items() if row.of_images)
            raise BadInput(f"network is {config.network.name!r}; allowed with analyses={name}: {allowed}")


@lru_cache(maxsize=256)
def _fit_images(network: NetworkConfig, data: str, facts: Facts) -> None:
    if not facts.image:
        raise BadInput(
            f"network is {network.name!r}, which reads images, and the examples of data={data} are none; allowed: mlp, "
            f"or data of images such as digits, mnist, or an .npz file of (n, height, width[, channels])"
        )
    if ACTIVATIONS[network.activation].layer not in NEURONS:
        kind = ACTIVATIONS[network.activation].layer
        raise BadInput(
            f"network.activation is {network.activation!r}, whose layers are of kind {kind}; allowed with "
            f"network={network.name}: activations of {' or '.join(NEURONS)}"
        )
    image = facts.image
    for layer in _of_images(network, facts).sequence:
        if min(layer.outputs) < 1:
            key = "kernel" if isinstance(layer, Convolution) else "pool_size"
            most = min(image[:2])
            allowed = f"at most {most}" if key == "kernel" or most > 1 else "fewer channels in the list, or pool=none"
            raise BadInput(
                f"network.{key} is {getattr(network, key)}; allowed: {allowed}, as an image of data={data} has "
                f"{image[0]} x {image[1]} pixels at the input of that layer"
            )
        image = layer.outputs


def _of_images(network: NetworkConfig, facts: Facts) -> Architecture:
    return Architecture(
        facts.features, 1, 0, 1, network.activation, network.pieces, facts.image, network=network.name,
        channels=integers(network.channels) or (), kernel_size=network.kernel, stride=network.stride,
        padding=network.padding, pool=network.pool, pool_size=network.pool_size,
    )  # fmt: skip
