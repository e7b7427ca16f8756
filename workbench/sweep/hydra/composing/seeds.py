"""The seed of a job, apart from what else it says: jobs that differ in nothing but their seeds are composed once."""

from __future__ import annotations

import re
from collections.abc import Sequence

_HELD_BACK = "seed="  # in place of each seed in a job without its seeds
_WHOLE_NUMBER = re.compile(r"seed=(0|[1-9][0-9]*)")  # which Hydra reads as this seed, and as nothing else


def without_seed(job: Sequence[str]) -> tuple[tuple[str, ...], int | None]:
    """A job with every seed held back, and the one that counts, which is the last; None if it has none that is typed
    as an integer and nothing more.
    """
    rest, seed = list(job), None
    for place, text in enumerate(job):
        if found := _WHOLE_NUMBER.fullmatch(text):
            rest[place], seed = _HELD_BACK, int(found[1])
    return tuple(rest), seed


def decides_nothing_else(rest: Sequence[str], interpolated: str) -> bool:
    """Whether jobs with this rest differ in their seeds alone.

    `interpolated` is the text of the interpolations that the configuration files have. If one of them may lead to the
    seed, or an override holds one or says the seed, the jobs may differ more. Hydra writes an override's interpolation
    with backslashes, so its dollar is looked for.
    """
    others = [text for text in rest if text != _HELD_BACK]
    return not (
        any("$" in text or text.partition("=")[0].lstrip("+~") == "seed" for text in others)
        or "seed" in interpolated
        or "${${" in interpolated
    )
