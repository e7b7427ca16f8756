"""Rules as a person writes them in a folder of their own: new ones, and copies of two that are in our tables."""

import numpy as np

from workbench.rules import Activation, Hyperparameter, Optimizer


def swish(z, slope):
    return z / (1 + np.exp(-z))


def swish_derivative(z, a, slope):
    gate = 1 / (1 + np.exp(-z))
    return gate + a * (1 - gate)


def relu(z, slope):
    return np.maximum(z, 0)


def relu_derivative(z, a, slope):
    return z > 0


def adam(w, g, m, v, at):
    m = at.beta1 * m + (1 - at.beta1) * g
    v = at.beta2 * v + (1 - at.beta2) * (g * g)
    return w - (at.learning_rate / at.bias1) * m / (np.sqrt(v / at.bias2) + at.epsilon), m, v


def adabelief(w, g, m, s, at):
    """Zhuang et al. 2020: the step is divided by how far the gradient lies from its fading mean."""
    m = at.beta1 * m + (1 - at.beta1) * g
    s = at.beta2 * s + (1 - at.beta2) * ((g - m) * (g - m)) + at.surprise
    return w - (at.learning_rate / at.bias1) * m / (np.sqrt(s / at.bias2) + at.epsilon), m, s


SURPRISE = Hyperparameter(1e-12, "added to the variance at every step", low=0)
ACTIVATIONS = {
    "swish": Activation("z times its sigmoid", swish, swish_derivative, init="he"),
    "own_relu": Activation("max(z, 0), a copy", relu, relu_derivative, init="he"),
}
OPTIMIZERS = {
    "own_adam": Optimizer("Adam, a copy", ("m", "v"), adam, learning_rate=0.001),
    "adabelief": Optimizer(
        "Adam with the variance about the mean", ("m", "s"), adabelief, 0.001, hyperparameters={"surprise": SURPRISE}
    ),
}
