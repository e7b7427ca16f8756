"""The experiment file of a sweep, `experiments/<stem>.py`, ours or a person's own: CLAIMS, and FIGURES if any."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from workbench import places
from workbench.engine.errors import BadInput
from workbench.report.claims import Claim
from workbench.report.exhibits import Figure

TRANSLATIONS = "statements.zh-Hant.json"  # beside the experiment files: claim id -> its statement in Chinese
DIGITS: Mapping[str, Sequence[str]] = {"digits": ()}


@dataclass(frozen=True)
class Experiment:
    """What an experiment file holds: the claims its sweep decides, and figures of its own for the page.

    `datasets`: where `reproduce` asks it, and what else is typed there (data.* alone: a rule is fixed for the rest); a
    file that says nothing is asked on the digits, as its sweep file stands.
    """

    claims: tuple[Claim, ...] = ()
    figures: tuple[Figure, ...] = ()
    datasets: Mapping[str, Sequence[str]] = field(default_factory=lambda: DIGITS)


def experiment_of(stem: str) -> Experiment:
    """The experiment of the sweep of that name; empty where it has no file. Raises BadInput for a broken file."""
    file = places.find("experiments", f"{stem}.py")
    return Experiment() if file is None else experiment_in(file)


def experiment_in(file: Path) -> Experiment:
    """What one file holds. Raises BadInput where it cannot be imported, or holds anything else as CLAIMS or FIGURES."""
    where = f"{file.parent.name}/{file.name}"
    spec = spec_from_file_location(f"workbench_experiment_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = module_from_spec(spec)  # dataclasses look their module up there
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise BadInput(f"{where} cannot be imported: {type(error).__name__}: {error}") from error
    claims = _list_of(Claim, "CLAIMS", getattr(module, "CLAIMS", None), where)
    claims = _translated(claims, file.with_name(TRANSLATIONS))
    figures = _list_of(Figure, "FIGURES", getattr(module, "FIGURES", ()), where)
    return Experiment(claims, figures, _datasets(getattr(module, "DATASETS", DIGITS), where))


def claims_in(file: Path) -> tuple[Claim, ...]:
    """The claims in one file; see `experiment_in`."""
    return experiment_in(file).claims


def known_claims() -> dict[str, tuple[Claim, ...]]:
    """The claims of all experiment files by their stem; a broken file is left out: it must not hide the others."""
    found: dict[str, tuple[Claim, ...]] = {}
    for file in sorted(path for folder in reversed(places.both("experiments")) for path in folder.glob("[!_]*.py")):
        with suppress(BadInput):
            found[file.stem] = claims_in(file)
    return found


def _translated(claims: tuple[Claim, ...], file: Path) -> tuple[Claim, ...]:
    """The claims with their statements in Chinese, from the file beside them where they bring none of their own."""
    if not file.exists():
        return claims
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        known = {str(mark): str(statement) for mark, statement in found.items()}
    except (OSError, ValueError, AttributeError) as error:
        raise BadInput(f"{file.parent.name}/{file.name} cannot be read: {error}; allowed is {{claim: text}}") from error
    return tuple(replace(claim, statement_zh=claim.statement_zh or known.get(claim.id, "")) for claim in claims)


def _datasets(found: Any, where: str) -> Mapping[str, Sequence[str]]:
    lists = found.values() if isinstance(found, Mapping) else [None]
    if not all(isinstance(one, list | tuple) and all(str(text).startswith("data.") for text in one) for one in lists):
        raise BadInput(f"{where}: found DATASETS = {found!r:.80}; allowed is dataset -> list of data.KEY=VALUE")
    return dict(found)


def _list_of(kind: type[Any], name: str, found: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(found, list | tuple) or not all(isinstance(item, kind) for item in found):
        allowed = f"{kind.__module__}.{kind.__name__}"
        raise BadInput(f"{where}: found {name} = {found!r:.80}; allowed is a list of {allowed}")
    return tuple(found)
