"""The figures of a page as SVG files of their own, for slides, papers and MLflow's list of artifacts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from workbench import files
from workbench.report.figures import palette
from workbench.report.figures.sections import Group

FOLDER = "figures"
_VARIABLE = re.compile(r"var\((--[a-z0-9-]+)\)")


def write_figures(shown: Mapping[str, Any], folder: Path) -> Path:
    """Write every figure of a view into `<folder>/figures`, in the order of the page; what was there before goes."""
    target = folder / FOLDER
    target.mkdir(parents=True, exist_ok=True)
    for old in target.glob("*.svg"):
        old.unlink()
    for place, (name, svg) in enumerate(_drawings(_groups(shown)), 1):
        files.write(target / f"{place:03d}-{name}.svg", standalone(svg))
    return target


def standalone(svg: str) -> str:
    """An inlined figure as a file: with its namespace, font and ground, and the light colours in place of variables."""
    light, _ = palette.variables()
    text = _VARIABLE.sub(lambda match: light[match[1].removeprefix("--")], svg)
    head = f'xmlns="http://www.w3.org/2000/svg" style="background:{palette.SURFACE}" font-family="sans-serif"'
    return text.replace("<svg ", f"<svg {head} ", 1) + "\n"


def _groups(shown: Mapping[str, Any]) -> Iterable[tuple[str, Group]]:
    """The figures with what each is about."""
    for card in shown["cards"]:
        if card.figure:
            yield card.claim.id, card.figure
    for group in shown["exhibits"]:
        yield group.title, group
    for one in shown["by_factor"]:
        for group in one["groups"]:
            yield one["factor"].name, group
    for name in ("pairs", "probes", "sensitivity"):
        for group in shown[name]:
            yield group.title or name, group


def _drawings(groups: Iterable[tuple[str, Group]]) -> Iterable[tuple[str, str]]:
    for about, group in groups:
        for plot in group.plots:
            words = re.sub(r"[^a-z0-9]+", "-", f"{about} {plot.title}".lower()).strip("-")
            yield words[:60].strip("-") or "figure", str(plot.svg)
