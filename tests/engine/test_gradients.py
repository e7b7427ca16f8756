"""The backward pass is the derivative of the forward pass: against central differences, in float64.

The difference quotients of all parameters are taken at once: a copy of the network per parameter, packed.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.rules.losses import LOSSES
from workbench.engine.rules.penalties import PENALTIES
from workbench.engine.training.architecture import Architecture
from workbench.engine.training.layout import Layout
from workbench.engine.training.network import Network

from .cases import classes_of, targets_for

BATCH, INPUTS, WIDTH, PIECES = 6, 4, 5, 3
STEP, TOLERANCE, CLEAR_OF_KINKS = 1e-5, 1e-6, 1e-4
L1, L2 = 0.03, 0.2
KINKED = ("relu", "leaky_relu", "prelu")
NETWORKS = [(name, depth) for name in ACTIVATIONS for depth in (1, 3)] + [("identity", 0)]


@dataclass
class Case:
    """One network in float64, its minibatch, its masks and its objective."""

    layout: Layout
    loss: str
    parameters: np.ndarray  # (1, size)
    inputs: np.ndarray  # (1, batch, features)
    targets: np.ndarray
    masks: list[np.ndarray]
    penalised: bool

    def network(self, parameters: np.ndarray, gradients: np.ndarray | None = None) -> Network:
        network = Network(self.layout, parameters, gradients, np.full(len(parameters), 0.15), BATCH, bool(self.masks))
        network.inputs[...] = self.inputs
        return network

    def masks_for(self, copies: int) -> list[np.ndarray]:
        return [np.repeat(mask, copies, axis=0) for mask in self.masks]

    def objective(self, parameters: np.ndarray, inputs: np.ndarray | None = None) -> np.ndarray:
        """The mean loss of the minibatch, penalties added where the case has them: (copies,)."""
        copies = len(parameters)
        network = self.network(parameters)
        if inputs is not None:
            network.inputs[...] = inputs
        z = network.forward(self.masks_for(copies))
        value = LOSSES[self.loss].judge(z, np.repeat(self.targets, copies, axis=0)).losses.mean(axis=1)
        if self.penalised:
            weights = parameters[:, : self.layout.weights_end]
            value = value + L1 * np.abs(weights).sum(axis=1) + L2 / 2 * (weights * weights).sum(axis=1)
        return value

    def gradients(self) -> tuple[np.ndarray, np.ndarray]:
        """What the engine computes: of the parameters (1, size), and of the inputs (1, batch, features)."""
        gradients = np.zeros_like(self.parameters)
        network = self.network(self.parameters, gradients)
        judged = LOSSES[self.loss].judge(network.forward(self.masks), self.targets)
        delta = judged.delta / BATCH
        network.backward(delta)
        of_inputs = network.input_gradient()
        if self.penalised:
            weights = self.parameters[:, : self.layout.weights_end]
            g = gradients[:, : self.layout.weights_end]
            for name, strength in (("l1", L1), ("l2", L2)):
                g[...] = PENALTIES[name].apply(weights, g, SimpleNamespace(**{name: strength}))
        return gradients, of_inputs

    def is_clear_of_kinks(self) -> bool:
        """Whether no difference quotient can step over a kink."""
        network = self.network(self.parameters)
        network.forward(self.masks)
        z = [layer.z for layer in network.layers[:-1]]
        activation = self.layout.layers[0].activation
        if activation in KINKED and any(np.abs(values).min() < CLEAR_OF_KINKS for values in z):
            return False
        if activation == "maxout":
            pieces = [np.sort(values.reshape(BATCH, PIECES, WIDTH), axis=1) for values in z]
            if any((values[:, -1] - values[:, -2]).min() < CLEAR_OF_KINKS for values in pieces):
                return False
        return not self.penalised or bool(np.abs(self.learned()).min() > 2 * STEP)

    def learned(self) -> np.ndarray:
        """The parameters without padding, in which a number is as good as never exactly zero."""
        return self.parameters[0, self.parameters[0] != 0]


def make_case(activation: str, loss: str, depth: int, form: str) -> Case:
    for content in range(200):
        case = _draw_case(activation, loss, depth, form, np.random.default_rng(content))
        if case.is_clear_of_kinks():
            return case
    raise AssertionError("no draw is clear of kinks")


def _draw_case(activation: str, loss: str, depth: int, form: str, draw: np.random.Generator) -> Case:
    outputs = LOSSES[loss].units(classes_of(loss) or 2)
    layout = Layout(Architecture(INPUTS, outputs, depth, WIDTH, activation, PIECES))
    parameters = np.zeros((1, layout.size))
    for view in layout.views(parameters):
        view["weights"][...] = draw.normal(scale=0.8, size=view["weights"].shape)
        view["biases"][...] = draw.normal(scale=0.4, size=view["biases"].shape)
        if "slopes" in view:
            view["slopes"][...] = draw.uniform(0.1, 0.4, size=view["slopes"].shape)
    shapes = [layer.mask_shape for layer in layout.dropout] if form == "dropout" else []
    masks = [(draw.random((1, BATCH, *shape)) < 0.7) / 0.7 for shape in shapes]
    inputs = draw.normal(size=(1, BATCH, INPUTS))
    targets = targets_for(loss, 1, BATCH, outputs, draw)
    return Case(layout, loss, parameters, inputs, targets, masks, form == "penalties")


def parameter_quotients(case: Case) -> np.ndarray:
    """Central differences of the objective in every parameter: (size,)."""
    shifts = STEP * np.eye(case.layout.size)
    ahead, behind = (case.objective(case.parameters + sign * shifts) for sign in (1, -1))
    return (ahead - behind) / (2 * STEP)


def input_quotients(case: Case) -> np.ndarray:
    """Central differences of the objective in every input: (batch, features)."""
    shifts = STEP * np.eye(case.inputs.size).reshape(-1, BATCH, INPUTS)
    parameters = np.repeat(case.parameters, len(shifts), axis=0)
    ahead, behind = (case.objective(parameters, case.inputs + sign * shifts) for sign in (1, -1))
    return ((ahead - behind) / (2 * STEP)).reshape(BATCH, INPUTS)


def relative_error(found: np.ndarray, expected: np.ndarray, floor: float = 0.0) -> float:
    """The largest difference relative to the largest entry, or to `floor` where all entries are smaller."""
    return float(np.abs(found - expected).max() / max(np.abs(found).max(), np.abs(expected).max(), floor))


@pytest.mark.parametrize("form", ["plain", "dropout", "penalties"])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("activation", "depth"), NETWORKS)
def test_gradients_of_all_parameters_agree_with_central_differences(
    activation: str, depth: int, loss: str, form: str
) -> None:
    case = make_case(activation, loss, depth, form)
    gradients, quotients = case.gradients()[0], parameter_quotients(case)[None]
    floor = 0.01 * np.abs(quotients).max()  # of a tensor with vanishing gradients the quotients are mere rounding
    for found, expected in zip(case.layout.views(gradients), case.layout.views(quotients), strict=True):
        for name in found:
            assert relative_error(found[name], expected[name], floor) < TOLERANCE, name


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("activation", "depth"), NETWORKS)
def test_the_gradient_of_the_inputs_agrees_with_central_differences(activation: str, depth: int, loss: str) -> None:
    case = make_case(activation, loss, depth, "plain")
    assert relative_error(case.gradients()[1][0], input_quotients(case)) < TOLERANCE


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_padding_receives_no_gradient(activation: str) -> None:
    case = make_case(activation, "cross_entropy", 3, "plain")
    is_padding = np.ones((1, case.layout.size), bool)
    for view in case.layout.views(is_padding):
        for tensor in view.values():
            tensor[...] = False
    assert is_padding.any()
    assert not case.gradients()[0][is_padding].any()
