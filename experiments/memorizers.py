"""Methods that know their training data by heart: nearest neighbours and decision trees."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pandas as pd

from workbench.claims import FAMILY, Arm, Claim, Figure, Identity, Lines, Paired, melted, table

if TYPE_CHECKING:
    from workbench.tracking.read import SweepTables

MEMORIZERS = {"arm": "memorizers"}


def gaps(tables: SweepTables) -> pd.DataFrame:
    """Training minus test accuracy of the networks, which the store holds apart."""
    runs = tables.runs.set_index("cell")
    return pd.DataFrame({"network_gap": runs["last_train_accuracy"] - runs["last_test_accuracy"]})


def _gap(label: str, metric: str) -> Paired:
    clean = {"data.label_noise": 0.0}
    return Paired(
        metric=metric,
        treatment=Arm(label, MEMORIZERS | clean),
        baseline=Arm("network", {"arm": "network"} | clean, metric="network_gap"),
        margin=0.01,
        direction="higher",
        seeds=tuple(range(12)),
        family=FAMILY,
    )


DATASETS = {"digits": [], "mnist": ["data.train_size=1200", "data.validation=0.02"], "breast_cancer": []}
CLAIMS = [
    Claim(
        id="C1",
        section="Tips for deep learning, performance on training data",
        statement="Nearest neighbours and decision trees make no mistake on their training data.",
        rule=Identity("memorizer_train_error", Arm("one neighbour, unpruned tree", MEMORIZERS), 0.0),
        tuned=Identity("moderate_train_error", Arm("five neighbours, tree of depth 8", MEMORIZERS), 0.0),
        condition="with a single neighbour and an unpruned tree",
        slip=(
            "The notes speak of k nearest neighbours and of trees as such; it takes k = 1, an unpruned tree, and no "
            "two equal examples with different labels."
        ),
    ),
    Claim(
        id="C2",
        section="Tips for deep learning, performance on training data",
        statement=(
            "So they overfit more easily than a network does: what they lose from training to test data is more than "
            "what the network loses."
        ),
        rule=_gap("unpruned tree", "tree_gap"),
        tuned=_gap("one neighbour", "nearest_neighbour_gap"),
        condition="of the tree, not of the nearest neighbour",
        measure=gaps,
        remark=(
            "That a setting counts as failing where the predicted effect is ruled out, whether or not the opposite can "
            "be shown, was decided when the outcome of C4 was known; it decides between conditional and reproduced "
            "here too. That a nearest neighbour tests better than small networks on the digits was known before the "
            "rule was written."
        ),
    ),
]


def _accuracies(model: str) -> Callable[[SweepTables], pd.DataFrame]:
    """Training and test accuracy of one kind of model by its size, with clean and with noisy labels."""

    def data(tables: SweepTables) -> pd.DataFrame:
        rows = table("memorizers", "data.label_noise")(tables)
        rows = rows[rows["model"] == model].rename(columns={"size": model})
        labels = rows["data.label_noise"].map(lambda share: f"{100 * share:g} % wrong labels")
        names = rows[model].map("{:g}".format).where(rows[model] > 0, "unpruned")
        shown = rows.assign(labels=labels, **{model: names})[["labels", model, "seed", *SPLITS]]
        return melted(shown, SPLITS, "on", "test_accuracy")

    return data


SPLITS = {"train_accuracy": "training data", "test_accuracy": "test data"}
FIGURES = [
    Figure(
        "Decision trees by their depth",
        "Training and test accuracy; only deep and unpruned trees make no mistake on their training data.",
        _accuracies("tree"),
        Lines("tree", "test_accuracy", by="on"),
        panels="labels",
    ),
    Figure(
        "Nearest neighbours by their number",
        "Training and test accuracy; only a single neighbour makes no mistake on the training data.",
        _accuracies("neighbours"),
        Lines("neighbours", "test_accuracy", by="on"),
        panels="labels",
    ),
]
