"""The figures of a GPU machine as a page of markdown."""

from __future__ import annotations

from typing import Any

import numpy as np


def page(results: dict[str, Any]) -> str:
    """All that was measured, errors included."""
    parts = ["# Measured on a GPU", "", *(f"- {name}: {value}" for name, value in results["facts"].items()), ""]
    for name, outcome in results["tests"].items():
        parts += [f"Tests, {name}: {outcome['said']}", ""]
    if results["floor"]:
        parts += ["## The device's own rates", "", *(_rate(*item) for item in results["floor"].items()), ""]
    for work in dict.fromkeys(row["work"] for row in results["contest"]):
        parts += _contest(work, [row for row in results["contest"] if row["work"] == work])
    if results["A3"]:
        parts += ["## Products of matrices, as claim A3-gpu times them", "", *map(_speedups, results["A3"]), ""]
    for work, rows in results["launches"].items():
        parts += _launches(work, rows)
    return "\n".join(parts)


def _rate(name: str, value: Any) -> str:
    return f"- {name}: {value:.3g}" if isinstance(value, float) else f"- {name}: {value}"


def _speedups(found: Any) -> str:
    """A line for each repetition: how many times faster the GPU was, and what others used of the machine."""
    return f"- failed: {found.splitlines()[-1][:160]}" if isinstance(found, str) else f"- {found}"


def _contest(work: str, rows: list[dict[str, Any]]) -> list[str]:
    """A table of one work: medians and quartiles of run-steps/s, and the first epoch."""
    lines = [
        f"## {work}",
        "",
        "| contestant | run-steps/s | quartiles | setup, s | loss of epoch 1 |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        if "error" in row:
            lines.append(f"| {row['contestant']} | failed: {row['error'].splitlines()[-1][:160]} | | | |")
            continue
        low, middle, high = np.quantile(row["rates"], (0.25, 0.5, 0.75))
        spread = f"{low:,.0f} to {high:,.0f}"
        lines.append(f"| {row['contestant']} | {middle:,.0f} | {spread} | {row['setup']:.1f} | {row['loss']:.4f} |")
    return [*lines, ""]


def _launches(work: str, rows: Any) -> list[str]:
    lines = [f"## Each launch by itself: {work}", ""]
    if isinstance(rows, str):
        return [*lines, f"failed: {rows.splitlines()[-1][:200]}", ""]
    lines += ["| launch | microseconds, or as it says |", "|---|---|"]
    lines += [f"| {row['launch']} | {row['us']:.1f} |" for row in rows]
    rate = rows[-1].get("TFLOP/s")
    return [*lines, "", *([f"All products together: {rate:.1f} TFLOP/s.", ""] if rate else [])]
