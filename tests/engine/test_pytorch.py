"""A small network's whole trajectory is PyTorch's: equal starts, equal minibatches, float64.

PyTorch's momentum keeps v / -eta instead of v, which is the same path while the learning rate is constant.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from workbench.engine.training.loop import train
from workbench.engine.training.pack import Pack

from .cases import data_for, layout_of, pack_of
from .image_cases import image_data, image_pack

torch = pytest.importorskip("torch", reason="runs with the extra 'torch'")

EPOCHS, TOLERANCE = 10, 1e-6
Maker = Callable[[list[Any]], Any]
OPTIMIZERS: dict[str, tuple[str, dict[str, float], Maker]] = {
    "sgd": ("sgd", {}, lambda p: torch.optim.SGD(p, lr=0.2)),
    "sgd with l2": ("sgd", {"l2": 0.01}, lambda p: torch.optim.SGD(decayed(p, 0.01), lr=0.2)),
    "momentum": ("momentum", {}, lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9)),
    "adagrad": ("adagrad", {}, lambda p: torch.optim.Adagrad(p, lr=0.1, eps=1e-8)),
    "rmsprop": ("rmsprop", {}, lambda p: torch.optim.RMSprop(p, lr=0.01, alpha=0.9, eps=1e-8)),
    "adam": ("adam", {}, lambda p: torch.optim.Adam(p, lr=0.02)),
    "adamw": ("adam", {"weight_decay": 0.1}, lambda p: torch.optim.AdamW(decayed(p, 0.1), lr=0.02)),
}


def decayed(parameters: list[Any], decay: float) -> list[dict[str, Any]]:
    """Groups in which only the weights decay, as here."""
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": decay},
        {"params": [p for p in parameters if p.ndim == 1], "weight_decay": 0.0},
    ]


def network_of(layers: list[dict[str, np.ndarray]], activation: str) -> Any:
    """The same network in PyTorch, from the same weights."""
    kinds = {"sigmoid": torch.nn.Sigmoid, "relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "softplus": torch.nn.Softplus}
    modules: list[Any] = []
    for layer in layers:
        linear = torch.nn.Linear(*layer["weights"].shape[::-1], dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(layer["weights"]))
            linear.bias.copy_(torch.from_numpy(layer["biases"]))
        modules += [linear, kinds[activation]()]
    return torch.nn.Sequential(*modules[:-1])


def images_network_of(layers: list[dict[str, np.ndarray]], pack: Pack, image: tuple[int, ...]) -> Any:
    """The same convolutional network in PyTorch, from the same weights; it reads rows of pixels, channels together."""
    pool = {"max": torch.nn.MaxPool2d, "average": torch.nn.AvgPool2d}.get(pack.pool)
    modules: list[Any] = [torch.nn.Unflatten(1, image), Moved(0, 3, 1, 2)]
    height, width, _ = image
    for layer in layers[: len(pack.channels)]:
        rows, kernel, _, channels = layer["weights"].shape
        made = torch.nn.Conv2d(channels, rows, kernel, pack.stride, dtype=torch.float64)
        if pack.padding == "same":  # PyTorch has it for stride 1 alone
            beyond = [max((-(-size // pack.stride) - 1) * pack.stride + kernel - size, 0) for size in (width, height)]
            modules.append(torch.nn.ZeroPad2d([part for total in beyond for part in (total // 2, total - total // 2)]))
            height, width = (-(-size // pack.stride) for size in (height, width))
        with torch.no_grad():
            made.weight.copy_(torch.from_numpy(layer["weights"].transpose(0, 3, 1, 2)))
            made.bias.copy_(torch.from_numpy(layer["biases"]))
        modules += [made, torch.nn.ReLU(), *([pool(pack.pool_size)] if pool else [])]
        height, width = (size // pack.pool_size if pool else size for size in (height, width))
    modules += [torch.nn.AdaptiveAvgPool2d(1)] if pack.global_average else []
    modules += [Moved(0, 2, 3, 1), torch.nn.Flatten()]
    return torch.nn.Sequential(*modules, network_of(layers[len(pack.channels) :], "relu"))


class Moved(torch.nn.Module):  # type: ignore[misc]
    """The axes in another order."""

    def __init__(self, *axes: int) -> None:
        super().__init__()
        self.axes = axes

    def forward(self, x: Any) -> Any:
        return x.permute(*self.axes)


def follow(pack: Pack, make: Maker, loss: Callable[..., Any]) -> None:
    """Train on both sides and compare all parameters and the running loss after every epoch."""
    data = image_data(pack, (8, 6, 2)) if pack.network == "cnn" else data_for(pack)
    layout = layout_of(pack, data)
    epochs = train(pack, data)
    start = layout.to_numpy(next(epochs).state()["weights"][0])
    network = images_network_of(start, pack, data.image) if data.image else network_of(start, pack.activation)
    optimizer = make(list(network.parameters()))
    inputs = torch.from_numpy(data.inputs[data.train.index[0]] * data.scale[0] + data.shift[0])
    targets = torch.from_numpy(data.train.targets[0])
    updates = 0
    for epoch in epochs:
        order, batch, losses = data.order(epoch.number)[0], pack.batch_size, []
        for start in range(0, len(order) - batch + 1, batch):
            rows = order[start : start + batch]
            optimizer.zero_grad()
            value = loss(network(inputs[rows]), targets[rows])
            value.backward()
            optimizer.step()
            losses.append(value.item())
        updates += len(losses)
        assert epoch.metrics["train_loss"][0] == pytest.approx(np.mean(losses), rel=TOLERANCE)
        ours = layout.to_numpy(epoch.state()["weights"][0])
        theirs = [parameter.detach().numpy() for parameter in network.parameters()]
        for number, layer in enumerate(ours):
            weights = theirs[2 * number]
            weights = weights.transpose(0, 2, 3, 1) if weights.ndim == 4 else weights
            np.testing.assert_allclose(layer["weights"], weights, rtol=TOLERANCE, atol=TOLERANCE)
            np.testing.assert_allclose(layer["biases"], theirs[2 * number + 1], rtol=TOLERANCE, atol=TOLERANCE)
    assert updates >= 100


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_trajectory_is_pytorchs_for_every_optimizer(name: str, activation: str) -> None:
    optimizer, penalty, make = OPTIMIZERS[name]
    shape = {"depth": 3, "width": 7, "activation": activation, "batch_size": 4}
    pack = pack_of(1, optimizer=optimizer, epochs=EPOCHS, **shape, **penalty)
    follow(pack, make, torch.nn.CrossEntropyLoss())


@pytest.mark.parametrize("activation", ["tanh", "softplus"])
def test_the_trajectory_is_pytorchs_for_other_activations(activation: str) -> None:
    pack = pack_of(1, depth=2, activation=activation, batch_size=4, epochs=EPOCHS)
    follow(pack, OPTIMIZERS["sgd"][2], torch.nn.CrossEntropyLoss())


def test_the_trajectory_is_pytorchs_for_two_classes() -> None:
    pack = pack_of(1, loss="binary_cross_entropy", batch_size=4, epochs=EPOCHS)
    judge = torch.nn.BCEWithLogitsLoss()
    follow(pack, OPTIMIZERS["sgd"][2], lambda z, labels: judge(z[:, 0], labels.double()))


def test_the_trajectory_is_pytorchs_for_a_regression() -> None:
    pack = pack_of(1, loss="squared_error", activation="tanh", batch_size=4, epochs=EPOCHS, learning_rate=0.05)
    follow(pack, lambda p: torch.optim.SGD(p, lr=0.05), lambda z, targets: 0.5 * ((z - targets) ** 2).sum(dim=1).mean())


@pytest.mark.parametrize(
    "shape",
    [
        {"kernel_size": 3, "padding": "same", "pool": "max"},
        {"kernel_size": 3, "padding": "valid", "pool": "average", "channels": (4,)},
        {"kernel_size": 2, "padding": "same", "pool": "none", "global_average": True},
        {"kernel_size": 2, "padding": "valid", "pool": "none", "stride": 2},
        {"kernel_size": 3, "padding": "same", "pool": "none", "stride": 3},
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["sgd with l2", "adam"])
def test_the_trajectory_of_a_convolutional_network_is_pytorchs(name: str, shape: dict[str, Any]) -> None:
    optimizer, penalty, make = OPTIMIZERS[name]
    pack = image_pack(1, optimizer=optimizer, epochs=EPOCHS, batch_size=3, **shape, **penalty)
    follow(pack, make, torch.nn.CrossEntropyLoss())
