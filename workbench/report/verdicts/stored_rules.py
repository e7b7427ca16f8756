"""The question of a claim as a sweep stores it when it starts, and whether a page judges by that very question.

A question is its rules, every cell of the sweep file, the source of the claim's measure, and the version of the code
that decides. Sweeps stored before the cells and the measure were part of it are compared by their rules alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from workbench.report.verdicts.claim_rules import Claim, as_data, digests, rules_of
from workbench.report.verdicts.measure_source import source_of

DECIDING_VERSION = 2  # raise it whenever equal runs may get another verdict, so that no older question is taken for it


def canonical_rules(claims: Iterable[Claim], cells: str = "") -> str:
    """The JSON text a sweep stores when it starts: claim id -> its rules, their digests and its question; "" without.

    `cells` is the digest of the cells of the sweep file.
    """
    table = {claim.id: _entry(claim, cells) for claim in claims}
    return json.dumps(table, sort_keys=True, separators=(",", ":"), ensure_ascii=False) if table else ""


def _entry(claim: Claim, cells: str) -> dict[str, object]:
    parts: dict[str, object] = {"digests": digests(claim), "cells": cells, "measure": _digest(source_of(claim.measure)),
             "deciding": DECIDING_VERSION}  # fmt: skip
    question = _digest(json.dumps(parts, sort_keys=True))
    return {"rules": [as_data(rule) for rule in rules_of(claim)], "question": question, **parts}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16] if text else ""


def stored_entry(name: str, stored: str) -> dict[str, object]:
    """What the rules `stored` when the sweep started hold of the claim of that id; empty if nothing can be read."""
    try:
        entry = json.loads(stored)[name] if stored else {}
    except (ValueError, KeyError, TypeError):
        return {}
    return entry if isinstance(entry, dict) and isinstance(entry.get("digests"), list) else {}


def fixed_beforehand(claim: Claim, stored: str) -> bool:
    """Whether the rules `stored` when the sweep started are this claim's, measured and decided by the same code."""
    held, now = stored_entry(claim.id, stored), _entry(claim, "")
    return bool(held) and all(held.get(name, now[name]) == now[name] for name in ("digests", "measure", "deciding"))
