"""A fast sine as an activation."""

import numpy as np

from workbench.rules import Activation

SPEED = 3


def sine(z, slope):
    return np.sin(SPEED * z)


def sine_derivative(z, a, slope):
    return SPEED * np.cos(SPEED * z)


ACTIVATIONS = {"sine": Activation("sin(3 z)", sine, sine_derivative, init="lecun", steepest=3.0)}
