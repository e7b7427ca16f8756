"""The source of the figures of a sweep's page: design, effects, histories and verdicts, each computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from workbench.report.advice.diagnosis import Advice, advice
from workbench.report.figures.data_shapes import cost_of_mean
from workbench.report.figures.units import units_of_losses
from workbench.report.statistics import effects as effects_of
from workbench.report.statistics.design import Design, Factor, read
from workbench.report.statistics.effects import Effect, Interaction, Spread
from workbench.report.statistics.histories import Histories
from workbench.report.statistics.pareto import Pareto, pareto
from workbench.report.statistics.searched import Searched, goals_of, searched
from workbench.report.verdicts.claim_rules import Claim
from workbench.report.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from workbench.report.figures.figure import Figure
    from workbench.tracking.read import SweepTables


@dataclass(frozen=True)
class Findings:
    """A sweep with its decided claims; `own` are the figures of its experiment file."""

    tables: SweepTables
    judged: Sequence[tuple[Claim, Verdict]] = ()
    own: Sequence[Figure] = ()

    @cached_property
    def design(self) -> Design:
        """The sweep's factors with their levels."""
        return read(self.tables)

    @cached_property
    def histories(self) -> Histories:
        """Losses and accuracies by epoch."""
        return Histories(self.tables, self.design)

    @cached_property
    def effects(self) -> dict[str, dict[str, Effect]]:
        """Headline metric -> factor's key -> its main effect, the largest first."""
        design = self.design
        return {key: {one.factor.key: one for one in effects_of.main_effects(design, key)} for key in design.headlines}

    @cached_property
    def advice(self) -> tuple[Advice, ...]:
        """What is wrong with the settings of the sweep, and what to try."""
        return advice(self.tables, self.design)

    @cached_property
    def search(self) -> Searched | None:
        """The search that the sweep is; None of a grid."""
        return searched(self.tables, self.design)

    @cached_property
    def pareto(self) -> Pareto | None:
        """The search by several metrics that the sweep is; None of any other."""
        return pareto(self.design, goals_of(self.tables.facts.get("command", "")))

    @cached_property
    def factors(self) -> list[Factor]:
        """The factors, the one with the largest effect on the main metric first."""
        return [effect.factor for effect in self.effects[self.design.main].values()]

    @property
    def matched_factors(self) -> list[Factor]:
        """Those of the factors of which two levels can be compared by the main metric."""
        return [factor for factor in self.factors if self.effects[self.design.main][factor.key].matched]

    @cached_property
    def spreads(self) -> dict[str, list[Spread]]:
        """Factor's key -> best, median and worst run at each level, by the main metric."""
        return {one.key: effects_of.spreads(self.design, one, self.design.main) for one in self.factors}

    @cached_property
    def pairs(self) -> list[list[Interaction]]:
        """Every pair of factors on every headline metric, the strongest on the main metric first; none of a search."""
        return [] if self.search else effects_of.interactions(self.design, self.factors)

    @cached_property
    def cost_of_mean(self) -> float:
        """What predicting the mean costs a regression, in its loss; NaN of a classification, or if it is not known."""
        return cost_of_mean(self.tables.facts.get("data_shapes", "")) if self.units else float("nan")

    @cached_property
    def units(self) -> str:
        """The units of losses, if the page must name them, else ""."""
        return units_of_losses(self.design)
