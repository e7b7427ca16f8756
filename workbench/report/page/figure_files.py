"""The figures of a page as separate SVG files, for slides, papers and MLflow's list of artifacts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from workbench import files
from workbench.report.figures import palette
from workbench.report.figures.base import DrawnFigure
from workbench.report.page.view import View

FIGURES_FOLDER = "figures"
_VARIABLE = re.compile(r"var\((--[a-z0-9-]+)\)")


def write_figures(made: View, folder: Path) -> Path:
    """Write every figure of a view into `<folder>/figures`, in the order of the page; delete earlier files there."""
    target = folder / FIGURES_FOLDER
    target.mkdir(parents=True, exist_ok=True)
    for old in target.glob("*.svg"):
        old.unlink()
    for place, (name, svg) in enumerate(_drawings(_named(made)), 1):
        files.write(target / f"{place:03d}-{name}.svg", standalone(svg))
    return target


def standalone(svg: str) -> str:
    """An inlined figure as a file: with its namespace, font and background, and with light colours in place of
    variables.
    """
    light, _ = palette.variables()
    text = _VARIABLE.sub(lambda match: light[match[1].removeprefix("--")], svg)
    head = f'xmlns="http://www.w3.org/2000/svg" style="background:{palette.SURFACE}" font-family="sans-serif"'
    return text.replace("<svg ", f"<svg {head} ", 1) + "\n"


def _named(made: View) -> Iterable[tuple[str, DrawnFigure]]:
    """The figures with their subjects, in the order of the page."""
    for card in made.shown["cards"]:
        yield from ((card.claim.id, figure) for figure in card.figures)
    yield from _of_section(made, "search", "search")
    yield from _of_section(made, "figures", "figure")
    yield from _of_section(made, "outcome", "outcome")
    for one in made.shown["by_factor"]:
        yield from ((one["factor"].name, figure) for figure in one["figures"])
    yield from _of_section(made, "interactions", "pairs")
    yield from _of_section(made, "layers", "probes")
    yield from _of_section(made, "sensitivity", "sensitivity")


def _of_section(made: View, section: str, name: str) -> Iterable[tuple[str, DrawnFigure]]:
    return ((figure.title or name, figure) for figure in made.figures[section])


def _drawings(figures: Iterable[tuple[str, DrawnFigure]]) -> Iterable[tuple[str, str]]:
    for about, figure in figures:
        for plot in figure.plots:
            words = re.sub(r"[^a-z0-9]+", "-", f"{about} {plot.title}".lower()).strip("-")
            yield words[:60].strip("-") or "figure", str(plot.svg)
