"""What a paper takes from a sweep: a paragraph on how it was done, and LaTeX tables of effects and verdicts.

All of it comes from the store, so that nothing has to be copied by hand, and nothing is left out that was said there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench.config import SETTINGS, RunConfig, flatten
from workbench.report import wording
from workbench.report.figures.findings import Findings
from workbench.report.language.words import commas, joined, say, word
from workbench.report.page import provenance, summary
from workbench.report.page.latex_text import beyond_latin, escaped
from workbench.report.statistics.design import counts
from workbench.report.verdicts import sentences
from workbench.report.verdicts.claim_rules import Identity, digest
from workbench.report.verdicts.deviations import described

FIRST = (
    "data.name", "network.depth", "network.width", "network.activation", "optimizer.name", "optimizer.learning_rate",
    "training.epochs", "training.batch_size",
)  # fmt: skip
ARM = "arm"  # the factor whose levels are the arms of a sweep file
SETUP = ("network", "optimizer", "penalty", "dropout", "training", "data")  # sections that a reader asks for


def methods(found: Findings) -> str:
    """How the sweep was done, as a paragraph: design, seeds, settings, statistics, rules, deviations, versions."""
    tables, design = found.tables, found.design
    parts = [
        say("paper.sentence", text=summary.asked(design)),
        _settings(found),
        *_arms(found),
        _outcomes(found),
        _statistics(found),
        _rules(found),
    ]
    why, dataset = described(tables)
    parts += [say("paper.data", dataset=dataset) if dataset else "", why, _made_with(tables.facts)]
    return joined(parts)


def latex(found: Findings) -> str:
    """Tables of effects and verdicts, and the paragraph, to be included in a LaTeX document that has booktabs."""
    head = f"% {escaped(found.tables.name)}: made by Workbench from its store. Needs \\usepackage{{booktabs}}."
    parts = [head, "", escaped(methods(found))]
    if found.judged:
        parts += ["", _table("Claims and their verdicts.", ("Claim", "Verdict", "Effect", r"95\,\% interval", "Seeds"),
                             _verdicts(found), "lllll")]  # fmt: skip
    for metric, effects in ({} if found.search else found.effects).items():
        rows = [
            (effect.factor.name if not place else "", level.label, wording.amount(level.mean, metric),
             wording.span(*level.interval, metric) or "\u2013", str(level.runs))
            for effect in effects.values()
            for place, level in enumerate(effect.levels)
        ]  # fmt: skip
        if rows:
            caption = f"{wording.metric(metric).name} by level, means over seeds and all other factors."
            heads = ("Factor", "Level", "Mean", "95 % interval", "Runs")
            parts += ["", _table(caption, heads, rows, "llrrr")]
    text = "\n".join(parts) + "\n"
    return f"% Some letters need LuaLaTeX or XeLaTeX, and a font that has them.\n{text}" if beyond_latin(text) else text


def _table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]], columns: str) -> str:
    plain = [head if "\\" in head else escaped(head) for head in heads]
    lines = [" & ".join(map(escaped, row)) + r" \\" for row in rows]
    return "\n".join([
        r"\begin{table}", r"  \centering", f"  \\caption{{{escaped(caption)}}}", f"  \\begin{{tabular}}{{{columns}}}",
        r"    \toprule", f"    {' & '.join(plain)} \\\\", r"    \midrule", *(f"    {line}" for line in lines),
        r"    \bottomrule", r"  \end{tabular}", r"\end{table}",
    ])  # fmt: skip


def _verdicts(found: Findings) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for claim, verdict in found.judged:
        metric = claim.rule.metric
        if isinstance(claim.rule, Identity):
            effect, interval = f"largest error {wording.number(verdict.worst)}", "\u2013"
        else:
            effect, interval = wording.change(verdict.effect, metric), wording.between(*verdict.interval, metric)
        rows.append((claim.id, verdict.verdict, effect, interval or "\u2013", str(verdict.n)))
    return rows


def _settings(found: Findings) -> str:
    """The settings that all runs share: those that a reader asks for first, then all that were chosen."""
    runs = found.design.runs
    held = {
        key: runs[key].iloc[0] for key in FIRST if key in runs and runs[key].notna().all() and runs[key].nunique() == 1
    }
    chosen = provenance.common(found.tables)
    held |= {key: value for key, (value, _) in chosen.items() if key.partition(".")[0] in SETUP}
    said = [_one(key, value) for key, value in held.items() if not key.endswith(".digest")]
    return say("paper.settings", settings=wording.listing(said)) if said else ""


def _arms(found: Findings) -> list[str]:
    """What each arm of a design that is no full grid sets, of all in which the arms differ: a sentence an arm."""
    runs = found.design.runs
    if not any(factor.key == ARM for factor in found.design.factors):
        return []
    differing = [
        key for key in flatten(RunConfig())
        if key in runs and key.partition(".")[0] in SETUP and not key.endswith(".digest")
        and key not in found.tables.factors and runs[key].nunique(dropna=False) > 1
    ]  # fmt: skip
    told: list[str] = []
    for arm, mine in runs.groupby(ARM, sort=False):
        set_here = {key: mine[key].iloc[0] for key in differing if mine[key].notna().all() and mine[key].nunique() == 1}
        said = wording.listing([_one(key, value) for key, value in set_here.items()])
        told += [say("paper.arm", arm=str(arm), settings=said)] if set_here else []
    return told


def _one(key: str, value: object) -> str:
    unit = SETTINGS[key].unit if key in SETTINGS and SETTINGS[key].kind in (int, float) else ""
    words = wording.value(value.item() if isinstance(value, np.generic) else value)
    if unit in ("per weight", "per step"):
        return say("paper.setting_with_unit", name=wording.factor(key), value=words, unit=word(unit))
    return say("setting.one", name=wording.factor(key), value=words)


def _outcomes(found: Findings) -> str:
    held = {name: count for name, count in counts(found.design.runs).items() if count}
    ended = wording.listing([say("comparison.counts", count=count, outcome=word(name)) for name, count in held.items()])
    return say("paper.outcomes", ended=ended) if held else ""


def _statistics(found: Findings) -> str:
    if len(found.design.seeds) < 2:
        return say("paper.one_seed")
    return say("paper.statistics", count=len(found.design.seeds))


def _rules(found: Findings) -> str:
    if not found.judged:
        return ""
    fixed = all(verdict.fixed for _, verdict in found.judged)
    rules = [
        say("paper.rule", claim=claim.id, digest=digest(claim.rule), rule=sentences.rule_in_words(claim.rule))
        for claim, _ in found.judged
    ]
    notes = [say("paper.note", claim=claim.id, note=note) for claim, verdict in found.judged for note in verdict.notes]
    return joined([say("paper.rules_before" if fixed else "paper.rules_not_before"), *rules, *notes])


def _made_with(facts: dict[str, str]) -> str:
    named = (("commit", word("commit")), ("versions", ""), ("python", "Python"), ("device", word("device")),
             ("dtype", "dtype"))  # fmt: skip
    parts = [
        say("setting.one", name=name, value=facts[key]) if name else facts[key] for key, name in named if facts.get(key)
    ]
    parts += [facts["started"]] if parts and facts.get("started") else []
    return say("paper.made_with", parts=commas(parts)) if parts else ""
