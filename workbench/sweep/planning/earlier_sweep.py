"""Changes since the last sweep of the same name. They are reported; none is an error."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from workbench.sweep.planning.plan import Plan
from workbench.sweep.store import Earlier

WATCHED = ("versions", "python", "machine", "device")  # facts on which a run's last digits may depend


def changes(name: str, earlier: Earlier | None, work: Plan, facts: Mapping[str, str]) -> list[str]:
    """One line: on other cells, if the sweep is a different one; on other libraries or machine, if it continues."""
    if earlier is None:
        return []
    since = datetime.fromtimestamp(earlier.started).isoformat(sep=" ", timespec="minutes")
    if earlier.digest != work.digest:
        before, now = set(earlier.fingerprints), {cell.fingerprint for cell in work.cells}
        return [
            f"{name}: not the sweep of that name of {since}: {len(now & before)} of its runs are the same, "
            f"{len(now - before)} new, {len(before - now)} no longer asked for; the store keeps both, the page shows "
            "this one"
        ]
    if not work.runs_to_train:
        return []
    changed = [f"{key}: {said}" for key in WATCHED if (said := _difference(earlier.facts.get(key), facts.get(key)))]
    if not changed:
        return []
    return [f"{name}: goes on after {since} under other conditions, so last digits may differ: {'; '.join(changed)}"]


def _difference(before: str | None, now: str | None) -> str:
    """What differs in two lists of facts, like "numpy 2.4.5 -> numpy 2.4.6"; "" if nothing does."""
    if not before or not now or before == now:
        return ""
    old, new = before.split(", "), now.split(", ")
    gone, come = [part for part in old if part not in new], [part for part in new if part not in old]
    return f"{', '.join(gone) or '(nothing)'} -> {', '.join(come) or '(nothing)'}"
