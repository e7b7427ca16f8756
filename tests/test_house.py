"""The house: data flows one way through the rooms, and imports with it; each room has its own libraries."""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "workbench"
ROOMS = ("engine", "data", "config", "sweep", "measure", "tracking", "report")
# Entry points that wire the rooms, what a person's own rules and claims import; and what knows where files lie, how
# commands begin and end, how file names, addresses and secrets are written, whose a Python file is, what other
# libraries leave untyped, and quantities in words.
FRONT = ("app", "__main__", "cli", "words", "library", "rules", "measures", "claims")
SHARED = (
    "blas", "files", "places", "entry", "signals", "streams", "output", "filenames", "addresses", "redaction",
    "persons_code", "untyped", "quantities",
)  # fmt: skip
NUMERIC = {"numpy", "scipy", "cupy", "cupyx", "numba", "llvmlite"}
PLAIN = {"numpy", "pandas"}
LIBRARIES: dict[str, set[str]] = {
    "engine": NUMERIC,
    "data": NUMERIC | {"sklearn", "pooch"},
    "config": {"numpy", "omegaconf", "yaml"},
    # cupy: how much memory is free, and which version computed.
    "sweep": {
        "numpy",
        "omegaconf",
        "yaml",
        "hydra",
        "rich",
        "cupy",
        "submitit",
        "cloudpickle",
        "optuna",
        "IPython",
    },  # of a notebook's kernel, never imported elsewhere
    "measure": NUMERIC | {"sklearn", "pandas"},
    # requests, sqlalchemy and alembic are how MLflow's own errors and migrations arrive.
    # flask: what MLflow's server is made of.
    "tracking": PLAIN | {"mlflow", "pyarrow", "requests", "sqlalchemy", "alembic", "flask"},
    "report": PLAIN | {"matplotlib", "scipy", "jinja2", "markupsafe", "sklearn"},  # sklearn: importances of a search
    "experiments": PLAIN,
}


@dataclass(frozen=True)
class Import:
    """One import in one file: `module` with its dots, `late` where it stands inside a function."""

    file: Path
    line: int
    module: str
    late: bool

    @property
    def top(self) -> str:
        return self.module.split(".")[0]

    @property
    def room(self) -> str:
        """The part of our own package it reaches for."""
        return (self.module + ".").split(".")[1]

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line} imports {self.module}"


@cache
def parsed(file: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(file.read_text(encoding="utf-8"))


def imports_of(file: Path) -> Iterator[Import]:
    """Every import of a file, those only for type hints left out: they are never executed."""
    yield from _walk(file, parsed(file), late=False)


def _walk(file: Path, node: ast.AST, late: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(file, child.lineno, alias.name, late)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, f"{file}: imports are absolute"
            # `from workbench import places` names a module in what is imported.
            names = [f"workbench.{alias.name}" for alias in child.names] if child.module == "workbench" else None
            for module in names or [str(child.module)]:
                yield Import(file, child.lineno, module, late)
        else:
            yield from _walk(file, child, late or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef))


def place_of(file: Path) -> str:
    """The room of a file, or the name of a module that stands outside the rooms."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


FILES = sorted(PACKAGE.rglob("*.py"))
PLUGINS = sorted((ROOT / "hydra_plugins").rglob("*.py"))
CLAIMS = sorted((ROOT / "experiments").rglob("*.py"))
ALL = [found for file in FILES for found in imports_of(file)]


def test_every_module_has_a_place() -> None:
    assert {place_of(file) for file in FILES} <= {*ROOMS, *FRONT, *SHARED, "__init__"}


def test_a_room_imports_only_from_rooms_to_its_left() -> None:
    wrong = [
        str(found)
        for found in ALL
        if found.top == "workbench" and place_of(found.file) in ROOMS and found.room not in SHARED
        if found.room not in ROOMS[: ROOMS.index(place_of(found.file)) + 1]
    ]
    assert not wrong, "\n".join(wrong)


# The report's own rooms, and what stands before and behind them.
REPORT = (
    "language", "units_of_effects", "wording", "completed", "experiment_files", "statistics", "effects_in_words",
    "advice", "verdicts", "figures", "page",
)  # fmt: skip
REPORT_FRONT = (
    "__init__", "__main__", "claim_archive", "experiments", "live", "live_beside", "pages_beside", "rebuild", "shown",
    "sweep_page", "tidy", "training_progress",
)  # fmt: skip


def test_the_rooms_of_the_report_import_from_those_to_their_left() -> None:
    wrong = []
    for file in sorted((PACKAGE / "report").rglob("*.py")):
        place = file.relative_to(PACKAGE / "report").parts[0].removesuffix(".py")
        assert place in {*REPORT, *REPORT_FRONT}, file
        allowed = REPORT[: REPORT.index(place) + 1] if place in REPORT else (*REPORT, *REPORT_FRONT)
        wrong += [
            f"{file.relative_to(ROOT)} imports {module}"
            for module in executed_imports(file)
            if module.startswith("workbench.report.") and module.split(".")[2] not in allowed
        ]
    assert not wrong, "\n".join(wrong)


def executed_imports(file: Path) -> Iterator[str]:
    """What a file imports from our package, each name in full, those only for type hints left out."""
    tree = parsed(file)
    blocks = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)]
    hints = {name for block in blocks for name in imported_names(block)}
    yield from (name for name in imported_names(tree) if name not in hints)


def imported_names(tree: ast.AST) -> Iterator[str]:
    """What is imported by name anywhere in a tree: module and name, joined by a dot."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_no_private_name_crosses_a_file() -> None:
    """Neither `from workbench.x import _y` nor `x._y` of a module x of ours."""
    modules = {".".join(file.relative_to(ROOT).with_suffix("").parts) for file in FILES}
    wrong = []
    for file in FILES:
        tree = parsed(file)
        ours = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] == "workbench":
                for alias in node.names:
                    if f"{node.module}.{alias.name}" in modules:
                        ours.add(alias.asname or alias.name)
                    if is_private(alias.name):
                        wrong.append(f"{file.relative_to(ROOT)}:{node.lineno} imports {alias.name}")
        wrong += [
            f"{file.relative_to(ROOT)}:{node.lineno} reads {node.value.id}.{node.attr}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
            if node.value.id in ours and is_private(node.attr)
        ]
    assert not wrong, "\n".join(wrong)


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def test_no_two_files_import_each_other_also_by_way_of_others() -> None:
    """Late imports count too, and those for types alone."""
    modules = {".".join(file.relative_to(ROOT).with_suffix("").parts): file for file in [*FILES, *PLUGINS]}
    graph: dict[str, set[str]] = {name: set() for name in modules}
    for name, file in modules.items():
        for node in ast.walk(parsed(file)):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("workbench"):
                whole = [f"{node.module}.{alias.name}" for alias in node.names]
                graph[name] |= {part if part in modules else str(node.module) for part in whole}
    for name, wanted in graph.items():
        graph[name] = wanted & modules.keys() - {name}
    list(TopologicalSorter(graph).static_order())  # raises CycleError, which names the circle


def test_what_all_rooms_share_needs_no_room() -> None:
    wrong = [
        str(found)
        for found in ALL
        if found.room not in SHARED and found.top == "workbench" and place_of(found.file) in SHARED
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_has_its_own_libraries(room: str) -> None:
    wrong = [
        str(found)
        for found in ALL
        if place_of(found.file) == room
        if found.top not in {"workbench", *sys.stdlib_module_names, *LIBRARIES[room]}
    ]
    assert not wrong, "\n".join(wrong)


def test_mlflow_is_imported_by_tracking_alone() -> None:
    wrong = [str(found) for found in ALL if found.top == "mlflow" and place_of(found.file) != "tracking"]
    assert not wrong, "\n".join(wrong)


INTERNALS = PACKAGE / "tracking" / "mlflow_internals.py"
# What MLflow documents for others to use.
PUBLIC = {
    "mlflow",
    *(f"mlflow.{part}" for part in ("artifacts", "entities", "exceptions", "models", "pyfunc", "types")),
}


def test_parts_of_mlflow_that_are_not_public_stand_in_one_file() -> None:
    names = re.compile(
        r"mlflow\.(store|utils|system_metrics|tracking|protos|environment_variables)\b|\._tracking_client"
    )
    imported = [
        str(found) for found in ALL if found.top == "mlflow" and found.file != INTERNALS and found.module not in PUBLIC
    ]
    spoken_of = [
        f"{file.relative_to(ROOT)}: {found[0]}"
        for file in FILES
        if file != INTERNALS
        for found in names.finditer(file.read_text(encoding="utf-8"))
    ]
    assert imported + spoken_of == []


def test_ci_has_seen_the_version_of_mlflow_whose_internals_we_use() -> None:
    tested = next(line for line in INTERNALS.read_text().splitlines() if line.startswith("TESTED")).split('"')[1]
    assert f"mlflow=={tested}\n" in (ROOT / "constraints.txt").read_text()
    major, minor, _ = map(int, tested.split("."))
    assert f'"mlflow>=3.5,<{major}.{minor + 1}"' in (ROOT / "pyproject.toml").read_text()


def test_claims_see_what_is_public_for_them_and_plain_tables_alone() -> None:
    wrong = [
        str(found)
        for file in CLAIMS
        for found in imports_of(file)
        if found.module != "workbench.claims"
        if found.top not in {"experiments", *sys.stdlib_module_names, *LIBRARIES["experiments"]}
    ]
    assert not wrong, "\n".join(wrong)


def test_heavy_libraries_are_imported_late() -> None:
    heavy = {"mlflow", "sklearn", "pooch", "cupy", "numba", "optuna"}
    wrong = [
        str(found)
        for found in ALL
        # Compiled kernels are imported late themselves, when a pack asks for them.
        if found.top in heavy and not found.late and "compiled" not in found.file.parts
    ]
    assert not wrong, "\n".join(wrong)


def test_the_engine_can_be_imported_without_the_rest_of_the_house() -> None:
    from subprocess import run

    check = (
        "import sys, workbench.engine.training.loop as _;"
        "print(*sorted({name.split('.')[0] for name in sys.modules} & "
        "{'hydra', 'mlflow', 'pandas', 'sklearn', 'omegaconf', 'matplotlib', 'cupy'}))"
    )
    found = run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""


def test_only_a_layer_and_its_forms_know_its_fan_in() -> None:
    from workbench.engine.layers import LAYERS

    forms = {f"engine/kernels/{kernel}/{name}.py" for row in LAYERS.values() for kernel, name in row.forms.items()}
    readers = {
        str(file.relative_to(PACKAGE))
        for file in FILES
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.Attribute) and node.attr == "fan_in"
    }
    assert {name for name in readers if not name.startswith("engine/layers/")} <= forms


UNTYPED = PACKAGE / "untyped.py"
UNTYPED_ROW = re.compile(r"(?P<name>\w+): TypeAlias = Any  # (?P<reason>.+)")


def test_any_is_said_in_one_file_alone() -> None:
    """What a library leaves no choice about has a name in `untyped.py`; all else has a type."""
    trees = {str(file.relative_to(ROOT)): parsed(file) for file in FILES}
    assert [name for name, tree in trees.items() if "typing.Any" in imported_names(tree)] == ["workbench/untyped.py"]


def test_every_object_without_a_type_has_its_reason_and_is_used() -> None:
    rows = [line for line in UNTYPED.read_text(encoding="utf-8").splitlines() if " = " in line]
    found = [UNTYPED_ROW.fullmatch(row) for row in rows]
    assert [row for row, match in zip(rows, found, strict=True) if match is None] == []
    used = {name for file in FILES for name in imported_names(parsed(file))}
    assert [match["name"] for match in found if match and f"workbench.untyped.{match['name']}" not in used] == []


def test_no_module_is_named_utils() -> None:
    vague = ("util", "utils", "helpers", "misc", "common")
    assert not [str(file) for file in [*FILES, *CLAIMS] if file.stem in vague or file.parent.name in vague]


# Stems that stand in several folders and mean the same in each.
SAME_MEANING = {
    "claims",  # people type both names: `workbench.claims`, and `workbench claims`, a word of the command
    "base",  # the contract that every kind of a folder fills in
    "dense",  # a layer, and its form in each kernel
    "convolution",
    "pooling",
    "max_pooling",
    "average_pooling",
    "global_average",
    "maxout",
    "losses",  # rules, and their form by hand in a kernel
    "probes",
    "kernel",  # what a kernel offers the training loop, one for each kernel
    "passes",  # forward and backward, one for each kernel
    "update",  # one update of all parameters, one for each kernel
}


def test_no_stem_stands_for_two_things() -> None:
    found = Counter(file.stem for file in FILES if not file.stem.startswith("__"))
    twice = {stem for stem, count in found.items() if count > 1}
    assert twice == SAME_MEANING


# Constants that several files define, each for itself, with one meaning.
ONE_MEANING = {
    "ABOUT",  # the help of each word of the command
    "EXAMPLES",
    "FUSED",  # part of what each device form of a layer offers
    "OWN_KERNELS",
    "OWN_PASSES",
}


def constants(file: Path) -> set[str]:
    """The constants that a module defines, without the underscore of private ones."""
    statements = parsed(file).body
    targets = [target for node in statements if isinstance(node, ast.Assign) for target in node.targets]
    targets += [node.target for node in statements if isinstance(node, ast.AnnAssign)]
    names = [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
    return {name.lstrip("_") for name in names if name.isupper()}


def test_one_constant_has_one_value_everywhere() -> None:
    files: dict[str, list[str]] = {}
    for file in FILES:
        for name in constants(file):
            files.setdefault(name, []).append(str(file.relative_to(ROOT)))
    assert {name: where for name, where in files.items() if len(where) > 1 and name not in ONE_MEANING} == {}
    assert [name for name in ONE_MEANING if len(files.get(name, ())) < 2] == []


def public_definitions(file: Path) -> Iterator[tuple[str, ast.AST]]:
    """Public functions and classes of a module, and the public methods of its public classes."""
    for node in parsed(file).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node.name, node
            if isinstance(node, ast.ClassDef):
                for method in node.body:
                    if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
                        yield f"{node.name}.{method.name}", method


def is_protocol(node: ast.AST) -> bool:
    return isinstance(node, ast.ClassDef) and any("Protocol" in ast.dump(base) for base in node.bases)


@pytest.mark.parametrize("file", sorted((PACKAGE / "engine").rglob("*.py")), ids=lambda file: file.stem)
def test_everything_public_in_the_engine_has_a_docstring(file: Path) -> None:
    tree = parsed(file)
    assert not tree.body or ast.get_docstring(tree), "the module itself"
    # The members of a protocol, and methods that fill in a documented one, are told by their class.
    told = {name for name, node in public_definitions(file) if is_protocol(node)}
    missing = [
        name
        for name, node in public_definitions(file)
        if not ast.get_docstring(node)  # type: ignore[arg-type]
        if name.split(".")[0] not in told and not overrides(file, name)
    ]
    assert not missing, ", ".join(missing)


def overrides(file: Path, name: str) -> bool:
    """Whether a method stands in for a documented one of a base class in the same module."""
    definitions = dict(public_definitions(file))
    owner, _, method = name.partition(".")
    node = definitions[owner]
    bases = [base.id for base in node.bases if isinstance(base, ast.Name)] if isinstance(node, ast.ClassDef) else []
    return any(f"{base}.{method}" in definitions for base in bases)
