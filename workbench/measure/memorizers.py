"""scikit-learn's nearest neighbours and decision trees, on the same splits as a training run of the same seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench.config import RunConfig
from workbench.data import RunData, load, prepare
from workbench.engine.errors import BadInput
from workbench.measure.measurement import Measurement, tidy
from workbench.measure.trained import scaled_inputs, share_named
from workbench.sweep.instruments import Measured

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin

NEIGHBOURS = (1, 3, 5, 15)
DEPTHS = (2, 4, 8, 16, None)  # of a decision tree; None is unpruned
MODERATE = 5  # neighbours: the case of several, for the claim about one against several
Examples = tuple[np.ndarray, np.ndarray]  # inputs (examples, features) and labels (examples,)
Scores = tuple[float, float]  # the accuracy on the training data and on the test data


def _memorizers(config: RunConfig) -> Measured:
    data = _data(config)
    train, test = ((scaled_inputs(data, split), split.targets[0]) for split in (data.train, data.test))
    found = {key: _scores(model, train, test) for key, model in _models(config.seed).items()}
    unpruned, nearest, several = found["tree", 0], found["neighbours", 1], found["neighbours", MODERATE]
    rows = [(*key, *scores) for key, scores in found.items()]
    return Measured(
        {
            "memorizer_train_error": 1 - min(unpruned[0], nearest[0]),
            "moderate_train_error": 1 - min(several[0], found["tree", 8][0]),
            "tree_train_accuracy": unpruned[0],
            "tree_test_accuracy": unpruned[1],
            "tree_gap": unpruned[0] - unpruned[1],
            "nearest_neighbour_train_accuracy": nearest[0],
            "nearest_neighbour_test_accuracy": nearest[1],
            "nearest_neighbour_gap": nearest[0] - nearest[1],
        },
        {"memorizers": tidy(("model", "size", "train_accuracy", "test_accuracy"), rows)},
    )


def _data(config: RunConfig) -> RunData:
    """The data as a training run of the same seed has them. Raises BadInput if they have no classes."""
    share = config.data
    data = prepare(
        load(share),
        [config.seed],
        [share.label_noise],
        [share.scaling],
        share.train_size,
        share.validation,
        share.test,
        [share.test_noise],
    )
    if not data.classes:
        raise BadInput(f"data.name is {share.name!r}; allowed with measure=memorizers: a dataset of classes")
    return data


def _models(seed: int) -> dict[tuple[str, int], ClassifierMixin]:
    """By kind and size: the neighbours, or the depth of a tree, 0 of an unpruned one."""
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.tree import DecisionTreeClassifier

    models: dict[tuple[str, int], ClassifierMixin] = {
        ("neighbours", k): KNeighborsClassifier(k, algorithm="brute") for k in NEIGHBOURS
    }
    for depth in DEPTHS:
        models["tree", depth or 0] = DecisionTreeClassifier(max_depth=depth, random_state=seed)
    return models


def _scores(model: ClassifierMixin, train: Examples, test: Examples) -> Scores:
    """The accuracies of a model that is fitted to the training data. A tied vote names no class."""
    model.fit(*train)
    of_train, of_test = (
        share_named(model.predict_proba(inputs), model.classes_, labels) for inputs, labels in (train, test)
    )
    return of_train, of_test


MEMORIZERS = {
    "memorizers": Measurement(
        "training and test accuracy of nearest neighbours by their number and of decision trees by their depth",
        ("data", "seed"),
        (
            "memorizer_train_error", "moderate_train_error", "tree_train_accuracy", "tree_test_accuracy", "tree_gap",
            "nearest_neighbour_train_accuracy", "nearest_neighbour_test_accuracy", "nearest_neighbour_gap",
        ),
        _memorizers,
    )
}  # fmt: skip
