"""The experiment file of a sweep, `experiments/<stem>.py`, ours or a person's own: CLAIMS, and FIGURES if any.

An error in the user's file affects only that file.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import CodeType
from typing import TypeVar

from workbench import places
from workbench.engine.errors import BadInput
from workbench.report.experiment_files import declares_itself, experiment_files
from workbench.report.figures.figure import Figure
from workbench.report.verdicts.claim_rules import Claim
from workbench.sweep.execution.log import note, say

TRANSLATIONS = "statements.zh-Hant.json"  # beside the experiment files: claim id -> its statement in Chinese
Kind = TypeVar("Kind")
DIGITS_ALONE: Mapping[str, Sequence[str]] = {"digits": ()}


@dataclass(frozen=True)
class Experiment:
    """What an experiment file holds: the claims that its sweep decides, and figures of its own for the page.

    `datasets`: the datasets on which `reproduce` asks the question, each with further overrides for it (only data.*,
    since the rule is fixed for the other settings). A file without DATASETS is asked only on the digits, as its sweep
    file stands.
    """

    claims: tuple[Claim, ...] = ()
    figures: tuple[Figure, ...] = ()
    datasets: Mapping[str, Sequence[str]] = field(default_factory=lambda: DIGITS_ALONE)


def experiment_of(stem: str) -> Experiment:
    """The experiment of the sweep of that name, empty if no file declares it. Raises BadInput for a broken file."""
    file = places.find("experiments", f"{stem}.py")
    return experiment_in(file) if file and declares_itself(file) else Experiment()


def experiment_in(file: Path) -> Experiment:
    """What one file holds. Raises BadInput if it cannot be imported, or holds anything else as CLAIMS or FIGURES.

    Ours are read once, unless they are changed; a person's own may hang on what they import, and are read every time.
    """
    if file.parent != places.ours("experiments"):
        return _read(file)
    translations = file.with_name(TRANSLATIONS)
    return _read_once(file, *(path.stat().st_mtime_ns if path.exists() else 0 for path in (file, translations)))


@lru_cache(maxsize=256)
def _read_once(file: Path, *_changed: int) -> Experiment:
    return _read(file)


class _AsWritten(SourceFileLoader):
    """Compiles a file as it stands, and keeps nothing beside it.

    Python takes compiled code that it keeps for current if size and second of the file are the same: a margin that was
    just edited would be decided by its old value.
    """

    def get_code(self, fullname: str) -> CodeType:
        """The code of the file now."""
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def _read(file: Path) -> Experiment:
    where = f"{file.parent.name}/{file.name}"
    name = f"workbench_experiment_{file.stem}"
    spec = spec_from_file_location(name, file, loader=_AsWritten(name, str(file)))
    assert spec is not None
    assert spec.loader is not None
    if file.parent == places.theirs("experiments"):
        note(f"code of this folder that is run: {where}")
        _let_import(file.parent.parent)
    module = sys.modules[spec.name] = module_from_spec(spec)  # dataclasses look for their module there
    try:
        spec.loader.exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too, which a script raises when it reads its command line
        del sys.modules[spec.name]
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise BadInput(f"{where} cannot be imported: {reason}") from error
    claims = _list_of(Claim, "CLAIMS", getattr(module, "CLAIMS", None), where)
    claims = _translated(claims, file.with_name(TRANSLATIONS))
    figures = _list_of(Figure, "FIGURES", getattr(module, "FIGURES", ()), where)
    return Experiment(claims, figures, _datasets(getattr(module, "DATASETS", DIGITS_ALONE), where))


def claims_in(file: Path) -> tuple[Claim, ...]:
    """The claims in one file; see `experiment_in`."""
    return experiment_in(file).claims


def known_claims() -> dict[str, tuple[Claim, ...]]:
    """The claims of all experiment files by their stem. A broken file is left out with a message."""
    found: dict[str, tuple[Claim, ...]] = {}
    for stem, file in experiment_files().items():
        try:
            found[stem] = claims_in(file)
        except BadInput as error:
            say(f"{error}; its claims are left out")
    return found


def _let_import(folder: Path) -> None:
    """Let a person's own file import from its folder, after all libraries."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def _translated(claims: tuple[Claim, ...], file: Path) -> tuple[Claim, ...]:
    """The claims with their statements in Chinese, from the file beside them unless they have their own."""
    if not file.exists():
        return claims
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        known = {str(mark): str(statement) for mark, statement in found.items()}
    except (OSError, ValueError, AttributeError) as error:
        raise BadInput(f"{file.parent.name}/{file.name} cannot be read: {error}; allowed is {{claim: text}}") from error
    return tuple(replace(claim, statement_zh=claim.statement_zh or known.get(claim.id, "")) for claim in claims)


def _datasets(found: object, where: str) -> Mapping[str, Sequence[str]]:
    if isinstance(found, Mapping) and all(
        isinstance(one, list | tuple) and all(str(text).startswith("data.") for text in one) for one in found.values()
    ):
        return dict(found)
    raise BadInput(f"{where}: found DATASETS = {found!r:.80}; allowed is dataset -> list of data.KEY=VALUE")


def _list_of(kind: type[Kind], name: str, found: object, where: str) -> tuple[Kind, ...]:
    if not isinstance(found, list | tuple) or not all(isinstance(item, kind) for item in found):
        allowed = f"{kind.__module__}.{kind.__name__}"
        raise BadInput(f"{where}: found {name} = {found!r:.80}; allowed is a list of {allowed}")
    return tuple(found)
