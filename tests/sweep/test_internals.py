"""What Hydra and OmegaConf do not document is reached for in one file, which says so in one line where it is gone."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from workbench import places
from workbench.sweep.hydra import internals

ROOT = places.ours("conf").parent
GUARD = ROOT / "workbench" / "sweep" / "hydra" / "internals.py"
FILES = [file for folder in ("workbench", "hydra_plugins") for file in sorted((ROOT / folder).rglob("*.py"))]
# What Hydra's guides for users and for plugins name.
DOCUMENTED = {
    "hydra.core.config_search_path", "hydra.core.hydra_config", "hydra.errors", "hydra.plugins.launcher",
    "hydra.plugins.search_path_plugin", "hydra.plugins.sweeper", "hydra.types", "omegaconf", "omegaconf.errors",
}  # fmt: skip
# What is taken away, and how the one line names it.
PARTS = {
    "hydra._internal.utils:create_config_search_path": "hydra._internal.utils.create_config_search_path",
    "hydra._internal.config_loader_impl:ConfigLoaderImpl._apply_overrides_to_config": (
        "ConfigLoaderImpl._apply_overrides_to_config"
    ),
    "hydra.core.override_parser.types:Override._convert_value": "Override._convert_value",
    "hydra.core.plugins:Plugins.instantiate_launcher": "Plugins.instantiate_launcher",
}


def modules_of(file: Path) -> set[str]:
    """The modules of Hydra and OmegaConf that a file imports from."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module))
    return {name for name in found if name.split(".")[0] in ("hydra", "omegaconf", "antlr4")}


def private_attributes_of(file: Path) -> set[str]:
    """Names with an underscore that are reached for on something other than the object or class itself."""
    return {
        node.attr
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and re.match(r"_[a-z]", node.attr)
        if not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"))
    }


def test_only_the_guard_imports_what_is_not_documented() -> None:
    assert {file: found for file in FILES if file != GUARD and (found := modules_of(file) - DOCUMENTED)} == {}
    assert modules_of(GUARD) - DOCUMENTED


def test_only_the_guard_calls_private_methods_of_hydra_and_omegaconf() -> None:
    room = [file for file in FILES if GUARD.parent in file.parents or file.parent.name == "hydra_plugins"]
    assert len(room) > 5
    own = {"_option_string_actions"}  # of argparse, for "did you mean"
    assert {file: found for file in room if file != GUARD and (found := private_attributes_of(file) - own)} == {}


@pytest.mark.parametrize("part", PARTS)
def test_a_version_without_a_part_is_one_line_that_names_it_and_what_to_install(part: str, tmp_path: Path) -> None:
    module, _, name = part.partition(":")
    take_away = (
        f"import {module} as module\nowner, _, name = 'module.{name}'.rpartition('.')\ndelattr(eval(owner), name)"
    )
    script = f"{take_away}\nimport sys\nfrom workbench.cli import main\nsys.exit(main(['seed=1']))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert f"have no {PARTS[part]}; tested with hydra-core 1.3" in ended.stderr
    assert internals.INSTALL in ended.stderr


def test_what_is_to_be_installed_is_what_the_project_asks_for() -> None:
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    assert internals.INSTALL in dependencies
    (omegaconf,) = [text for text in dependencies if text.startswith("omegaconf")]
    assert "<2.5" in omegaconf  # 2.4 goes with Hydra 1.4
