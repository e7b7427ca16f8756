"""L1 against L2: what each leaves of the weights when both cost the same in validation loss, and what pruning costs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from workbench.claims import FAMILY, Arm, Claim, Figure, Lines, Paired, rows_of

STRENGTH, REFERENCE = "penalty.strength", 0.01  # the L2 strength whose validation loss the others are matched to
LABELS = {
    "none": "no penalty",
    "l2": "L2",
    "l1": "L1, subgradient",
    "l1_proximal": "L1, proximal step",
}
TUNING = tuple(range(100, 104))


def matched_strengths(runs: pd.DataFrame) -> dict[str, float]:
    """Of each penalty, the strength whose mean validation loss on the tuning seeds is nearest that of the reference."""
    trial = runs[runs["seed"].isin(TUNING) & (runs["outcome"] == "finished")]
    losses = trial.groupby(["arm", STRENGTH])["last_validation_loss"].mean()
    if ("l2", REFERENCE) not in losses.index:
        return {}
    target = losses["l2", REFERENCE]
    return {arm: float((losses[arm] - target).abs().idxmin()) for arm in losses.index.unique("arm")}


def measure(tables: Any) -> pd.DataFrame:
    """`matched`: 1 for the runs at the matched strength of their penalty, else 0."""
    runs = tables.runs
    strengths = runs["arm"].map(matched_strengths(runs))
    return pd.DataFrame({"matched": (runs[STRENGTH] == strengths).to_numpy(float)}, index=runs["cell"])


L1 = Arm("L1", {"arm": "l1", "matched": 1})
L2 = Arm("L2", {"arm": "l2", "matched": 1})


def _more(metric: str, margin: float) -> Paired:
    return Paired(
        metric=metric, treatment=L1, baseline=L2, margin=margin, direction="higher", seeds=tuple(range(12)),
        family=FAMILY,
    )  # fmt: skip


DATASETS = {"digits": [], "mnist": ["data.train_size=1200", "data.validation=0.02"]}
CLAIMS = [
    Claim(
        id="D7",
        section="Tips for deep learning, regularization: L1 against L2",
        statement=(
            "L1 leaves many weights near zero and some large ones, where L2 leaves all of them rather small: more "
            "weights under 0.01 in size, and a larger largest one."
        ),
        rule=_more("weight_near_zero", 0.05),
        also=(_more("weight_largest", 0.05),),
        measure=measure,
        slip=(
            "The notes write L1 with a factor 1/2 in the loss and without it in the gradient; here it is the "
            "strength times the sum of |w|. They call the sum of squares a norm and square it again; it is the "
            "squared norm. Biases are not penalised."
        ),
        remark=(
            "By the subgradient no weight ever is exactly zero; by the proximal step many are (see the figures). "
            "L1's strength is the one whose validation loss on seeds 100 to 103 is nearest that of L2 at 0.01. The "
            "grids were chosen by a pilot on seeds 1000 and 1001."
        ),
    )
]


def _matched(tables: Any) -> pd.DataFrame:
    """The deciding runs at matched strengths, without a penalty first, with their penalty in words."""
    runs = tables.runs[(tables.runs["outcome"] == "finished") & ~tables.runs["seed"].isin(TUNING)]
    found = matched_strengths(tables.runs)
    parts = [runs[(runs["arm"] == arm) & (runs[STRENGTH] == found.get(arm, np.nan))] for arm in LABELS]
    chosen = pd.concat(parts)
    return chosen.assign(penalty_in_words=chosen["arm"].map(LABELS))


def distribution(tables: Any) -> pd.DataFrame:
    """Share of all weights by their size, a quarter of a decade a bin; exact zeros stand at the left end."""
    runs = _matched(tables)
    bins = rows_of(tables, "weight_histogram").merge(
        runs[["cell", "seed", "penalty_in_words", "network.width", "data.name"]], on="cell"
    )
    layers = _weights_by_layer(bins)
    bins = bins.assign(share=bins["share"] * layers, size=(bins["log10_size"].clip(lower=-6) * 4).round() / 4)
    sums = bins.groupby(["penalty_in_words", "size", "seed"], sort=False)["share"].sum().unstack("seed")
    every = pd.MultiIndex.from_product([runs["penalty_in_words"].unique(), sorted(bins["size"].unique())])
    filled = sums.reindex(every).fillna(0.0).rename_axis(index=["penalty_in_words", "size"]).stack()
    frame = filled.rename("share").reset_index()
    return frame.rename(columns={"penalty_in_words": "penalty", "size": "log10 of the size"})


def _weights_by_layer(bins: pd.DataFrame) -> np.ndarray:
    """Which share of the network's weights a row's layer holds: inputs x width, width x width, width x classes."""
    width = bins["network.width"].to_numpy(float)
    inputs = bins["data.name"].map(INPUTS).to_numpy(float)
    counts = np.stack([inputs * width, width * width, CLASSES * width])
    return counts[bins["layer"].to_numpy(int) - 1, np.arange(len(bins))] / counts.sum(axis=0)


INPUTS, CLASSES = {"digits": 64, "mnist": 784}, 10  # the default net has two hidden layers


PROPERTIES = {
    "weight_near_zero": "share under 0.01",
    "weight_exact_zero": "share exactly zero",
    "weight_largest": "largest size",
    "weight_quantile_999": "99.9th percentile of the sizes",
}


def frontier(tables: Any) -> pd.DataFrame:
    """Properties of the weights against the validation loss they cost, by strength: means over the deciding seeds."""
    runs = tables.runs[(tables.runs["outcome"] == "finished") & ~tables.runs["seed"].isin(TUNING)]
    runs = pd.concat([runs[runs["arm"] == arm] for arm in LABELS])
    runs = runs.assign(penalty=runs["arm"].map(LABELS))
    means = runs.groupby(["penalty", STRENGTH], sort=False)[["last_validation_loss", *PROPERTIES]].mean().reset_index()
    parts = [means.assign(property=name, value=means[key]) for key, name in PROPERTIES.items()]
    table = pd.concat(parts).rename(columns={"last_validation_loss": "validation loss"})
    return table[["property", "penalty", STRENGTH, "validation loss", "value"]]


def pruned(tables: Any) -> pd.DataFrame:
    """Test accuracy with the smallest weights set to zero, at matched strengths."""
    runs = _matched(tables)
    rows = rows_of(tables, "pruning").merge(runs[["cell", "seed", "penalty_in_words"]], on="cell")
    order = {name: place for place, name in enumerate(runs["penalty_in_words"].unique())}
    rows = rows.sort_values("penalty_in_words", key=lambda names: names.map(order), kind="stable")
    rows = rows.assign(test_accuracy=rows["accuracy"], share=100 * rows["pruned"])
    return rows.rename(columns={"penalty_in_words": "penalty", "share": "percent pruned"})[
        ["penalty", "percent pruned", "test_accuracy", "seed"]
    ]


def inequality(tables: Any) -> pd.DataFrame:
    """Gini coefficient of the sizes of the weights by layer, at matched strengths."""
    runs = _matched(tables)
    rows = tables.layers[tables.layers["probe"] == "gini"].dropna(subset=["value"])
    rows = rows.merge(runs[["cell", "seed", "penalty_in_words"]], on="cell")
    order = {name: place for place, name in enumerate(runs["penalty_in_words"].unique())}
    rows = rows.sort_values("penalty_in_words", key=lambda names: names.map(order), kind="stable")
    layer = rows["layer"].map({1: "first hidden", 2: "second hidden", 3: "output"})
    frame = rows.assign(layer=layer, gini=rows["value"]).rename(columns={"penalty_in_words": "penalty"})
    return frame[["penalty", "layer", "gini", "seed"]]


FIGURES = [
    Figure(
        "What the weights look like",
        "Share of all weights by log10 of their size, in bins of a quarter of a decade, at matched validation loss; "
        "exact zeros, and anything under a millionth, stand at the left end. Dashed: the claim's 0.01.",
        distribution,
        Lines("log10 of the size", "share", by="penalty", marks=(-2.0,)),
        size=(440, 260),
        opens=True,
    ),
    Figure(
        "What a penalty leaves, against what it costs",
        "Each point is one strength of a penalty, joined from weak to strong; without a penalty there is one "
        "point. Means over the deciding seeds.",
        frontier,
        Lines("validation loss", "value", by="penalty", log_x=True, as_given=True, own_scale=True),
        panels="property",
    ),
    Figure(
        "What pruning costs",
        "Test accuracy once the smallest weights of the network are set to zero, nothing trained afterwards, at "
        "matched validation loss.",
        pruned,
        Lines("percent pruned", "test_accuracy", by="penalty"),
    ),
    Figure(
        "How unequal the weights are",
        "Gini coefficient of their sizes by layer: 0 where all are equal, near 1 where few carry everything.",
        inequality,
        Lines("layer", "gini", by="penalty"),
    ),
]
