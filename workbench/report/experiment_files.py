"""The experiment files, ours and the user's, found without executing any.

Users may keep other scripts in a folder of that name; an index of claims must not execute them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from workbench import places
from workbench.persons_code import imports_workbench, syntax_tree


def experiment_files() -> dict[str, Path]:
    """The files of experiments by their stem, ours and a person's own; of two with one stem, ours."""
    found = {path.stem: path for folder in reversed(places.both("experiments")) for path in folder.glob("[!_]*.py")}
    return {stem: found[stem] for stem in sorted(found) if declares_itself(found[stem])}


def declares_itself(file: Path) -> bool:
    """Whether a file declares claims, decided without executing it.

    It assigns CLAIMS and imports from workbench, both outside of functions. A file that cannot be parsed counts if it
    contains both words.
    """
    if file.resolve().parent == places.ours("experiments").resolve():
        return True
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    try:
        statements = list(_outside_functions(syntax_tree(text)))
    except (SyntaxError, RecursionError):
        return "CLAIMS" in text and "workbench" in text
    return any(map(_sets_claims, statements)) and any(map(imports_workbench, statements))


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield child
            yield from _outside_functions(child)


def _sets_claims(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return any((alias.asname or alias.name) == "CLAIMS" for alias in node.names)
    return isinstance(node, ast.Name) and node.id == "CLAIMS" and isinstance(node.ctx, ast.Store)
