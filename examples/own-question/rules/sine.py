"""The sine as an activation."""

import numpy as np

from workbench.rules import Activation


def sine(z, slope):
    return np.sin(z)


def sine_derivative(z, a, slope):
    return np.cos(z)


ACTIVATIONS = {"sine": Activation("sin(z)", sine, sine_derivative, init="lecun")}
