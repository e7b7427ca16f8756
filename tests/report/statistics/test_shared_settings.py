"""What lost runs share: only what distinguishes them, and how many others have it too."""

from __future__ import annotations

from dataclasses import replace

from tests.report.synthetic import Tables, sweep
from workbench.report.page.summary import lost_in_words
from workbench.report.statistics.design import Design, read
from workbench.report.statistics.shared_settings import shared_settings

GRID = {"network.depth": (1, 2, 4, 8), "optimizer": ("sgd", "adam")}
WHOLE = sweep(GRID, seeds=3, trouble=False)


def with_diverged(**where: object) -> Design:
    """The sweep with the runs diverged that have these values."""
    runs = WHOLE.runs.copy()
    lost = runs["cell"] >= 0
    for key, values in where.items():
        lost &= runs[key.replace("__", ".")].isin(values)  # type: ignore[call-overload]
    runs.loc[lost, "outcome"] = "diverged"
    tables: Tables = replace(WHOLE, runs=runs)
    return read(tables)  # type: ignore[arg-type]


def test_what_all_of_them_have_and_others_have_not_is_named() -> None:
    design = with_diverged(optimizer=["sgd"], network__depth=[4, 8])
    found = shared_settings(design, "diverged")
    assert found is not None
    assert [(factor.key, labels) for factor, labels in found.settings] == [
        ("network.depth", ("4", "8")), ("optimizer", ("sgd",)),
    ]  # fmt: skip
    assert (found.lost, found.with_them) == (6, 6)
    (text,) = lost_in_words(design)
    assert text == (
        "6\u00a0runs diverged. All of them have depth 4 or 8 and optimizer sgd; 6\u00a0runs have these settings."
    )


def test_where_nothing_is_shared_the_commonest_level_is_named() -> None:
    design = with_diverged(seed=[0])
    found = shared_settings(design, "diverged")
    assert found is not None
    assert found.settings == ()
    assert "they share no setting" in lost_in_words(design)[0]


def test_nothing_lost_is_nothing_said() -> None:
    assert lost_in_words(read(WHOLE)) == []  # type: ignore[arg-type]
