"""The command `python -m workbench`: Hydra's command line, with errors that are one line."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from traceback import walk_tb
from typing import Any, NoReturn

from hydra import version
from hydra._internal.utils import _run_hydra, get_args_parser
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError  # type: ignore[import-untyped]

from workbench import places
from workbench.engine.errors import BadInput
from workbench.redaction import redacted_message, remember
from workbench.sweep import register
from workbench.sweep.complain import complaint, unreadable

OTHER_COMMANDS = ("help", "hydra_help", "cfg", "info", "shell_completion", "run", "multirun")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit status. Bad input is one line on stderr and status 2."""
    for text in sys.argv[1:] if arguments is None else arguments:
        remember(text)
    parser = get_args_parser()
    parser.error = _refuse  # type: ignore[method-assign]
    try:
        _run(parser, parser.parse_args(arguments))
    except BadInput as error:
        print(error, file=sys.stderr)
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
    # Hydra prints errors over several lines unless it is told to raise them.
    before = os.environ.get("HYDRA_FULL_ERROR")
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        with _shown_without_secrets(args):
            _run_hydra(args, parser, _never_called, str(places.ours("conf")), "config")
    except BadInput:
        raise
    except (HydraException, OmegaConfBaseException, YAMLError) as error:
        raise complaint(error, args.overrides, register.loader()) from error
    except UnicodeDecodeError as error:
        raise unreadable(error) from error
    except ValueError as error:
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


def _is_hydras(error: BaseException) -> bool:
    """Whether Hydra itself raised it, for optimizer=3 and the like: a fault of ours must not pass for bad input."""
    *_, (frame, _) = walk_tb(error.__traceback__)
    return str(frame.f_globals.get("__name__")).startswith("hydra.")


def _never_called(_: Any) -> NoReturn:
    raise AssertionError("our launcher trains packs; it calls no task function")


def _refuse(message: str) -> NoReturn:
    raise BadInput(f"{message} (see python -m workbench --help)")
