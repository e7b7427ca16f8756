"""The order in which lanes take the sweeps of `workbench reproduce`: the longest first, as their plans predict it."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.experiments.composed import FILES
from tests.question import CLAIM, SWEEP
from workbench import app, places
from workbench.sweep.hydra.command import main
from workbench.sweep.hydra.composing.cell import Cell
from workbench.sweep.planning.packs import MemoryBudget
from workbench.sweep.planning.plan import plan
from workbench.words import lanes, reproduce
from workbench.words.in_turn import EndedSweep
from workbench.words.lane_plan import LONGEST, longest_first, takes_times

ASKED = sorted(stem for stem in FILES if places.find("conf/sweep", f"{stem}.yaml"))
PLENTY = MemoryBudget(2**40)


@given(st.permutations(ASKED))
def test_whatever_the_order_of_the_commands_the_longer_of_two_sweeps_comes_first(asked: list[str]) -> None:
    assert longest_first(asked) == list(LONGEST)
    assert longest_first(asked[:9]) == [stem for stem in LONGEST if stem in asked[:9]]


def test_a_sweep_of_a_persons_own_may_take_any_time_and_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for part, end, text in (("conf/sweep", "yaml", SWEEP), ("experiments", "py", CLAIM)):
        (tmp_path / part).mkdir(parents=True)
        (tmp_path / part / f"mine.{end}").write_text(text)
    order = longest_first(reproduce.planned([], "digits"))
    assert order[:2] == ["mine", "dropout"]


def test_every_lane_is_handed_the_longest_that_is_left_and_those_that_take_times_come_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken: list[list[str]] = []

    def work(self: lanes._Lanes, stems: list[str], _: object) -> None:
        taken.append(list(stems))
        self.ended |= {stem: [EndedSweep(stem, [], 0, 0.0)] for stem in stems}

    monkeypatch.setattr(lanes._Lanes, "open", lambda *_: None)
    monkeypatch.setattr(lanes._Lanes, "work", work)
    monkeypatch.setattr(lanes, "_write_index", lambda: None)
    stems = ["maxout", "matrix_speed", "dropout", "sparsity"]
    ended = lanes.run_in_lanes(dict.fromkeys(stems, ()), ["matrix_speed"], 2, [], settled=False)
    assert taken == [["dropout", "sparsity", "maxout"], ["matrix_speed"]]
    assert [one.stem for one in ended] == stems  # results keep the order of the commands


@pytest.mark.thorough
def test_the_order_is_that_of_the_plans_and_lanes_end_nearly_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Graham's bound of the longest first: at most 4/3 - 1/(3 lanes) of the best that lanes can do."""
    found: list[Cell] = []
    monkeypatch.setattr(app, "run_sweep", lambda design, _: found.extend(design) or 0)
    costs = {}
    for stem in ASKED:
        found.clear()
        assert main([f"+sweep={stem}"]) == 0
        costs[stem] = plan(app.identify(found), {}, PLENTY).cost
    assert list(LONGEST) == sorted(ASKED, key=lambda stem: -costs[stem])
    together = {stem: costs[stem] for stem in reproduce.planned([], "digits") if not takes_times(stem)}
    for count in (2, 3, 4):
        least = max(max(together.values()), sum(together.values()) / count)
        assert makespan(longest_first(together), together, count) <= (4 / 3 - 1 / (3 * count)) * least


def makespan(order: Iterable[str], costs: Mapping[str, float], count: int) -> float:
    """When the last lane ends, if whichever is free first takes the next."""
    ends = [0.0] * count
    for stem in order:
        heapq.heapreplace(ends, ends[0] + costs[stem])
    return max(ends)
