"""Numbers as a reader knows them, and back: what is typeset on a page is plain again in a file for a program."""

from __future__ import annotations

import pytest

from workbench.report import wording
from workbench.report.figures import axes

NUMBERS = {
    1e-9: ("10\u207b\u2079", "1e-9"),
    -1e-9: ("\u221210\u207b\u2079", "-1e-9"),
    2.5e-7: ("2.5\u00d710\u207b\u2077", "2.5e-7"),
    1e6: ("10\u2076", "1e6"),
    1.25e12: ("1.25\u00d710\u00b9\u00b2", "1.25e12"),
    -0.5: ("\u22120.5", "-0.5"),
    12000.0: ("12000", "12000"),
}


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_is_typeset_and_read_back(number: float) -> None:
    shown, data = NUMBERS[number]
    assert wording.typeset(f"{number:g}") == shown
    assert wording.as_data(shown) == data
    assert float(data) == number
    assert axes.tick(number) == shown


def test_significant_digits_are_kept() -> None:
    assert wording.number(1e-9) == "1.00\u00d710\u207b\u2079"
    assert wording.as_data(wording.number(1e-9)) == "1.00e-9"


@pytest.mark.parametrize("text", ["\u00d710\u207b\u2079", "2.5\u00d710\u207b\u2079 to 10\u2076\u00a0pp"])
def test_a_factor_and_an_interval_are_read_back_too(text: str) -> None:
    assert wording.as_data(text) in ("\u00d71e-9", "2.5e-9 to 1e6 pp")


@pytest.mark.parametrize("text", ["m10\u00b2", "x210\u00b2", "relu, 4 \u00d7 64"])
def test_what_is_no_number_stays(text: str) -> None:
    assert wording.as_data(text) == text


def test_numbers_that_label_an_axis_are_typeset_and_words_are_not() -> None:
    assert axes.shortened(["1e-05", "0.1"]) == ["10\u207b\u2075", "0.1"]
    assert axes.shortened(["1e-05 of it", "null"]) == ["1e-05 of it", "null"]
