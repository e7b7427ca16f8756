"""Everything the page of a sweep shows, made ready for its template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.report import wording
from workbench.report.figures import sections, tables
from workbench.report.figures.curves import Histories, curves, deepest, layers
from workbench.report.figures.exhibits import Figure, exhibits
from workbench.report.figures.units import captioned, units_of_losses, with_units
from workbench.report.page import provenance, record, runs_table, summary
from workbench.report.statistics import effects as effects_of
from workbench.report.statistics.design import CURVES, Design, Factor, alike, counts, extreme, read
from workbench.report.verdicts.rules import Claim
from workbench.report.verdicts.verdict import VERDICTS, Verdict

if TYPE_CHECKING:
    from workbench.tracking.read import SweepTables

DEPTH, ACTIVATION = "network.depth", "network.activation"
EMBEDDED_RUNS = 2000  # of more runs the page holds the table alone; the file of data beside it has them all


@dataclass(frozen=True)
class View:
    """What the template is given, and the page's data."""

    shown: dict[str, Any]
    data: dict[str, Any]

    @property
    def embedded(self) -> dict[str, Any]:
        """The data that stand in the page itself."""
        many = sum(self.data["counts"].values()) > EMBEDDED_RUNS
        return {**self.data, "runs": {}} if many else self.data


def view(sweep: SweepTables, judged: Sequence[tuple[Claim, Verdict]], figures: Sequence[Figure] = ()) -> View:
    """The page of a sweep, its claims judged already; `figures` are the experiment's own."""
    design = read(sweep)
    found = {metric: {e.factor.key: e for e in effects_of.main_effects(design, metric)} for metric in design.headlines}
    order = [effect.factor for effect in found[design.main].values()]
    pairs = effects_of.interactions(design, order)
    histories = Histories(sweep, design)
    units = units_of_losses(design)
    by_factor = [_one_factor(design, histories, factor, found, place, units) for place, factor in enumerate(order)]
    main_pairs = [pair[0] for pair in pairs]
    said = {
        "title": title(sweep),
        "description": sweep.facts.get("description", ""),
        "summary": summary.summary(list(found[design.main].values()), main_pairs, design.main),
        "units": units,
    }
    common = provenance.common(sweep)
    spreads = {one["factor"].key: one["spreads"] for one in by_factor}
    all_effects = [effect for metric in design.headlines for effect in found[metric].values()]
    data = record.record(sweep, design, said, all_effects, main_pairs, spreads, judged, common)
    shown = {
        "name": sweep.name, **said, "facts": sweep.facts, "main": wording.metric(design.main),
        "asked": summary.asked(design), "counts": counts(design.runs), "notice": summary.seed_notice(design),
        "extremes": _worst_and_best(design), "factors": tables.factors(design), "reasons": tables.reasons(design.runs),
        "verdicts": VERDICTS,
        "cards": [
            with_units(sections.card(claim, verdict, f"claim-{k}"), units) for k, (claim, verdict) in enumerate(judged)
        ],
        "exhibits": exhibits(figures, sweep), "by_factor": by_factor,
        "pairs": captioned(sections.interactions(pairs), design.headlines, units), "pair_count": len(pairs),
        "probes": _probes(sweep, design),
        "sensitivity": captioned((
            sections.spread(one["spreads"], one["factor"], design.main, f"spread-{k}")
            for k, one in enumerate(by_factor)
        ), [design.main], units),
        "runs": runs_table.runs_table(design, sweep.facts),
        "address": tables.address(sweep.facts.get("uri", "")),
        "parent": tables.run_link(sweep.facts, sweep.facts.get("run_id", "")),
        "provenance": provenance.facts(sweep, design),
        "common": [(key, wording.value(value), wording.value(default)) for key, (value, default) in common.items()],
    }  # fmt: skip
    return View(shown, data)


def _one_factor(
    design: Design,
    histories: Histories,
    factor: Factor,
    found: Mapping[str, Mapping[str, Any]],
    place: int,
    units: str,
) -> dict[str, Any]:
    """The section of one factor: its sentence, its main effects, its learning curves."""
    mine = [found[metric][factor.key] for metric in design.headlines]
    spreads = effects_of.spreads(design, factor, design.main)
    groups = captioned([sections.main_effects(mine, spreads, f"effect-{place}")], design.headlines, units)
    metrics = [key for key in CURVES[design.task] if key in histories.metrics]
    if len(histories.epochs) > 1 and metrics:
        group = [curves(design, histories, factor, metric) for metric in metrics]
        groups += captioned([sections.learning_curves(group, f"curve-{place}")], metrics, units)
    return {"factor": factor, "sentence": summary.effect_in_words(mine[0]), "groups": groups, "spreads": spreads}


def _probes(sweep: SweepTables, design: Design) -> list[sections.Group]:
    """The probes of the deepest runs, by activation if it was swept, else by the first other factor."""
    rows, depth = deepest(sweep, design)
    by = [factor for factor in design.factors if factor.key == ACTIVATION]
    by += [factor for factor in design.factors if factor.key not in (DEPTH, ACTIVATION)]
    factor = by[0] if by else None
    return [
        sections.layers(layers(design, rows, probe, factor, depth), factor, f"probe-{place}")
        for place, probe in enumerate(sections.probe_names(rows))
    ]


def _worst_and_best(design: Design) -> str:
    """The best and the worst finished run in one sentence; "" where nothing finished."""
    parts = []
    ends = [extreme(design, worst) for worst in (True, False)]
    for word, run in zip(("worst", "best"), ends, strict=True):
        if run is not None:
            where = [f"{factor.name} {factor.labels[int(run[f'level:{factor.key}'])]}" for factor in design.factors]
            where.append(f"seed {int(run['seed'])}")
            same = alike(design, float(run[design.main])) - 1
            parts.append(
                f"the {word} is cell {int(run['cell'])} with "
                f"{wording.amount(float(run[design.main]), design.main)} ({', '.join(where)})"
                f"{f', and {same:,} more like it' if same else ''}"
            )
    if not parts:
        return "No run has finished yet."
    name, count = wording.metric(design.main).name.lower(), int(design.runs["outcome"].eq("finished").sum())
    values = {float(run[design.main]) for run in ends if run is not None}
    if count > 1 and len(values) == 1:
        return f"All {count:,} finished runs came to the same {name}, {wording.amount(values.pop(), design.main)}."
    luck = " Of many runs these two are partly luck: a new seed would likely come out between them."
    return f"By {name}, {' and '.join(parts)}.{luck if count > 1 else ''}"


def title(sweep: SweepTables) -> str:
    """What the page is headed with."""
    return sweep.facts.get("title") or sweep.name.replace("_", " ").strip().capitalize()
