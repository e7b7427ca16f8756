"""Following a page of docs/: its files are written, its commands and its Python are run, in the working folder.

A fenced block whose first line is a comment with a path is that file. Of a block of shell commands the lines that start
with `python -m workbench` are run, in this process; others, such as servers, are left to the reader. A block of Python
without a path is run as it stands, and sees what the blocks before it have defined. Blocks of text are only shown.

`python -m tests.documents PAGE` does it in a process of its own, as a page must be followed that adds rules.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = ["python", "-m", "workbench"]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PATH = re.compile(r"# ([\w./-]+\.(?:py|yaml))\n")


def blocks(page: Path) -> list[tuple[str, str]]:
    """The fenced blocks of a page: language, text."""
    return _BLOCK.findall(page.read_text(encoding="utf-8"))


def files(page: Path) -> dict[str, str]:
    """The files that a page shows, by path."""
    shown = [(found, text) for _, text in blocks(page) if (found := _PATH.match(text))]
    return {found[1]: text[found.end() :] for found, text in shown}


def commands(text: str) -> Iterator[list[str]]:
    """The commands of a block of shell lines that start our program, as lists of words."""
    for line in text.splitlines():
        words = shlex.split(line, comments=True)
        if words[:2] == PROGRAM[:2] and words[2].split(".")[0] == PROGRAM[2]:
            yield words


def run(words: list[str]) -> int:
    """Run `python -m workbench...` in this process; its exit status."""
    module, arguments = words[2], words[3:]
    if module == "workbench":
        module = "workbench.sweep.command"
    elif module == "workbench.report":
        module = "workbench.report.__main__"
    status: int = import_module(module).main(arguments)
    return status


def write(page: Path, folder: Path) -> None:
    """Write the files of a page into a folder."""
    for path, text in files(page).items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def follow(page: Path) -> None:
    """Run what a page says, block after block. Raises AssertionError for a command that does not end well."""
    space: dict[str, object] = {}
    for language, text in blocks(page):
        if language == "sh":
            for words in commands(text):
                status = run(words)
                assert status == 0, f"{page.name}: `{shlex.join(words)}` ended with {status}"
        elif language == "python" and not _PATH.match(text):
            exec(compile(text, page.name, "exec"), space)


if __name__ == "__main__":
    asked = Path(sys.argv[1])
    write(asked, Path.cwd())
    follow(asked)
