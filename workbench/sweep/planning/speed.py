"""The training speed of this machine so far: the basis of time estimates, kept in one file next to the sweeps."""

from __future__ import annotations

import json
import math
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from workbench import files
from workbench.quantities import clock
from workbench.sweep.planning.packs import PlannedPack

SPEED_FILE = "speed.json"
# One core of about 2020, in units of `PlannedPack.cost` a second: assumed until a speed was measured.
TYPICAL = {"compiled": 6e9, "plain": 3e9}
ANY = 3e9
_WEIGHT = 0.5  # of the latest sweep in the average that is kept


@dataclass(frozen=True)
class KeptSpeed:
    """One entry of the file: units of `PlannedPack.cost` a second, and the day of the latest sweep in it."""

    speed: float
    of: str


@dataclass(frozen=True)
class Speeds:
    """Units of `PlannedPack.cost` a second, by machine, device, kernel and cores; learned from sweep to sweep."""

    folder: Path

    def learn(self, packs: Sequence[tuple[PlannedPack, float]], cores: int) -> None:
        """Update the speeds with packs that were trained from start to end here, each with its seconds."""
        known = self._known()
        for key in {_key(pack, cores) for pack, _ in packs}:
            mine = [(pack.cost, seconds) for pack, seconds in packs if _key(pack, cores) == key and seconds > 0]
            cost, seconds = (sum(column) for column in zip(*mine, strict=True)) if mine else (0.0, 0.0)
            if seconds > 1.0:  # shorter times are mostly start-up
                before = known[key].speed if key in known else cost / seconds
                speed = _WEIGHT * cost / seconds + (1 - _WEIGHT) * before
                known[key] = KeptSpeed(speed, date.today().isoformat())
        with suppress(OSError):  # a convenience: nothing depends on it
            self.folder.mkdir(parents=True, exist_ok=True)
            entries = {key: asdict(kept) for key, kept in known.items()}
            files.write(self.folder / SPEED_FILE, json.dumps(entries, indent=1))

    def estimate(self, packs: Sequence[PlannedPack], cores: int) -> str:
        """How long packs will take and on what basis, like "about 1:20 (basis: the speed of ... on this machine)"."""
        if not packs:
            return "none, nothing is left to train"
        known, seconds, bases = self._known(), 0.0, []
        for pack in packs:
            found = known.get(_key(pack, cores))
            seconds += pack.cost / found.speed if found else typical_seconds(pack, cores)
            bases.append(f"the speed of {found.of} on this machine" if found else "a typical processor, not this one")
        return f"about {clock(seconds)} (basis: {' and '.join(dict.fromkeys(bases))})"

    def _known(self) -> dict[str, KeptSpeed]:
        """The valid entries of the file; damaged ones are ignored without a message."""
        try:
            found = json.loads((self.folder / SPEED_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        entries = found.items() if isinstance(found, dict) else ()
        return {key: kept for key, entry in entries if (kept := _kept_speed(entry)) is not None}


def typical_seconds(pack: PlannedPack, cores: int) -> float:
    """How long a pack takes on a typical processor."""
    return pack.cost / (TYPICAL.get(pack.pack.kernel, ANY) * cores)


def _kept_speed(entry: object) -> KeptSpeed | None:
    """An entry as it was written; None if it is damaged."""
    if not isinstance(entry, dict):
        return None
    speed, of = entry.get("speed"), entry.get("of")
    if not isinstance(of, str) or not isinstance(speed, int | float) or not 0 < speed < math.inf:
        return None
    return KeptSpeed(speed, of)


def _key(pack: PlannedPack, cores: int) -> str:
    return f"{socket.gethostname()} {pack.pack.device} {pack.pack.kernel} {cores}"
