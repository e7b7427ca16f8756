"""What is said of a sweep's claims before it is run is what its seeds can do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from workbench.report.statistics.power import POWER, power
from workbench.report.verdicts.claim_rules import Arm, Claim, Equivalence, Identity, Paired
from workbench.report.verdicts.foresight import foreseen, smallest_beyond, smallest_margin

A, B = Arm("new", {"arm": "new"}), Arm("old", {"arm": "old"})
RULE = Paired("last_test_accuracy", A, B, 0.01, "higher", tuple(range(12)))


@pytest.mark.parametrize(("seeds", "family"), [(12, 1), (30, 1), (12, 43)])
def test_the_smallest_effects_have_the_power_and_smaller_ones_have_not(seeds: int, family: int) -> None:
    beyond, margin = smallest_beyond(seeds, family), smallest_margin(seeds, family)
    assert power(beyond, 1.0, 0.0, seeds, family) >= POWER > power(beyond - 0.01, 1.0, 0.0, seeds, family)
    assert power(0.0, 1.0, margin, seeds, family) >= POWER > power(0.0, 1.0, margin - 0.01, seeds, family)
    assert beyond < smallest_beyond(12, 60)


def test_each_rule_has_a_line_and_all_have_one_of_false_verdicts() -> None:
    claims = [
        Claim("X1", "s", "", RULE, also=(replace(RULE, family=43),)),
        Claim("X2", "s", "", Equivalence("last_test_loss", A, B, 0.1, tuple(range(24)))),
        Claim("X3", "s", "", Identity("last_test_loss", A, 0.1)),
    ]
    alone, of_many, equal, false = foreseen(claims)
    assert alone.startswith("claim X1, test accuracy: 12 seeds decide an effect from 1\u00a0pp plus ")
    assert f"{smallest_beyond(12):.2f} deviations on" in alone
    assert f"{smallest_beyond(12, 43):.2f} deviations on" in of_many
    assert f"agreement within \u00b10.1 if {smallest_margin(24):.2f} deviations" in equal
    assert false == (
        "false verdicts to expect, at most: 0.1 of 2\u00a0rules that stand alone and 5\u00a0% that any of the family "
        "of 43 is falsely present, or absent"
    )
    assert foreseen(claims[1:])[-1] == "false verdicts to expect, at most: 0.05 of 1\u00a0rule that stands alone"
    assert foreseen(claims[2:]) == []
