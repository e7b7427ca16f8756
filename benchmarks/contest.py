"""A contest: contestants take turns in alternating rounds, so that whatever else the machine does hits all alike."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec

from benchmarks.hosts import Team, Teams
from benchmarks.works import Work


@dataclass(frozen=True)
class Contestant:
    """One row of `CONTESTANTS`.

    `factory` is module:class, called as factory(work, runs, **options) in each process of `team`, a row of `TEAMS`. Its
    `turn(units)` trains so many units of its own choice and returns the updates of single runs it did; `losses()` gives
    {(run, epoch): mean training loss}. `needs` is the package it is written with.
    """

    summary: str
    team: str
    factory: str
    options: tuple[tuple[str, str], ...] = ()
    needs: str = ""

    @property
    def is_here(self) -> bool:
        """Whether the package is installed."""
        return not self.needs or find_spec(self.needs) is not None


_COMPILED, _PLAIN, _ALWAYS = (("kernel", "compiled"),), (("kernel", "plain"),), ("test_every", "1")
_ONE_BY_ONE, _ENSEMBLE = "benchmarks.torch_peer:OneByOne", "benchmarks.torch_peer:Ensemble"
_TORCH, _JAX = "benchmarks.torch_images", "benchmarks.jax_images"
_CONVOLUTION, _PATCHES = (("form", "convolution"),), (("form", "patches"),)

CONTESTANTS: dict[str, Contestant] = {
    "ours, compiled": Contestant("train(): probes, evaluation", "ours", "benchmarks.ours:Trained", _COMPILED, "numba"),
    "ours, compiled, tested always": Contestant(
        "train(), test data after every epoch", "ours", "benchmarks.ours:Trained", (*_COMPILED, _ALWAYS), "numba"
    ),
    "ours, plain": Contestant(
        "train(), test data after every epoch", "ours", "benchmarks.ours:Trained", (*_PLAIN, _ALWAYS)
    ),
    "bare, compiled": Contestant("training steps alone", "ours pinned", "benchmarks.ours:Bare", _COMPILED, "numba"),
    "bare, plain": Contestant("training steps alone", "ours pinned", "benchmarks.ours:Bare", _PLAIN),
    "own rules, compiled": Contestant(
        "training steps alone", "ours pinned", "benchmarks.own_rules:OwnBare", _COMPILED, "numba"
    ),
    "torch, one by one, processes": Contestant("one thread each", "torch processes", _ONE_BY_ONE, (), "torch"),
    "torch, one by one, threads": Contestant("one process", "torch threads", _ONE_BY_ONE, (), "torch"),
    "torch, ensemble, processes": Contestant("one thread each", "torch processes", _ENSEMBLE, (), "torch"),
    "torch, ensemble, threads": Contestant("one process", "torch threads", _ENSEMBLE, (), "torch"),
    "torch, convolution, processes": Contestant(
        "one by one, one thread each", "torch processes", f"{_TORCH}:OneByOne", (), "torch"
    ),
    "torch, convolution, threads": Contestant(
        "one by one, one process", "torch threads", f"{_TORCH}:OneByOne", (), "torch"
    ),
    "torch, grouped, processes": Contestant("one thread each", "torch processes", f"{_TORCH}:Grouped", (), "torch"),
    "torch, grouped, threads": Contestant("one process", "torch threads", f"{_TORCH}:Grouped", (), "torch"),
    "jax, one by one": Contestant("scan, pinned", "jax", "benchmarks.jax_peer:OneByOne", (), "jax"),
    "jax, one by one, threads": Contestant(
        "scan, one process", "jax threads", "benchmarks.jax_peer:OneByOne", (), "jax"
    ),
    "jax, vmap": Contestant("scan, pinned", "jax", "benchmarks.jax_peer:Vmapped", (), "jax"),
    "jax, convolution, one by one": Contestant("scan, pinned", "jax", f"{_JAX}:OneByOne", _CONVOLUTION, "jax"),
    "jax, convolution, vmap": Contestant("scan, pinned", "jax", f"{_JAX}:Vmapped", _CONVOLUTION, "jax"),
    "jax, patches, one by one": Contestant("scan, pinned", "jax", f"{_JAX}:OneByOne", _PATCHES, "jax"),
    "jax, patches, vmap": Contestant("scan, pinned", "jax", f"{_JAX}:Vmapped", _PATCHES, "jax"),
    "products": Contestant("the step's matrix products alone", "ours pinned", "benchmarks.floor:Products"),
    "probes": Contestant("an epoch's probes", "ours pinned", "benchmarks.ours:Probes", _COMPILED, "numba"),
    "evaluation": Contestant("an epoch's evaluation", "ours pinned", "benchmarks.ours:Evaluation", _COMPILED, "numba"),
}


@dataclass(frozen=True)
class Rules:
    """How long a contest is: rounds, and about how many seconds a turn takes."""

    rounds: int
    seconds: float


@dataclass(frozen=True)
class Entry:
    """Somebody's part in a contest: a row of `CONTESTANTS` and what it trains; `label` must be unique."""

    label: str
    contestant: str
    work: Work


@dataclass
class Score:
    """What a contestant did: run-steps/s by round, seconds until its first update was done, and its losses."""

    entry: Entry
    setup: float = 0.0
    rates: list[float] = field(default_factory=list)
    losses: dict[tuple[int, int], float] = field(default_factory=dict)


def compete(entries: Sequence[Entry], teams: Teams, rules: Rules) -> dict[str, Score]:
    """The scores, by label. Whoever's package is missing is left out."""
    present = [entry for entry in entries if CONTESTANTS[entry.contestant].is_here]
    scores: dict[str, Score] = {}
    units: dict[str, int] = {}
    print(f"  {len(present)} contestants: {entries[0].work.name}", file=sys.stderr, flush=True)
    for entry in present:
        scores[entry.label], units[entry.label] = _prepared(entry, teams, rules)
    for number in range(rules.rounds):
        start = number % max(len(present), 1)  # nobody always follows the same neighbour after a pause
        for entry in present[start:] + present[:start]:
            turn = _team(entry, teams).turn(entry.label, units[entry.label])
            scores[entry.label].rates.append(turn.run_steps / turn.seconds)
    for entry in present:
        for losses in _team(entry, teams).ask(entry.label, "losses"):
            scores[entry.label].losses |= losses
        _team(entry, teams).leave(entry.label)
    return scores


def _team(entry: Entry, teams: Teams) -> Team:
    return teams[CONTESTANTS[entry.contestant].team]


def _prepared(entry: Entry, teams: Teams, rules: Rules) -> tuple[Score, int]:
    """Seat a contestant, warm it up, and find how many units fill a turn."""
    row, team = CONTESTANTS[entry.contestant], _team(entry, teams)
    seconds = team.sit(entry.label, row.factory, entry.work, dict(row.options))
    first = team.turn(entry.label, 1)
    second = team.turn(entry.label, 1)
    return Score(entry, seconds + first.seconds), max(1, round(rules.seconds / second.seconds))
