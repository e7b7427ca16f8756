"""`workbench reproduce [STEM ...]`: every claim's sweep, one after the other, and all verdicts together."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from workbench import output
from workbench.signals import EXIT_INTERRUPTED
from workbench.words.parser import Parser

HOME = "digits"  # the dataset the sweep files ask for
ABOUT = """Every claim's sweep, one after the other, and all verdicts together.

Each is the sweep `workbench +sweep=STEM` trains: what the store holds is not trained again, and whatever interrupts it,
the same command goes on where it stopped.

`--data mnist` asks those questions again that mean something there, on 1,200 training examples or as many as the sweep
itself says. On two busy cores about three quarters of an hour, an estimate from one seed of each; within it dropout,
vanishing_gradients and sparsity take ten minutes each.
"""
EXAMPLES = """
workbench reproduce                              every claim of the lecture notes
workbench reproduce dropout sparsity --list      only print the commands of two sweeps
workbench reproduce --data mnist --set workers=2
"""


def main(arguments: Sequence[str]) -> int:
    """Run what was asked for; the exit status, the worst of all sweeps: 0, 1 (runs failed), 2 (bad input), 130."""
    from workbench.redaction import redacted_override

    asked = _parser().read(arguments)
    commands = planned(asked.stems, asked.data, asked.overrides)
    if asked.list:
        for command in commands.values():
            print(shlex.join(["workbench", *map(redacted_override, command)]))
        return 0
    with output.chosen(quiet=asked.quiet):
        status = run(commands, ["--quiet"] if asked.quiet else [])
        if not any(text.startswith("dry_run") for text in asked.overrides):
            print(conclude(Path("reports")), file=sys.stderr, flush=True)
    return status


def planned(stems: Sequence[str], data: str, overrides: Sequence[str] = ()) -> dict[str, list[str]]:
    """Stem -> what follows `workbench`, for the experiments that have a sweep file and mean something there.

    Raises BadInput for a stem that has no experiment or no sweep, or that says nothing of that dataset.
    """
    from workbench import places
    from workbench.engine.errors import BadInput
    from workbench.report.experiment_files import experiment_files
    from workbench.report.experiments import experiment_of

    every = [stem for stem in experiment_files() if places.find("conf/sweep", f"{stem}.yaml")]
    if strangers := [stem for stem in stems if stem not in every]:
        raise BadInput(f"{strangers[0]} is no claim's sweep; allowed: {', '.join(every)}")
    commands: dict[str, list[str]] = {}
    for stem in stems or every:
        try:
            settings = experiment_of(stem).datasets.get(data)
        except BadInput as error:
            if stems:
                raise
            _say(f"{error}; it is left out")
            continue
        if data == HOME and (stems or settings is not None):
            commands[stem] = [f"+sweep={stem}", *(settings or ()), *overrides]
        elif settings is not None:
            commands[stem] = [f"+sweep={stem}", f"name={stem}-{data}", f"data={data}", *settings, *overrides]
        elif stems:
            raise BadInput(
                f"{stem} does not say how it is asked on {data}: its file needs DATASETS = {{{data!r}: [...]}}"
            )
    if not commands:
        raise BadInput(f"--data is {data!r}; no experiment says how it is asked there")
    return commands


def run(commands: dict[str, list[str]], options: Sequence[str] = ()) -> int:
    """Every sweep in its turn, with these options; the worst exit status.

    A failed one does not stop the others; Ctrl-C does.
    """
    from workbench.report.wording import duration, plural
    from workbench.sweep.hydra.command import main as command

    started, worst = perf_counter(), 0
    for place, (stem, arguments) in enumerate(commands.items(), start=1):
        _say(f"[{place} of {len(commands)}] {stem}")
        before = perf_counter()
        status = command([*arguments, *options])
        _say(f"[{place} of {len(commands)}] {stem} took {duration(perf_counter() - before)}, exit status {status}")
        if status == EXIT_INTERRUPTED:
            return status
        worst = max(worst, status)
    _say(f"{plural(len(commands), 'sweep')} took {duration(perf_counter() - started)}")
    return worst


def conclude(folder: Path) -> str:
    """Gather the verdicts of all pages in the folder as `index.json`; they in a few lines of text."""
    from workbench.report.page.verdict_list import gather, in_words, write

    found = gather(folder)
    return f"{in_words(found)}\nverdicts: {write(found, folder)} and {folder / 'index.html'}"


def _parser() -> Parser:
    parser = Parser("reproduce", ABOUT, EXAMPLES)
    parser.add_argument("stems", nargs="*", metavar="STEM", help="sweeps of claims; all of them where none is named")
    parser.add_argument("--data", default=HOME, help=f"another dataset, mnist (default: {HOME})")
    parser.add_argument("--list", action="store_true", help="print the commands, run nothing")
    parser.add_argument(
        "--set", dest="overrides", nargs="+", default=[], metavar="KEY=VALUE",
        help="for every sweep: tracking.uri=..., workers=2, reuse=false, dry_run=true",
    )  # fmt: skip
    return parser


def _say(line: str) -> None:
    if not output.is_quiet():
        print(line, file=sys.stderr, flush=True)
