"""The command `python -m workbench`: Hydra's command line, with errors that are one line."""

from __future__ import annotations

import os
import re
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from traceback import walk_tb
from typing import Any, NoReturn
from warnings import catch_warnings, filterwarnings

from hydra import version
from hydra._internal.utils import _run_hydra, get_args_parser
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError  # type: ignore[import-untyped]

from workbench import places
from workbench.config.own_rules import load_own_rules
from workbench.engine.errors import BadInput
from workbench.redaction import redacted_message, remember
from workbench.sweep.hydra import register
from workbench.sweep.hydra.complain import complaint, refuse_path, unreadable
from workbench.sweep.hydra.sweep_file import check_file
from workbench.sweep.hydra.typed import check

LONGEST = 2000  # characters of a complaint
HYDRAS = ("hydra", "omegaconf", "antlr4", "yaml")
OTHER_COMMANDS = ("help", "hydra_help", "cfg", "info", "shell_completion", "run", "multirun")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit status. Bad input is one line on stderr and status 2."""
    for text in sys.argv[1:] if arguments is None else arguments:
        remember(text)
    parser = get_args_parser()
    parser.error = _refuse  # type: ignore[method-assign]
    try:
        load_own_rules(places.theirs("rules"))
        register.register_rows()
        _run(parser, parser.parse_intermixed_args(arguments))
    except BadInput as error:
        print(on_one_line(str(error)), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the same command goes on where this one stopped", file=sys.stderr)
        return 130
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _run(parser: ArgumentParser, args: Namespace) -> None:
    version.setbase(register.HYDRA_BEHAVES_AS)
    if not any(getattr(args, name) for name in OTHER_COMMANDS):
        args.multirun = True  # else Hydra takes what it cannot compose for a single run, and complains of its commas
    _check(args.overrides)
    # Hydra prints errors over several lines unless it is told to raise them.
    before = os.environ.get("HYDRA_FULL_ERROR")
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        with _shown_without_secrets(args), catch_warnings():
            filterwarnings("error", category=UserWarning, module=r"hydra\.")
            _run_hydra(args, parser, _never_called, str(places.ours("conf")), "config")
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


@contextmanager
def _shown_without_secrets(args: Namespace) -> Iterator[None]:
    """What Hydra prints of a configuration (--cfg, --info) may hold the address of a store, with its password."""
    if not (args.cfg or args.info):
        yield
        return
    shown = StringIO()
    try:
        with redirect_stdout(shown):
            yield
    finally:
        print(redacted_message(shown.getvalue()), end="")


def _check(overrides: Sequence[str]) -> None:
    """What can be said of the overrides, and of the sweep files they name, before Hydra composes them."""
    check(overrides, [file.stem for folder in places.both("conf") for file in folder.glob("sweep/*.yaml")])
    for text in overrides:
        key, _, stem = text.partition("=")
        if key.lstrip("+") == "sweep":
            refuse_path("sweep", stem)
            check_file(stem)


def on_one_line(text: str) -> str:
    """A message as one line: what would end it, or steer a terminal, is shown as Python writes it in a string.

    A word that nobody could have meant is shown by its beginning, and so is a message of thousands of characters.
    """
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    text = re.sub(r"\S{400,}", lambda word: f"{word[0][:100]}…", text)
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} … {text[-LONGEST // 2 :]}"


def _is_hydras(error: BaseException) -> bool:
    """Whether Hydra itself raised it, for optimizer=3 and the like: a fault of ours must not pass for bad input.

    The innermost frame that is Hydra's or ours decides; what other libraries raise they raise for who called them.
    """
    owners = [str(frame.f_globals.get("__name__")).partition(".")[0] for frame, _ in walk_tb(error.__traceback__)]
    return next((owner for owner in reversed(owners) if owner in (*HYDRAS, "workbench")), "") in HYDRAS


def _never_called(_: Any) -> NoReturn:
    raise AssertionError("our launcher trains packs; it calls no task function")


def _refuse(message: str) -> NoReturn:
    raise BadInput(f"{message} (see python -m workbench --help)")
