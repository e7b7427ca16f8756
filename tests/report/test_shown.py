"""What shows itself in a notebook has a name of its own."""

from __future__ import annotations

from workbench.report.shown import told_apart


def test_figures_of_one_name_are_numbered_in_the_order_of_the_page() -> None:
    assert told_apart(["a", "b", "a", "a (log)", "a"]) == ["a", "b", "a (2)", "a (log)", "a (3)"]
    assert told_apart(["a (2)", "a", "a"]) == ["a (2)", "a", "a (3)"]
    assert told_apart(["a", "a", "a (2)"]) == ["a", "a (2)", "a (2) (2)"]
    assert told_apart([]) == []
