"""`workbench reproduce [STEM ...]`: every claim's sweep, one after the other, and all verdicts together."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from workbench import output
from workbench.signals import EXIT_INTERRUPTED
from workbench.words.parser import Parser

if TYPE_CHECKING:
    from workbench.report.page.expected import Expected, Flip

EXIT_FLIPPED = 1
HOME = "digits"  # the dataset of the sweep files
ABOUT = """Every claim's sweep, one after the other, and all verdicts together.

Each is the sweep `workbench +sweep=STEM` trains: what the store holds is not trained again, and whatever interrupts it,
the same command goes on where it stopped.

`--data NAME` asks those questions again that mean something there; `workbench list asked` shows the table. mnist has
1,200 training examples or as many as the sweep itself says: on two busy cores about three quarters of an hour, an
estimate from one seed of each. breast_cancer has 370 in two classes, spirals are points in the plane.
"""
EXAMPLES = """
workbench reproduce                              every claim of the lecture notes
workbench reproduce dropout sparsity --list      only print the commands of two sweeps
workbench reproduce --data mnist --set workers=2
"""


def main(arguments: Sequence[str]) -> int:
    """Run the sweeps; the exit status, the worst of all: 0, 1 (runs failed, a verdict flipped), 2 (bad input), 130."""
    asked = _parser().read(arguments)
    with output.chosen(json=asked.json, quiet=asked.quiet):
        commands = planned(asked.stems, asked.data, asked.overrides)
        expected = _expected(asked.expect, commands, asked.data)
        if asked.list:
            _show_commands(commands)
            return 0
        options = [flag for flag, wanted in (("--json", asked.json), ("--quiet", asked.quiet)) if wanted]
        ended = settle(commands, options) if asked.settle else run(commands, options)
        status = exit_status(ended)
        text, verdicts, flipped = ("", None, []) if _is_dry(asked.overrides) else conclude(Path("reports"), expected)
        status = max(status, EXIT_FLIPPED) if flipped else status
        output.show("reproduce", text, lambda: _document(status, ended, verdicts, flipped))
    return status


@dataclass(frozen=True)
class EndedSweep:
    """A sweep that was run: its stem, what follows `workbench`, exit status, seconds, and with --json its document."""

    stem: str
    command: Sequence[str]
    status: int
    seconds: float
    document: Mapping[str, object] | None = None

    def as_document(self) -> dict[str, object]:
        """The same as JSON data, without secrets."""
        return {"stem": self.stem, "command": _pasteable(self.command), "exit_status": self.status,
                "seconds": round(self.seconds, 3), "result": self.document}  # fmt: skip


def exit_status(ended: Sequence[EndedSweep]) -> int:
    """The worst exit status of all sweeps."""
    return max((sweep.status for sweep in ended), default=0)


def _show_commands(commands: Mapping[str, Sequence[str]]) -> None:
    text = "\n".join(map(_pasteable, commands.values()))
    rows = [{"stem": stem, "command": _pasteable(command)} for stem, command in commands.items()]
    output.show("reproduce", text, lambda: {"sweeps": rows})


def _pasteable(command: Sequence[str]) -> str:
    from workbench.redaction import redacted_override

    return shlex.join(["workbench", *map(redacted_override, command)])


def _document(
    status: int, ended: Sequence[EndedSweep], verdicts: Mapping[str, object] | None, flipped: Sequence[Flip]
) -> dict[str, object]:
    sweeps = [sweep.as_document() for sweep in ended]
    return {"exit_status": status, "sweeps": sweeps, "verdicts": verdicts, "flipped": [vars(one) for one in flipped]}


def _expected(file: Path | None, stems: Collection[str], data: str) -> list[Expected]:
    """The verdicts that these sweeps are expected to reach; none without a file."""
    from workbench.report.page.expected import read_expected

    return read_expected(file, [_name(stem, data) for stem in stems]) if file else []


def _name(stem: str, data: str) -> str:
    """The name that a claim's sweep has on a dataset."""
    return stem if data == HOME else f"{stem}-{data}"


def planned(stems: Sequence[str], data: str, overrides: Sequence[str] = ()) -> dict[str, list[str]]:
    """Stem -> the arguments of `workbench`, for the experiments with a sweep file that can be asked on this dataset.

    Raises BadInput for a stem without an experiment or a sweep file, or whose file does not allow that dataset.
    """
    from workbench import places
    from workbench.engine.errors import BadInput
    from workbench.report.experiment_files import experiment_files
    from workbench.report.experiments import experiment_of

    every = [stem for stem in experiment_files() if places.find("conf/sweep", f"{stem}.yaml")]
    if strangers := [stem for stem in stems if stem not in every]:
        raise BadInput(f"{strangers[0]} is not the sweep of a claim; allowed: {', '.join(every)}")
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
            commands[stem] = [f"+sweep={stem}", f"name={_name(stem, data)}", f"data={data}", *settings, *overrides]
        elif stems:
            raise BadInput(
                f"{stem} does not say how it is asked on {data}: its file needs DATASETS = {{{data!r}: [...]}}"
            )
    if not commands:
        allowed = ", ".join(dict.fromkeys(name for stem in every for name in _datasets_of(stem)))
        raise BadInput(f"--data is {data!r}; no experiment says how it is asked there; allowed: {allowed}")
    return commands


def _datasets_of(stem: str) -> Collection[str]:
    """The datasets on which a claim's sweep is asked; none if its file is broken, which was said already."""
    from workbench.engine.errors import BadInput
    from workbench.report.experiments import experiment_of

    try:
        return experiment_of(stem).datasets
    except BadInput:
        return ()


def run(commands: Mapping[str, Sequence[str]], options: Sequence[str] = ()) -> list[EndedSweep]:
    """Run the sweeps one after the other, with these options. A failed one does not stop the others; Ctrl-C does.

    The page of each is written while the next one trains.
    """
    from workbench.quantities import counted, duration
    from workbench.report.pages_beside import pages_beside

    started, ended = perf_counter(), list[EndedSweep]()
    with pages_beside() as pages:
        for place, (stem, arguments) in enumerate(commands.items(), start=1):
            _say(f"[{place} of {len(commands)}] {stem}")
            pages.last = place == len(commands)
            ended.append(_ended(stem, arguments, options))
            took = duration(ended[-1].seconds)
            _say(f"[{place} of {len(commands)}] {stem} took {took}, exit status {ended[-1].status}")
            if ended[-1].status == EXIT_INTERRUPTED:
                break
        else:
            pages.collect(wait=True)
            _say(f"{counted(len(commands), 'sweep')} took {duration(perf_counter() - started)}")
    return [_without_page(one) if _name_in(one.command, one.stem) in pages.failed else one for one in ended]


def _ended(stem: str, arguments: Sequence[str], options: Sequence[str]) -> EndedSweep:
    """Run one sweep."""
    from workbench.sweep.hydra.command import main as command

    before, documents = perf_counter(), list[dict[str, object]]()
    if output.is_json():
        with output.kept() as documents:
            status = command([*arguments, *options])
    else:
        status = command([*arguments, *options])
    return EndedSweep(stem, arguments, status, perf_counter() - before, documents[-1] if documents else None)


def _without_page(ended: EndedSweep) -> EndedSweep:
    """A sweep whose page could not be written, as it would have ended if that had been known."""
    from workbench.sweep.execution.failures import ENDINGS, EXIT_FAILED

    status = max(EXIT_FAILED, ended.status)
    known = {"outcome": ENDINGS[status], "exit_status": status, "pages": []}
    return replace(ended, status=status, document={**ended.document, **known} if ended.document else None)


def settle(commands: Mapping[str, Sequence[str]], options: Sequence[str] = ()) -> list[EndedSweep]:
    """Run each sweep at the first look of its rules, and go on to the next one while a claim of it is open.

    A sweep whose rules name no looks is run as its file says.
    """
    from workbench.report.experiments import experiment_of
    from workbench.report.verdicts.claim_rules import rules_of
    from workbench.report.verdicts.decision import decide_all
    from workbench.report.verdicts.looks import seeds_to_train
    from workbench.tracking.read import load

    ended: list[EndedSweep] = []
    for stem, command in commands.items():
        claims = experiment_of(stem).claims
        looked = [claim for claim in claims if any(getattr(rule, "looks", ()) for rule in rules_of(claim))]
        seeds = seeds_to_train(claims, None, ()) if looked else ()
        while True:
            ended += run({stem: [*command, *([f"seed={','.join(map(str, seeds))}"] if seeds else [])]}, options)
            if not looked or ended[-1].status or _is_dry(command):
                break
            tables = load(_name_in(command, stem), _uri_in(command))
            judged = zip(claims, decide_all(claims, tables), strict=True)
            opened = [claim.id for claim, found in judged if found.verdict == "inconclusive" and claim in looked]
            before, seeds = seeds, seeds_to_train(claims, tables.runs, opened)
            if seeds == before:
                break
            _say(f"{stem}: {', '.join(opened)} open at {len(before)} seeds; {len(seeds)} seeds are looked at next")
        if ended[-1].status == EXIT_INTERRUPTED:
            break
    return ended


def _is_dry(overrides: Sequence[str]) -> bool:
    """Whether a plan is printed and nothing trained."""
    said = [text.partition("=")[2] for text in overrides if text.startswith("dry_run=")]
    return bool(said) and said[-1].lower() == "true"


def _name_in(command: Sequence[str], stem: str) -> str:
    return next((text.partition("=")[2] for text in reversed(command) if text.startswith("name=")), stem)


def _uri_in(command: Sequence[str]) -> str | None:
    return next((text.partition("=")[2] for text in reversed(command) if text.startswith("tracking.uri=")), None)


def conclude(folder: Path, expected: Sequence[Expected] = ()) -> tuple[str, dict[str, object], list[Flip]]:
    """Write the verdicts of all pages in the folder as `index.json`. Returns them as a few lines of text, as JSON data,
    and those that differ from what was expected.
    """
    from workbench.report.page.expected import flips
    from workbench.report.page.verdict_list import as_data, gather, in_words, write

    found = gather(folder)
    flipped = flips(expected, found)
    file, index = write(found, folder), folder / "index.html"
    there = index.is_file()  # no sweep may have come to a page
    lines = [in_words(found), *map(str, flipped), f"verdicts: {file}" + (f" and {index}" if there else "")]
    return "\n".join(lines), {"file": str(file), "index": str(index) if there else None, **as_data(found)}, flipped


def _parser() -> Parser:
    parser = Parser(
        "reproduce", ABOUT, EXAMPLES, json="print the ends of all sweeps and the verdicts as one JSON document"
    )
    parser.add_argument("stems", nargs="*", metavar="STEM", help="sweeps of claims (default: all of them)")
    parser.add_argument("--data", default=HOME, help=f"another dataset, see `workbench list asked` (default: {HOME})")
    parser.add_argument(
        "--expect", type=Path, metavar="FILE",
        help="verdicts that must come out: an index.json, or what `claims export` wrote; status 1 if one flips",
    )  # fmt: skip
    parser.add_argument("--list", action="store_true", help="print the commands, run nothing")
    parser.add_argument(
        "--settle", action="store_true",
        help="where rules name looks: train the seeds of the first look, and further ones while a claim is open",
    )  # fmt: skip
    parser.add_argument(
        "--set", dest="overrides", nargs="+", default=[], metavar="KEY=VALUE",
        help="for every sweep: tracking.uri=..., workers=2, reuse=false, dry_run=true",
    )  # fmt: skip
    return parser


def _say(line: str) -> None:
    if not output.is_quiet():
        print(line, file=sys.stderr, flush=True)
