"""Whatever a name is, its file lies in the folder that was meant, and no other name shares it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench import filenames
from workbench.filenames import beside, file_name, folder_of, is_inside, remove

PIECES = st.sampled_from(
    ["..", ".", "/", "\\", "a", "A", "\x00", "\n", " ", "~", "con", "~1", "x" * 300, "ü", "-", "%2e"]
)
ANYTHING = st.text(st.characters(), max_size=80) | st.lists(PIECES, max_size=12).map("".join)
HERE = Path("here")


@given(ANYTHING)
def test_a_names_file_is_one_plain_name(name: str) -> None:
    found = file_name(name, HERE)
    assert found
    assert "/" not in found
    assert "\\" not in found
    assert len(found) <= filenames.LONGEST_FILE_NAME
    assert not found.startswith(".")
    assert not found.endswith((".", " "))
    assert found.isascii()
    assert found.isprintable()


@given(ANYTHING)
def test_a_names_folder_lies_below_the_root(name: str) -> None:
    folder = folder_of(HERE, name)
    below = folder.relative_to(HERE).parts
    assert 0 < len(below) <= filenames.LINK_DEPTH
    assert ".." not in below


@given(ANYTHING, ANYTHING)
def test_two_names_share_no_file_and_no_folder(one: str, other: str) -> None:
    if one != other:
        assert file_name(one, HERE) != file_name(other, HERE)
        assert folder_of(HERE, one) != folder_of(HERE, other)


@pytest.mark.parametrize("name", ["tour", "a.b_c-d", "v1.0", "sweep-1a2b3c4d", "x" * 100, "Tour"])
def test_a_plain_name_stays(name: str) -> None:
    assert file_name(name, HERE) == name
    assert folder_of(HERE, f"{name}/trials-0000-0015") == HERE / name / "trials-0000-0015"


@pytest.mark.parametrize("name", ["con", "NUL.txt", "Com1", "lpt9.a.b", "a.", "a ", "-a", ".a", "x" * 101, ""])
def test_what_some_system_cannot_keep_does_not(name: str) -> None:
    assert file_name(name, HERE) != name


def test_a_reserved_name_does_not_stay_in_any_case() -> None:
    assert file_name("Index", HERE, {"index"}) != "Index"


def test_names_that_differ_in_capitals_have_files_of_their_own_where_capitals_do_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(filenames, "ignores_case", lambda _: True)
    files = {file_name(name, HERE).lower() for name in ("tour", "Tour", "TOUR")}
    assert len(files) == 3
    assert file_name("tour", HERE) == "tour"


def test_whether_capitals_count_is_asked_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "small").touch()
    assert filenames.ignores_case(tmp_path / "not there" / "yet") == (tmp_path / "SMALL").exists()


def test_a_link_that_leads_out_is_not_inside(tmp_path: Path) -> None:
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "link").symlink_to(tmp_path)
    assert is_inside(tmp_path / "ours" / "a" / "b", tmp_path / "ours")
    assert not is_inside(tmp_path / "ours" / "link" / "a", tmp_path / "ours")
    assert not is_inside(tmp_path / "ours", tmp_path / "ours")
    assert not is_inside(tmp_path / "ours" / ".." / "a", tmp_path / "ours")
    assert not is_inside(Path(f"{tmp_path}/ours/\0"), tmp_path / "ours")


def test_of_a_link_the_link_alone_is_removed(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "precious").write_text("mine")
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "within").symlink_to(tmp_path / "theirs")
    (tmp_path / "link").symlink_to(tmp_path / "theirs")
    remove(tmp_path / "link")
    remove(tmp_path / "ours")
    assert [file.name for file in tmp_path.iterdir()] == ["theirs"]
    assert (tmp_path / "theirs" / "precious").exists()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("owm.npz", "own.npz"), ("own.npy", "own.npz"), ("absent.npz", ""), ("none/own.npz", ""), ("a\x00b.npz", "")],
)
def test_a_file_that_is_not_there_brings_one_of_a_like_name_to_mind(typed: str, meant: str, tmp_path: Path) -> None:
    for name in ("own.npz", "str.npz"):
        (tmp_path / name).touch()
    assert beside(tmp_path / typed) == (f"did you mean {tmp_path / meant}? " if meant else "")
