"""A file is there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from workbench import files


def test_a_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    file = tmp_path / "plan"
    for content in ("first", b"second \xff", "third \udcff"):
        files.write(file, content)
    assert file.read_bytes() == b"third ?"
    assert list(tmp_path.iterdir()) == [file]


def test_what_cannot_be_finished_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "plan"
    files.write(file, "whole")

    def half() -> None:
        with files.whole(file) as unnamed:
            unnamed.write_text("ha")
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        half()

    def full(_: int) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(os, "fsync", full)  # where a file system says so only now
    with pytest.raises(OSError, match="full"):
        files.write(file, "new")
    assert file.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [file]


def test_what_a_kill_leaves_is_cleared(tmp_path: Path) -> None:
    (tmp_path / ".0123.new").write_text("half")
    (tmp_path / "mine.new").write_text("whole")
    files.clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.new"]


def test_an_error_names_the_file_that_was_to_be_written(tmp_path: Path) -> None:
    (tmp_path / "page.html").mkdir()
    with pytest.raises(OSError, match=r"page\.html") as raised:
        files.write(tmp_path / "page.html", "text")
    assert raised.value.filename == str(tmp_path / "page.html")
