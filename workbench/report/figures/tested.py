"""How often the test data were evaluated, in words: curves on them join fewer epochs than those beside them."""

from __future__ import annotations

from workbench.report.language.words import say
from workbench.report.statistics.histories import Evaluations


def tested_line(tested: Evaluations | None) -> str:
    """What a caption says of it; "" if they were evaluated after every epoch, or never."""
    return say("curves.tested", times=tested.times, epochs=tested.epochs) if tested else ""
