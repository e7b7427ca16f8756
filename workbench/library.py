"""`workbench.sweep(...)`: a sweep asked for from Python, by the same way as from the command line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import PurePath
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from workbench import output
from workbench.config import SETTINGS
from workbench.engine.errors import BadInput
from workbench.signals import EXIT_INTERRUPTED
from workbench.sweep.hydra import command
from workbench.sweep.hydra.internals import in_single_quotes

if TYPE_CHECKING:
    from workbench.report.tidy import Sweep

_NEEDS_NO_QUOTES = re.compile(r"[A-Za-z_][\w./-]*")  # texts that Hydra's grammar takes as they are
_TAKEN_FOR_OTHERS = ("null", "true", "false", "nan", "inf")  # and those of them that it would take for something else
_OF_THE_COMMAND = {"dry_run": "a plan is shown in a terminal: workbench ... dry_run=true"}
_TRACKING = "tracking.uri"
_ONE_AT_A_TIME = Lock()  # held by the call that trains: Hydra and what a sweep prints are one a process


def sweep(
    varied: str | Mapping[str, object] | None = None,
    /,
    *,
    name: str | None = None,
    uri: str | None = None,
    quiet: bool = False,
    **settings: object,
) -> Sweep:
    """Train every combination of the values, record them in the store, write the page; the tables of what came out.

    `varied` maps keys to values: `{"network.depth": [1, 2, 4], "seed": range(12)}`; a list, tuple, range or array is
    swept over, anything else holds for all runs. Or it is the name of a sweep file: `sweep("tour", seed=0)`. `settings`
    are further keys, a section as a dictionary: `optimizer="adam", training={"epochs": 5}`. `name` is that of the
    sweep (default: the sweep file's, or a digest), `uri` the store as in tracking.uri. With `quiet` no progress is
    shown. What the store holds is not trained again.

    Raises BadInput for what the command would refuse, KeyboardInterrupt if it was interrupted: the same call goes on.
    If runs failed, their outcome says so.
    """
    first = {"sweep": varied} if isinstance(varied, str) else {} if varied is None else varied
    if not isinstance(first, Mapping):
        found = type(first).__name__
        raise BadInput(
            f"sweep: found a {found}; allowed first: a dictionary of keys and values, or a sweep file's name"
        )
    of_the_sweep = {"name": name, _TRACKING: uri}
    asked = once(first, settings, {key: value for key, value in of_the_sweep.items() if value is not None})
    with _alone(), output.chosen(json=True, quiet=quiet), output.kept() as documents:
        status = command.train(list(overrides(asked)))
    if status == EXIT_INTERRUPTED:
        raise KeyboardInterrupt
    if not documents:
        raise BadInput("nothing was trained; the lines on standard error say why")
    from workbench.report import tidy  # late: pandas comes with it

    return tidy.load(str(documents[-1]["sweep"]), uri)


@contextmanager
def _alone() -> Iterator[None]:
    """Raises BadInput if another thread of this process is training a sweep."""
    if not _ONE_AT_A_TIME.acquire(blocking=False):
        raise BadInput("sweep: another thread of this process trains one; allowed: one at a time, or each in a process")
    try:
        yield
    finally:
        _ONE_AT_A_TIME.release()


def once(*parts: Mapping[str, object]) -> dict[str, object]:
    """All of them under dotted keys. Raises BadInput if one is given twice, also once by itself and once in a section:
    either may be meant.
    """
    found: dict[str, object] = {}
    for key, value in (item for part in parts for item in _dotted(part)):
        if key in found:
            raise BadInput(f"{key}: is given twice; allowed: once")
        found[key] = value
    return found


def _dotted(part: Mapping[str, object], section: str = "") -> Iterator[tuple[str, object]]:
    for key, value in part.items():
        if not isinstance(key, str):
            raise BadInput(f"{key!r:.80}: is no key; allowed: a text, such as 'network.depth'")
        if isinstance(value, Mapping):
            yield from _dotted(value, f"{section}{key}.")
        else:
            yield f"{section}{key}", value


def overrides(asked: Mapping[str, object]) -> Iterator[str]:
    """The overrides of the command line that ask for the same; `asked` has dotted keys. Raises BadInput for a value
    that none can have.
    """
    for key, value in asked.items():
        if key in _OF_THE_COMMAND:
            raise BadInput(f"{key}: is not for a call to set: {_OF_THE_COMMAND[key]}")
        if key == "sweep":
            yield f"+sweep={value}"
        else:
            yield f"{key}={_written(key, value)}"


def _written(key: str, value: object) -> str:
    """A value, or several of them, as typed behind the key."""
    if isinstance(value, range) and len(value) > 1:
        step = f",{value.step}" if value.step != 1 else ""
        return f"range({value.start},{value.stop}{step})"
    if (several := _several(key, value)) is None:
        return _one(key, value)
    if not several:
        raise BadInput(f"{key}: has no values; allowed: at least one")
    return ",".join(_one(key, one) for one in several)


def _several(key: str, value: object) -> list[object] | None:
    """The values to sweep over; None of a single one."""
    if not isinstance(value, list | tuple | range | np.ndarray):
        return None
    listed = key in SETTINGS and SETTINGS[key].listed
    return None if listed and all(isinstance(one, int | np.integer) for one in value) else list(value)


def _one(key: str, value: object) -> str:
    value = value.item() if isinstance(value, np.generic) else value
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{','.join(_one(key, one) for one in value)}]"
    if not isinstance(value, str | PurePath):
        kind = type(value).__name__
        raise BadInput(f"{key} is a {kind}; allowed: a number or a text; several in a list, tuple, range or array")
    text = str(value)
    if not text.isprintable():
        raise BadInput(f"{key} is {text!r:.80}; allowed: a number, a text, or several of them")
    return (
        text if _NEEDS_NO_QUOTES.fullmatch(text) and text.lower() not in _TAKEN_FOR_OTHERS else in_single_quotes(text)
    )
