"""Claims on several datasets: their verdicts side by side, and which of them are conditional on the data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from workbench.report import wording
from workbench.report.language.words import commas, say, semicolons, word

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
        if any(one in _STANDS for one in held.values()) and any(one in _FAILS for one in held.values())
    }
    return {claim: say("on_data.conditional", outcomes=_by_outcome(held)) for claim, held in turned.items()}


def _by_outcome(held: Mapping[str, str]) -> str:
    """Which outcome a claim has on which datasets: what stands first, then what fails, then what is open."""
    datasets: dict[str, list[str]] = {}
    for outcome in (*_STANDS, *_FAILS, *held.values()):
        if outcome in held.values():
            datasets[outcome] = sorted(data for data, found in held.items() if found == outcome)
    parts = [
        say("on_data.one", verdict=word(verdict), dataset=wording.listing([in_words(name) for name in names]))
        for verdict, names in datasets.items()
    ]
    return wording.listing(parts) if len(parts) == len(held) == 2 else semicolons(parts)


class Judged(Protocol):
    """A claim's verdict on a dataset: what is shown of it side by side."""

    @property
    def id(self) -> str: ...
    @property
    def dataset(self) -> str: ...


Line = TypeVar("Line", bound=Judged)


@dataclass(frozen=True)
class SideBySide(Generic[Line]):
    """The claims that were judged on two datasets or more.

    `datasets` are the columns, those with most claims first; `rows` hold each claim's verdicts in that order: none
    where it was not asked, two where a dataset was cut in two ways.
    """

    datasets: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[Line, ...], ...]], ...]


def side_by_side(lines: Sequence[Line]) -> SideBySide[Line]:
    """The verdicts of these claims by dataset, in the order of the lines."""
    found: dict[str, dict[str, list[Line]]] = {}
    for line in lines:
        if line.dataset:
            found.setdefault(line.id, {}).setdefault(name_of(line.dataset), []).append(line)
    several = {claim: held for claim, held in found.items() if len(held) > 1}
    asked = Counter(name for held in several.values() for name in held)
    datasets = tuple(sorted(asked, key=lambda name: (-asked[name], name)))
    rows = ((claim, tuple(tuple(held.get(name, ())) for name in datasets)) for claim, held in several.items())
    return SideBySide(datasets, tuple(rows))


def in_words(dataset: str) -> str:
    """A dataset with the settings behind it, in both languages."""
    name, *settings = dataset.split(", ")
    parts = [setting.rpartition(" ") for setting in settings]
    return commas([name, *(say("setting.one", name=word(key), value=value) for key, _, value in parts)])


def name_of(dataset: str) -> str:
    """The name of a dataset without the settings behind it: mnist of "mnist, train size 1200"."""
    return dataset.partition(", ")[0]
