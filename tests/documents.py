"""Following a page of docs/: its files are written, its commands and its Python are run, in the working folder.

A fenced block that begins with a path in a comment is that file; in a sweep file Hydra's own line comes first. Of a
block of shell commands the lines that start with `workbench` are run, in this process; others, such as
servers, are left to the reader. A block of Python without a path is run as it stands, and sees what the blocks before
it have defined. Blocks of text are only shown.

`python -m tests.documents PAGE` does it in a process of its own, as a page must be followed that adds rules.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from workbench import cli

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = "workbench"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PATH = re.compile(r"(?:# @package \S+\n)?# ([\w./-]+\.(?:py|yaml))\n")


def blocks(page: Path) -> list[tuple[str, str]]:
    """The fenced blocks of a page: language, text."""
    return _BLOCK.findall(page.read_text(encoding="utf-8"))


def files(page: Path) -> dict[str, str]:
    """The files that a page shows, by path."""
    return {found[1]: text for _, text in blocks(page) if (found := _PATH.match(text))}


def commands(text: str) -> Iterator[list[str]]:
    """The commands of a block of shell lines that start our program, as lists of words."""
    for line in text.splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == [PROGRAM]:
            yield words


def run(words: list[str]) -> int:
    """Run `workbench ...` in this process; its exit status."""
    return cli.main(words[1:])


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


def in_a_process_of_its_own(folder: Path, *arguments: str) -> str:
    """What `python ARGUMENTS` prints in a folder. Raises AssertionError unless it ends well."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


if __name__ == "__main__":
    asked = Path(sys.argv[1])
    write(asked, Path.cwd())
    follow(asked)
