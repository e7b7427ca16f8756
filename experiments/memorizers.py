"""Methods that know their training data by heart: nearest neighbours and decision trees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from workbench.report.claims import Arm, Claim, Identity, Paired
from workbench.report.notes import FAMILY

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
    ),
]
