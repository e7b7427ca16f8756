"""The page of a sweep, and the index of all pages: self-contained HTML files, a page's data beside it as JSON."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from workbench.engine.errors import BadInput
from workbench.report import effects as effects_of
from workbench.report import palette, provenance, record, sections, sentences, tables, wording
from workbench.report.claims import Claim
from workbench.report.curves import Histories, curves, deepest, layers
from workbench.report.design import CURVES, OUTCOMES, Design, Factor, counts, extreme, read
from workbench.report.exhibits import Figure, exhibits
from workbench.report.verdicts import VERDICTS, Verdict, decide_all

if TYPE_CHECKING:
    from workbench.tracking.read import SweepTables

INDEX = "index.html"
DEPTH, ACTIVATION = "network.depth", "network.activation"


@dataclass(frozen=True)
class Page:
    """Where a page and its data were written."""

    html: Path
    json: Path


@lru_cache(maxsize=1)
def _template() -> Template:
    """The one template; everything put into it is escaped unless it was made here as markup."""
    loader = PackageLoader("workbench.report", ".")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    source = {name: Markup(loader.get_source(environment, name)[0]) for name in ("page.css", "page.js")}
    light, dark = palette.variables()
    look = {"css": source["page.css"], "js": source["page.js"], "light": light, "dark": dark}
    environment.globals |= {
        "look": look,
        "gradient": palette.gradient(),
        "verdicts": VERDICTS,
        "plural": wording.plural,
    }
    return environment.get_template("page.html.j2")


def _one_factor(
    design: Design, histories: Histories, factor: Factor, found: Mapping[str, Mapping[str, Any]], place: int
) -> dict[str, Any]:
    """The section of one factor: its sentence, its main effects, its learning curves."""
    mine = [found[metric][factor.key] for metric in design.headlines]
    spreads = effects_of.spreads(design, factor, design.main)
    groups = [sections.main_effects(mine, spreads, f"effect-{place}")]
    metrics = [key for key in CURVES[design.task] if key in histories.metrics]
    if len(histories.epochs) > 1 and metrics:
        group = [curves(design, histories, factor, metric) for metric in metrics]
        groups.append(sections.learning_curves(group, f"curve-{place}"))
    return {"factor": factor, "sentence": sentences.effect_in_words(mine[0]), "groups": groups, "spreads": spreads}


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
    for word, worst in (("worst", True), ("best", False)):
        run = extreme(design, worst)
        if run is not None:
            where = [f"{factor.name} {factor.labels[int(run[f'level:{factor.key}'])]}" for factor in design.factors]
            where.append(f"seed {int(run['seed'])}")
            parts.append(
                f"the {word} is cell {int(run['cell'])} with "
                f"{wording.amount(float(run[design.main]), design.main)} ({', '.join(where)})"
            )
    if not parts:
        return "No run has finished yet."
    return f"By {wording.metric(design.main).name.lower()}, {' and '.join(parts)}."


def _title(sweep: SweepTables) -> str:
    return sweep.facts.get("title") or sweep.name.replace("_", " ").strip().capitalize()


def _view(sweep: SweepTables, judged: Sequence[tuple[Claim, Verdict]], figures: Sequence[Figure]) -> dict[str, Any]:
    """Everything the template needs, and the page's data under "data"."""
    design = read(sweep)
    found = {metric: {e.factor.key: e for e in effects_of.main_effects(design, metric)} for metric in design.headlines}
    order = [effect.factor for effect in found[design.main].values()]
    pairs = effects_of.interactions(design, design.main, order)
    histories = Histories(sweep, design)
    by_factor = [_one_factor(design, histories, factor, found, place) for place, factor in enumerate(order)]
    said = {
        "title": _title(sweep),
        "description": sweep.facts.get("description", ""),
        "summary": sentences.summary(list(found[design.main].values()), pairs, design.main),
    }
    common = provenance.common(sweep)
    spreads = {one["factor"].key: one["spreads"] for one in by_factor}
    all_effects = [effect for metric in design.headlines for effect in found[metric].values()]
    data = record.record(sweep, design, said, all_effects, pairs, spreads, judged, common)
    heads, rows = tables.runs(design, sweep.facts)
    return {
        "kind": "sweep", "name": sweep.name, **said, "data": Markup(record.text(data)), "design": design,
        "asked": sentences.asked(design), "counts": counts(design.runs), "notice": sentences.seed_notice(design),
        "extremes": _worst_and_best(design), "factors": tables.factors(design), "reasons": tables.reasons(design.runs),
        "cards": [sections.card(claim, verdict, f"claim-{k}") for k, (claim, verdict) in enumerate(judged)],
        "exhibits": exhibits(figures, sweep), "by_factor": by_factor,
        "pairs": sections.interactions(pairs), "pair_count": len(pairs),
        "probes": _probes(sweep, design), "main": wording.metric(design.main),
        "sensitivity": [
            sections.spread(one["spreads"], one["factor"], design.main, f"spread-{k}")
            for k, one in enumerate(by_factor)
        ],
        "run_heads": heads, "run_rows": rows, "address": tables.address(sweep.facts.get("uri", "")),
        "parent": tables.run_link(sweep.facts, sweep.facts.get("run_id", "")), "facts": sweep.facts,
        "provenance": provenance.facts(sweep, design),
        "common": [(key, wording.value(value), wording.value(default)) for key, (value, default) in common.items()],
    }  # fmt: skip


def write(
    tables: SweepTables,
    claims: Sequence[Claim],
    folder: Path,
    others: Mapping[str, float] | None = None,
    figures: Sequence[Figure] = (),
) -> Page:
    """Write the page of a sweep as `<folder>/<name>.html` and its data as `<name>.json`; equal tables give equal bytes.

    `others` are p values, by claim, of the same Holm family on other pages (default: none known; see `decide_all`).
    `figures` are the experiment's own, shown below its claims.
    Raises BadInput if the sweep's name cannot be a file's, or if it has no cell.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", tables.name) or tables.name == "index":
        raise BadInput(f"sweep name is {tables.name!r}; a page needs letters, digits, '.', '_', '-', and not \"index\"")
    if not len(tables.runs):
        raise BadInput(f"sweep {tables.name} has no cell, so there is nothing to report")
    judged = list(zip(claims, decide_all(claims, tables, others), strict=True))
    view = _view(tables, judged, figures)
    folder.mkdir(parents=True, exist_ok=True)
    page = Page(folder / f"{tables.name}.html", folder / f"{tables.name}.json")
    page.html.write_text(_template().render(view), encoding="utf-8")
    page.json.write_text(str(view["data"]) + "\n", encoding="utf-8")
    return page


def _entry(path: Path) -> dict[str, Any] | None:
    """A line of the index from a page's data; None for a file that is none of ours."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(data, dict) or data.get("format") != record.FORMAT or not path.with_suffix(".html").exists():
        return None
    found = Counter(claim["verdict"]["verdict"] for claim in data["claims"])
    return {
        "file": f"{path.stem}.html", "title": data["title"], "summary": data["description"] or data["summary"],
        "counts": {name: data["counts"][name] for name in OUTCOMES if data["counts"][name]},
        "verdicts": [(verdict, found[verdict]) for verdict in VERDICTS if found[verdict]],
        "started": data["provenance"].get("started", ""), "cells": sum(data["counts"].values()),
    }  # fmt: skip


def write_index(folder: Path) -> Path:
    """Write `<folder>/index.html`, the list of all pages in the folder, the latest sweep first."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = [entry for path in sorted(folder.glob("*.json")) if (entry := _entry(path))]
    entries.sort(key=lambda entry: entry["started"], reverse=True)
    view = {"kind": "index", "title": "Reports", "name": "index", "entries": entries, "data": None}
    target = folder / INDEX
    target.write_text(_template().render(view), encoding="utf-8")
    return target
