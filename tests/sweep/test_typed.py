"""What is typed and cannot be meant: one line that says what to type instead."""

from __future__ import annotations

import shlex

import pytest

from tests.sweep.test_command import app, complaint, design, in_an_empty_folder  # noqa: F401
from workbench.output import on_one_line
from workbench.sweep.hydra import typed
from workbench.sweep.hydra.internals import in_single_quotes

SAID = {
    "description=a=b": "quote the value: \"description='a=b'\"",
    "data.path=~/x.npz": "quote the value: \"data.path='~/x.npz'\"",
    "data.path=größe.npz": "quote the value: \"data.path='größe.npz'\"",
    "data.path=a(b": "quote the value: \"data.path='a(b'\"",
    "name=[a": "quote the value: \"name='[a'\"",
    "description=a\nb": r"description=a\nb: cannot be read; allowed: characters that can be printed",
    "tour": "tour: has no =; a sweep is asked for by +sweep=tour",
    "nothing": "nothing: has no =; type key=value",
    "seed=range(1": "seed=range(1: cannot be read; seed takes an integer",
    "seed=range(0,1,0)": "never ends; allowed: range(start,stop,step), the step not 0",
    "seed=range(0,1e9)": "the sweep has 1,000,000,000 cells; allowed: at most 1,000,000",
    "seed=range(3),5": "a range or choice within other values cannot be swept over; allowed: KEY=1,2,3 or KEY=range(",
    "network.channels=[1,range(3)]": "a range or choice within other values cannot be swept over",
    "network={depth: choice(1,2)}": "a range or choice within other values cannot be swept over",
    "seed=0,0,1": "seed=0,0,1: 0 stands twice; allowed: each value once",
    "seed=choice(1,2,1)": "stands twice",
    "seed=0,00": "seed=0,00: 00 stands twice; allowed: each value once",
    "optimizer.learning_rate=1,'1.0'": "stands twice",
    "dropout.rate=0.5,5e-1": "stands twice",
    "optimizer=adam,sgd,'adam'": "stands twice",
    "network.channels=[4,8],[4,8]": "stands twice",
    "network={width: 4},{width: 4}": "stands twice",
    "seed=1e400": "seed is inf; allowed: an integer",
    "name=1e5": "is read as the number 100000.0; quote the value: \"name='1e5'\"",
    f"name={'x' * 5000}": "name has 5,000 characters; allowed: at most 128",
    "name=a.html": "a page is called so",
    "name=index": "a page is called so",
    "optimizer.name=adam": "type optimizer=adam",
    "data.name=mnist": "type data=mnist",
    "optimizer={name: adam}": "optimizer={name: ...}: would keep what the other choice of optimizer sets beside its "
    "name; type optimizer=adam",
    "optimizer.lr=0.1": "did you mean optimizer.learning_rate?",
    "dropouts.rate=0.1": "did you mean dropout.rate?",
    "lr=0.1": "did you mean optimizer.learning_rate?",
    "wd=0.1": "did you mean optimizer.weight_decay?",
    "bs=8": "did you mean training.batch_size?",
    "num_epochs=8": "did you mean training.epochs?",
    "hidden_size=8": "did you mean network.width?",
    "layers=8": "did you mean network.depth?",
    "dataset=mnist": "did you mean data?",
    "++sweep=tour": "type +sweep=tour",
    "+++sweep=tour": "+++sweep=tour: begins with more than ++; type +sweep=tour",
    "+++optimizer=adam": "type optimizer=adam",
    "+sweep=tour.yaml": "sweep is 'tour.yaml'; type +sweep=tour",
    "+sweep=./tour": "sweep is './tour'; type +sweep=tour",
    "optimizer=adam.yaml": "optimizer is 'adam.yaml'; type optimizer=adam",
    "optimizer=../optimizer/adam": "type optimizer=adam",
    "~seed": "a setting cannot be deleted",
    "hydra.sweeper._target_=": "cannot be set by a command",
    "hydra/job_logging=": "cannot be set by a command",
    "hydra.run.dir=x": "cannot be set by a command",
    "hydra.sweeper=3": "did you mean hydra/sweeper?",
    "+hydra.sweeper.parms=3": "hydra.sweeper.parms is not a setting of a sweep; did you mean params?",
    "hydra.sweeper.params=3": "hydra.sweeper.params is 3",
    "hydra.searchpath=[x]": "path=x is not available",
    "penalty=$(touch x)": "quote the value: 'penalty='\"'\"'$(touch x)'\"'\"''",
}


@pytest.mark.parametrize("argument", SAID, ids=lambda text: text[:40].encode("unicode_escape").decode())
def test_what_to_type_instead_is_said(app, capsys, argument):  # noqa: F811
    assert SAID[argument] in complaint(capsys, argument)
    assert app.calls == []


def test_a_glob_that_names_no_choice_asks_for_nothing(app, capsys):  # noqa: F811
    assert "the sweep has no cells" in complaint(capsys, "seed=glob(*)")
    assert len(design(app, "optimizer=glob(ada*)")[0]) == 3


def test_flags_may_stand_between_overrides(app):  # noqa: F811
    cells, settings = design(app, "seed=1", "-m", "network.depth=3")
    assert (cells[0].config.seed, cells[0].config.network.depth) == (1, 3)
    assert settings.command == "python -m workbench seed=1 network.depth=3"


@pytest.mark.parametrize("text", ["a", "a b", "it's", "$(touch pwned)", "`x`", 'a"b', "it's $HOME", "a\\'", "!x'"])
def test_what_is_to_be_pasted_is_one_word_of_a_shell(text):
    assert shlex.split(typed.for_a_shell(text)) == [text]


def test_a_message_is_one_line_whatever_stands_in_it():
    assert on_one_line("a\nb\x1b[2J\rc\u2028d ü 淺") == r"a\nb\x1b[2J\rc\u2028d ü 淺"
    assert len(on_one_line("x" * 5000)) < 200


@pytest.mark.parametrize("value", ["a, b", "it's", "a\\", "\\'", "{x}", "", " a ", "淺", "a=b"])
def test_a_value_in_quotes_is_read_as_it_is(value):
    assert typed.read(f"description={in_single_quotes(value)}").value() == value
