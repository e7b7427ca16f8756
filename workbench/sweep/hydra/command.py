"""`workbench KEY=VALUE...`: Hydra's command line, with one-line errors."""

from __future__ import annotations

import os
import sys
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from difflib import get_close_matches
from io import StringIO
from traceback import walk_tb
from typing import NoReturn
from warnings import catch_warnings, filterwarnings

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError  # type: ignore[import-untyped]

from workbench import output, places
from workbench.config.own_rules import load_own_rules
from workbench.engine.errors import BadInput
from workbench.redaction import redacted_message, remember
from workbench.sweep.execution.log import say
from workbench.sweep.hydra import internals, register
from workbench.sweep.hydra.complain import complaint, refuse_path, unreadable
from workbench.sweep.hydra.log_range import written_out
from workbench.sweep.hydra.sweep_file_checks import check_file
from workbench.sweep.hydra.typed import check

HYDRAS = ("hydra", "omegaconf", "antlr4", "yaml")
PRIMARY = "config"  # conf/config.yaml
TOPICS = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")  # what --info shows
# Hydra's options that have no meaning here, and what to type instead.
REFUSED = {
    "--run": "every command is a sweep, and a single run is a sweep of one; leave it out",
    "--config-name": "what differs from conf/config.yaml stands in a file of conf/sweep; type +sweep=NAME",
    "--config-path": "a conf folder in the working folder joins ours; type 'hydra.searchpath=[FOLDER]' for another one",
    "--config-dir": "a conf folder in the working folder joins ours; type 'hydra.searchpath=[FOLDER]' for another one",
    "--experimental-rerun": "the command that a run's page shows asks for it again",
    "--shell-completion": "type workbench completion bash, or zsh, or fish",
}
SHORT_FLAGS = {
    "-r": "--run", "-cn": "--config-name", "-cp": "--config-path", "-cd": "--config-dir", "-sc": "--shell-completion",
}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit status. Bad input is one line on stderr and status 2."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    for text in arguments:
        remember(text)
    try:
        args = parsed(arguments)
        with output.chosen(json=args.json, quiet=args.quiet):
            return _ended(args)
    except BadInput as error:
        print(output.on_one_line(str(error)), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the same command goes on where this one stopped", file=sys.stderr)
        return 130


def train(overrides: Sequence[str]) -> int:
    """Train what the overrides ask for; the exit status of the sweep. Raises BadInput and KeyboardInterrupt."""
    for text in overrides:
        remember(text)
    return _ended(parsed(overrides))


def _ended(args: Namespace) -> int:
    """Do what was asked for; the exit status."""
    for line in load_own_rules(places.theirs("rules")):
        say(output.on_one_line(line))
    register.register_rows()
    try:
        _run(args)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def parser() -> ArgumentParser:
    """The flags of a run. Its help is printed by `workbench.cli`."""
    flags = ArgumentParser(prog="workbench", add_help=False, allow_abbrev=False, argument_default=SUPPRESS)
    flags.add_argument("overrides", nargs="*", default=[])
    flags.add_argument("--json", action="store_true", default=False)
    flags.add_argument("--quiet", "-q", action="store_true", default=False)
    flags.add_argument("--cfg", "-c", choices=("job", "hydra", "all"), default=None)
    flags.add_argument("--package", "-p", default=None)
    flags.add_argument("--resolve", action="store_true", default=False)
    flags.add_argument("--info", "-i", nargs="?", const="all", choices=TOPICS, default=None)
    flags.add_argument("--hydra-help", action="store_true", default=False)
    flags.add_argument("--multirun", "-m", action="store_true", default=False)  # no effect: every command is one
    flags.error = _refuse  # type: ignore[method-assign]
    return flags


def parsed(arguments: Sequence[str]) -> Namespace:
    """The parsed command line. Raises BadInput for an option that is unknown, has no effect here, or excludes another
    one.
    """
    for text in arguments:
        flag = text.partition("=")[0] if text.startswith("-") else ""
        if reason := REFUSED.get(SHORT_FLAGS.get(flag, flag)):
            raise BadInput(f"{flag}: cannot be set by a command: {reason}")
    flags = parser()
    args, unknown = flags.parse_known_intermixed_args(arguments)
    if unknown:
        every = [name for name in flags._option_string_actions if name.startswith("--")]
        close = get_close_matches(unknown[0].partition("=")[0], every, n=1)
        raise BadInput(f"{unknown[0]}: no option of this name{_meant(close)} (see workbench --help)")
    if args.cfg and args.info:
        raise BadInput("--cfg and --info: one at a time")
    for flag in ("package", "resolve"):
        if getattr(args, flag) and not args.cfg:
            raise BadInput(f"--{flag}: goes with --cfg")
    return args


def _run(args: Namespace) -> None:
    args.overrides = [written_out(text) for text in args.overrides]
    _check(args.overrides)
    # Without this Hydra prints an error over several lines; with it Hydra raises the error.
    before = os.environ.get("HYDRA_FULL_ERROR")
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        with catch_warnings():
            filterwarnings("error", category=UserWarning, module=r"hydra\.")
            with internals.started(places.ours("conf"), "workbench") as hydra:
                _do(args, hydra)
    except BadInput:
        raise
    except (HydraException, OmegaConfBaseException, YAMLError) as error:
        raise complaint(error, args.overrides, register.loader()) from error
    except UnicodeDecodeError as error:
        raise unreadable(error) from error
    except Exception as error:
        if not _is_hydras(error):
            raise
        raise complaint(error, args.overrides, register.loader()) from error
    finally:
        os.environ.pop("HYDRA_FULL_ERROR") if before is None else os.environ.update(HYDRA_FULL_ERROR=before)


def _do(args: Namespace, hydra: internals.Hydra) -> None:
    if args.hydra_help:
        internals.show_hydra_help(hydra, PRIMARY)
    elif args.cfg:
        with _shown_without_secrets():
            _show_configuration(args, hydra)
    elif args.info:
        with _shown_without_secrets():
            internals.show_information(hydra, PRIMARY, args.overrides, args.info)
    else:
        internals.multirun(hydra, PRIMARY, args.overrides, _never_called)


def _show_configuration(args: Namespace, hydra: internals.Hydra) -> None:
    try:
        with redirect_stderr(StringIO()):  # if it finds no such package, Hydra prints so there and exits
            internals.show_configuration(hydra, PRIMARY, args.overrides, args.cfg, args.package, args.resolve)
    except SystemExit as end:
        raise BadInput(f"--package is {args.package!r}; allowed: a section of the configuration, as network") from end


@contextmanager
def _shown_without_secrets() -> Iterator[None]:
    """Remove secrets from the output of --cfg and --info: a store's address may hold its password."""
    shown = StringIO()
    try:
        with redirect_stdout(shown):
            yield
    finally:
        print(redacted_message(shown.getvalue()), end="")


def _check(overrides: Sequence[str]) -> None:
    """Check the overrides and the sweep files that they name, before Hydra composes anything."""
    check(overrides, [file.stem for folder in places.both("conf") for file in folder.glob("sweep/*.yaml")])
    for text in overrides:
        key, _, stem = text.partition("=")
        if key.lstrip("+") == "sweep":
            refuse_path("sweep", stem)
            check_file(stem)


def _is_hydras(error: BaseException) -> bool:
    """Whether Hydra raised it, as for optimizer=3. A programming error of ours must not be reported as bad input.

    The innermost frame that is Hydra's or workbench's decides. Frames of other libraries do not count.
    """
    owners = [str(frame.f_globals.get("__name__")).partition(".")[0] for frame, _ in walk_tb(error.__traceback__)]
    return next((owner for owner in reversed(owners) if owner in (*HYDRAS, "workbench")), "") in HYDRAS


def _never_called(_: object) -> NoReturn:
    raise BadInput("hydra/sweeper or hydra/launcher is not one of Workbench's; allowed: grid or optuna, and packed")


def _refuse(message: str) -> NoReturn:
    raise BadInput(f"{message.replace('argument ', '', 1)} (see workbench --help)")


def _meant(close: Sequence[str]) -> str:
    return f"; did you mean {close[0]}?" if close else ""
