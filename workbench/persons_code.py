"""Python files in a person's folders: which are meant for Workbench, found without executing them; which failed."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Sequence
from pathlib import Path


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


class LeftOut:
    """The files of one kind that could not be used. Each costs only what it would have brought."""

    def __init__(self, brought: str) -> None:
        self._brought = brought
        self._reasons: list[str] = []
        self._printed: set[tuple[Path, str]] = set()

    @property
    def reasons(self) -> list[str]:
        """A line for each file of the folder that was read last."""
        return list(self._reasons)

    def replace(self, folder: Path | None, reasons: Sequence[str]) -> list[str]:
        """Keep these reasons in place of earlier ones. Returns the lines to print: each once in a process."""
        self._reasons = list(reasons)
        fresh = [(folder, reason) for reason in self._reasons if folder and (folder, reason) not in self._printed]
        self._printed.update(fresh)
        return [f"{reason}; the command goes on without its {self._brought}" for _, reason in fresh]

    def in_brackets(self) -> str:
        """What is added to a message about a name that is not known; "" if every file could be used."""
        return f" (could not be used: {'; '.join(self._reasons)})" if self._reasons else ""


RULE_FILES = LeftOut("rules")
MEASURE_FILES = LeftOut("measures")
