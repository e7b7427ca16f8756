"""The factors of a sweep are what varies over it, and nothing else."""

from __future__ import annotations

from workbench.sweep.hydra.composing.cells import cells
from workbench.sweep.hydra.composing.composer import Composer


def test_lists_are_swept_over_as_they_are_typed(loader, master):
    jobs = [["network=cnn", f"network.channels={given}"] for given in ("[8,16]", "[4]", "'[4, 8]'")]
    design = cells(Composer(loader, master), jobs)
    assert [cell.factors for cell in design] == [{"network.channels": text} for text in ("[8,16]", "[4]", "[4,8]")]
    assert {(cell.config.network.name, cell.config.network.depth) for cell in design} == {("cnn", 1)}


def test_factors_are_what_varies_and_nothing_else(loader, master):
    jobs = [[f"seed={seed}", f"penalty={penalty}", "dropout.rate=0.5"] for seed in (0, 1) for penalty in ("l1", "l2")]
    design = cells(Composer(loader, master), jobs)
    assert [cell.factors for cell in design] == [
        {"seed": 0, "penalty": "l1"},
        {"seed": 0, "penalty": "l2"},
        {"seed": 1, "penalty": "l1"},
        {"seed": 1, "penalty": "l2"},
    ]


def test_factors_have_the_type_of_their_setting(loader, master):
    design = cells(Composer(loader, master), [["dropout.rate=0"], ["dropout.rate=0.5"], ["++dropout.rate=0.25"]])
    assert [cell.factors["dropout.rate"] for cell in design] == [0.0, 0.5, 0.25]
    assert {type(cell.factors["dropout.rate"]) for cell in design} == {float}


def test_a_section_that_is_swept_over_is_told_by_its_settings(loader, master):
    design = cells(Composer(loader, master), [["network={depth: 1, width: 8}"], ["network={depth: 2, width: 8}"]])
    assert [cell.factors for cell in design] == [{"network.depth": 1}, {"network.depth": 2}]


def test_what_an_arm_fixes_is_told_by_the_arm(loader, master):
    arms = {"a": ["network.init=he"], "b": ["network.init=glorot"]}
    jobs = [[f"arm={arm}", *arms[arm], f"network.depth={depth}"] for arm in arms for depth in (1, 2)]
    assert [set(cell.factors) for cell in cells(Composer(loader, master), jobs)] == [{"arm", "network.depth"}] * 4
