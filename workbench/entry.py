"""How the command begins and ends, whichever way it is called.

This runs before the first library is imported. It protects the imports from Ctrl-C, a closed standard error, a strict
warning filter and modules of the working folder.
"""

from __future__ import annotations

import codecs
import logging
import os
import sys
import warnings
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from workbench import blas, signals, streams

BAD_INPUT = 2
_OTHER_MODULES = r"(?!workbench(\.|$))"  # modules of libraries


def run(module: str) -> NoReturn:
    """Import `module` by its name, call its `main()` and end the process with the exit status that it returns."""
    signals.strike_at_once()
    streams.secure()
    _speak_utf8()
    raise SystemExit(streams.ended(_status_of(module)))


def _status_of(module: str) -> int:
    try:
        here = str(Path.cwd())
    except OSError as error:
        print(f"the working folder cannot be used ({error.strerror}); change into one that is there", file=sys.stderr)
        return BAD_INPUT
    _import_nothing_of(here)
    _spare_libraries()
    blas.one_thread_unless_set()
    try:
        return int(import_module(module).main())
    except SystemExit as end:  # as argparse ends
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except UnicodeEncodeError as error:
        print(
            f"{ascii(error.object)[:200]} cannot be written in this locale, whose encoding is {error.encoding}; "
            "set PYTHONUTF8=1",
            file=sys.stderr,
        )
        return BAD_INPUT


def _speak_utf8() -> None:
    """Restart Python in UTF-8 mode if it would decode file names as ASCII, as with LC_ALL=C and PYTHONUTF8=0."""
    if codecs.lookup(sys.getfilesystemencoding()).name == "ascii" and not sys.flags.utf8_mode:
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def _import_nothing_of(folder: str) -> None:
    """`python -m` looks for every module in the working folder first: for `random`, and for plugins of Hydra's.

    A person's files of such names are not meant for us. The folder stays where Workbench itself is imported from it.
    """
    package = Path(__file__).resolve().parents[1]
    if not sys.flags.safe_path and sys.path and sys.path[0] in ("", folder) and Path(folder).resolve() != package:
        del sys.path[0]
    os.environ["PYTHONSAFEPATH"] = "1"  # for worker processes


def _spare_libraries() -> None:
    """Apply `python -W error` to our code alone: warnings of libraries are shown and end nothing, also in workers.

    What the shell says of a window to draw in is forgotten: pages need none, and a notebook's shell names a backend
    that this environment may lack.
    """
    os.environ.pop("MPLBACKEND", None)
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it complains of folders that it cannot make
    if not any(option.startswith("e") for option in sys.warnoptions):
        return
    warnings.filterwarnings("default", module=_OTHER_MODULES)
    sys.warnoptions[:] = [option for option in sys.warnoptions if not option.startswith("e")]
    os.environ.pop("PYTHONWARNINGS", None)
