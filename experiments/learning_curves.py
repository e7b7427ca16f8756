"""Learning curves of known end: how far a power law may be carried on from their first epochs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from workbench.claims import Figure, Lines, NothingHeld, Spans, carried_on, misses, trusted_factor

SEEN = (4, 16, 64)  # epochs that a power law is fitted to
TOGETHER = 3  # seeds that are carried on together, as many as in srivastava2014_share
BEGUN = 0.45  # the error of a network that has begun to learn: half of that of guessing among ten classes
LAST_SHARE = 0.01  # of the epochs, over which what a network came to is averaged
CLAIMS = []  # it decides none
DATASETS: dict[str, list[str]] = {}


def _curves(tables: Any) -> list[tuple[str, np.ndarray]]:
    """Network in words and test errors (seeds, epochs) of every three finished seeds of it."""
    done = tables.runs[tables.runs["outcome"] == "finished"]
    names = done["arm"].astype(str).str.replace("_", " ") + ", width " + done["network.width"].map("{:g}".format)
    rows = tables.epochs.merge(done.assign(network=names)[["cell", "seed", "network"]], on="cell")
    rows = rows[rows["epoch"] > 0].dropna(subset=["test_accuracy"])
    found = []
    for network, mine in rows.groupby("network", sort=False):
        accuracy = mine.pivot_table(index="seed", columns="epoch", values="test_accuracy").dropna(axis=1)
        errors = 1 - accuracy.to_numpy(float)
        found += [(str(network), errors[at : at + TOGETHER]) for at in range(0, len(errors) - TOGETHER + 1, TOGETHER)]
    return found


def forecasts(tables: Any) -> pd.DataFrame:
    """Every forecast: network, epochs it was made from, what it foretold with its interval, and what came.

    A network that has not begun to learn by then gets none.
    """
    found = []
    for network, errors in _curves(tables):
        count = errors.shape[1]
        came = errors[:, -max(1, round(LAST_SHARE * count)) :].mean()
        begun = errors.mean(axis=0) <= BEGUN
        for seen in (epochs for epochs in SEEN if epochs < count and begun[epochs - 1]):
            point, inner = carried_on(np.arange(1, seen + 1), errors[:, :seen], count)
            found.append((network, seen, came, point, *inner))
    if not found:
        raise NothingHeld("no three seeds of a network have more epochs than a power law is fitted to")
    return pd.DataFrame(found, columns=["network", "epochs seen", "came", "foretold", "low", "high"])


def how_far_off(tables: Any) -> pd.DataFrame:
    """What every forecast foretold, as a multiple of what came."""
    rows = forecasts(tables)
    scaled = {name: rows[name] / rows["came"] for name in ("foretold", "low", "high")}
    return rows.assign(**scaled).drop(columns="came").rename(columns={"foretold": "foretold over what came"})


def coverage(tables: Any) -> pd.DataFrame:
    """How often what came lay in each interval. That of known curves is made, for each network, by the other ones."""
    found = []
    for seen, rows in forecasts(tables).groupby("epochs seen"):
        missed = misses(rows["foretold"].to_numpy(float), rows["came"].to_numpy(float))
        others = [missed[(rows["network"] != network).to_numpy()] for network in rows["network"]]
        held = [one <= np.log(trusted_factor(rest)) for one, rest in zip(missed, others, strict=True) if len(rest)]
        law = rows["came"].between(rows["low"], rows["high"])
        for interval, inside in (("by resampling seeds", law), ("by other networks", held)):
            found.append((seen, interval, float(np.mean(inside)), len(inside), trusted_factor(missed)))
    columns = ["epochs seen", "interval", "share that held what came", "forecasts", "factor of all networks"]
    return pd.DataFrame(found, columns=columns)


FIGURES = [
    Figure(
        "What power laws foretold, over what came",
        "Each bar is a forecast of the test error at the last epoch, of three seeds of one network, with its 95 % "
        "interval by resampling seeds; 1 is right. A network that has not begun to learn by then gets no forecast.",
        how_far_off,
        Spans("epochs seen", "foretold over what came", by="network"),
    ),
    Figure(
        "How often the intervals hold what came",
        "95 % is promised. The one by resampling seeds assumes that the power law holds; the other takes the factor by "
        "which forecasts for the other networks missed. The table holds that factor.",
        coverage,
        Lines("epochs seen", "share that held what came", by="interval", log_x=True, guides=(0.95,)),
    ),
]
