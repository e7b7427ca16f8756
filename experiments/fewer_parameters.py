"""How many times the parameters of a convolutional network a dense one needs to test as well."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from workbench.claims import IMAGES_FAMILY, Arm, Claim, Figure, Lines, NothingHeld, Paired, parameters_by_cell

CHANNELS = "network.channels"
SEEDS = tuple(range(24))
DECIDING = "[8,16]"
ERROR = "test error in percent"
TIMES = "parameters_times"  # as many times the parameters


def _points(tables: Any) -> pd.DataFrame:
    """The finished runs whose number of parameters is known."""
    runs = tables.runs[(tables.runs["outcome"] == "finished") & tables.runs["best_test_accuracy"].notna()]
    return runs.assign(parameters=runs["cell"].map(parameters_by_cell(tables))).dropna(subset=["parameters"])


def parameters_needed(sizes: np.ndarray, accuracies: np.ndarray, wanted: float) -> float:
    """How many parameters reach the accuracy `wanted`, given the accuracies at ascending sizes.

    Of a size and all smaller ones the best counts; between two sizes it lies on a line over the logarithm of the size.
    Beyond the ends of the grid it is the end: what no size reaches needs at least the largest.
    """
    best = np.maximum.accumulate(accuracies)
    place = int(np.searchsorted(best, wanted))
    if place in (0, len(best)):
        return float(sizes[min(place, len(best) - 1)])
    share = (wanted - best[place - 1]) / (best[place] - best[place - 1])
    low, high = np.log(sizes[place - 1 : place + 1])
    return float(np.exp(low + share * (high - low)))


def factors(tables: Any) -> pd.DataFrame:
    """Of every convolutional run by how many times its parameters the dense networks of its seed test as well:
    `parameters_times`; `is_reached` says whether one of them does.
    """
    points = _points(tables).sort_values("parameters")
    dense = dict(iter(points[points["arm"] == "dense"].groupby("seed")))
    rows = points[(points["arm"] == "convolutional") & points["seed"].isin(list(dense))]
    found = []
    for own, seed, accuracy in rows[["parameters", "seed", "best_test_accuracy"]].itertuples(index=False):
        sizes, accuracies = (dense[seed][name].to_numpy(float) for name in ("parameters", "best_test_accuracy"))
        found.append((parameters_needed(sizes, accuracies, accuracy) / own, bool(accuracies.max() >= accuracy)))
    columns = [TIMES, "is_reached"]
    return rows[["cell", "seed", CHANNELS, "parameters"]].join(pd.DataFrame(found, rows.index, columns))


def measure(tables: Any) -> pd.Series:
    """What the rule is about, by cell."""
    found = factors(tables)
    return pd.Series(found[TIMES].to_numpy(float), found["cell"].to_numpy())


DATASETS = {name: ["data.train_size=1200", "data.validation=0.02"] for name in ("mnist", "fashion_mnist")}
DATASETS["digits"] = []
CLAIMS = [
    Claim(
        id="A7",
        section="Convolutional networks",
        statement="To test as well as a convolutional network, a dense one needs more than twice as many parameters.",
        rule=Paired(
            metric=TIMES,
            treatment=Arm("parameters that a dense network needs", {"arm": "convolutional", CHANNELS: DECIDING}),
            baseline=Arm("those of the convolutional one", constant=1.0),
            margin=1.0,
            direction="higher",
            seeds=SEEDS,
            family=IMAGES_FAMILY,
        ),
        measure=measure,
        remark=(
            "By how many times the 1,898 parameters of a convolutional network a dense one of its seed tests as well, "
            "between the sizes of the grid along a line over the logarithm of the size. If none of the grid does, "
            "the largest counts: the number is then too small. Sizes, epochs and the one learning "
            "rate, the best or nearly the best at every size, come from a pilot on seeds of 1000 and up, which decide "
            "nothing. There a dense network of 512 units reached that accuracy in half of the seeds, and none that of "
            "the next larger convolutional network; 1,024 units were added for that."
        ),
    )
]


def by_size(tables: Any) -> pd.DataFrame:
    """Test error by number of parameters."""
    points = _points(tables)
    if points.empty:
        raise NothingHeld("the store does not say how many parameters the networks have")
    points = points.assign(network=points["arm"], **{ERROR: 100 * (1 - points["best_test_accuracy"].astype(float))})
    return points[["network", "parameters", ERROR, "seed"]]


def times_by_size(tables: Any) -> pd.DataFrame:
    """How many times the parameters, by the size of the convolutional network."""
    found = factors(tables)
    if found.empty:
        raise NothingHeld("no convolutional network has dense ones of its seed beside it")
    return found[["parameters", TIMES, "seed"]]


def reached(tables: Any) -> pd.DataFrame:
    """In what share of the seeds a dense network of the grid tests as well."""
    found = factors(tables)
    if found.empty:
        raise NothingHeld("no convolutional network has dense ones of its seed beside it")
    shares = found.groupby([CHANNELS, "parameters"], sort=False)["is_reached"].mean().reset_index()
    return shares.rename(columns={"is_reached": "share_of_seeds"}).sort_values("parameters")[
        ["parameters", "share_of_seeds"]
    ]


FIGURES = [
    Figure(
        "Test error by number of parameters",
        "At the epoch with the best validation loss, every seed. How far the one curve stands to the left of the "
        "other, at one height, is by how many times fewer parameters do.",
        by_size,
        Lines("parameters", ERROR, by="network", log_x=True, log_y=True),
    ),
    Figure(
        "How many times the parameters a dense network needs",
        "For the test accuracy of the convolutional network of its seed, by the size of that; the line is as many. If "
        "no dense network of the grid tests as well, the largest one counts, and the number is too small.",
        times_by_size,
        Lines("parameters", TIMES, log_x=True, log_y=True, guides=(1.0,)),
    ),
    Figure(
        "How often a dense network of the grid tests as well",
        "Share of the seeds, by the size of the convolutional network.",
        reached,
        Lines("parameters", "share_of_seeds", log_x=True),
    ),
]
