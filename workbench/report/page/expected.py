"""Verdicts that were expected beside those that were found: which have flipped."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.engine.errors import BadInput
from workbench.report.page.json_documents import ArchiveForm, IndexForm, ListedVerdict
from workbench.report.verdicts.verdict import VERDICTS

NO_VERDICT = "not there"


@dataclass(frozen=True)
class Expected:
    """The verdict that is expected of a claim on a dataset, from the sweep of that name."""

    claim: str
    dataset: str
    sweep: str
    verdict: str


@dataclass(frozen=True)
class Flip:
    """A claim on a dataset whose verdict is another one than was expected."""

    claim: str
    dataset: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"flipped: {self.claim} on {self.dataset or 'its data'} is {self.found}, expected was {self.expected}"


def read_expected(file: Path, sweeps: Collection[str]) -> list[Expected]:
    """What a file expects of these sweeps: an `index.json` of reports, or an archive of claims.

    Raises BadInput if it cannot be read, or expects nothing of them, so that no gate passes for want of a question.
    """
    try:
        every = list(_verdicts(json.loads(file.read_text(encoding="utf-8"))))
    except OSError as error:
        raise BadInput(f"--expect: {file} cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(
            f"--expect: {file} holds no verdicts; allowed: index.json, or what claims export wrote"
        ) from error
    if strange := sorted({one.verdict for one in every} - set(VERDICTS)):
        raise BadInput(f"--expect: {file} holds {strange[0]!r:.40}; allowed: {', '.join(VERDICTS)}")
    found = [one for one in every if one.sweep in sweeps]
    if not found:
        raise BadInput(f"--expect: {file} holds no verdict of {', '.join(sorted(sweeps)):.200}")
    return found


def _verdicts(data: IndexForm | ArchiveForm) -> Iterator[Expected]:
    """The verdicts of a file, whose form nobody has checked yet."""
    if "sections" in data:
        for section in data["sections"]:
            for one in section["claims"]:
                yield Expected(str(one["id"]), str(one["dataset"]), str(one["sweep"]), str(one["verdict"]))
    else:
        for sweep in data["sweeps"]:
            for claim in sweep["claims"]:
                verdict = str(claim["verdict"]["verdict"])
                yield Expected(str(claim["id"]), str(sweep["dataset"]), str(sweep["name"]), verdict)


def flips(expected: Sequence[Expected], found: Sequence[ListedVerdict]) -> list[Flip]:
    """Which verdicts are not what was expected. A claim that was expected and has no verdict is one of them."""
    now = {(str(one["id"]), str(one["dataset"])): str(one["verdict"]) for one in found}
    pairs = [(one, now.get((one.claim, one.dataset), NO_VERDICT)) for one in expected]
    return [Flip(one.claim, one.dataset, one.verdict, word) for one, word in pairs if word != one.verdict]
