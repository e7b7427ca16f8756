"""The claims of a sweep: the list CLAIMS in `experiments/<stem>.py`, ours or a person's own."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from workbench import places
from workbench.engine.errors import BadInput
from workbench.report.claims import Claim


def claims_of(stem: str) -> tuple[Claim, ...]:
    """The claims that the sweep of that name decides; none where it has no file. Raises BadInput for a broken file."""
    file = places.find("experiments", f"{stem}.py")
    return () if file is None else claims_in(file)


def claims_in(file: Path) -> tuple[Claim, ...]:
    """The claims in one file. Raises BadInput where it cannot be imported, or holds anything else as CLAIMS."""
    where = f"{file.parent.name}/{file.name}"
    spec = spec_from_file_location(f"workbench_experiment_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = module_from_spec(spec)  # dataclasses look their module up there
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise BadInput(f"{where} cannot be imported: {type(error).__name__}: {error}") from error
    claims = getattr(module, "CLAIMS", None)
    if not isinstance(claims, list | tuple) or not all(isinstance(claim, Claim) for claim in claims):
        raise BadInput(f"{where}: found CLAIMS = {claims!r:.80}; allowed is a list of workbench.report.claims.Claim")
    return tuple(claims)
