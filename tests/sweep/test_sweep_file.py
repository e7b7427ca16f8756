"""A sweep file: arms are called what they are called, and what is wrong in it is one line that names the file."""

from __future__ import annotations

import pytest

from tests.sweep.test_command import app, complaint, design, in_an_empty_folder  # noqa: F401

HEADER = "# @package _global_\n"


@pytest.fixture
def own(tmp_path):
    """Writes conf/sweep/own.yaml."""
    folder = tmp_path / "conf" / "sweep"
    folder.mkdir(parents=True)
    return lambda text, header=HEADER: (folder / "own.yaml").write_bytes((header + text).encode())


def sweeper(lines: str) -> str:
    return "hydra:\n  sweeper:\n" + "".join(f"    {line}\n" for line in lines.splitlines())


NAMES = [
    "L1, weak",
    "淺層",
    "deep (2)",
    "it's",
    'a "b"',
    "x=1",
    "{a}",
    "[1]",
    "1",
    "true",
    "null",
    "a~b",
    "größe",
    "\\",
    "a:b",
]


def test_arms_are_called_what_they_are_called(app, own):  # noqa: F811
    import json

    own(sweeper("arms:\n" + "".join(f"  {json.dumps(name)}: [network.depth={i}]\n" for i, name in enumerate(NAMES))))
    cells, _ = design(app, "+sweep=own")
    assert [(cell.config.arm, cell.config.network.depth) for cell in cells] == [
        *zip(NAMES, range(len(NAMES)), strict=True)
    ]


def test_an_arm_is_asked_for_by_its_name_in_quotes(app, own, capsys):  # noqa: F811
    own(sweeper('arms:\n  "L1, weak": [network.depth=1]\n  淺層: [network.depth=2]\n  c: [network.depth=3]\n'))
    cells, _ = design(app, "+sweep=own", "arm='L1, weak',c")
    assert [cell.config.arm for cell in cells] == ["L1, weak", "c"]
    assert complaint(capsys, "+sweep=own", "arm=淺層") == (
        "arm=淺層: cannot be read; quote the value: \"arm='淺層'\"\n"
    )
    assert design(app, "+sweep=own", "arm='淺層'")[0][0].config.network.depth == 2
    assert "arm is 'a'; this sweep has no arms" in complaint(capsys, "arm=a")


def test_an_arm_may_be_a_list_a_mapping_a_text_or_nothing(app, own):  # noqa: F811
    own(sweeper(
        "arms:\n  a: [network.depth: 1]\n  b: {network.depth: 2, network: {width: 8}}\n  c: network.depth=3\n  d:\n"
        "  e:\n    - network.depth: [4, 5]\n    - seed=1"
    ))  # fmt: skip
    cells, _ = design(app, "+sweep=own")
    depths = [(cell.config.arm, cell.config.network.depth) for cell in cells]
    assert depths == [("a", 1), ("b", 2), ("c", 3), ("d", 2), ("e", 4), ("e", 5)]
    assert cells[1].config.network.width == 8


def test_a_list_of_lists_is_swept_over_list_by_list(app, own):  # noqa: F811
    own(sweeper("params:\n  network: cnn\n  network.channels: [[2, 3], [4]]\n"))
    cells, _ = design(app, "+sweep=own")
    assert [cell.config.network.channels for cell in cells] == ["[2,3]", "[4]"]


def test_params_may_be_nested_or_empty(app, own):  # noqa: F811
    own(sweeper("params:\n  network:\n    depth: 1,2\n    width: [4, 8]\n"))
    assert len(design(app, "+sweep=own")[0]) == 4
    own(sweeper("params:\narms:\n"))
    assert len(design(app, "+sweep=own")[0]) == 1


WRONG = {
    sweeper("parms:\n  seed: 1,2"): "hydra.sweeper.parms is not a setting of a sweep; did you mean params?",
    sweeper("params:\n  seed: 010"): "line 5: hydra.sweeper.params.seed is 010, which YAML reads as 8; write 8, or",
    sweeper("params:\n  training.epochs: 1:30"): "which YAML reads as 90",
    "name: no\n": "line 2: name is no, which YAML reads as false; write 'no' for the text",
    "description: 1e5\n": "line 2: description is 1e5, which YAML reads as 100000.0",
    sweeper("params:\n  network.depth: x,y"): "network.depth is 'x'; allowed: an integer, x >= 0",
    sweeper("params:\n  network.depht: 1"): "network.depht is not a setting; did you mean network.depth?",
    sweeper("params:\n  seed: range(1"): "seed=range(1: cannot be read; seed takes an integer",
    sweeper("params:\n  seed: range(0,1,0)"): "seed=range(0,1,0): never ends",
    sweeper("params:\n  optimizer: adamm"): "optimizer is 'adamm'; did you mean adam? allowed: one of adagrad",
    sweeper("params:\n  optimizer: adam.yaml"): "optimizer is 'adam.yaml'; type optimizer=adam",
    sweeper("params: [seed=1]"): "line 4: hydra.sweeper.params is a list; allowed: lines of key: value",
    sweeper("params: 3"): "line 4: hydra.sweeper.params is 3; allowed: lines of key: value",
    sweeper("params:\n  seed: [{a: 1}]"): "found {'a': 1} in a list of values; allowed: numbers, texts",
    sweeper("arms: [a, b]"): "line 4: hydra.sweeper.arms is a list; allowed: lines of key: value",
    sweeper("arms:\n  no: []"): "line 5: an arm is called no, which YAML reads as false; write 'no' for the text",
    sweeper("arms:\n  010: []"): "line 5: an arm is called 010, which YAML reads as 8",
    "hydra: {sweeper: 3}\n": "line 2: hydra.sweeper is 3; allowed: lines of key: value",
    "hydra: [a]\n": "line 2: hydra is a list; allowed: lines of key: value",
    "network: 3\n": "line 2: network is 3; allowed: lines of key: value",
    "network:\n": "line 2: network is empty; allowed: lines of key: value",
    "- a\n": "line 2: the file is a list; allowed: lines of key: value",
    "a: &a [*a]\n": "is nested too deeply, or an alias (*name) stands within what it stands for",
    "defaults: 3\n": "line 2: defaults is 3; allowed: a list, as [override /optimizer: adam]",
    "defaults: [override /optimizer: adma]\n": "defaults: optimizer is 'adma'; allowed: one of adagrad",
    "defaults: [override /optimzer: adam]\n": "defaults: optimzer is no group of choices; allowed: one of data",
    "defaults: [/optimizer: adam]\n": "defaults: optimizer has a choice already; write override /optimizer: adam",
    sweeper("arms:\n  a: 3"): "arm 'a' is 3; allowed: [key=value, ...]",
    sweeper('arms:\n  "a\\nb": []'): "an arm is called 'a\\nb'; allowed: a name of printable characters",
    sweeper("arms:\n  a: [network.depth=x]"): "network.depth is 'x'",
    "optimizer:\n  name: adam\n": "line 3: optimizer.name would keep what the other choice of optimizer sets beside "
    "its name; write defaults: [override /optimizer: adam]",
    "penalty: {strength: 0.1, name: 'l2'}\n": "write defaults: [override /penalty: l2]",
    sweeper("arms:\n  a: {optimizer: {name: adam}}"): "optimizer.name: would keep what the other choice",
    sweeper('arms:\n  a: ["optimizer={name: adam}"]'): "would keep what the other choice of optimizer sets",
    "network:\n  depth: x\n": "Value 'x' of type 'str' could not be converted to Integer; full_key: network.depth",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_in_a_sweep_file_names_the_file(app, own, capsys, text):  # noqa: F811
    own(text)
    message = complaint(capsys, "+sweep=own")
    assert message.startswith("conf/sweep/own.yaml: ")
    assert WRONG[text] in message
    assert app.calls == []


@pytest.mark.usefixtures("app")
def test_a_file_without_its_header_or_with_a_byte_order_mark_is_told_what_it_needs(own, capsys):
    own("seed: 1\n", header="")
    assert "its first line must be # @package _global_" in complaint(capsys, "+sweep=own")
    own("seed: 1\n", header="\ufeff" + HEADER)
    assert complaint(capsys, "+sweep=own") == (
        "conf/sweep/own.yaml: begins with a byte order mark; save it as UTF-8 without one\n"
    )


def test_a_setting_that_is_true_or_false_may_be_written_as_yaml_has_it(app, own):  # noqa: F811
    own("reuse: no\nnetwork:\n  depth: 3\nname: 'no'\n")
    cells, settings = design(app, "+sweep=own")
    assert (settings.reuse, settings.name, cells[0].config.network.depth) == (False, "no", 3)
