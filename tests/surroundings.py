"""What the suite takes from the machine and what it hides, so that the same tests pass for everybody.

Nothing samples the load of the machine, which would cost a third of what is tested. Hidden are the home, and the
variables of a person's shell that steer what is tested. What stays is the folder of caches, where it can be written to:
engine and fonts are prepared once, for all workers and all processes that tests start. Python keeps what it compiled
in the checkout, even where it is told not to: hundreds of processes would compile every file that they import, which
took a minute of four.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from pathlib import Path

from workbench.blas import ONE_THREAD
from workbench.tracking.system import SAMPLING_SWITCH

SIGNALS = {
    signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL, signal.SIGHUP: signal.SIG_DFL,
}  # fmt: skip
STEERING = ("MLFLOW_", "HYDRA_", "NUMBA_", "MPL", "XDG_CONFIG_HOME", "XDG_DATA_HOME")
TERMINAL = ("FORCE_COLOR", "NO_COLOR", "CLICOLOR", "COLUMNS", "LINES", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "BROWSER")
HERE = "127.0.0.1,localhost"  # no proxy stands between a test and the server it starts


def settle() -> Path:
    """Hide the person's home and shell from this process and from all that it starts. Returns the new home."""
    caches = _caches()
    for name in list(os.environ):
        if name.startswith((*STEERING, *TERMINAL)):
            del os.environ[name]
    home = Path(tempfile.mkdtemp(prefix="workbench-tests-home-"))
    if caches:
        (home / ".cache").symlink_to(caches)
    os.environ |= {"HOME": str(home), "NO_PROXY": HERE, "no_proxy": HERE, SAMPLING_SWITCH: "false", **ONE_THREAD}
    os.environ.pop("XDG_CACHE_HOME", None)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    return home


def heed_signals() -> None:
    """Ctrl-C and a closed terminal strike, also where the suite runs in the background of a script or under nohup,
    which ignore them: whatever a process ignores, the processes that tests start would ignore too.
    """
    for number, action in SIGNALS.items():
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, action)


def _caches() -> Path | None:
    """The person's folder of caches; None where there is none that can be written to."""
    try:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute()
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except (OSError, RuntimeError):  # no home at all is a RuntimeError
        return None
