"""The cells of a shipped sweep, composed for one seed as the command does it, once a session."""

from __future__ import annotations

import pickle
from functools import cache, partial
from pathlib import Path

import pandas as pd
import pytest
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser

from tests.once import made_once
from workbench import app, places
from workbench.config import flatten
from workbench.report.experiments import claims_in
from workbench.sweep.hydra.command import main
from workbench.sweep.hydra.composing.cell import Cell

CELLS = "cells.pickle"
FILES = {file.stem: file for file in sorted(places.ours("experiments").glob("[!_]*.py"))}
CLAIMS = [(stem, claim) for stem, file in FILES.items() for claim in claims_in(file)]


@cache
def seeds_of(stem: str) -> tuple[int, ...]:
    """The seeds its sweep file asks for, those of its arms among them; none where it sweeps over no seed."""
    text = (places.ours("conf") / "sweep" / f"{stem}.yaml").read_text(encoding="utf-8")
    sweeper = yaml.safe_load(text)["hydra"]["sweeper"]
    typed = [f"seed={value}" for key, value in sweeper.get("params", {}).items() if key == "seed"]
    typed += [item for arm in sweeper.get("arms", {}).values() for item in arm if str(item).startswith("seed=")]
    overrides = OverridesParser.create().parse_overrides(typed)
    return tuple(int(seed) for one in overrides if one.is_sweep_override() for seed in one.sweep_string_iterator())


def cells_of(stem: str, factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Settings, choices and factors of the sweep's cells, a row a cell."""
    folder = made_once(factory, f"cells of {stem}", partial(_compose, stem))
    found: pd.DataFrame = pickle.loads((folder / CELLS).read_bytes())
    return found


def _compose(stem: str, folder: Path) -> None:
    found: list[Cell] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "run_sweep", lambda design, _: found.extend(design) or 0)
        assert main([f"+sweep={stem}", *(["seed=0"] if seeds_of(stem) else [])]) == 0
    cells = [flatten(cell.config) | cell.choices | cell.factors for cell in found]
    (folder / CELLS).write_bytes(pickle.dumps(pd.DataFrame(cells)))
