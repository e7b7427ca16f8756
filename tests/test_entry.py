"""How commands begin: nothing of the working folder is imported, libraries' warnings and odd variables end nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from workbench import entry, places

COMMAND = """
def main():
    {}
"""


def ran(folder: Path, body: str, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command whose `main()` is `body`, begun in `folder`."""
    (folder / "commands").mkdir(exist_ok=True)
    (folder / "commands" / "mine.py").write_text(COMMAND.format(body), encoding="utf-8")
    (folder / "commands" / "start.py").write_text('from workbench import entry\nentry.run("mine")\n')
    known = os.pathsep.join([str(folder / "commands"), str(places.ours("conf").parent)])
    return subprocess.run(
        [sys.executable, *options, "-m", "start"], cwd=folder, env={**os.environ, "PYTHONPATH": known, **environment},
        capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip


def test_a_module_of_the_working_folder_is_not_taken_for_a_library(tmp_path: Path) -> None:
    (tmp_path / "colorsys.py").write_text('raise RuntimeError("a script of the folder was run")')
    found = ran(tmp_path, "import colorsys; return 7")
    assert (found.returncode, found.stderr) == (7, "")


def test_a_warning_of_a_library_is_shown_and_ends_nothing(tmp_path: Path) -> None:
    found = ran(tmp_path, "import warnings; warnings.warn('old'); return 7", "-W", "error")
    assert found.returncode == 7
    assert "UserWarning: old" in found.stderr


def test_a_warning_of_our_own_stays_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "warnoptions", ["error"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        entry._spare_libraries()
        assert sys.warnoptions == []
        with pytest.raises(UserWarning, match="ours"):
            warnings.warn_explicit("ours", UserWarning, "file", 1, module="workbench.app")
        with pytest.warns(UserWarning, match="theirs"):
            warnings.warn_explicit("theirs", UserWarning, "file", 1, module="workbenches")


def test_a_window_that_the_shell_asks_for_and_nobody_has_ends_nothing(tmp_path: Path) -> None:
    found = ran(tmp_path, "import matplotlib; return 7", MPLBACKEND="of another environment")
    assert (found.returncode, found.stderr) == (7, "")


def test_where_names_of_files_would_be_ascii_it_starts_anew_in_utf8(tmp_path: Path) -> None:
    ascii_alone = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    found = ran(tmp_path, "open('größe', 'w').close(); print('größe'); return 0", **ascii_alone)
    assert (found.returncode, found.stdout, found.stderr) == (0, "größe\n", "")
    assert "größe" in os.listdir(tmp_path)  # noqa: PTH208


def test_a_working_folder_that_is_gone_is_one_line(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    script = "import os; os.rmdir(os.getcwd()); from workbench import entry; entry.run('workbench.cli')"
    environment = {**os.environ, "PYTHONPATH": str(places.ours("conf").parent)}
    found = subprocess.run(
        [sys.executable, "-c", script], cwd=gone, env=environment, capture_output=True, text=True, check=False
    )
    assert found.returncode == entry.BAD_INPUT
    assert found.stderr.startswith("the working folder cannot be used (No such file or directory)")
    assert found.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_before_anything_listens_is_one_line(tmp_path: Path, name: str) -> None:
    body = f"import os, signal; os.kill(os.getpid(), signal.{name}); signal.pause()"
    found = ran(tmp_path, body)
    assert (found.returncode, found.stdout) == (130, "")
    assert found.stderr == "interrupted; the same command goes on where this one stopped\n"


def test_what_is_ignored_as_under_nohup_stays_ignored(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        found = ran(tmp_path, "import os, signal; os.kill(os.getpid(), signal.SIGHUP); return 7")
    finally:
        signal.signal(signal.SIGHUP, before)
    assert found.returncode == 7
