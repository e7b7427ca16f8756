"""The list shows everything there is to choose, ask and set, and each topic by itself."""

from __future__ import annotations

import re

import pytest

from workbench import cli, places
from workbench.config import FAMILIES, SECTIONS, SETTINGS, table
from workbench.words import list as listing
from workbench.words.listing import Listing, show


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def printed(capsys, *topics):
    assert cli.main(["list", *topics]) == 0
    return capsys.readouterr().out


def test_the_whole_list_names_every_sweep_choice_and_key(capsys):
    text = printed(capsys)
    for path in places.ours("conf").glob("sweep/*.yaml"):
        assert path.stem in text
    for path in places.ours("experiments").glob("[!_]*.py"):
        assert path.stem in text
    for family in FAMILIES:
        assert all(name in text for name in table(family))
    for key, setting in SETTINGS.items():
        assert key in text
        assert setting.help in text


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_its_table_with_one_line_each(family, capsys):
    text = printed(capsys, family)
    for name, row in table(family).items():
        assert any(line.split()[:1] == [name] and row.summary in line for line in text.splitlines())


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_is_its_own_keys(section):
    rows = listing.listing(section).rows
    assert [row[0] for row in rows] == [key for key in SETTINGS if key.startswith(f"{section}.")]


def test_groups_are_the_folders_of_conf():
    rows = dict(listing.groups().rows)
    assert set(rows) == {"data", "network", "optimizer", "penalty"}
    assert "adamw" in rows["optimizer"]


def test_several_topics_are_shown_in_turn(capsys):
    text = printed(capsys, "schedules", "sweeps")
    assert text.index("inverse_sqrt") < text.index("tour")


def test_a_persons_own_sweeps_and_claims_are_listed(capsys, tmp_path):
    (tmp_path / "conf" / "sweep").mkdir(parents=True)
    (tmp_path / "experiments").mkdir()
    (tmp_path / "conf" / "sweep" / "own.yaml").write_text("# @package _global_\ndescription: my question\n")
    (tmp_path / "conf" / "sweep" / "broken.yaml").write_text("description: [")
    (tmp_path / "experiments" / "own.py").write_text(
        '"""My claim.\n\nMore of it.\n"""\n\nfrom workbench.claims import Arm, Claim, Identity\n\n'
        'CLAIMS = [Claim("X1", "wide is enough", "none", Identity("error", Arm("all"), 0.1))]\n'
    )
    (tmp_path / "experiments" / "broken.py").write_text(
        '"""Not done yet."""\n\nimport workbench\n\nCLAIMS = []\nraise RuntimeError("unfinished")\n'
    )
    text = printed(capsys)
    assert "my question" in text
    assert "cannot be read" in text
    assert "My claim." in text
    assert "More of it." not in text
    assert cli.main(["list", "claims"]) == 0
    out, err = capsys.readouterr()
    assert "wide is enough" in out
    assert "Not done yet." in out
    assert "experiments/broken.py cannot be imported: RuntimeError: unfinished" in err


def test_an_unknown_topic_is_one_line_with_the_topics(capsys):
    assert cli.main(["list", "nothing"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "keys" in err
    assert "activations" in err


def test_help_names_the_topics(capsys):
    assert "activations" in printed(capsys, "--help")


def test_a_terminal_gets_a_table_and_brackets_stay_text(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    show(Listing("A [b]", ("name", "is"), [("x", "[bold] y")]))
    assert "[bold] y" in capsys.readouterr().out


def test_a_narrow_terminal_cuts_no_choice(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    for topic in listing.topics():
        item = listing.listing(topic)
        show(item)
        out = re.sub(r"\x1b\[[\d;]*m", "", capsys.readouterr().out)
        assert max(map(len, out.splitlines())) <= 80
        shown = {*out.split()}
        assert not {word for row in item.rows for text in row for word in text.split()} - shown, topic
