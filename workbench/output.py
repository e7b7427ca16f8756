"""What a command prints: its result on standard output, as text or as one JSON document, and how much beside it.

Standard output holds the result alone, so that it can be piped; whatever is said on the way goes to standard error.
`docs/command.md` describes the documents.
"""

from __future__ import annotations

import json as json_text
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

VERSION = 1  # of every document; raised where a key changes its meaning or goes, not where one is added


@dataclass(frozen=True)
class Output:
    """`json`: results are JSON documents; `quiet`: standard error tells what failed, and nothing else."""

    json: bool = False
    quiet: bool = False


_chosen = Output()


@contextmanager
def chosen(json: bool = False, quiet: bool = False) -> Iterator[None]:
    """While it is entered, this process prints so."""
    global _chosen
    before, _chosen = _chosen, Output(json, quiet)
    try:
        yield
    finally:
        _chosen = before


def is_json() -> bool:
    """Whether results are JSON documents."""
    return _chosen.json


def is_quiet() -> bool:
    """Whether standard error tells what failed, and nothing else."""
    return _chosen.quiet


def document(kind: str, content: Mapping[str, Any]) -> None:
    """Print a result as one JSON document, which begins with its kind and the version of its shape."""
    print(json_text.dumps({"document": f"workbench.{kind}", "version": VERSION, **content}, indent=2))


def show(kind: str, text: str, content: Callable[[], Mapping[str, Any]]) -> None:
    """Print a result as it is wanted: its text, or its document."""
    if _chosen.json:
        document(kind, content())
    elif text:
        print(text)
