"""Our folders are found in a checkout and once installed; a person's own join them."""

from __future__ import annotations

import pytest

from workbench import places


def test_our_folders_are_there():
    assert (places.ours("conf") / "config.yaml").is_file()
    assert places.ours("experiments").is_dir()


def test_installed_folders_lie_inside_the_package(tmp_path, monkeypatch):
    monkeypatch.setattr(places, "_PACKAGE", tmp_path / "workbench")
    assert places.ours("conf") == tmp_path / "conf"
    (tmp_path / "workbench" / "conf").mkdir(parents=True)
    assert places.ours("conf") == tmp_path / "workbench" / "conf"


def test_a_persons_own_folder_comes_after_ours(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert places.theirs("conf") is None
    assert places.both("conf") == [places.ours("conf")]
    (tmp_path / "conf").mkdir()
    assert places.both("conf") == [places.ours("conf"), tmp_path / "conf"]


@pytest.mark.parametrize("name", ["conf", "experiments"])
def test_our_own_folder_is_not_found_twice(name, monkeypatch):
    monkeypatch.chdir(places.ours(name).parent)
    assert places.both(name) == [places.ours(name)]


def test_a_file_of_ours_is_found_before_a_persons(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conf").mkdir()
    for name in ("config.yaml", "own.yaml"):
        (tmp_path / "conf" / name).write_text("")
    assert places.find("conf", "config.yaml") == places.ours("conf") / "config.yaml"
    assert places.find("conf", "own.yaml") == tmp_path / "conf" / "own.yaml"
    assert places.find("conf", "none.yaml") is None


def test_the_cache_lies_where_it_is_said_to_else_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for named, place in ((str(tmp_path / "x"), "x"), ("", ".cache"), ("relative", ".cache")):
        monkeypatch.setenv("XDG_CACHE_HOME", named)
        assert places.cache() == tmp_path / place / "workbench"
    assert not list(tmp_path.iterdir())


def test_without_a_home_there_is_no_cache_and_none_is_made(tmp_path, monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    (tmp_path / "file").touch()
    for home in ("file", "gone"):
        monkeypatch.setenv("HOME", str(tmp_path / home))
        assert places.cache() is None

    def unknown(_):
        raise KeyError

    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", unknown)
    assert places.cache() is None
    assert places.at_home("~/data").parts == ("~", "data")
    assert not (tmp_path / "gone").exists()
