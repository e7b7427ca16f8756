"""The output of a command: its result on standard output, as text or as one JSON document; messages on standard error.

Standard output holds only the result, so that it can be piped.
`docs/command.md` describes the documents.
"""

from __future__ import annotations

import json as json_text
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass
from typing import TextIO

_NO_BREAK = "\u00a0\u202f"  # spaces between a number and its unit: harmless, though Python calls them unprintable
LONGEST_LINE = 2000  # characters of a message on standard error
DOCUMENT_VERSION = 1  # of every document; raised if a key changes its meaning or goes, not if one is added


@dataclass(frozen=True)
class Output:
    """`json`: results are JSON documents; `quiet`: standard error holds only failures."""

    json: bool = False
    quiet: bool = False


_chosen = Output()
_results: TextIO | None = None  # where documents go while whatever else is printed is none
_kept: list[dict[str, object]] | None = None  # documents that a subcommand puts into its own


@contextmanager
def chosen(json: bool = False, quiet: bool = False) -> Iterator[None]:
    """A context in which this process prints in that way."""
    global _chosen
    before, _chosen = _chosen, Output(json, quiet)
    try:
        with _documents_alone() if json else nullcontext():
            yield
    finally:
        _chosen = before


@contextmanager
def _documents_alone() -> Iterator[None]:
    """A context in which only documents reach standard output. What a person's rules print goes to standard error."""
    global _results
    if _results:
        yield
        return
    _results = sys.stdout
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _results = None


def is_json() -> bool:
    """Whether results are JSON documents."""
    return _chosen.json


def is_quiet() -> bool:
    """Whether standard error holds only failures."""
    return _chosen.quiet


@contextmanager
def kept() -> Iterator[list[dict[str, object]]]:
    """A context in which documents are not printed but appended to this list, for a document that contains them."""
    global _kept
    before, _kept = _kept, []
    try:
        yield _kept
    finally:
        _kept = before


def document(kind: str, content: Mapping[str, object]) -> None:
    """Print a result as one JSON document, which begins with its kind and the version of its shape."""
    made = {"document": f"workbench.{kind}", "version": DOCUMENT_VERSION, **content}
    if _kept is not None:
        _kept.append(made)
    else:
        print(json_text.dumps(made, indent=2), file=_results or sys.stdout)


def show(kind: str, text: str, content: Callable[[], Mapping[str, object]]) -> None:
    """Print a result, as text or as a document."""
    if _chosen.json:
        document(kind, content())
    elif text:
        print(escaped(text, keep="\n"))


def escaped(text: str, keep: str = "") -> str:
    """The text with control characters written as Python writes them, but for those to `keep`.

    A name in a store that somebody else made may hold a terminal's own commands, or more lines than one.
    """
    keep += _NO_BREAK
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else c.encode("unicode_escape").decode() for c in text)


def on_one_line(text: str) -> str:
    """A message as one line: line breaks and control characters are escaped, very long words and messages are cut."""
    text = re.sub(r"\S{400,}", lambda word: f"{word[0][:100]}…", escaped(text))
    half = LONGEST_LINE // 2
    return text if len(text) <= LONGEST_LINE else f"{text[:half]} … {text[-half:]}"
