"""Python files in a person's folders, looked at without executing them: some are for Workbench, others are not."""

from __future__ import annotations

import ast
import warnings


def syntax_tree(text: str) -> ast.Module:
    """The syntax tree of a file. Raises SyntaxError for whatever is no Python.

    What Python warns of, such as an escape it does not know, is for whoever wrote the file.
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
