"""Claims of a store as one file to archive: plans, questions with their digests, attempts and verdicts; and its check.

What is written of a sweep is a function of the store and of the experiment files. To verify an archive is to write the
same again, and to say what differs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from workbench import files
from workbench.engine.errors import BadInput
from workbench.report.experiments import experiment_of
from workbench.report.page import page_data
from workbench.report.page.json_documents import ArchivedClaim, ArchivedSweep, ArchiveForm
from workbench.report.verdicts.attempts import attempts_on
from workbench.report.verdicts.claim_rules import Claim, as_data, rules_of
from workbench.report.verdicts.decision import decide_all
from workbench.report.verdicts.deviations import described
from workbench.report.verdicts.stored_rules import stored_entry

if TYPE_CHECKING:
    from workbench.report.verdicts.verdict import Verdict
    from workbench.tracking.read import SweepTables

FORM = "workbench.claim_archive"
VERSION = 1
_FACTS = (
    "digest", "command", "sweep_file", "started", "rules_stored", "commit", "dirty", "python", "versions", "machine",
    "data_digest", "departures", "unasked",
)  # fmt: skip
_OF_A_CELL = ("cell", "fingerprint", "overrides", "outcome", "weights_digest")


def archive(uri: str | None = None, names: Sequence[str] = ()) -> ArchiveForm:
    """The claims of these sweeps (default: of every sweep of the store that has some) as plain data with its digest.

    Raises BadInput if the store cannot be read, holds no sweep of a name, or no claim at all.
    """
    from workbench.report.rebuild import sweep_names
    from workbench.tracking.read import load

    found = [_of_sweep(load(name, uri)) for name in names or sweep_names(uri)]
    kept = [one for one in found if one["claims"]]
    if not kept:
        raise BadInput("claims: no sweep of the store has a claim")
    made: ArchiveForm = {"document": FORM, "version": VERSION, "sweeps": kept, "digest": ""}
    return {**made, "digest": _digest(made)}


def write(found: ArchiveForm, file: Path) -> None:
    """Write an archive. Raises BadInput if that is not possible."""
    try:
        files.write(file, json.dumps(found, indent=1, sort_keys=True, ensure_ascii=True) + "\n")
    except OSError as error:
        raise BadInput(f"{file} cannot be written ({error.strerror})") from error


def read(file: Path) -> ArchiveForm:
    """An archive from its file. Raises BadInput if it is none."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{file} cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise BadInput(f"{file} is no JSON: {error}") from error
    if not isinstance(found, dict) or found.get("document") != FORM or not isinstance(found.get("sweeps"), list):
        raise BadInput(f"{file} is no archive of claims; `workbench claims export` writes one")
    if found.get("version") != VERSION:
        raise BadInput(f"{file} is of version {found.get('version')}; allowed: {VERSION}")
    return cast(ArchiveForm, found)


def differences(found: ArchiveForm, uri: str | None = None) -> list[str]:
    """What the store says otherwise than an archive, a line each; none if all of it holds."""
    lines = [] if found.get("digest") == _digest(found) else ["the file was changed: its digest is another one"]
    for held in found["sweeps"]:
        lines += [f"{held.get('name')}: {line}" for line in _differences(held, uri)]
    return lines


def _of_sweep(tables: SweepTables) -> ArchivedSweep:
    claims = experiment_of(tables.facts.get("sweep_file") or tables.name).claims
    judged = zip(claims, decide_all(claims, tables), strict=True)
    cells = tables.runs.reindex(columns=list(_OF_A_CELL)).sort_values("cell")
    made = page_data.plain({
        "name": tables.name, "dataset": described(tables)[1],
        "facts": {name: tables.facts.get(name, "") for name in _FACTS},
        "cells": cells.astype(object).where(cells.notna(), None).to_dict("records"),
        "claims": [_of_claim(claim, verdict, tables) for claim, verdict in judged],
    })  # fmt: skip
    return cast(ArchivedSweep, made)


def _of_claim(claim: Claim, found: Verdict, tables: SweepTables) -> dict[str, object]:
    stored = stored_entry(claim.id, tables.facts.get("rules", ""))
    return {
        "id": claim.id, "rules": [as_data(rule) for rule in rules_of(claim)],
        "stored": {name: stored.get(name, "") for name in ("question", "digests", "cells", "measure", "deciding")},
        "attempts": [vars(one) for one in attempts_on(claim, tables)],
        "verdict": page_data.verdict_in_short(claim, found), "differences": [list(pair) for pair in found.differences],
    }  # fmt: skip


def _differences(held: ArchivedSweep, uri: str | None) -> Iterator[str]:
    from workbench.tracking.read import load

    try:
        now = _of_sweep(load(str(held.get("name")), uri))
    except BadInput as error:
        yield str(error)
        return
    for name in _FACTS:
        if now["facts"][name] != held.get("facts", {}).get(name):
            yield f"{name} is {now['facts'][name]!r:.80}, and {held.get('facts', {}).get(name)!r:.80} in the file"
    before_cells = held.get("cells", [])
    changed = [str(one["cell"]) for one in now["cells"] if one not in before_cells]
    if changed or len(now["cells"]) != len(before_cells):
        yield f"cells differ: {', '.join(changed[:5]) or 'the file holds more'}"
    before = {one["id"]: one for one in held.get("claims", [])}
    for one in now["claims"]:
        yield from _of_a_claim(one, before.pop(one["id"], None))
    yield from (f"{name}: there is no such claim any more" for name in before)


def _of_a_claim(now: ArchivedClaim, held: ArchivedClaim | None) -> Iterator[str]:
    name = now["id"]
    if held is None:
        yield f"{name}: the file does not hold this claim"
        return
    words = [one["verdict"]["verdict"] for one in (now, held)]
    if words[0] != words[1]:
        yield f"{name}: the verdict is {words[0]}, and {words[1]} in the file"
    found, kept = cast(Mapping[str, object], now), cast(Mapping[str, object], held)
    for part in ("rules", "stored", "attempts", "differences"):
        if found[part] != kept.get(part):
            yield f"{name}: {part} differ"
    if words[0] == words[1] and now["verdict"] != held["verdict"]:
        yield f"{name}: what the verdict rests on differs"


def _digest(found: ArchiveForm) -> str:
    """The digest of an archive, of all but the digest itself."""
    content = {key: value for key, value in found.items() if key != "digest"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
