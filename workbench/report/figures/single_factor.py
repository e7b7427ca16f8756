"""The one picture that a sweep of a single factor opens with: the main metric at every level."""

from __future__ import annotations

from dataclasses import replace

from workbench.report import wording
from workbench.report.figures.base import Panel
from workbench.report.figures.findings import Findings
from workbench.report.figures.main_effects import FactorEffects, MainEffects
from workbench.report.language.words import say

WIDE_ENOUGH = (440, 240)  # pixels: a phone shows the whole of it, legibly


class SingleFactor(MainEffects):
    """What the factor did to the main metric; a sweep of more of them opens with an overview."""

    section = "outcome"
    nothing = "Not just one factor was swept, or its levels cannot be compared."
    width = "wide"
    heading = "h3"

    def reduce(self, source: Findings) -> list[FactorEffects]:
        if source.search or len(source.factors) != 1:
            return []
        main = source.design.main
        return [
            replace(one, effects=tuple(effect for effect in one.effects if effect.metric == main))
            for one in super().reduce(source)
        ]

    def panels(self, data: FactorEffects, place: int) -> list[Panel]:
        (effect,), (panel,) = data.effects, super().panels(data, place)
        title = say("overview.single", metric=wording.metric(effect.metric).noted, factor=effect.factor.name)
        return [replace(panel, title=title, identity="single-factor", size=WIDE_ENOUGH, margins=(56, 14, 10, 40))]

    def about(self, data: FactorEffects) -> str:  # noqa: ARG002
        return ""
