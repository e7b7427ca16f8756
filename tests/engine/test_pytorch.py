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
        {"params": [p for p in parameters if p.ndim == 2], "weight_decay": decay},
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


def follow(pack: Pack, make: Maker, loss: Callable[..., Any]) -> None:
    """Train on both sides and compare all parameters and the running loss after every epoch."""
    data = data_for(pack)
    layout = layout_of(pack, data)
    epochs = train(pack, data)
    network = network_of(layout.to_numpy(next(epochs).state()["weights"][0]), pack.activation)
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
            np.testing.assert_allclose(layer["weights"], theirs[2 * number], rtol=TOLERANCE, atol=TOLERANCE)
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
