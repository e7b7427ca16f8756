"""The shapes of differences that the simulations draw from, and the evidence made of them, as a sweep would give it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from workbench.report.verdicts.claim_rules import Arm
from workbench.report.verdicts.evidence import ArmResult, Evidence

NEW, OLD = Arm("new"), Arm("old")
DEPTH = 10.0  # deviations that a collapsed run is down
Draw = Callable[[np.random.Generator, int], np.ndarray]


@dataclass(frozen=True)
class Shape:
    """One row: differences (n,) of mean 0, in units of their deviation, and what becomes of the runs behind them.

    A run of the new arm is lost with probability `lost`, one of the old arm too if `both`: it ends `DEPTH` deviations
    down, or without a number where it `diverges`. `known` says that the rule tells a collapsed run. The effect is that
    among the pairs that trained if the rule tells them, or with `of_trained`; else that of the mean of all.
    """

    draw: Draw
    lost: float = 0.0
    both: bool = False
    diverges: bool = False
    known: bool = True
    of_trained: bool = False


def _lognormal(chance: np.random.Generator, n: int) -> np.ndarray:
    return (chance.lognormal(size=n) - np.exp(0.5)) / np.sqrt((np.e - 1) * np.e)


def _exponential(chance: np.random.Generator, n: int) -> np.ndarray:
    return chance.exponential(size=n) - 1


def _normal(chance: np.random.Generator, n: int) -> np.ndarray:
    return chance.normal(size=n)


def _ties(chance: np.random.Generator, n: int) -> np.ndarray:
    """Six of ten pairs are equal."""
    return chance.normal(size=n) * (chance.random(n) < 0.4) / np.sqrt(0.4)


def _accuracies(examples: int, chance: np.random.Generator, n: int) -> np.ndarray:
    """Both runs of a pair name 90 % of so many test examples rightly."""
    one, other = chance.binomial(examples, 0.9, size=(2, n))
    return (one - other) / np.sqrt(2 * 0.09 * examples)


def _two_basins(chance: np.random.Generator, n: int) -> np.ndarray:
    """Three pairs in ten end in another basin, 3 deviations down."""
    away = chance.random(n) < 0.3
    return (chance.normal(size=n) - 3 * away + 0.9) / np.sqrt(1 + 9 * 0.3 * 0.7)


def _near_the_ceiling(chance: np.random.Generator, n: int) -> np.ndarray:
    """Accuracies of 98 % in both arms, beta distributed; those of the new arm vary twice as much, with a long tail."""
    one, other = chance.beta(24.5, 0.5, size=n), chance.beta(98, 2, size=n)
    return (one - other) / np.sqrt(0.98 * 0.02 * (1 / 26 + 1 / 101))


def _unequal_spread(chance: np.random.Generator, n: int) -> np.ndarray:
    """Arms with a correlation of 0.64, the new one twice as wide, on seeds whose spread differs lognormally."""
    spread = chance.lognormal(sigma=0.75, size=n)
    shared, own, other = chance.normal(size=(3, n))
    new, old = 2 * (0.8 * shared + 0.6 * own), 0.8 * shared + 0.6 * other
    return spread * (new - old) / np.sqrt(np.exp(2 * 0.75**2) * (5 - 4 * 0.64))


def _contaminated(chance: np.random.Generator, n: int) -> np.ndarray:
    """One pair in ten varies five times as much (Tukey 1960)."""
    scale = np.where(chance.random(n) < 0.1, 5.0, 1.0)
    return scale * chance.normal(size=n) / np.sqrt(0.9 + 0.1 * 25)


SHAPES: dict[str, Shape] = {  # a row's draws hang on its place: new ones follow at the end
    "normal": Shape(_normal),
    "t(3)": Shape(lambda chance, n: chance.standard_t(3, size=n) / np.sqrt(3)),
    "exponential": Shape(_exponential),
    "exponential, mirrored": Shape(lambda chance, n: -_exponential(chance, n)),
    "lognormal": Shape(_lognormal),
    "lognormal, mirrored": Shape(lambda chance, n: -_lognormal(chance, n)),
    "ties: 6 of 10 pairs equal": Shape(_ties),
    "accuracies on 360 examples": Shape(partial(_accuracies, 360)),
    "accuracies on 30 examples": Shape(partial(_accuracies, 30)),
    "10 % collapse": Shape(_normal, lost=0.1),
    "25 % collapse": Shape(_normal, lost=0.25),
    "25 % collapse in both arms": Shape(_normal, lost=0.25, both=True),
    "10 % diverge": Shape(_normal, lost=0.1, diverges=True),
    "25 % diverge": Shape(_normal, lost=0.25, diverges=True),
    "25 % collapse untold": Shape(_normal, lost=0.25, known=False),
    "10 % collapse untold": Shape(_normal, lost=0.1, known=False),
    "two basins, 7 to 3": Shape(_two_basins),
    "accuracies near their ceiling": Shape(_near_the_ceiling),
    "unequal spread, correlated arms": Shape(_unequal_spread),
    "contaminated normal": Shape(_contaminated),
    "10 % collapse untold, effect of the trained": Shape(_normal, lost=0.1, known=False, of_trained=True),
}
# Their effect is the mean of all pairs, of those that collapsed too, which no verdict claims: a verdict is about the
# pairs that trained.
OF_ALL = ("25 % collapse untold", "10 % collapse untold")
# These played no part in the design of the rules. They were fixed here before any figure of them had been seen; no rule
# is to be fitted to them, and whoever does so names new ones.
HELD_OUT = (
    "two basins, 7 to 3",
    "accuracies near their ceiling",
    "unequal spread, correlated arms",
    "contaminated normal",
)


def evidence_of(shape: Shape, chance: np.random.Generator, n: int, effect: float) -> Evidence:
    """The evidence of n pairs with this effect, as a sweep would give it."""
    seeds = tuple(range(n))
    new, old = effect + shape.draw(chance, n), np.zeros(n)
    down = [chance.random(n) < share for share in (shape.lost, shape.lost if shape.both else 0.0)]
    if not (shape.known or shape.of_trained):
        new += shape.lost * DEPTH
    arms = [_arm(*one, seeds, shape) for one in zip((NEW, OLD), (new, old), down, strict=True)]
    return _evidence(tuple(arms), seeds)


def first_of(evidence: Evidence, count: int) -> Evidence:
    """The evidence of the first so many pairs."""
    arms = tuple(
        replace(
            arm, values={seed: value for seed, value in arm.values.items() if seed < count},
            diverged=tuple(seed for seed in arm.diverged if seed < count),
            collapsed=tuple(seed for seed in arm.collapsed if seed < count),
        )
        for arm in evidence.arms
    )  # fmt: skip
    return _evidence(arms, tuple(range(count)))


def _evidence(arms: tuple[ArmResult, ...], seeds: tuple[int, ...]) -> Evidence:
    kept = tuple(seed for seed in seeds if all(seed in arm.values for arm in arms))
    values = np.array([arms[0].values[seed] - arms[1].values[seed] for seed in kept])
    return Evidence(arms, kept, values, (), tuple(seed for seed in seeds if seed not in kept), ())


def _arm(arm: Arm, values: np.ndarray, down: np.ndarray, seeds: tuple[int, ...], shape: Shape) -> ArmResult:
    lost = tuple(int(seed) for seed in np.flatnonzero(down))
    if shape.diverges:
        held = {seed: float(values[seed]) for seed in seeds if not down[seed]}
        return ArmResult(arm, held, (), lost, ())
    values = np.where(down, values - DEPTH, values)
    return ArmResult(arm, dict(zip(seeds, values.tolist(), strict=True)), (), (), lost if shape.known else ())
