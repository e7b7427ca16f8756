"""Ours and the peers, side by side on the same works, and how far each is from the floor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from benchmarks.contest import CONTESTANTS, Entry, Rules, Score, compete
from benchmarks.floor import flops_of_step
from benchmarks.hosts import Teams
from benchmarks.statistics import agreement, ratio, spread
from benchmarks.works import Work

_NETWORKS = (
    Work("digits", 2, 32, 64, 32),
    Work("digits", 3, 128, 64, 32),
    Work("mnist/4", 2, 32, 16, 128),
    Work("mnist/4", 3, 128, 16, 128),
    Work("mnist/4", 8, 128, 16, 128, "sigmoid"),
    Work("mnist/4", 3, 512, 4, 128),
)
WORKS = tuple(work.with_columns(dropout_rate=rate) for work in _NETWORKS for rate in (0.0, 0.5))
QUICK = tuple(replace(work, runs=4) for work in WORKS[:2])
OURS = "ours, compiled" if CONTESTANTS["ours, compiled"].is_here else "ours, plain"
FLOOR = "products"
OF_IMAGES = tuple(f"{peer}, {form}" for peer in ("torch", "jax") for form in ("convolution", "grouped", "patches"))
ENTERED = tuple(
    name for name in CONTESTANTS if not name.startswith(("probes", "evaluation", "own rules, compiled", *OF_IMAGES))
)
# Everybody starts from the same weights and reads the same minibatches: only rounding differs, and with dropout the
# masks. Rounding grows with every step, to several percent of a loss that is nearly 0; so they are compared at an early
# epoch, by when a wrong gradient or a wrong update would have led elsewhere.
EPOCH_COMPARED, TOLERANCE, TOLERANCE_WITH_DROPOUT = 2, 0.01, 0.05


def measure(teams: Teams, rules: Rules, quick: bool) -> Iterator[list[dict[str, Any]]]:
    """The contests of all works; see `contests`."""
    return contests(QUICK if quick else WORKS, ENTERED, teams, rules)


def contests(
    works: Sequence[Work], entered: Sequence[str], teams: Teams, rules: Rules
) -> Iterator[list[dict[str, Any]]]:
    """By work: every contestant's rate, its ratio to ours and to the floor, and whether it learned the same. After each
    work, those so far.
    """
    found: list[dict[str, Any]] = []
    for work in works:
        found.append(compared(work, compete([Entry(name, name, work) for name in entered], teams, rules)))
        yield found


def compared(work: Work, scores: dict[str, Score]) -> dict[str, Any]:
    """The scores of one work as plain values."""
    floor, ours = scores[FLOOR], scores[OURS]
    return {
        "work": work.name,
        "gflops": spread(floor.rates).median * flops_of_step(work) / 1e9,
        "tolerance": _tolerance(work),
        "contestants": {label: _row(work, score, ours, floor) for label, score in scores.items()},
        "over_best": {family: _over_best(family, scores) for family in ("torch", "jax")},
    }


def _row(work: Work, score: Score, ours: Score, floor: Score) -> dict[str, Any]:
    return {
        "summary": CONTESTANTS[score.entry.contestant].summary,
        "rates": score.rates,
        "run_steps_per_second": spread(score.rates).as_dict(),
        "ours_over_it": ratio(ours.rates, score.rates).as_dict(),
        "of_the_floor": ratio(score.rates, floor.rates).as_dict(),
        "setup_seconds": score.setup,
        "loss": _learned(work, score, ours),
    }


def _tolerance(work: Work) -> float:
    return TOLERANCE_WITH_DROPOUT if work.dropout else TOLERANCE


def _learned(work: Work, score: Score, ours: Score) -> dict[str, Any] | None:
    """Mean training loss beside ours on the same runs after the same epochs; None where nothing is trained."""
    found = agreement(score.losses, ours.losses, EPOCH_COMPARED)
    if found is None:
        return None
    epoch, runs, loss, of_ours = found
    difference = abs(loss - of_ours) / of_ours
    agrees = difference <= _tolerance(work)
    return {"epoch": epoch, "runs": runs, "mean": loss, "ours": of_ours, "difference": difference, "agrees": agrees}


def _over_best(family: str, scores: dict[str, Score]) -> dict[str, Any] | None:
    """Ours over the fastest of a peer's ways, through `train` and bare. None where the peer is not installed."""
    theirs = [score for label, score in scores.items() if label.startswith(family)]
    if not theirs:
        return None
    best = max(theirs, key=lambda score: spread(score.rates).median)
    bare = scores.get("bare, compiled") or scores["bare, plain"]
    ways = {"train": ratio(scores[OURS].rates, best.rates), "bare": ratio(bare.rates, best.rates)}
    return {"best": best.entry.label} | {name: found.as_dict() for name, found in ways.items()}
