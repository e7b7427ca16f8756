"""The specification curve of a claim: its effect in its own setting, and with one setting changed at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from matplotlib.axes import Axes

from workbench.report import wording
from workbench.report.figures import axes, palette
from workbench.report.figures.base import FigureKind, Panel, Table
from workbench.report.figures.differences import OneClaim, claims_of
from workbench.report.figures.findings import Findings
from workbench.report.language import texts
from workbench.report.language.words import say, semicolons, word
from workbench.report.verdicts.claim_rules import Identity, Variation
from workbench.report.verdicts.verdict import Verdict

AS_STATED = word("as the rule says")


@dataclass(frozen=True)
class Curve:
    """A claim with the settings in which it was asked, the smallest effect first."""

    of: OneClaim
    rows: tuple[tuple[str, Verdict], ...]

    @property
    def metric(self) -> str:
        """What the effects are measured in."""
        return self.of.claim.rule.metric


class Specifications(FigureKind[Findings, Curve]):
    """A figure for each claim that was asked in several settings."""

    section = "verdicts"
    nothing = "No claim of this page was asked in several settings."
    width = "wide"

    def reduce(self, source: Findings) -> list[Curve]:
        curves = [_curve(one) for one in claims_of(source) if not isinstance(one.claim.rule, Identity)]
        return [one for one in curves if len(one.rows) > 1]

    def panels(self, data: Curve, place: int) -> list[Panel]:  # noqa: ARG002
        text = semicolons([
            say("curves.end", label=label, value=wording.change(found.effect, data.metric))
            for label, found in data.rows
        ])  # fmt: skip
        margins = (axes.ROW_EDGE, 22, 10, 42)
        size = (axes.NARROWEST, axes.height_of_rows(len(data.rows), margins))
        name, alt = f"specifications-{data.of.place}", say("specification.alt", text=text)
        return [Panel(word("In other settings"), partial(paint, data=data), name, alt, size, margins)]

    def caption(self, data: Curve) -> str:  # noqa: ARG002
        return say("specification.caption")

    def table(self, data: Curve) -> Table:
        """Effect, interval and verdict in every setting."""
        rows = [
            (label, word(found.outcome), wording.change(found.effect, data.metric),
             wording.between(*found.interval, data.metric), str(found.n))
            for label, found in data.rows
        ]  # fmt: skip
        heads = ("Setting", "Verdict", "Effect", "95 % interval", "Seeds")
        return Table("The claim in other settings", heads, tuple(rows), words=2)

    def about(self, data: Curve) -> str:
        return str(data.of.place)


def _curve(one: OneClaim) -> Curve:
    by_itself = replace(one.verdict, verdict=one.verdict.by_itself or one.verdict.verdict)
    rows = [(AS_STATED, by_itself)]
    rows += [(_setting(variation), found) for variation, found in zip(one.claim.vary, one.verdict.varied, strict=False)]
    held = [row for row in rows if np.isfinite(row[1].effect)]
    return Curve(one, tuple(sorted(held, key=lambda row: row[1].effect)))


def _setting(variation: Variation) -> str:
    name = texts.translated(wording.factor(variation.setting))
    return say("setting.one", name=name, value=texts.translated(wording.value(variation.value)))


def paint(ax: Axes, data: Curve) -> Axes:
    """A row for each setting: the effect and its interval over the band of effects too small to matter."""
    ax.axvspan(-data.of.margin, data.of.margin, color=palette.GRID, alpha=0.75, linewidth=0)
    ax.axvline(0, color=palette.GUIDE, linewidth=0.9)
    colour = palette.SLOTS[0].light
    for place, (_, found) in enumerate(data.rows):
        if np.isfinite(found.interval.low):
            ax.plot(found.interval, [place, place], color=colour, linewidth=2.8, solid_capstyle="butt")
        filled = colour if found.verdict == "reproduced" else palette.SURFACE
        ax.plot([found.effect], [place], "o", color=filled, markersize=8, markeredgecolor=colour)
    axes.name_rows(ax, [label for label, _ in data.rows])
    axes.change_axis(ax, data.metric)
    return ax
