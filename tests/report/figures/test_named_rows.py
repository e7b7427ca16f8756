"""A figure with a row for each name: every name has room, and both kinds of a row stand in it."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg

from workbench.report.figures.named_rows import Rows

NAMES = ("standard net, logistic, 2 layers of 800", "dropout and max-norm, maxout, 2 layers of 240 units with 5 pieces")
FRAME = pd.DataFrame(
    [
        (name, kind, error + seed, seed)
        for name in NAMES for kind, error in (("ours", 4.0), ("published", 1.0))
        for seed in ((0, 1, 2) if kind == "ours" else (0,))
    ],
    columns=["row", "result", "error", "seed"],
)  # fmt: skip
ROWS = Rows("row", "error", by="result")


def test_names_have_room_and_stand_one_below_the_other_above_their_rows() -> None:
    (width, height), (left, right, top, bottom) = ROWS.size(FRAME), ROWS.margins
    figure = plt.figure(figsize=(width / 72, height / 72), dpi=72)
    ax = figure.add_axes(
        (left / width, bottom / height, (width - left - right) / width, (height - top - bottom) / height)
    )
    ROWS(ax, FRAME, FRAME)
    FigureCanvasAgg(figure).draw()
    boxes = [text.get_window_extent() for text in ax.texts]
    rows = [ax.transData.transform((0, place))[1] for place in range(len(NAMES))]
    plt.close(figure)
    assert [text.get_text() for text in ax.texts] == list(NAMES)
    assert all(box.x0 >= 0 and box.x1 <= width and box.y1 <= height for box in boxes)
    assert all(row < box.y0 for row, box in zip(rows, boxes, strict=True))
    assert all(box.y1 < row for row, box in zip(rows, boxes[1:], strict=False))


def test_each_row_has_its_means_side_by_side_and_the_seeds_of_ours() -> None:
    figure, ax = plt.subplots()
    ROWS(ax, FRAME, FRAME)
    plt.close(figure)
    means = [line for line in ax.lines if len(line.get_xdata()) == 1]
    assert sorted(float(line.get_xdata()[0]) for line in means) == [1.0, 1.0, 5.0, 5.0]
    assert sorted(round(float(line.get_ydata()[0])) for line in means) == [0, 0, 1, 1]
    assert len({float(line.get_ydata()[0]) for line in means}) == 4
    assert [list(line.get_xdata()) for line in ax.lines if len(line.get_xdata()) == 3] == [[4.0, 5.0, 6.0]] * 2


def test_a_legend_tells_the_kinds() -> None:
    assert ROWS.labels(FRAME) == ["ours", "published"]
    assert len(ROWS.slots(FRAME)) == 2
