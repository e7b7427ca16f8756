"""Heat maps: a table of numbers as coloured cells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from workbench.report.figures import palette
from workbench.report.figures.axes import MOST_LABELS, name_places


def heat_map(
    ax: Axes,
    values: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    norm: Normalize,
    texts: Sequence[Sequence[str]] | None = None,
) -> Axes:
    """`values` (rows, columns) as coloured cells, the first row at the top; `texts` are written into the cells."""
    colours = colormaps[palette.HEAT]
    mesh = np.ma.masked_invalid(values)
    ax.pcolormesh(
        mesh, cmap=palette.HEAT, norm=norm, edgecolors="none", antialiased=False, shading="flat",
        clip_on=False,  # no cell lies outside, and each would have to say by what it is cut
    )  # fmt: skip
    for row, column in np.argwhere(np.isfinite(values)) if texts is not None else ():
        red, green, blue, _ = colours(norm(values[row, column]))
        dark = 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2 > 0.18
        ax.text(
            column + 0.5, row + 0.5, texts[row][column] if texts else "", ha="center", va="center",
            color="#000000" if dark else "#ffffff",
        )  # fmt: skip
    for axis, labels in ((ax.xaxis, columns), (ax.yaxis, rows)):
        name_places(axis, labels, MOST_LABELS if axis is ax.xaxis else 12)
        axis.set_ticks(np.asarray(axis.get_ticklocs()) + 0.5, [text.get_text() for text in axis.get_ticklabels()])
    ax.invert_yaxis()
    ax.grid(False)
    ax.spines[:].set_visible(False)
    return ax


def heat_scale(values: np.ndarray) -> Normalize:
    """The smallest and the largest finite value."""
    held = values[np.isfinite(values)]
    low, high = (float(held.min()), float(held.max())) if len(held) else (0.0, 1.0)
    return Normalize(low, high if high > low else low + 1e-9)
