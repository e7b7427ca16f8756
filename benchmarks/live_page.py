"""What a page that renews itself costs its sweep: the same sweep with and without `live=true`, in turn.

    python -m benchmarks.live_page [--quick] [--rounds N] [OVERRIDE ...]       (default: 5 +sweep=tour)

Every sweep is a process of its own with a new store. After one that warms up, each round has both kinds, and begins
with the other one than the round before. Printed are the medians: seconds that the command takes; seconds of its
training; processor seconds of the sweep's process and of the one that draws (none where the sweep ends before a page
costs little enough); and by how much `live=true` lengthens training, from the pairs, with the quartiles. A sweep in
which pages are drawn: `python -m benchmarks.live_page +sweep=tour training.epochs=400`.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from functools import wraps
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

from benchmarks.program import QUICK, TOUR
from workbench import blas

KINDS = {"without": "live=false", "live": "live=true"}
COLUMNS = {"command": "command, s", "training": "training, s", "cpu": "sweep, CPU s", "page": "page, CPU s"}
_ROOT = Path(__file__).resolve().parents[1]
_AS_SWEEP = "--as-a-sweep"  # how this module starts itself


def measure(rounds: int, overrides: Sequence[str]) -> dict[str, list[dict[str, float]]]:
    """What every sweep took, by kind, one for each round."""
    found: dict[str, list[dict[str, float]]] = {kind: [] for kind in KINDS}
    _swept([*overrides, KINDS["without"]])
    for number in range(rounds):
        for kind in list(KINDS) if number % 2 else list(KINDS)[::-1]:
            found[kind].append(_swept([*overrides, KINDS[kind]]))
    return found


def lengthened(found: dict[str, list[dict[str, float]]]) -> list[float]:
    """By how much of itself `live=true` lengthens training, in every round."""
    pairs = zip(found["live"], found["without"], strict=True)
    return [live["training"] / without["training"] - 1 for live, without in pairs]


def table(found: dict[str, list[dict[str, float]]]) -> str:
    """The medians as a table of Markdown, and what they come to."""
    lines = [f"| sweep | {' | '.join(COLUMNS.values())} |", f"|---|{'---|' * len(COLUMNS)}"]
    for kind, sweeps in found.items():
        middle = [median(one[what] for one in sweeps) for what in COLUMNS]
        lines.append(f"| {KINDS[kind]} | {' | '.join(f'{value:.2f}' for value in middle)} |")
    longer = lengthened(found)
    low, middle_one, high = quantiles(longer, n=4, method="inclusive") if len(longer) > 1 else longer * 3
    return "\n".join([*lines, "", f"training is {middle_one:+.1%} longer (quartiles {low:+.1%} to {high:+.1%})"])


def _swept(overrides: Sequence[str]) -> dict[str, float]:
    """One sweep in a process and a store of its own."""
    path = os.pathsep.join([str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    with TemporaryDirectory() as folder:
        answer = Path(folder) / "taken.json"
        command = [sys.executable, "-m", "benchmarks.live_page", _AS_SWEEP, str(answer), *overrides]
        started = perf_counter()
        ended = subprocess.run(
            command, cwd=folder, env=inherited | {"PYTHONPATH": path}, capture_output=True, text=True, check=False
        )
        passed = perf_counter() - started
        if ended.returncode:
            raise RuntimeError(f"{' '.join(overrides)} ended with status {ended.returncode}:\n{ended.stderr}")
        return {"command": passed, **json.loads(answer.read_text(encoding="utf-8"))}


def as_a_sweep(file: Path, overrides: list[str]) -> int:
    """Run the sweep in this process, and write what it took as JSON; its exit status."""
    from workbench.sweep.execution.sweep_training import SweepTraining
    from workbench.sweep.hydra.command import main as command

    taken = {"training": 0.0}
    train = SweepTraining.run

    @wraps(train)
    def timed(*arguments: Any) -> Any:
        started = perf_counter()
        try:
            return train(*arguments)
        finally:
            taken["training"] = perf_counter() - started

    SweepTraining.run = timed  # type: ignore[method-assign]
    status = command(overrides)
    drawn = resource.getrusage(resource.RUSAGE_CHILDREN)  # Git as well, for milliseconds
    taken |= {"cpu": process_time(), "page": drawn.ru_utime + drawn.ru_stime}
    file.write_text(json.dumps(taken), encoding="utf-8")
    return status


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print a table."""
    parser = ArgumentParser(prog="python -m benchmarks.live_page", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="whether it runs, not what it costs")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="(default: %(default)s)")
    parser.add_argument("overrides", nargs="*", metavar="OVERRIDE", help=f"the sweep (default: {' '.join(TOUR)})")
    asked = parser.parse_args(arguments)
    if asked.rounds < 1:
        parser.error(f"--rounds: found {asked.rounds}; allowed: 1 or more")
    rounds, overrides = (1, QUICK) if asked.quick else (asked.rounds, asked.overrides or TOUR)
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"{' '.join(overrides)}, {rounds} rounds in turn", flush=True)
    print(table(measure(rounds, overrides)))
    return 0


if __name__ == "__main__":
    if sys.argv[1:2] == [_AS_SWEEP]:
        blas.one_thread_unless_set()  # as `python -m workbench` does
        raise SystemExit(as_a_sweep(Path(sys.argv[2]), sys.argv[3:]))
    raise SystemExit(main())
