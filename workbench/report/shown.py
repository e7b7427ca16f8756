"""What shows itself in a notebook: a page in a frame, and a figure with its legend, caption and table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from workbench import files
from workbench.engine.errors import BadInput
from workbench.report.figures.exported import FORMATS, exported
from workbench.report.figures.standalone import standalone

if TYPE_CHECKING:
    import pandas as pd

    from workbench.report.figures.base import DrawnFigure

FRAME_HEIGHT = 640  # CSS pixels


def _written(path: Path, content: str | bytes) -> Path:
    try:
        files.write(path, content)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"file: {path!s:.200} cannot be written ({reason})") from None
    return path


@dataclass(frozen=True)
class ShownPage:
    """A page, as its HTML. A notebook shows it in a frame, where its script and style touch nothing else."""

    name: str
    html: str

    def save(self, file: str | Path) -> Path:
        """Write the page; the path. Raises BadInput where no file can be written."""
        return _written(Path(file), self.html)

    def __repr__(self) -> str:
        return f"the page of {self.name}, {len(self.html):,} characters; .save(file) writes it"

    def _repr_html_(self) -> str:
        return (
            f'<iframe srcdoc="{escape(self.html)}" title="{escape(self.name)}" sandbox="allow-scripts" '
            f'style="width:100%;height:{FRAME_HEIGHT}px;border:1px solid #8888;border-radius:6px"></iframe>'
        )


@dataclass(frozen=True)
class ShownFigure:
    """A figure of a page. A notebook shows its drawings with legend and caption; `table` are the numbers drawn."""

    drawn: DrawnFigure

    @property
    def title(self) -> str:
        """Its heading, else that of its first drawing."""
        titles = (self.drawn.title, *(plot.title for plot in self.drawn.plots))
        return next((title for title in titles if title), "figure")

    @property
    def table(self) -> pd.DataFrame:
        """The numbers drawn, as the page shows them."""
        import pandas as pd

        return pd.DataFrame(list(self.drawn.table.rows), columns=list(self.drawn.table.heads))

    def save(self, file: str | Path, drawing: int = 0) -> Path:
        """Write one of its drawings as a file of its own, with title and legend: SVG, PNG or PDF by the ending.

        Raises BadInput for another ending, where it has no such drawing, or where no file can be written.
        """
        path = Path(file)
        kind = path.suffix.lower().removeprefix(".")
        if kind not in FORMATS:
            raise BadInput(f"{path.name}: the ending is {path.suffix or 'missing'}; allowed: {', '.join(FORMATS)}")
        if not 0 <= drawing < len(self.drawn.plots):
            raise BadInput(f"drawing: found {drawing}; this figure has {len(self.drawn.plots)}, counted from 0")
        return _written(path, exported(self.drawn, self.drawn.plots[drawing].panel, kind))

    def __repr__(self) -> str:
        return f"{self.title}: {self.drawn.caption}" if self.drawn.caption else self.title

    def _repr_html_(self) -> str:
        keys = "".join(
            f'<span style="margin-right:1.2em;white-space:nowrap"><span style="display:inline-block;width:1.6em;'
            f"border-top:3px {'dashed' if key.dash else 'solid'} {_colour(key.colour)};vertical-align:middle;"
            f'margin-right:.4em"></span>{escape(key.label)}</span>'
            for key in (self.drawn.legend if len(self.drawn.legend) > 1 else ())
        )
        of = f"{escape(self.drawn.legend_of)} " if keys and self.drawn.legend_of else ""
        plots = "".join(
            f'<div style="max-width:27rem">{f"<b>{escape(plot.title)}</b>" if plot.title else ""}'
            f"{standalone(plot.svg)}</div>"
            for plot in self.drawn.plots
        )
        head = f"<h4>{escape(self.drawn.title[:1].upper() + self.drawn.title[1:])}</h4>" if self.drawn.title else ""
        return (
            f"<figure>{head}<div>{of}{keys}</div>"
            f'<div style="display:flex;flex-wrap:wrap;gap:1rem">{plots}</div>'
            f"<figcaption>{escape(self.drawn.caption)}</figcaption></figure>"
        )


class ShownFigures(Mapping[str, ShownFigure]):
    """The figures of a page by their names, in its order. A notebook shows them all."""

    def __init__(self, found: Mapping[str, ShownFigure]) -> None:
        self._found = dict(found)

    def __getitem__(self, name: str) -> ShownFigure:
        if name not in self._found:
            raise BadInput(f"figure: found {name!r:.80}; this page has {', '.join(self._found) or 'none'}")
        return self._found[name]

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __repr__(self) -> str:
        return "\n".join(self._found) or "no figures"

    def _repr_html_(self) -> str:
        return "".join(figure._repr_html_() for figure in self._found.values())


def told_apart(names: Iterable[str]) -> list[str]:
    """The names, each once: the second of a name ends in " (2)", the third in " (3)", past numbers that are taken."""
    found: dict[str, None] = {}
    for name in names:
        numbered = (f"{name} ({number})" for number in count(2))
        found[name if name not in found else next(one for one in numbered if one not in found)] = None
    return list(found)


def _colour(name: str) -> str:
    """A colour of the page's as one of a notebook, which has none of its variables."""
    from workbench.report.figures import palette

    return palette.variables()[0].get(name.removeprefix("var(--").removesuffix(")"), name)
