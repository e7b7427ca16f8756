"""`workbench reproduce [STEM ...]`: every claim's sweep, and all verdicts together."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from workbench import output
from workbench.signals import EXIT_INTERRUPTED
from workbench.words.in_turn import EndedSweep, exit_status, is_dry, pasteable, progress, run, settle
from workbench.words.lane_plan import lanes_for
from workbench.words.parser import Parser

if TYPE_CHECKING:
    from workbench.report.page.expected import Expected, Flip

EXIT_FLIPPED = 1
HOME = "digits"  # the dataset of the sweep files
ABOUT = """Every claim's sweep, and all verdicts together.

Each is the sweep `workbench +sweep=STEM` trains: what the store holds is not trained again, and whatever interrupts it,
the same command goes on where it stopped.

On two processor cores or more, up to four sweeps run at a time, the longest first, and a sweep's lines are printed when
it has ended. Those that take times run alone, after the others. On a GPU, or with as many workers as cores, one runs at
a time.

`--data NAME` asks those questions again that mean something there; `workbench list asked` shows the table. mnist has
1,200 training examples or as many as the sweep itself says: on two busy cores about three quarters of an hour, an
estimate from one seed of each. breast_cancer has 370 in two classes, spirals are points in the plane.
"""
EXAMPLES = """
workbench reproduce                              every claim of the lecture notes
workbench reproduce dropout sparsity --list      only print the commands of two sweeps
workbench reproduce --data mnist --set workers=2          two workers for each sweep
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
        ended = _run(commands, options, asked.overrides, asked.settle)
        status = exit_status(ended)
        if {sweep.stem for sweep in ended} < {*commands}:  # Ctrl-C came while others were ending
            status = max(status, EXIT_INTERRUPTED)
        text, verdicts, flipped = ("", None, []) if is_dry(asked.overrides) else conclude(Path("reports"), expected)
        status = max(status, EXIT_FLIPPED) if flipped else status
        output.show("reproduce", text, lambda: _document(status, ended, verdicts, flipped))
    return status


def _run(
    commands: Mapping[str, Sequence[str]], options: Sequence[str], overrides: Sequence[str], settled: bool
) -> list[EndedSweep]:
    """Run the sweeps, several at a time where there are the cores."""
    count, alone = lanes_for(commands, overrides)
    if count == 1:
        return (settle if settled else run)(commands, options)
    from workbench.words.lanes import run_in_lanes

    return run_in_lanes(commands, alone, count, options, settled)


def _show_commands(commands: Mapping[str, Sequence[str]]) -> None:
    text = "\n".join(map(pasteable, commands.values()))
    rows = [{"stem": stem, "command": pasteable(command)} for stem, command in commands.items()]
    output.show("reproduce", text, lambda: {"sweeps": rows})


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

    every = [stem for stem in experiment_files() if places.find("conf/sweep", f"{stem}.yaml")]
    if strangers := [stem for stem in stems if stem not in every]:
        raise BadInput(f"{strangers[0]} is not the sweep of a claim; allowed: {', '.join(every)}")
    commands: dict[str, list[str]] = {}
    for stem in stems or every:
        settings = _settings_on(data, stem) if stems else _settings_if_asked_on(data, stem)
        if settings is not None:
            named = [] if data == HOME else [f"name={_name(stem, data)}", f"data={data}"]
            commands[stem] = [f"+sweep={stem}", *named, *settings, *overrides]
    if not commands:
        allowed = ", ".join(dict.fromkeys(name for stem in every for name in _datasets_of(stem)))
        raise BadInput(f"--data is {data!r}; no experiment says how it is asked there; allowed: {allowed}")
    return commands


def _settings_on(data: str, stem: str) -> Sequence[str]:
    """The settings with which a sweep that a person names is asked on a dataset. On its own dataset it needs none."""
    from workbench.engine.errors import BadInput
    from workbench.report.experiments import experiment_of

    settings = experiment_of(stem).datasets.get(data, () if data == HOME else None)
    if settings is None:
        raise BadInput(f"{stem} does not say how it is asked on {data}: its file needs DATASETS = {{{data!r}: [...]}}")
    return settings


def _settings_if_asked_on(data: str, stem: str) -> Sequence[str] | None:
    """The settings with which a sweep is asked on a dataset; None if it is not, or its file is broken: that is said."""
    from workbench.engine.errors import BadInput
    from workbench.report.experiments import experiment_of

    try:
        return experiment_of(stem).datasets.get(data)
    except BadInput as error:
        progress(f"{error}; it is left out")
        return None


def _datasets_of(stem: str) -> Collection[str]:
    """The datasets on which a claim's sweep is asked; none if its file is broken, which was said already."""
    from workbench.engine.errors import BadInput
    from workbench.report.experiments import experiment_of

    try:
        return experiment_of(stem).datasets
    except BadInput:
        return ()


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
