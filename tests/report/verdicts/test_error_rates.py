"""How often verdicts are false, sampled; `python -m benchmarks --only calibration` makes the whole, a page of docs/.

The draws are seeded, so a test here comes out the same every time. Its limit is exact: a code that errs in 5 % passes
it in 999 of 1,000 seeds.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from benchmarks import calibration, calibration_page
from benchmarks.calibration import FALSE, FALSE_OF_TOLERANCE, PAIRS, PLACES, UNKNOWABLE
from benchmarks.calibration_shapes import SHAPES, evidence_of
from tests.experiments.composed import CLAIMS
from tests.repetitions import crossed, each_once, repetitions
from workbench.report.verdicts.decision import decide_one
from workbench.report.verdicts.notes import FAMILY

TRIALS = repetitions(60, 600)
PROMISED = 0.05
MOST = stats.binom.ppf(0.999, TRIALS, PROMISED) / TRIALS


@pytest.mark.parametrize(("name", "place", "n"), crossed(SHAPES, PLACES, PAIRS))
def test_false_verdicts_are_rare_whatever_the_differences_are(name: str, place: str, n: int) -> None:
    most = 1.0 if (name, n) in UNKNOWABLE else MOST
    assert calibration.false_share(calibration.verdicts(name, n, place, TRIALS), FALSE[place]) <= most


@pytest.mark.parametrize(("name", "place"), each_once(("normal", "lognormal", "25 % diverge"), ("+m", "-m")))
def test_rules_of_tolerance_err_as_rarely(name: str, place: str) -> None:
    found = calibration.verdicts(name, 12, place, TRIALS, calibration.tolerance(12))
    assert calibration.false_share(found, FALSE_OF_TOLERANCE[place]) <= MOST


def test_the_page_has_every_row_and_none_errs_more_often_than_promised() -> None:
    text = calibration_page.FILE.read_text(encoding="utf-8")
    trials = int(re.search(r"([\d,]+) trials a figure", " ".join(text.split()))[1].replace(",", ""))  # type: ignore[index]
    most = 100 * stats.binom.ppf(0.999, trials, PROMISED) / trials
    lines = [line.strip("| ").split(" | ") for line in text.splitlines()]
    rows = {(cells[0], int(cells[1])): cells[2:-1] for cells in lines if len(cells) == 8 and cells[1].isdigit()}
    assert set(rows) == {(name, n) for name in SHAPES for n in PAIRS}
    over = {row for row, shares in rows.items() if max(float(share.removesuffix(" %")) for share in shares) > most}
    assert over <= UNKNOWABLE


def test_a_measurement_becomes_the_page() -> None:
    found = {"trials": 4, "rows": [calibration.row("normal", 12, 4)], "together": 0.05,
             "pilots": [calibration.delivered(calibration.PILOTS[2], 8)]}  # fmt: skip
    text = calibration_page.page(found, {"machine": "a machine, 2 in use", "date": "2026-01-01"})
    assert "a machine, 2026-01-01, 4 trials a figure" in text
    assert "| normal | 12 | " in text
    assert "| margin 1 | 1.8 | " in text


@pytest.mark.parametrize("name", ["normal", "accuracies on 360 examples"])
def test_absences_are_found_where_there_are_some(name: str) -> None:
    found = calibration.verdicts(name, 12, "0", TRIALS)
    assert found.count("not reproduced") > 0.8 * TRIALS


def test_what_no_rule_can_know_is_said_to_be_unknowable() -> None:
    """A tenth of the runs collapses, twelve pairs often hold none, and no rule tells a collapsed run."""
    (name, n), *_ = UNKNOWABLE
    found = calibration.verdicts(name, n, "+m", TRIALS)
    assert calibration.false_share(found, FALSE["+m"]) > PROMISED


def test_in_a_family_all_false_verdicts_together_are_as_rare() -> None:
    """Ten rules at the margin: one false verdict among them is one too many."""
    trials = TRIALS // 2
    chance = np.random.default_rng(1)
    rule = replace(calibration.paired(12), family=10)
    wrong = 0
    for _ in range(trials):
        found = (decide_one(rule, evidence_of(SHAPES["normal"], chance, 12, 2.0)) for _ in range(10))
        wrong += any(one.verdict != "inconclusive" or one.ruled_out for one in found)
    assert wrong <= stats.binom.ppf(0.999, trials, 2 * PROMISED)  # 5 % of absences, 5 % of presences


def test_the_families_of_the_notes_can_be_decided() -> None:
    """The fewest seeds suffice for a presence and for an absence in the whole family, if the effect is clear."""
    assert any(getattr(claim.rule, "family", 1) == FAMILY for _, claim in CLAIMS)
    for effect, word in ((6.0, "reproduced"), (0.0, "not reproduced")):
        rule = replace(calibration.paired(12), family=FAMILY)
        chance = np.random.default_rng(2)
        found = [decide_one(rule, evidence_of(SHAPES["normal"], chance, 12, effect)) for _ in range(30)]
        assert sum(one.verdict == word for one in found) > 15
