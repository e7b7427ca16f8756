"""The results as one picture: a panel a work and an axis, and the phases of the program."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.program_phases import PHASES

COLOURS = {"ours": "#0072b2", "bare": "#56b4e9", "torch": "#d55e00", "jax": "#009e73", "products": "#999999"}
STYLES = {"ours, compiled": ("#0072b2", "o-"), "ours, plain": ("#e69f00", "s-"), "products": ("#999999", "--")}
STYLES |= {"torch, one by one, processes": ("#d55e00", "v:"), "torch, one by one, threads": ("#d55e00", "^-")}
STYLES |= {"jax, one by one": ("#009e73", "v:"), "jax, one by one, threads": ("#009e73", "^-")}
COLUMNS = 3
Panel = Callable[[Any], None]


def draw(results: dict[str, Any], file: Path) -> None:
    """Write the picture as a PNG. Nothing where no section has one."""
    panels: list[Panel] = [partial(_work, work) for part in ("peers", "images") for work in results.get(part, [])]
    panels += [partial(_axis, axis, points) for axis, points in results.get("scaling", {}).items()]
    if "program" in results:
        panels.append(partial(_program, results["program"]))
    if not panels:
        return
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = -(-len(panels) // COLUMNS)
    figure, axes = pyplot.subplots(
        rows, COLUMNS, figsize=(6 * COLUMNS, 3.4 * rows), layout="constrained", squeeze=False
    )
    for panel, axis in zip(panels, axes.flat, strict=False):
        panel(axis)
    for axis in axes.flat[len(panels) :]:
        axis.set_axis_off()
    figure.suptitle(
        " · ".join(filter(None, (results["about"][name] for name in ("date", "machine", "note")))), fontsize=9
    )
    figure.savefig(file, dpi=110)
    pyplot.close(figure)


def _work(work: dict[str, Any], axis: Any) -> None:
    labels = list(work["contestants"])[::-1]
    spreads = [work["contestants"][label]["run_steps_per_second"] for label in labels]
    medians = [spread["median"] for spread in spreads]
    errors = [[s["median"] - s["lower"] for s in spreads], [s["upper"] - s["median"] for s in spreads]]
    colours = [COLOURS[label.split(",")[0].split()[0]] for label in labels]
    axis.barh(labels, medians, xerr=errors, color=colours, error_kw={"linewidth": 1})
    axis.set_title(work["work"], fontsize=9)
    axis.set_xlabel("run-steps/s", fontsize=8)
    axis.tick_params(labelsize=7)


def _axis(name: str, points: list[dict[str, Any]], axis: Any) -> None:
    at = [point[name] for point in points]
    for label in points[0]["run_steps_per_second"]:
        spreads = [point["run_steps_per_second"][label] for point in points]
        colour, style = STYLES[label]
        axis.plot(at, [spread["median"] for spread in spreads], style, color=colour, label=label, markersize=4)
        low, high = ([spread[end] for spread in spreads] for end in ("lower", "upper"))
        axis.fill_between(at, low, high, color=colour, alpha=0.2, linewidth=0)
    axis.set_xscale("log", base=2)
    axis.set_yscale("log")
    axis.set_xticks(at, [str(value) for value in at])
    axis.set_xlabel(name, fontsize=8)
    axis.set_ylabel("run-steps/s", fontsize=8)
    axis.tick_params(labelsize=7)
    axis.legend(fontsize=7, frameon=False)


def _program(starts: dict[str, dict[str, float]], axis: Any) -> None:
    labels, left = [start.split(",")[0] for start in starts][::-1], [0.0] * len(starts)
    for phase in PHASES:
        widths = [seconds.get(phase, 0.0) for seconds in starts.values()][::-1]
        axis.barh(labels, widths, left=left, label=phase)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    axis.set_title("the tour", fontsize=9)
    axis.set_xlabel("seconds", fontsize=8)
    axis.tick_params(labelsize=7)
    axis.legend(fontsize=6, frameon=False)
