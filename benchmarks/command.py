"""The command `python -m benchmarks`."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks import (
    calibration_page,
    calibration_run,
    costs,
    families,
    images,
    memory,
    own_rules,
    peers,
    program,
    results,
    scaling,
    sweeps,
)
from benchmarks.contest import CONTESTANTS, Rules
from benchmarks.hosts import Teams, environment
from benchmarks.machine import about
from workbench.engine.vectors import FEATURES_VARIABLE, features_without_avx512, vector_bits

PARTS = ("peers", "images", "scaling", "families", "own-rules", "program", "sweeps", "memory", "calibration")
APART = ("calibration",)  # measures no time; asked for by name alone
RULES = {
    "peers": Rules(5, 0.4),
    "images": Rules(5, 0.4),
    "scaling": Rules(3, 0.25),
    "families": Rules(7, 0.1),
    "own-rules": Rules(11, 0.2),
}
QUICK = Rules(2, 0.02)
CONTESTS: dict[str, Callable[..., Any]] = {"scaling": scaling.measure, "own-rules": own_rules.measure}
WITHOUT_CONTESTS: dict[str, Callable[[bool], Any]] = {
    "program": program.measure, "sweeps": sweeps.measure, "memory": memory.measure
}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit status."""
    asked = _parsed(arguments)
    with _vectors_of(asked.vector_width):
        return _run(asked)


def _run(asked: Namespace) -> int:
    rules = QUICK if asked.quick else RULES.get(asked.only, RULES["peers"])
    found: dict[str, Any] = {"about": about(rules, asked.quick)}
    missing = sorted({row.needs for row in CONTESTANTS.values() if not row.is_here})
    if missing:
        _say(f"not installed, so left out: {', '.join(missing)} (pip install '.[bench]')")
    for part in [part for part in PARTS if part not in APART] if asked.only is None else [asked.only]:
        started = perf_counter()
        _say(part)
        if part == "calibration":
            found |= {"calibration": calibrate(asked.quick, asked.trials, found["about"])}
            files = results.write(found, asked.results, asked.quick)
        else:
            with Teams() as teams:
                for so_far in measure(part, teams, asked.quick):
                    found |= so_far
                    files = results.write(found, asked.results, asked.quick)  # kept, whatever comes of the rest
        _say(f"{part}: {perf_counter() - started:.0f} s")
    print(*files, sep="\n")
    return 0


def calibrate(quick: bool, trials: int, about: dict[str, str]) -> dict[str, Any]:
    """The simulated error rates; the page of the documents is written anew after each batch of trials."""
    found: dict[str, Any] = {}
    for found in calibration_run.batches(quick, trials):
        _say(f"calibration: {found['trials']} of {trials} trials")
        if not quick:
            calibration_page.write(found, about)
    return found


def measure(part: str, teams: Teams, quick: bool) -> Iterator[dict[str, Any]]:
    """The sections of the result that a part consists of, as far as it is measured."""
    rules = QUICK if quick else RULES.get(part, RULES["peers"])
    if part == "peers":
        yield from ({part: so_far} for so_far in peers.measure(teams, rules, quick))
    elif part == "images":
        yield from ({part: so_far} for so_far in images.measure(teams, rules, quick))
    elif part == "families":
        yield {part: families.measure(teams, rules, quick)}
        yield {"costs": costs.measure(teams, rules, quick)}
    elif part in WITHOUT_CONTESTS:
        yield {part: WITHOUT_CONTESTS[part](quick)}
    else:
        yield {part: CONTESTS[part](teams, rules, quick)}


def _parsed(arguments: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(
        prog="python -m benchmarks",
        description="Measure the engine beside PyTorch and JAX (extra `bench`), its scaling, and the whole program. "
        "On a quiet machine: all of it takes about 20 minutes on two cores. How often verdicts are false is "
        "measured by --only calibration alone, which writes docs/calibration.md.",
    )
    parser.add_argument(
        "--quick", action="store_true", help="seconds instead of minutes: whether it runs, not how fast"
    )
    parser.add_argument("--only", choices=PARTS, help="one part; the others of the same day and commit are kept")
    parser.add_argument(
        "--vector-width", type=int, choices=(256, 512), help="bits of a vector: 256 measures a processor with AVX-512 "
        "as one that has only AVX2 (default: the processor's)"
    )  # fmt: skip
    parser.add_argument(
        "--trials", type=int, default=calibration_run.TRIALS, help="of calibration (default: %(default)s)"
    )
    parser.add_argument("--results", type=Path, default=results.FOLDER, help="where to write (default: %(default)s)")
    asked = parser.parse_args(arguments)
    if asked.trials < 1:
        parser.error(f"--trials: found {asked.trials}; allowed: 1 or more")
    return asked


@contextmanager
def _vectors_of(width: int | None) -> Iterator[None]:
    """Processes started within compile for vectors of so many bits. Nothing may be compiled in this one before."""
    if width is None or width == vector_bits():
        yield
        return
    if width > vector_bits():
        raise SystemExit(f"--vector-width: found {width}, this processor's vectors have {vector_bits()} bits")
    with environment({FEATURES_VARIABLE: features_without_avx512()}):
        yield


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
