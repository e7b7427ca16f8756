"""The documents say what is so: each page of docs/ is followed as a reader would, and links lead somewhere."""

from __future__ import annotations

import re
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tests import documents
from tests.engine.cases import data_for, pack_of, parameters_of
from tests.engine.test_layers import CONTRACT
from tests.repetitions import mostly_thorough
from workbench import cli
from workbench.data import DATASETS
from workbench.data.dataset import Source
from workbench.engine.layers import LAYERS
from workbench.engine.rules.activations import ACTIVATIONS, Activation
from workbench.engine.training.loop import train
from workbench.measure import ANALYSES, MEASUREMENTS, Analysis, Measurement
from workbench.report.figures import FIGURES
from workbench.report.figures.base import FigureKind
from workbench.sweep.execution.executor import PackExecutor
from workbench.sweep.execution.executors import EXECUTORS
from workbench.tracking.connection import connect, search

ROOT = documents.ROOT
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
RUN = [page for page in PAGES if any(list(documents.commands(text)) for _, text in documents.blocks(page))]
# A page that adds rules adds keys too, which a process has until its end.
APART = [page for page in RUN if any(path.startswith("rules/") for path in documents.files(page))]
# Pages with tests of their own: tests/sweep/slurm/test_jobs.py follows the one on clusters, where there is one.
ELSEWHERE = ("mlflow", "slurm")
HERE = [page for page in RUN if page not in APART and page.stem not in ELSEWHERE]
QUICK = ("add-a-dataset", "add-a-figure", "add-an-executor")
TABLES: list[tuple[type, dict[str, Any]]] = [
    (Source, DATASETS), (Measurement, MEASUREMENTS), (Analysis, ANALYSES), (PackExecutor, EXECUTORS), (type, LAYERS),
    (FigureKind, FIGURES),
]  # fmt: skip
LINK = re.compile(r"\]\(([^)#:\s]+)[^):]*\)")
READ = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *PAGES, *ROOT.glob("examples/*/README.md")]


def module_at(file: Path) -> ModuleType:
    spec = spec_from_file_location(f"shown_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def join(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the rows of the modules that a page adds to the package join our tables, as the page says they do."""
    shown = "".join(text for language, text in documents.blocks(page) if language == "text")
    for path in documents.files(page):
        if not path.startswith("workbench/"):
            continue
        for name, rows in vars(module_at(folder / path)).items():
            for kind, table in TABLES:
                if name.isupper() and isinstance(rows, dict) and all(isinstance(row, kind) for row in rows.values()):
                    assert f"**{name}" in shown
                    for key, row in rows.items():
                        monkeypatch.setitem(table, key, row)


@pytest.mark.usefixtures("no_figures")
@pytest.mark.parametrize("name", mostly_thorough([page.stem for page in HERE], *QUICK))
def test_a_page_can_be_followed(name: str, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = DOCS / f"{name}.md"
    documents.write(page, workspace)
    join(page, workspace, monkeypatch)
    documents.follow(page)


@pytest.mark.thorough
@pytest.mark.usefixtures("workspace", "no_figures")
def test_every_filter_of_the_page_on_mlflow_finds_runs() -> None:
    page = DOCS / "mlflow.md"
    documents.follow(page)
    connection = connect()
    (filters,) = [text for language, text in documents.blocks(page) if language == "text"]
    assert [one for one in filters.splitlines() if not search(connection, one)] == []


def test_the_layer_of_the_page_on_layers_keeps_the_contract_and_trains(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = DOCS / "add-a-layer.md"
    documents.write(page, workspace)
    join(page, workspace, monkeypatch)
    for layer in LAYERS["scale"].examples():
        for asked in CONTRACT:
            asked(layer)
    relu = ACTIVATIONS["relu"]
    monkeypatch.setitem(ACTIVATIONS, "scaled", Activation("z", relu.value, relu.derivative, "he", layer="scale"))
    pack = pack_of(2, activation="scaled", depth=1, l2=0.1, max_norm=1.0)
    *_, last = train(pack, data_for(pack))
    scales, dense = parameters_of(pack, data_for(pack), last.state()["weights"], run=0)
    assert set(scales) == {"scales"}
    assert set(dense) == {"weights", "biases"}
    assert (scales["scales"] != 1).all()
    assert np.isnan(last.probes["weight_rms"][:, 0]).all()
    assert np.isfinite(last.probes["activation_mean"]).all()


@pytest.mark.thorough
@pytest.mark.parametrize("page", APART, ids=lambda page: page.stem)
def test_a_page_that_adds_rules_can_be_followed(page: Path, workspace: Path) -> None:
    documents.in_a_process_of_its_own(workspace, "-m", "tests.documents", str(page))


@pytest.mark.usefixtures("workspace")
def test_what_the_readme_says_to_type_can_be_planned() -> None:
    texts = [text for language, text in documents.blocks(ROOT / "README.md") if language == "sh"]
    typed = [words for text in texts for words in documents.commands(text)]
    assert len(typed) > 3
    for words in typed:
        if words[1:2] and words[1] in cli.WORDS:
            assert find_spec(f"workbench.words.{words[1]}")
        else:
            assert documents.run([*words, "dry_run=true"]) == 0


def test_every_page_that_shows_files_is_followed() -> None:
    """A page whose commands are spelt in another way would be passed over without a word."""
    apart = [*RUN, DOCS / "add-a-layer.md"]  # which has a test of its own
    assert [page.name for page in PAGES if documents.files(page) and page not in apart] == []


@pytest.mark.parametrize("page", READ, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_to_a_file(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [link for link in LINK.findall(text) if not (page.parent / link).exists()] == []


def test_every_page_stands_in_the_list_of_pages() -> None:
    listed = LINK.findall((DOCS / "README.md").read_text(encoding="utf-8"))
    assert {page.name for page in PAGES} - {"README.md"} <= set(listed)
