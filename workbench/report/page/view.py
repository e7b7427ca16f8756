"""Everything that the page of a sweep shows, ready for its template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, TypedDict

from workbench.report import wording
from workbench.report.effects_in_words import effect_in_words
from workbench.report.figures import FIGURES
from workbench.report.figures.base import PAGE_SECTIONS, DrawnFigure
from workbench.report.figures.findings import Findings
from workbench.report.figures.own_figures import OPENING
from workbench.report.figures.units import unit_of_losses
from workbench.report.language import texts
from workbench.report.page import links, page_data, paper, provenance, runs_table, summary, tables
from workbench.report.page.cards import Card, card
from workbench.report.page.settings_table import settings_table
from workbench.report.statistics.design import Factor, counts
from workbench.report.statistics.effects import Effect, Interaction
from workbench.report.verdicts.deviations import elsewhere
from workbench.report.verdicts.verdict import VERDICTS

if TYPE_CHECKING:
    from workbench.tracking.read import SweepTables

EMBEDDED_RUNS = 2000  # with more, the data in the page have neither runs nor each seed's means; the file beside it has


class FactorShown(TypedDict):
    """A factor on the page: what it changed, in a sentence and in figures."""

    factor: Factor
    sentence: str
    figures: list[DrawnFigure]


@dataclass(frozen=True)
class View:
    """The template's values, the page's data, its figures by section, the number of cells of the sweep, and what all
    of it was made from.

    The `cards` of claims and `by_factor` are among the template's values too.
    """

    shown: dict[str, object]  # Jinja looks up each by its name
    data: dict[str, object]
    figures: dict[str, list[DrawnFigure]]
    cells: int
    cards: list[Card]
    by_factor: list[FactorShown]
    found: Findings

    def latex(self) -> str:
        """Its tables of effects and verdicts for a paper."""
        return paper.latex(self.found)

    @property
    def embedded(self) -> dict[str, object]:
        """The data inside the page itself."""
        if self.cells <= EMBEDDED_RUNS:
            return self.data
        return {**self.data, "runs": {}, "effects": page_data.without_points(self.data["effects"])}


def view(found: Findings) -> View:
    """The page of a sweep."""
    sweep, design = found.tables, found.design
    figures = drawn(found)
    effects = list(found.effects[design.main].values())
    main_pairs = [pair[0] for pair in found.pairs]
    said = {
        "title": title(sweep),
        "description": texts.translated(sweep.facts.get("description", "")),
        "summary": _summary(found, effects, main_pairs),
        "units": found.units,
    }
    common = provenance.common(sweep)
    all_effects = [effect for by_factor in found.effects.values() for effect in by_factor.values()]
    data = page_data.page_content(sweep, design, said, all_effects, main_pairs, found.spreads, found.judged, common)
    data["advice"] = [asdict(one) for one in found.advice]
    data["pareto_front"] = page_data.pareto_front(found.pareto) if found.pareto else None
    cards = [
        card(claim, verdict, _about(figures["verdicts"], str(place)), unit_of_losses(design))
        for place, (claim, verdict) in enumerate(found.judged)
    ]
    by_factor = [] if found.search else _by_factor(effects, figures["factors"])
    shown: dict[str, object] = {
        "name": sweep.name, **said, "facts": sweep.facts, "main": wording.metric(design.main),
        "elsewhere": elsewhere(sweep), "asked": summary.asked(design), "counts": counts(design.runs),
        "notice": summary.seed_notice(design, bool(found.judged)),
        "share_of_mean": summary.share_of_mean(design, found.cost_of_mean), "lost": summary.lost_in_words(design),
        "kept_networks": summary.kept_networks(design), "extremes": "" if found.search else summary.extremes(design),
        "factors": tables.factors(design), "reasons": tables.reasons(design.runs),
        "verdicts": VERDICTS, "opening": _about(figures["figures"], OPENING),
        "figures": {**figures, "figures": [one for one in figures["figures"] if one.about != OPENING]},
        "cards": cards, "by_factor": by_factor, "methods": paper.methods(found),
        "search": found.search is not None, "advice": found.advice,
        "pair_count": len(found.pairs),
        "runs": runs_table.runs_table(design, sweep.facts),
        "settings": settings_table(design) if len(design.runs) > runs_table.WHOLE_TABLE else None,
        "address": links.address(sweep.facts.get("uri", "")),
        "parent": links.run_link(sweep.facts, sweep.facts.get("run_id", "")),
        "provenance": provenance.facts(sweep, design),
        "common": [(key, wording.value(value), wording.value(default)) for key, (value, default) in common.items()],
    }  # fmt: skip
    return View(shown, data, figures, sum(counts(design.runs).values()), cards, by_factor, found)


def _by_factor(effects: list[Effect], figures: list[DrawnFigure]) -> list[FactorShown]:
    """A factor's sentence with its figures, for each effect on the main metric."""
    return [
        {"factor": effect.factor, "sentence": effect_in_words(effect), "figures": _about(figures, effect.factor.key)}
        for effect in effects
    ]


def drawn(found: Findings) -> dict[str, list[DrawnFigure]]:
    """The figures of a sweep's page by section, without kinds that have nothing to draw."""
    figures: dict[str, list[DrawnFigure]] = {section: [] for section in PAGE_SECTIONS if section != "comparison"}
    for kind in FIGURES.values():
        if kind.section in figures:
            figures[kind.section] += [one for one in kind.drawn(found) if not one.absent]
    return figures


def _summary(found: Findings, effects: list[Effect], pairs: list[Interaction]) -> str:
    if not found.search:
        return summary.summary(effects, pairs, found.design.main)
    return summary.of_pareto(found.pareto, found.search.asked) if found.pareto else summary.of_search(found.search)


def _about(figures: list[DrawnFigure], about: str) -> list[DrawnFigure]:
    return [one for one in figures if one.about == about]


def title(sweep: SweepTables) -> str:
    """The heading of the page."""
    return heading(sweep.name, sweep.facts)


def heading(name: str, facts: Mapping[str, str]) -> str:
    """The heading of the page of a sweep of that name and with these facts."""
    return texts.translated(facts.get("title") or name.replace("_", " ").strip().capitalize())
