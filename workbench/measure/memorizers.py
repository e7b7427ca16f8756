"""scikit-learn's nearest neighbours and decision trees, on the same splits as a training run of the same seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.config import RunConfig
from workbench.data import load, prepare
from workbench.engine.errors import BadInput
from workbench.measure.measurement import Measurement, tidy
from workbench.measure.trained import scaled_inputs, share_named
from workbench.sweep.instruments import Measured

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin

NEIGHBOURS = (1, 3, 5, 15)
DEPTHS = (2, 4, 8, 16, None)  # of a decision tree; None is unpruned
MODERATE = 5  # neighbours: the case of several, for the claim about one against several


def _memorizers(config: RunConfig) -> Measured:
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.tree import DecisionTreeClassifier

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
    (inputs, labels), (unseen, expected) = (
        (scaled_inputs(data, split), split.targets[0]) for split in (data.train, data.test)
    )
    models: dict[tuple[str, int], ClassifierMixin] = {
        ("neighbours", k): KNeighborsClassifier(k, algorithm="brute") for k in NEIGHBOURS
    }
    for depth in DEPTHS:
        tree = DecisionTreeClassifier(max_depth=depth, random_state=config.seed)
        models["tree", 0 if depth is None else depth] = tree
    found = {}
    for key, model in models.items():
        model.fit(inputs, labels)
        found[key] = tuple(
            share_named(model.predict_proba(rows), model.classes_, wanted)  # a tied vote names no class
            for rows, wanted in ((inputs, labels), (unseen, expected))
        )
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
