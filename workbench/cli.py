"""The command `workbench`, the same as `python -m workbench`: a subcommand runs its file, anything else is a run.

Nothing heavy is imported here, so help and version answer at once. Every subcommand imports what it needs when it runs.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from workbench import __version__, entry

WORDS = {
    "list": "the sweeps, claims, choices and keys that exist",
    "report": "pages again, from the store alone; two sweeps side by side",
    "advise": "what is wrong with the networks of a sweep, and what to type next",
    "reproduce": "every claim's sweep, several at a time, and all verdicts",
    "claims": "the claims of a store as one file to archive; verify such a file",
    "sweeps": "what the store holds and takes on disk; delete a sweep, export one",
    "completion": "a script that completes words, groups, choices, keys and sweeps in bash, zsh or fish",
}
RUN = "workbench.sweep.hydra.command"
HELP = f"""usage: workbench [KEY=VALUE ...] [options]      train a sweep, write its page
       workbench WORD ...                       workbench WORD --help says more

Workbench trains every run of a sweep with its own network engine, keeps them in MLflow and writes a report.
The same command goes on where it was interrupted, and trains nothing that the store holds.

words:
{chr(10).join(f"  {word:10}  {summary}" for word, summary in WORDS.items())}

examples:
  workbench                                              one run with the defaults
  workbench network.depth=1,2,4 optimizer=sgd,adam 'seed=range(4)'
                                                         every combination: 3 x 2 x 4 = 24 runs
  workbench +sweep=tour seed=0 dry_run=true              a sweep from a file, with one seed; only print the plan

what to sweep over:
  KEY=VALUE        any setting: workbench list keys shows each with default, range and meaning
  KEY=1,2,4        several values, or 'KEY=range(start,stop,step)': every combination is a run
  GROUP=CHOICE     several settings at once: workbench list groups
  +sweep=NAME      a sweep file, ours or in your own conf/sweep: workbench list sweeps

options:
  -h, --help       this
  --version        the version of Workbench
  -q, --quiet      standard error holds only what failed
  --json           print the plan (dry_run=true) or how the sweep ended as one JSON document: docs/command.md
  -c, --cfg PART   print the configuration of a run instead of training it: job, hydra or all
  --resolve        with --cfg: interpolations written out
  -p, --package S  with --cfg: only that section, as network
  -i, --info TOPIC print what Hydra composes from: all, config, defaults, defaults-tree, plugins or searchpath
  --hydra-help     Hydra's own help, for the syntax of overrides
  -m, --multirun   changes nothing: every command is a multirun of Hydra

exit status:
  0 done, 1 something failed (a run, a recording, the page), 2 bad input, 130 interrupted,
  141 nobody read what was printed
"""


def start() -> NoReturn:
    """What the console script calls: run the command and end the process with its exit status."""
    entry.run("workbench.cli")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit status. Bad input is one line on standard error and status 2."""
    asked = list(sys.argv[1:] if arguments is None else arguments)
    word = next((text for text in asked if not text.startswith("-")), "")
    if word in WORDS:
        asked.remove(word)
        return _called(f"workbench.words.{word}", asked)
    if {"-h", "--help"} & set(asked):
        print(HELP, end="")
        return 0
    if "--version" in asked:
        print(f"workbench {__version__}")
        return 0
    if meant := _misspelt(word):
        print(f"{word}: no word of workbench; did you mean {meant}? (see workbench --help)", file=sys.stderr)
        return entry.BAD_INPUT
    return _called(RUN, asked)


def _called(module: str, arguments: Sequence[str]) -> int:
    from workbench import output
    from workbench.engine.errors import BadInput

    try:
        return int(import_module(module).main(arguments))
    except BadInput as error:
        print(output.on_one_line(str(error)), file=sys.stderr)
        return entry.BAD_INPUT
    except SystemExit as end:  # as argparse ends, having printed a help
        return end.code if isinstance(end.code, int) else int(end.code is not None)


def _misspelt(word: str) -> str:
    """The word that is meant by something like `lst`; "" if it is a word of another kind."""
    from difflib import get_close_matches

    from workbench import places

    if not word.isalpha() or places.find("conf/sweep", f"{word}.yaml"):
        return ""
    return next(iter(get_close_matches(word, WORDS, n=1, cutoff=0.7)), "")
