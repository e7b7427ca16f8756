"""Examines Python files in a person's folders without executing them: only some are meant for Workbench."""

from __future__ import annotations

import ast
import warnings


def syntax_tree(text: str) -> ast.Module:
    """The syntax tree of a file. Raises SyntaxError for any text that is not Python.

    Python's warnings, as of an unknown escape, are suppressed: they concern the author of the file.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (ValueError, RecursionError, MemoryError) as error:  # a NUL; brackets nested too deeply
        raise SyntaxError(str(error) or type(error).__name__) from None


def imports_workbench(node: ast.AST) -> bool:
    """Whether a statement imports something of Workbench."""
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
    names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
    return any(name.partition(".")[0] == "workbench" for name in names)
