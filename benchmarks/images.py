"""Convolutional networks: ours and the peers, side by side on two works."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from benchmarks.contest import CONTESTANTS, Rules
from benchmarks.hosts import Teams
from benchmarks.peers import OF_IMAGES, OURS, contests
from benchmarks.works import Work

_DIGITS = Work("digits", 0, 0, 32, 32, channels=(8, 16))
_MNIST = Work("mnist/4", 1, 128, 4, 128, channels=(8, 16), kernel=5, padding="valid")
WORKS = (_DIGITS, _MNIST, replace(_MNIST, runs=16))
QUICK = (replace(_DIGITS, runs=4), replace(_DIGITS, runs=4, depth=1, width=8, kernel=2, padding="valid"))
# The plain kernel is left out unless it is all there is: an epoch of MNIST takes it minutes.
_KERNEL = OURS.removeprefix("ours, ")
ENTERED = tuple(name for name in CONTESTANTS if name.startswith((OURS, f"bare, {_KERNEL}", "products", *OF_IMAGES)))


def measure(teams: Teams, rules: Rules, quick: bool) -> Iterator[list[dict[str, Any]]]:
    """The contests of all works; see `peers.contests`."""
    return contests(QUICK if quick else WORKS, ENTERED, teams, rules)
