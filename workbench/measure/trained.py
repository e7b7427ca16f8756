"""The outputs of a trained run on any of its splits: activations of its layers, logits and probabilities."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from workbench.data import RunData
from workbench.engine.classes import NO_CLASS, named_class
from workbench.engine.rules.losses import LOSSES
from workbench.engine.training.layout import Layout
from workbench.engine.training.network import Network
from workbench.engine.training.reader import Split
from workbench.sweep.instruments import Trained


def layout_of(trained: Trained) -> Layout:
    """The place of each parameter of the run's network in a row of its weights."""
    return trained.pack.layout(trained.data)


def scaled_inputs(data: RunData, split: Split) -> np.ndarray:
    """The inputs of the first run's split as its network reads them: (examples, features) float64."""
    return data.inputs[split.index[0]].astype(np.float64) * data.scale[0] + data.shift[0]


def given_inputs(data: RunData, rows: np.ndarray) -> np.ndarray:
    """Inputs as the dataset has them: (n,) rows -> (n, features) float64."""
    return data.inputs[rows].astype(np.float64) * data.unit + data.origin


class NetworkOnSplit:
    """One run's network with the given parameters, (1, size), on one split of its data, without dropout.

    `logits` are (examples, outputs); `activations` holds the inputs and then the outputs of each hidden layer,
    (examples, units) each, those of a convolution place by place; `probabilities` is (examples, classes), also if the
    network has a single output, the probability of class 1.
    """

    def __init__(self, trained: Trained, parameters: np.ndarray, split: str) -> None:
        self.split: Split = getattr(trained.data, split)
        self.labels = self.split.targets[0]
        inputs = scaled_inputs(trained.data, self.split)
        slope = np.asarray(trained.pack.columns["slope"], parameters.dtype)
        self.network = Network(layout_of(trained), parameters, None, slope, len(inputs))
        self.network.inputs[0] = inputs
        with np.errstate(all="ignore"):  # an activation of a person's own may overflow here as it did in training
            self.logits = self.network.forward()[0]
        self.activations = [
            self.network.inputs[0],
            *(layer.a[0].reshape(len(inputs), -1) for layer in self.network.layers[:-1]),
        ]
        self._loss = LOSSES[trained.pack.loss]

    @cached_property
    def probabilities(self) -> np.ndarray:
        """The probability of each class, (examples, classes)."""
        return as_classes(self._loss.predict(self.logits))

    @cached_property
    def correct(self) -> np.ndarray:
        """Whether the logits name each example's class, (examples,) bool: see `engine.classes`."""
        return named_class(self.logits) == self.labels

    @property
    def accuracy(self) -> float:
        """Share of examples whose class is named."""
        return float(self.correct.mean())

    @property
    def negative_log_likelihood(self) -> float:
        """Mean of -ln p of each example's class."""
        return negative_log_likelihood(self.probabilities, self.labels)


def as_classes(outputs: np.ndarray) -> np.ndarray:
    """Probabilities of all classes, (examples, classes), also of a single output, the probability of class 1."""
    return np.hstack([1 - outputs, outputs]) if outputs.shape[1] == 1 else outputs


def share_named(scores: np.ndarray, classes: np.ndarray, labels: np.ndarray) -> float:
    """Share of labels (examples,) that the scores of another model name, by the rule of `engine.classes`.

    scores (examples, classes), or (examples,) logits of the second of two classes; classes: the label of each column.
    """
    named = named_class(scores if scores.ndim == 2 else scores[:, None])
    return float(((named != NO_CLASS) & (classes[named] == labels)).mean())


def negative_log_likelihood(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean of -ln p of each example's class; (examples, classes), (examples,)."""
    own = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(own, np.finfo(np.float64).tiny)).mean())
