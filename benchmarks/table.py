"""The results as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from benchmarks.program_phases import BESIDE, PHASES

OF_A_PART = ("date", "commit", "load", "rounds", "mnist")  # what is said of each part


def page(results: dict[str, Any]) -> str:
    """All sections that were measured, below the facts, and what each was measured at."""
    of_parts = results.get("measured", {})
    shared = {name: text for name, text in results["about"].items() if text and name not in OF_A_PART}
    facts = [f"- {name}: {text}" for name, text in shared.items()]
    facts += [f"- {part}: {', '.join(_said(name, about) for name in OF_A_PART)}" for part, about in of_parts.items()]
    sections = [SECTIONS[name](results[name]) for name in SECTIONS if name in results]
    return "\n\n".join(["# Benchmarks", "\n".join(facts), *sections]) + "\n"


def _said(name: str, about: dict[str, str]) -> str:
    return about[name] if name == "date" else f"{name} {about[name]}"


def _peers(works: list[dict[str, Any]], title: str = "Peers") -> str:
    head = (
        f"## {title}\n\nUpdates of single runs per second on the whole machine: median (quartiles) of alternating "
        "rounds; ratios are taken within rounds. *ours* is the public `train` with its probes and evaluation, *bare* "
        "the training steps alone; peers train and do nothing else. *products* is the floor: the products of a step."
    )
    overview = grid(
        ["work", "best PyTorch", "train / it", "bare / it", "best JAX", "train / it", "bare / it"],
        ([work["work"], *_over(work, "torch"), *_over(work, "jax")] for work in works),
    )
    return "\n\n".join([head, overview, *map(_work, works)])


def _over(work: dict[str, Any], family: str) -> list[str]:
    found = work["over_best"][family]
    return [found["best"], *(f"{found[way]['median']:.2f}" for way in ("train", "bare"))] if found else ["-"] * 3


def _work(work: dict[str, Any]) -> str:
    rows = (
        [
            label,
            row["summary"],
            around(row["run_steps_per_second"], ",.0f"),
            around(row["ours_over_it"], ".2f"),
            f"{row['of_the_floor']['median']:.0%}",
            f"{row['setup_seconds']:.1f}",
            _loss(row["loss"]),
        ]
        for label, row in work["contestants"].items()
    )
    floor, allowed = f"{work['gflops']:.0f} GFLOP/s", f"{work['tolerance']:.0%}"
    title = f"### {work['work']}\n\nProducts alone: {floor}. Losses that are further apart than {allowed} are marked."
    columns = [
        "contestant",
        "",
        "run-steps/s",
        "ours / it",
        "of the floor",
        "set-up s",
        "training loss, ours on these runs",
    ]
    return f"{title}\n\n{grid(columns, rows)}"


def _loss(loss: dict[str, Any] | None) -> str:
    if loss is None:
        return ""
    verdict = "" if loss["agrees"] else " **differs**"
    return f"{loss['mean']:.4f}, {loss['ours']:.4f} (epoch {loss['epoch']}, {loss['runs']} runs){verdict}"


def _scaling(axes: dict[str, list[dict[str, Any]]]) -> str:
    parts = ["## Scaling\n\nRun-steps/s, median (quartiles)."]
    for axis, points in axes.items():
        names = list(points[0]["run_steps_per_second"])
        beside = ["ours over the best peer"] if points[0]["over_best_peer"] else []
        rows = (
            [
                str(point[axis]),
                *(around(point["run_steps_per_second"][name], ",.0f") for name in names),
                *(around(point["over_best_peer"], ".2f") for _ in beside),
            ]
            for point in points
        )
        table = grid([axis, *names, *beside], rows)
        parts.append(f"### By {axis}\n\nThe last row is {points[-1]['work']}.\n\n{table}")
    return "\n\n".join(parts)


def _families(kernels: dict[str, dict[str, list[dict[str, Any]]]]) -> str:
    rows = (
        [
            kernel,
            family,
            row["name"],
            around(row["run_steps_per_second"], ",.0f"),
            around(row["time_over_fastest"], ".2f"),
        ]
        for kernel, families in kernels.items()
        for family, members in families.items()
        for row in members
    )
    columns = ["kernel", "family", "", "run-steps/s", "time over the fastest of its family"]
    return (
        f"## Families\n\nBare steps, digits (3,128), Adam and ReLU where not said otherwise.\n\n{grid(columns, rows)}"
    )


def _costs(works: list[dict[str, Any]]) -> str:
    names = ("training", "probes", "evaluation")
    rows = ([work["work"], *(f"{work[name]['median']:.1%}" for name in names)] for work in works)
    return (
        f"## Costs of probes and evaluation\n\nShares of an epoch, compiled kernel.\n\n{grid(['work', *names], rows)}"
    )


def _program(starts: dict[str, dict[str, float]]) -> str:
    columns = [*PHASES, "total", BESIDE]
    rows = ([start, *(f"{seconds.get(name, 0):.1f}" for name in columns)] for start, seconds in starts.items())
    return (
        "## The whole program\n\nSeconds of the tour. Start-up ends where the cells are composed; reading compiled "
        f"code from the cache counts as training; packs are recorded beside training.\n\n{grid(['', *columns], rows)}"
    )


def _sweeps(found: dict[str, Any]) -> str:
    """Planning and tracking by number of runs, and the executors."""
    head = (
        "## Sweeps\n\nSeconds beside training, of tracking those of the processor. *planning* is the whole command "
        "`dry_run=true` less its start-up (below zero: less than start-up varies); the sweeps recorded are made up, of "
        "20 epochs and 3 layers with all probes, in packs of 256."
    )
    parts = [head]
    steps = list(next(iter(found["tracking"].values())))
    rows = (
        [
            store,
            f"{found['planning'][store]['planning']:.2f}" if store in found["planning"] else "",
            *(f"{seconds[step]:.2f}" for step in steps),
            f"{1000 * (seconds['begin'] + seconds['record'] + seconds['end']) / int(store.partition(',')[0]):.2f}",
        ]
        for store, seconds in found["tracking"].items()
    )
    parts.append(grid(["runs", "planning", *steps, "tracking, ms a run"], rows))
    if found["executors"]:
        parts.append(grid(["executor", "seconds"], ([name, f"{s:.1f}"] for name, s in found["executors"].items())))
    return "\n\n".join(parts)


def _memory(points: list[dict[str, Any]]) -> str:
    rows = (
        [
            point["work"],
            point["kernel"],
            *(f"{point[name] / 2**20:.1f}" for name in ("predicted", "measured")),
            f"{point['ratio']:.2f}",
        ]
        for point in points
    )
    columns = ["work", "kernel", "predicted MiB", "measured MiB", "measured / predicted"]
    return f"## Memory\n\nPeak of one training process above its data, all runs in it.\n\n{grid(columns, rows)}"


def _own_rules(found: dict[str, Any]) -> str:
    rows = (
        [
            row["name"],
            around(row["run_steps_per_second"], ",.0f"),
            around(row["time_over_ours"], ".2f"),
            f"{row['setup_seconds']:.1f}",
        ]
        for row in found["rows"]
    )
    columns = ["", "run-steps/s", "time over relu with adam", "set-up s"]
    return (
        f"## A person's own rules\n\nBare steps, compiled, {found['work']}; ReLU and Adam if not said otherwise. The "
        "rules are those of `benchmarks/rules/`. Set-up holds their check and compilation. Ratios are taken within "
        f"alternating rounds.\n\n{grid(columns, rows)}"
    )


SECTIONS: dict[str, Callable[[Any], str]] = {
    "peers": _peers,
    "images": partial(_peers, title="Convolutional networks"),
    "scaling": _scaling,
    "families": _families,
    "costs": _costs,
    "own-rules": _own_rules,
    "program": _program,
    "sweeps": _sweeps,
    "memory": _memory,
}


def around(spread: dict[str, float], how: str) -> str:
    """A median with its quartiles."""
    return f"{spread['median']:{how}} ({spread['lower']:{how}} to {spread['upper']:{how}})"


def grid(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [list(columns), ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
