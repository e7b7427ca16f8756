"""The output of a command: its result on standard output, as text or as one JSON document; messages on standard error.

Standard output holds only the result, so that it can be piped.
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
    """`json`: results are JSON documents; `quiet`: standard error holds only failures."""

    json: bool = False
    quiet: bool = False


_chosen = Output()


@contextmanager
def chosen(json: bool = False, quiet: bool = False) -> Iterator[None]:
    """A context in which this process prints in that way."""
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
    """Whether standard error holds only failures."""
    return _chosen.quiet


def document(kind: str, content: Mapping[str, Any]) -> None:
    """Print a result as one JSON document, which begins with its kind and the version of its shape."""
    print(json_text.dumps({"document": f"workbench.{kind}", "version": VERSION, **content}, indent=2))


def show(kind: str, text: str, content: Callable[[], Mapping[str, Any]]) -> None:
    """Print a result, as text or as a document."""
    if _chosen.json:
        document(kind, content())
    elif text:
        print(text)
