"""The page's figures in their places: what is drawn for a factor, a pair of factors, a probe, a claim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.colors import Normalize

from workbench.engine.rules.probes import PROBES
from workbench.report import wording
from workbench.report.figures import painting, palette, tables
from workbench.report.figures.curves import Curves, Layers
from workbench.report.figures.svg import draw
from workbench.report.statistics.design import Factor
from workbench.report.statistics.effects import Effect, Interaction, Spread
from workbench.report.verdicts import sentences
from workbench.report.verdicts.rules import Claim, Equivalence, Identity, digest
from workbench.report.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from workbench.report.figures.tables import Table

DRAWN_PAIRS = 15
MOST_LINES = 8
DRAWN_MAPS = 5
PROBE_ORDER = ("gradient_z", "gradient_weights", "update_size", "dead", "saturated")


@dataclass(frozen=True)
class Key:
    """One entry of a legend: a factor's value with its colour and dashes."""

    label: str
    colour: str
    dash: str


@dataclass(frozen=True)
class Plot:
    """One drawing with its title."""

    title: str
    svg: Markup


@dataclass(frozen=True)
class Group:
    """A figure of the page: drawings side by side, a caption, a legend, a heat scale (low, high), and its table."""

    caption: str
    plots: tuple[Plot, ...]
    table: Table
    legend: tuple[Key, ...] = ()
    scale: tuple[str, str] | None = None
    title: str = ""


def legend(labels: Sequence[str], slots: Sequence[palette.Slot] | None = None) -> tuple[Key, ...]:
    """The legend of a factor's values; without `slots`, of things that have no colour of their own."""
    slots = palette.slots(len(labels)) if slots is None else slots
    dashes = [" ".join(f"{2 * length:g}" for length in slot.dash) for slot in slots]
    return tuple(Key(label, palette.css(s), dash) for label, s, dash in zip(labels, slots, dashes, strict=True))


def _title(key: str) -> str:
    row = wording.metric(key)
    return f"{row.name}, last epoch" if key.startswith("last_") else row.name


def _levels_text(effect: Effect) -> str:
    return ", ".join(f"{level.label} {wording.amount(level.mean, effect.metric)}" for level in effect.levels)


def main_effects(effects: Sequence[Effect], spreads: Sequence[Spread], identity: str) -> Group:
    """One factor's main effects, a drawing a metric."""
    first, name = effects[0], effects[0].factor.name
    plots = tuple(
        Plot(
            _title(effect.metric),
            draw(
                partial(painting.main_effect, effect=effect), f"{identity}-{effect.metric}",
                f"{_title(effect.metric)} by {name}. Means: {_levels_text(effect)}.", margins=(48, 8, 10, 24),
            ),
        )
        for effect in effects
    )  # fmt: skip
    seeded = first.seeds > 1
    what = _seeds(first.seeds, "each seed's own mean") if seeded else "each run's value (one seed: no interval)"
    caption = f"Mean by {name}{' with its 95 % interval over seeds' if seeded else ''}; faint: {what}."
    if seeded:
        caption += " Levels are compared within seeds, along the faint lines."
    if first.set_aside:
        caption += f" {wording.plural(first.set_aside, 'run')} set aside: a partner at another level did not finish."
    if not first.matched:
        caption += " The levels could not be matched on the other factors: they may differ in more than this factor."
    return Group(caption, plots, tables.main_effects(effects, spreads))


def _seeds(count: int, each: str) -> str:
    """What stands faintly behind a mean."""
    return each if count <= painting.MOST_SEEDS else f"{painting.MOST_SEEDS} of {count} seeds"


def learning_curves(group: Sequence[Curves], identity: str) -> Group:
    """One factor's learning curves, a drawing a metric."""
    name = group[0].factor.name
    plots = tuple(
        Plot(
            wording.metric(one.metric).name,
            draw(
                partial(painting.learning_curves, curves=one), f"{identity}-{one.metric}",
                f"{wording.metric(one.metric).name} by epoch, one curve for each {name}. At the end: "
                + ", ".join(
                    f"{label} {wording.amount(value, one.metric)}"
                    for label, value in zip(one.factor.labels, one.mean[:, -1], strict=True)
                ) + ".",
                margins=(48, 8, 10, 38),
            ),
        )
        for one in group
    )  # fmt: skip
    seeds = group[0].seeds.shape[1]
    band = f", 95 % interval over seeds (band) and {_seeds(seeds, 'each seed')} (faint)" if seeds > 1 else ""
    carried = " Runs that ended early keep their last value." if any(one.carried for one in group) else ""
    return Group(
        f"Learning curves by {name}: mean{band}.{carried}", plots, tables.learning_curves(group),
        legend(group[0].factor.labels, group[0].factor.slots),
    )  # fmt: skip


def spread(group: Sequence[Spread], factor: Factor, metric: str, identity: str) -> Group:
    """How far runs reach at every level of a factor."""
    text = "; ".join(
        f"{one.label}: best {wording.amount(one.best, metric)}, median {wording.amount(one.median, metric)}, "
        f"worst {wording.amount(one.worst, metric)}" for one in group if len(one.values)
    )  # fmt: skip
    left = 18 + 7 * min(painting.LONGEST_LABEL, max(len(one.label) for one in group))
    svg = draw(
        partial(painting.spread, spreads=group, factor=factor, key=metric), f"{identity}-spread",
        f"Spread by {factor.name}. {text}.",
        size=(340, 44 + 32 * min(len(group), 12)), margins=(left, 16, 8, 26),
    )  # fmt: skip
    return Group("", (Plot(factor.name.capitalize(), svg),), tables.spreads(group, metric, factor.name))


def _norm(values: np.ndarray) -> Normalize:
    held = values[np.isfinite(values)]
    low, high = (float(held.min()), float(held.max())) if len(held) else (0.0, 1.0)
    return Normalize(low, high if high > low else low + 1e-9)


def interaction(pairs: Sequence[Interaction], identity: str) -> Group:
    """Two factors together, a drawing a metric: lines with intervals, or a heat map where the lines would be many."""
    first = pairs[0]
    lines = len(first.second.values) <= MOST_LINES
    plots = tuple(_pair(pair, f"{identity}-{pair.metric}", lines) for pair in pairs)
    size = wording.change(first.size, first.metric, signed=False)
    caption = (
        f"In {wording.metric(first.metric).name.lower()} they depart from the sum of their two effects by up to {size}."
        if np.isfinite(first.size)
        else "Some combinations have no finished run."
    )
    keys = legend(first.second.labels, first.second.slots) if lines else ()
    return Group(
        caption, plots, tables.interactions(pairs), keys, None, f"{first.first.name} \u00d7 {first.second.name}"
    )


def _pair(pair: Interaction, identity: str, lines: bool) -> Plot:
    text = "; ".join(
        f"{label}: "
        + ", ".join(
            f"{other} {wording.amount(v, pair.metric)}" for other, v in zip(pair.second.labels, row, strict=True)
        )
        for label, row in zip(pair.first.labels, pair.means, strict=True)
    )
    alt = f"{_title(pair.metric)} by {pair.first.name} and {pair.second.name}. Means: {text}."
    if lines:
        svg = draw(partial(painting.interaction, pair=pair), identity, alt, (340, 190), (48, 8, 10, 24))
        return Plot(_title(pair.metric), svg)
    paint = partial(
        painting.heat_map, values=pair.means, rows=pair.first.labels, columns=pair.second.labels,
        norm=_norm(pair.means),
    )  # fmt: skip
    left = 16 + 7 * min(painting.LONGEST_LABEL, max(map(len, pair.first.labels)))
    return Plot(
        _title(pair.metric), draw(paint, identity, alt, (340, 42 + 20 * min(len(pair.means), 14)), (left, 10, 6, 26))
    )


def interactions(pairs: Sequence[Sequence[Interaction]]) -> list[Group]:
    """The strongest pairs of factors; each comes with its interaction on every headline metric."""
    return [interaction(pair, f"pair-{place}") for place, pair in enumerate(pairs[:DRAWN_PAIRS])]


def probe_names(rows: pd.DataFrame) -> list[str]:
    """The probes a sweep holds: those about gradients first, then in the engine's order, then any other."""
    known = [*PROBE_ORDER, *(name for name in PROBES if name not in PROBE_ORDER)]
    held = sorted(rows["probe"].unique()) if len(rows) else []
    return [name for name in known if name in held] + [name for name in held if name not in known]


def layers(probe: Layers, factor: Factor | None, identity: str) -> Group:
    """One probe: its profile over the layers at the end, and a map over layers and epochs for each level."""
    name = probe.probe.replace("_", " ")
    lines = draw(
        partial(painting.profile, layers=probe), f"{identity}-profile", f"{name} by layer at the end of the runs.",
        margins=(56, 8, 10, 38),
    )  # fmt: skip
    plots = [Plot("At the end of the runs", lines)]
    norm = _norm(probe.maps)
    mapped = [level for level, values in enumerate(probe.maps) if np.isfinite(values).any()]
    shown = np.unique(np.linspace(0, len(mapped) - 1, min(len(mapped), DRAWN_MAPS)).round().astype(int))
    if len(probe.epochs) > 1:
        for level in (mapped[place] for place in shown):
            label = probe.labels[level]
            paint = partial(painting.layer_map, layers=probe, level=level, norm=norm)
            svg = draw(paint, f"{identity}-{level}", f"{name} by layer and epoch, {label}.", margins=(48, 8, 10, 38))
            plots.append(Plot(label, svg))
    ends = [wording.number(10.0**end if probe.logarithmic else end) for end in (norm.vmin or 0.0, norm.vmax or 0.0)]
    summary = PROBES[probe.probe].summary if probe.probe in PROBES else name
    means = "Geometric means" if probe.logarithmic else "Means"
    caption = (
        f"{summary[0].upper()}{summary[1:]}. {means} over {wording.plural(probe.runs, 'run')} of depth {probe.depth}."
    )
    if len(shown) < len(mapped) and len(plots) > 1:
        caption += f" Maps of {len(shown)} of the {len(mapped)} levels."
    scale = (ends[0], ends[1]) if len(plots) > 1 else None
    keys = legend(probe.labels, probe.slots) if factor else ()
    return Group(caption, tuple(plots), tables.layers(probe), keys, scale, name.capitalize())


@dataclass(frozen=True)
class Card:
    """A claim with its verdict, as shown."""

    claim: Claim
    verdict: Verdict
    rule: str
    digest: str
    facts: tuple[tuple[str, str], ...]
    figure: Group | None
    also: tuple[tuple[str, Verdict], ...] = ()
    warning: str = ""


def card(claim: Claim, verdict: Verdict, identity: str) -> Card:
    """The card of a claim: what was found, and by which rule."""
    metric = claim.rule.metric
    facts: list[tuple[str, str]] = []
    if not isinstance(claim.rule, Identity):
        facts.append(("Effect", wording.change(verdict.effect, metric)))
        facts.append(("95 % interval", wording.between(*verdict.interval, metric) or "\u2013"))
        facts.append(("Seeds", f"{verdict.n} of {len(claim.rule.seeds)}"))
        if np.isfinite(verdict.p):
            facts.append(
                ("p, Holm\u2019s p", f"{wording.probability(verdict.p)}, {wording.probability(verdict.p_holm)}")
            )
        if verdict.n and np.isfinite(verdict.p):
            facts.append(("Typical, share of seeds", f"{wording.change(verdict.typical, metric)}, {_share(verdict)}"))
        worst = wording.change(verdict.worst, metric)
    else:
        facts.append(("Largest error", wording.number(verdict.worst)))
        facts.append(("Allowed", f"{claim.rule.tolerance:g}"))
        worst = wording.number(verdict.worst)
    if verdict.worst_seed is not None:
        facts.append(("Worst", f"{worst}, seed {verdict.worst_seed}"))
    lost = [f"{one.lost} of {one.seeds} ({one.arm})" for one in verdict.failures]
    facts.append(
        ("Diverged or collapsed", "; ".join(dict.fromkeys(lost)) if any(f.lost for f in verdict.failures) else "none")
    )
    figure = _differences(claim, verdict, identity) if verdict.differences else None
    also = tuple((sentences.rule_in_words(rule), one) for rule, one in zip(claim.also, verdict.also, strict=True))
    return Card(
        claim, verdict, sentences.rule_in_words(claim.rule), digest(claim.rule), tuple(facts), figure, also,
        sentences.rule_warning(verdict),
    )  # fmt: skip


def _share(verdict: Verdict) -> str:
    return f"{100 * verdict.improvement:.0f}{wording.SPACE}% as predicted"


def _differences(claim: Claim, verdict: Verdict, identity: str) -> Group:
    rule = claim.rule
    margin = 0.0 if isinstance(rule, Identity) else rule.tolerance if isinstance(rule, Equivalence) else rule.margin
    values = np.array([value for _, value in verdict.differences])
    paint = partial(painting.differences, values=values, interval=verdict.interval, margin=margin, key=rule.metric)
    svg = draw(paint, identity, f"Paired differences by seed. {verdict.sentence}", (400, 92), (22, 22, 6, 26))
    caption = "Above: each seed. Below: mean and 95 % interval. Shaded: too small to matter."
    return Group(caption, (Plot("Paired differences", svg),), tables.differences(verdict, rule.metric))
