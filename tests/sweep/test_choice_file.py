"""A person's own file of a choice, such as conf/optimizer/mine.yaml: values that YAML reads as something else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.sweep.test_command import app, complaint, design, in_an_empty_folder  # noqa: F401

SWEEP = "# @package _global_\n"
# File -> text; what is typed; what is said.
WRONG: dict[str, tuple[Mapping[str, str], str, str]] = {
    "a number with a zero before it": (
        {"optimizer/mine": "name: sgd\nlearning_rate: 010\n"}, "optimizer=mine",
        "conf/optimizer/mine.yaml: line 2: optimizer.learning_rate is 010, which YAML reads as 8; write 8, or",
    ),
    "a time": (
        {"optimizer/mine": "name: sgd\nlearning_rate: 1:30\n"}, "optimizer=sgd,mine",
        "conf/optimizer/mine.yaml: line 2: optimizer.learning_rate is 1:30, which YAML reads as 90",
    ),
    "no": (
        {"optimizer/mine": "name: sgd\nschedule: no\n"}, "optimizer=mine",
        "conf/optimizer/mine.yaml: line 2: optimizer.schedule is no, which YAML reads as false; write 'no'",
    ),
    "a text that is a number": (
        {"data/mine": "name: npz\npath: 1e-3\n"}, "data=mine",
        "conf/data/mine.yaml: line 2: data.path is 1e-3, which YAML reads as 0.001; write 0.001, or '1e-3'",
    ),
    "a file for the whole run": (
        {"data/mine": SWEEP + "data: {name: npz, path: 1e-3}\n"}, "data=mine",
        "conf/data/mine.yaml: line 2: data.path is 1e-3",
    ),
    "a file for a section": (
        {"data/mine": "# @package data\nname: npz\npath: 1e-3\n"}, "data=mine",
        "conf/data/mine.yaml: line 3: data.path is 1e-3",
    ),
    "the defaults of a sweep file": (
        {"optimizer/mine": "name: no\n", "sweep/own": SWEEP + "defaults: [override /optimizer: mine]\n"}, "+sweep=own",
        "conf/optimizer/mine.yaml: line 1: optimizer.name is no",
    ),
    "the grid of a sweep file": (
        {"optimizer/mine": "momentum: 0.5\nepsilon: 01\n",
         "sweep/own": SWEEP + "hydra: {sweeper: {params: {optimizer: 'sgd,mine'}}}\n"}, "+sweep=own",
        "conf/optimizer/mine.yaml: line 2: optimizer.epsilon is 01, which YAML reads as 1",
    ),
    "what a choice is based on": (
        {"optimizer/mine": "defaults: [base, _self_]\n", "optimizer/base": "name: sgd\nmomentum: 00\n"},
        "optimizer=mine", "conf/optimizer/base.yaml: line 2: optimizer.momentum is 00, which YAML reads as 0",
    ),
    "what cannot be converted": (
        {"network/mine": "depth: 1:x\nwidth: 010\n"}, "network=mine",
        "conf/network/mine.yaml: line 2: network.width is 010, which YAML reads as 8",
    ),
}  # fmt: skip


def write(files: Mapping[str, str]) -> None:
    for name, text in files.items():
        file = Path("conf", f"{name}.yaml")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("case", WRONG)
def test_a_value_that_yaml_reads_as_another_names_file_and_line(case, app, capsys):  # noqa: F811
    files, typed, said = WRONG[case]
    write(files)
    assert said in complaint(capsys, typed)
    assert app.calls == []


@pytest.mark.usefixtures("app")
def test_an_alias_within_itself_is_one_line(capsys):
    write({"optimizer/mine": "name: &a [*a]\n"})
    assert "conf/optimizer/mine.yaml: is nested too deeply, or an alias" in complaint(capsys, "optimizer=mine")


def test_a_file_that_is_not_chosen_is_not_looked_at(app):  # noqa: F811
    write({"optimizer/mine": "name: sgd\nlearning_rate: 010\n"})
    assert len(design(app, "optimizer=sgd")[0]) == 1


def test_values_that_are_read_as_they_are_written_pass(app):  # noqa: F811
    write(
        {"optimizer/mine": "defaults: [momentum, _self_]\nlearning_rate: 1e-3\nmomentum: .5\nschedule: 'exponential'\n"}
    )
    (cell,), _ = design(app, "optimizer=mine", "name='010'")
    assert (cell.config.optimizer.learning_rate, cell.config.optimizer.schedule) == (1e-3, "exponential")
