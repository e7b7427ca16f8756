"""Claims on several datasets: which of them hold on one and fail on another, and so are conditional on the data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from workbench.report import wording
from workbench.report.language.words import say, word

_STANDS = ("reproduced", "conditional")
_FAILS = ("not reproduced", "contradicted", "ruled out")


def conditional_on_data(found: Iterable[tuple[str, str, str]]) -> Mapping[str, str]:
    """Claims that are reproduced on one dataset and fail on another: id -> on which, in words.

    `found` are the outcomes: claim, dataset, and the verdict, or "ruled out". A claim that is conditional on a dataset
    holds there in some setting, and inconclusive ones say nothing.
    """
    outcomes: dict[str, dict[str, str]] = {}
    for claim, dataset, outcome in found:
        outcomes.setdefault(claim, {})[dataset] = outcome
    turned = {
        claim: held
        for claim, held in outcomes.items()
        if any(word in _STANDS for word in held.values()) and any(word in _FAILS for word in held.values())
    }
    outcomes_in_words = {
        claim: [say("on_data.one", verdict=word(verdict), dataset=data) for data, verdict in held.items()]
        for claim, held in turned.items()
    }
    return {
        claim: say("on_data.conditional", outcomes=wording.listing(parts)) for claim, parts in outcomes_in_words.items()
    }
