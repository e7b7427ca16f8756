"""Standard streams: open, patient, and the exit status says what became of what was printed."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from workbench import places, streams

CLOSED = """
import os, sys
from workbench import streams
streams.secure()
file = os.open("store", os.O_RDWR | os.O_CREAT)
print("to nobody", file=sys.stderr)
print("to nobody")
raise SystemExit(streams.ended(0) if file > 2 else 9)
"""


def test_with_all_streams_closed_no_file_takes_their_place(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(places.ours("conf").parent)}
    command = 'exec "$0" -c "$1" <&- >&- 2>&-'
    ended = subprocess.run(["sh", "-c", command, sys.executable, CLOSED], cwd=tmp_path, env=environment, check=False)
    assert ended.returncode == 0
    assert (tmp_path / "store").read_bytes() == b""


def stream_to(target: int, encoding: str = "utf-8") -> streams.Lasting:
    return streams.lasting(io.TextIOWrapper(open(target, "wb"), encoding=encoding))


def test_a_reader_that_has_gone_ends_nothing_and_gives_the_customary_status(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    with stream_to(theirs) as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        print("lost" * 10_000)
        assert streams.ended(0) == streams.UNREAD
        assert streams.ended(2) == 2
        print("and no more is said of it", flush=True)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="runs on a system with /dev/full")
def test_output_that_finds_no_room_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with stream_to(os.open("/dev/full", os.O_WRONLY)) as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        print("lost")
        assert streams.ended(0) == streams.EXIT_FAILED
    assert capsys.readouterr().err == "standard output cannot be written to (No space left on device)\n"


def test_what_the_encoding_has_no_character_for_is_escaped(tmp_path: Path) -> None:
    file = tmp_path / "out"
    with stream_to(os.open(file, os.O_WRONLY | os.O_CREAT), "ascii") as stream:
        print("a · b \udc80", file=stream)
    assert file.read_bytes() == b"a \\xb7 b \\udc80\n"
