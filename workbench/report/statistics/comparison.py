"""A comparison of two sweeps: the settings that differ, and the results that differ by more than seed noise.

Runs are matched on every key that either sweep varies and both know; a combination of their values is a case. Within a
case, results are paired by seed if both sweeps have the seeds, and the difference is compared with the noise between
seeds.

A page shows the largest of many changes first, so intervals hold for all cases at once (Bonferroni's).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from workbench.config import SETTINGS
from workbench.engine.errors import BadInput
from workbench.report import wording
from workbench.report.language.words import commas, say, word
from workbench.report.statistics.design import SEED, Design, read
from workbench.report.statistics.intervals import CONFIDENCE, Interval
from workbench.report.statistics.tests import ALPHA, holm, paired_test, welch_test

if TYPE_CHECKING:
    from workbench.tracking.read import SweepTables

SAME, WITHIN, BEYOND, TOO_FEW_SEEDS = (
    say("finding.identical"), say("finding.within"), say("finding.differs"), say("finding.too_few"),
)  # fmt: skip
_COMPARED_FACTS = ("commit", "dirty", "python", "versions", "machine", "device", "dtype", "data_digest", "digest")


@dataclass(frozen=True)
class Case:
    """One combination of the shared factors on one metric: `change` is second minus first, paired by seed if `paired`.

    `interval` is one of those that hold for all cases of the metric at once, with a confidence of 95 %. `p` is that of
    Student's test, Holm-corrected over the same cases; `finding` is one of SAME (every pair is equal to the last bit),
    WITHIN, BEYOND and TOO_FEW_SEEDS (fewer than two seeds on a side).
    """

    label: str
    metric: str
    first: float
    second: float
    change: float
    interval: Interval
    seeds: int
    paired: bool
    p: float
    finding: str


@dataclass(frozen=True)
class Comparison:
    """What two sweeps share and where they differ. `apart` are keys without a value in common: averaged over."""

    sides: tuple[SweepTables, SweepTables]
    designs: tuple[Design, Design]
    shared: tuple[str, ...]
    settings: tuple[tuple[str, str, str], ...]
    facts: tuple[tuple[str, ...], ...]
    cases: Mapping[str, tuple[Case, ...]]
    matched: int
    equal: int
    apart: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, str]:
        """The sweeps' names; two of one name are distinguished by their start."""
        names = [side.name for side in self.sides]
        if names[0] == names[1]:
            names = [f"{side.name} ({side.facts.get('started') or place})" for place, side in enumerate(self.sides, 1)]
        return names[0], names[1]

    @property
    def paired(self) -> bool:
        """Whether any finished run has a partner in the other sweep: of its case and its seed."""
        return self.matched > 0

    def in_common(self) -> list[np.ndarray]:
        """Of each sweep, which runs are finished and have a partner; without any, which are of a case that both have.
        Each (runs,), in the order of the designs.
        """
        keys = [*self.shared, SEED] if self.paired else list(self.shared)
        sides = [_finished(design, self.shared) for design in self.designs]
        places = [list(map(tuple, side[keys].astype(str).to_numpy())) for side in sides]
        both = set(places[0]) & set(places[1])
        return [
            design.runs.index.isin(side.index[[place in both for place in mine]])
            for design, side, mine in zip(self.designs, sides, places, strict=True)
        ]

    @property
    def metrics(self) -> tuple[str, ...]:
        """The headline metrics that both have, the main one first."""
        return tuple(self.cases)


def compare(first: SweepTables, second: SweepTables) -> Comparison:
    """Compare `second` with `first`. Raises BadInput if they have no case in common, or not one metric."""
    designs = read(first), read(second)
    shared, apart = _shared(first, second)
    metrics = [key for key in designs[0].headlines if key in designs[1].headlines]
    if not metrics:
        raise BadInput(f"{first.name} and {second.name} share no headline metric: one classifies, the other does not")
    finished = [_finished(design, shared) for design in designs]
    cases = {metric: _cases(finished[0], finished[1], shared, metric) for metric in metrics}
    if not cases[metrics[0]]:
        keys = ", ".join(shared) or "no key"
        raise BadInput(f"{first.name} and {second.name} have no finished runs in common (matched on {keys})")
    pairs = finished[0].merge(finished[1], on=[*shared, SEED], suffixes=("_1", "_2"))
    equal = int((pairs["weights_digest_1"] == pairs["weights_digest_2"]).sum()) if "weights_digest_1" in pairs else 0
    return Comparison((first, second), designs, shared, _settings(first, second), _facts(first, second), cases,
                      len(pairs), equal, apart)  # fmt: skip


def _shared(first: SweepTables, second: SweepTables) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The keys that either sweep varies and both know, the seed aside: those with a value in common, by which runs are
    matched, and those that one of the two holds fixed at a value which the other lacks.
    """
    keys = dict.fromkeys((*first.factors, *second.factors))
    known = [key for key in keys if key != SEED and key in first.runs and key in second.runs]
    values = {key: [set(side.runs[key].map(wording.value)) for side in (first, second)] for key in known}
    apart = [key for key, (one, two) in values.items() if not one & two and min(len(one), len(two)) == 1]
    return tuple(key for key in known if key not in apart), tuple(apart)


def _finished(design: Design, shared: Sequence[str]) -> pd.DataFrame:
    """The finished runs; shared keys as text, so that 0 and 0.0 are one value."""
    runs = design.runs[design.runs["outcome"] == "finished"]
    return runs.assign(**{key: runs[key].map(wording.value) for key in shared})


def _cases(first: pd.DataFrame, second: pd.DataFrame, shared: Sequence[str], metric: str) -> tuple[Case, ...]:
    sides = [_by_case(frame, shared, metric) for frame in (first, second)]
    names = wording.factors(shared)
    both = [key for key in sides[0] if key in sides[1]]
    found = []
    for key in both:
        parts = [say("setting.one", name=names[k], value=value) for k, value in zip(shared, key, strict=True)]
        label = commas(parts) or word("all runs")
        found.append(_case(label, metric, sides[0][key], sides[1][key], 1 - (1 - CONFIDENCE) / len(both)))
    adjusted = holm([case.p for case in found if np.isfinite(case.p)])
    queue = iter(adjusted)
    return tuple(_decided(case, float(next(queue)) if np.isfinite(case.p) else case.p) for case in found)


def _by_case(frame: pd.DataFrame, shared: Sequence[str], metric: str) -> dict[tuple[str, ...], dict[int, float]]:
    """Case -> seed -> mean of the metric over whatever else was varied."""
    means = frame.groupby([*shared, SEED], sort=False)[metric].mean().dropna()
    found: dict[tuple[str, ...], dict[int, float]] = {}
    for place, value in means.items():
        *key, seed = place if isinstance(place, tuple) else (place,)
        found.setdefault(tuple(map(str, key)), {})[int(seed)] = float(value)
    return found


def _case(label: str, metric: str, first: Mapping[int, float], second: Mapping[int, float], confidence: float) -> Case:
    seeds = sorted(set(first) & set(second))
    paired = len(seeds) >= 2
    missing = Interval(float("nan"), float("nan"))
    if paired:
        one, two = (np.array([side[seed] for seed in seeds]) for side in (first, second))
        interval, p = paired_test(two - one, confidence)
    else:
        one, two = (np.array(list(side.values())) for side in (first, second))
        enough = min(len(one), len(two)) >= 2
        interval, p = welch_test(one, two, confidence) if enough else (missing, float("nan"))
    count = len(seeds) if paired else min(len(one), len(two))
    same = paired and bool((one == two).all())
    return Case(label, metric, float(one.mean()), float(two.mean()), float(two.mean() - one.mean()), interval, count,
                paired, p, SAME if same else "")  # fmt: skip


def _decided(case: Case, p: float) -> Case:
    finding = case.finding or (TOO_FEW_SEEDS if not np.isfinite(p) else BEYOND if p < ALPHA else WITHIN)
    return Case(**{**vars(case), "p": p, "finding": finding})


def _settings(first: SweepTables, second: SweepTables) -> tuple[tuple[str, str, str], ...]:
    """The settings whose sets of values differ: (key, values of the first, values of the second). The name of a run
    is none: it only says others again.
    """
    rows: list[tuple[str, str, str]] = []
    for key in dict.fromkeys((*SETTINGS, *first.factors, *second.factors)):
        if key == "name":
            continue
        one, two = (_values(side.runs, key) for side in (first, second))
        if one != two:
            rows.append((key, one, two))
    return tuple(rows)


def _values(runs: pd.DataFrame, key: str) -> str:
    if key not in runs:
        return "\u2013"
    distinct: list[object] = [item.item() if hasattr(item, "item") else item for item in runs[key].unique()]
    texts = sorted({wording.value(item) for item in distinct}, key=lambda text: (len(text), text))
    if len(texts) <= 12:
        return ", ".join(texts)
    return say("comparison.values", values=", ".join(texts[:11]), count=len(texts))


def _facts(first: SweepTables, second: SweepTables) -> tuple[tuple[str, ...], ...]:
    """Facts of code, machine and data that differ."""
    held = [(key, *(side.facts.get(key, "") for side in (first, second))) for key in _COMPARED_FACTS]
    return tuple((key, *map(_brief, texts)) for key, *texts in held if texts[0] != texts[1])


def _brief(text: str) -> str:
    """A fact in short: of a difference the last line of its summary ("3 files changed, ..."), of a commit its first
    digits.
    """
    if len(text) == 40 and text.isalnum():
        return text[:12]
    summary = text.partition("\n\n")[0].splitlines()
    return summary[-1].strip() if summary and " changed, " in summary[-1] else text or "\u2013"
