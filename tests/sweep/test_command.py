"""The command as a person types it: what reaches the application, and what is refused in one line."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import workbench
from workbench import places
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.sweep.hydra.command import TOPICS, main

ROOT = places.ours("conf").parent
# Those with claims are composed by tests/experiments as well, the tour by a test of its own.
SWEEPS = [
    pytest.param(
        path,
        id=path.stem,
        marks=[pytest.mark.thorough]
        if path.stem == "tour" or (ROOT / "experiments" / f"{path.stem}.py").exists()
        else [],
    )
    for path in sorted(ROOT.glob("conf/sweep/*.yaml"))
]


@pytest.fixture
def app(monkeypatch):
    """Stands for the application: keeps what it is given, returns `status`."""
    module = ModuleType("workbench.app")
    module.calls, module.status = [], 0
    module.prepare = lambda: None
    module.run_sweep = lambda design, settings: module.calls.append((design, settings)) or module.status
    monkeypatch.setitem(sys.modules, "workbench.app", module)
    monkeypatch.setattr(workbench, "app", module, raising=False)  # where it was imported before
    return module


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def design(app, *arguments):
    assert main(list(arguments)) == 0
    ((cells, settings),) = app.calls
    app.calls.clear()
    return cells, settings


def complaint(capsys, *arguments):
    assert main(list(arguments)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1, err
    assert "HYDRA_FULL_ERROR" not in err
    return err


def test_no_arguments_are_one_run_with_the_defaults(app):
    cells, settings = design(app)
    assert len(cells) == 1
    assert cells[0].factors == {}
    assert settings.name is None
    assert settings.command == "python -m workbench"


def test_values_with_commas_and_ranges_are_crossed(app):
    cells, settings = design(app, "network.depth=1,2,4", "optimizer=sgd,adam", "seed=range(4)")
    assert len(cells) == 24
    assert cells[-1].factors == {"network.depth": 4, "optimizer": "adam", "seed": 3}
    assert settings.command == "python -m workbench network.depth=1,2,4 optimizer=sgd,adam 'seed=range(4)'"


@pytest.mark.parametrize("flag", ["-m", "--multirun"])
def test_asking_for_a_multirun_changes_nothing_as_every_command_is_one(app, flag):
    cells, settings = design(app, flag, "seed=1,2")
    assert len(cells) == 2
    assert settings.command == "python -m workbench seed=1,2"


@pytest.mark.parametrize("path", SWEEPS)
def test_every_sweep_file_composes_and_says_what_it_asks(app, path):
    cells, settings = design(app, f"+sweep={path.stem}")
    assert settings.name == settings.sweep == path.stem
    assert settings.description
    assert len({cell.overrides for cell in cells}) == len(cells)
    trained = any(cell.config.measure == "training" for cell in cells)
    assert "seed" in cells[0].factors or not trained  # some measurements draw nothing


@pytest.mark.parametrize("group", sorted({path.parent.name for path in ROOT.glob("conf/[!hs]*/*.yaml")}))
def test_every_choice_composes(app, group, tmp_path):
    import numpy as np

    np.savez(tmp_path / "own.npz", inputs=np.zeros((100, 3)), targets=np.arange(100) % 2)
    stems = sorted(path.stem for path in ROOT.glob(f"conf/{group}/*.yaml"))
    further = ["data.path=own.npz"] if group == "data" else []
    cells, _ = design(app, f"{group}={','.join(stems)}", *further)
    assert [cell.choices[group] for cell in cells] == stems
    names = [getattr(cell.config, group).name for cell in cells]
    assert names == [{"adamw": "adam"}.get(stem, stem) for stem in stems]


def test_every_penalty_but_none_sets_a_number_that_counts(app):
    cells, _ = design(app, f"penalty={','.join(path.stem for path in ROOT.glob('conf/penalty/*.yaml'))}")
    for cell in cells:
        penalty = cell.config.penalty
        numbers = [penalty.l1, penalty.l1_proximal, penalty.l2, penalty.decay, penalty.max_norm]
        assert any(numbers) == (cell.choices["penalty"] != "none")
        if penalty.strength:
            assert penalty.l1 + penalty.l1_proximal + penalty.l2 + penalty.decay == pytest.approx(penalty.strength)


def test_the_tour_is_432_runs_and_the_command_line_wins_over_it(app):
    cells, _ = design(app, "+sweep=tour")
    assert len(cells) == 4 * 3 * 2 * 3 * 2 * 3
    cells, settings = design(app, "+sweep=tour", "seed=7", "network.depth=1", "name=mine")
    assert len(cells) == 3 * 2 * 3 * 2
    assert {cell.config.seed for cell in cells} == {7}
    assert settings.name == "mine"
    assert settings.sweep == "tour"


def test_what_departs_from_a_sweep_file_does_not_take_its_name(app):
    part = ["+sweep=tour", "seed=0", "network.depth=1"]
    _, settings = design(app, "+sweep=tour", "seed=0", "dropout.rate=0.2")
    assert settings.name == "tour-rate-0.2"
    assert re.fullmatch(r"tour-rate-0\.2-[0-9a-f]{6}", design(app, *part, "dropout.rate=0.2")[1].name)
    assert any("tour keeps its page" in remark for remark in settings.remarks)
    assert design(app, *part)[1].name == "tour"
    assert design(app, *part, "dropout.rate=0.2", "name=mine")[1].name == "mine"


def test_a_logarithmic_range_is_a_list_of_values(app):
    cells, _ = design(app, "optimizer.learning_rate=logspace(1e-3,1e-1,3)", "network.width=logspace(8,128,5)")
    assert len(cells) == 15
    assert sorted({cell.config.optimizer.learning_rate for cell in cells}) == [0.001, 0.01, 0.1]
    assert sorted({cell.config.network.width for cell in cells}) == [8, 16, 32, 64, 128]


def test_a_persons_own_conf_joins_ours(app, tmp_path):
    (tmp_path / "conf" / "optimizer").mkdir(parents=True)
    (tmp_path / "conf" / "sweep").mkdir()
    (tmp_path / "conf" / "optimizer" / "mine.yaml").write_text("name: sgd\nlearning_rate: 0.5\n")
    (tmp_path / "conf" / "optimizer" / "adam.yaml").write_text("name: sgd\n")
    (tmp_path / "conf" / "config.yaml").write_text("nonsense: true\n")
    (tmp_path / "conf" / "sweep" / "own.yaml").write_text(
        "# @package _global_\nhydra:\n  sweeper:\n    params:\n      optimizer: mine,adam\n      seed: [1, 2]\n"
    )
    cells, settings = design(app, "+sweep=own")
    assert settings.name == "own"
    assert [(cell.choices["optimizer"], cell.config.seed) for cell in cells] == [
        ("mine", 1),
        ("mine", 2),
        ("adam", 1),
        ("adam", 2),
    ]
    assert cells[0].config.optimizer.learning_rate == 0.5
    assert cells[2].config.optimizer.name == "adam"


def test_a_rule_of_the_last_folder_is_no_choice_in_the_next(app, tmp_path, monkeypatch):
    with monkeypatch.context() as there:
        there.setitem(OPTIMIZERS, "mine", OPTIMIZERS["sgd"])
        cells, _ = design(app, "optimizer=mine")
        assert cells[0].config.optimizer.name == "mine"
    assert main(["optimizer=mine"]) == 2
    (tmp_path / "conf" / "optimizer").mkdir(parents=True)
    (tmp_path / "conf" / "optimizer" / "mine.yaml").write_text("name: adam\n")
    cells, _ = design(app, "optimizer=mine")
    assert cells[0].config.optimizer.name == "adam"


def test_arms_are_crossed_with_the_params(app, tmp_path, capsys):
    (tmp_path / "conf" / "sweep").mkdir(parents=True)
    (tmp_path / "conf" / "sweep" / "armed.yaml").write_text(
        "# @package _global_\nhydra:\n  sweeper:\n    params:\n      network.depth: 1,8\n      seed: 0\n    arms:\n"
        "      plain: []\n      deep: [network.init=glorot, 'optimizer=sgd,adam']\n"
    )
    cells, _ = design(app, "+sweep=armed")
    assert [cell.config.arm for cell in cells] == ["plain"] * 2 + ["deep"] * 4
    assert [cell.config.network.init for cell in cells] == ["auto"] * 2 + ["glorot"] * 4
    assert set(cells[0].factors) == {"arm", "network.depth", "optimizer"}
    cells, _ = design(app, "+sweep=armed", "arm=deep", "optimizer=adam", "seed=0,1")
    assert [(c.config.arm, c.config.optimizer.name, c.config.seed) for c in cells] == [
        ("deep", "adam", s) for s in (0, 1)
    ] * 2
    assert "plain, deep" in complaint(capsys, "+sweep=armed", "arm=nothing")


def test_the_exit_status_is_the_applications(app):
    app.status = 3
    assert main(["seed=1"]) == 3


def test_bad_input_found_by_the_application_is_one_line(app, capsys):
    from workbench.engine.errors import BadInput

    def refuse(design, settings):  # noqa: ARG001
        raise BadInput("device is cuda")

    app.run_sweep = refuse
    assert complaint(capsys) == "device is cuda\n"


def test_a_fault_of_ours_is_not_passed_off_as_bad_input(app):
    def fail(design, settings):  # noqa: ARG001
        raise ValueError("a fault")

    app.run_sweep = fail
    with pytest.raises(ValueError, match="a fault"):
        main([])


BAD = {
    "network.depht=3": "did you mean network.depth?",
    "depth=3": "did you mean network.depth?",
    "zzz=3": "data, network, optimizer, penalty, sweep",
    "+zzz=3": "zzz is not a setting",
    "++network.zzz=3": "network.zzz is not a setting",
    "network.depth=x": "network.depth is 'x'; allowed: an integer, x >= 0",
    "network.depth=1,x": "network.depth is 'x'; allowed: an integer, x >= 0",
    "network.depth=2.5": "network.depth is 2.5; allowed: an integer",
    "network.depth=true": "network.depth is true",
    "network.depth=null": "network.depth is null",
    "network.depth=": "network.depth is ''",
    "network.depth=-1": "network.depth is -1; allowed: an integer, x >= 0",
    "network.depth.x=3": "network.depth.x is not a setting",
    "network=3": "allowed: one of cnn, mlp",
    "~network.depth": "cannot be deleted",
    "network.activation=rellu": "did you mean relu? allowed: one of sigmoid, tanh, relu",
    "analyses=calibration+prunin": "did you mean pruning? allowed: any of",
    "optimizer=adma": "did you mean adam? allowed: one of adagrad",
    "optimizr=adam": "did you mean optimizer? groups of choices",
    "+sweep=tuor": "did you mean tour? allowed: one of",
    "seed=logspace(1,2)": "allowed: logspace(start,stop,count)",
    "network.width=${foo}": "foo",
    "optimizer.learning_rate=fast": "optimizer.learning_rate is 'fast'; allowed: a number, x > 0",
    "dropout.rate=1": "dropout.rate is 1.0; allowed: a number, 0 <= x < 1",
    "optimizer=foo": "one of adagrad, adam, adamw",
    "optimizer=sgd,foo": "optimizer is 'foo'; allowed: one of adagrad",
    "optimizer=3": "one of adagrad, adam, adamw",
    "+penalty=l1": "type penalty=l1",
    "sweep=tour": "type +sweep=tour",
    "+sweep=nothing": "sweep is 'nothing'; allowed: one of ",
    "+sweep=tour,tour": "+sweep=tour and +sweep=tour",
    "+sweep=glob(*)": "+sweep=tour",
    "network.depth=[1": "cannot be read",
    "seed=range(1": "cannot be read",
    "seed=interval(1,2)": "range(start,stop,step)",
    "=3": "type key=value",
    '"': "type key=value",
    "reuse=true,false": "allowed: one value",
    "name=a,b": "allowed: one value",
    "name=a/b": "name is 'a/b'",
    "hydra/launcher=basic": "hydra/launcher is 'basic'; allowed: one of packed (who trains is chosen by executor=)",
    "hydra/sweeper=basic": "hydra/sweeper is 'basic'; allowed: one of grid, optuna",
    "hydra/sweeper=nothing": "grid, optuna",
    "hydra.sweeper.trials=5": "nothing reads it with this sweeper; it is read with hydra/sweeper=optuna",
    "hydra.sweeper.trails=5": "is no setting of a sweeper; did you mean hydra.sweeper.trials? allowed",
    "hydra.run.dir=here": "cannot be set by a command",
    "hydra.sweep.dir=here": "cannot be set by a command",
    "hydra.sweep.subdir=here": "cannot be set by a command",
    "hydra.job.chdir=true": "cannot be set by a command",
    "hydra.mode=RUN": "cannot be set by a command",
    "hydra.verbose=true": "cannot be set by a command",
    "hydra.callbacks.mine._target_=print": "cannot be set by a command",
    "-r": "a single run is a sweep of one",
    "--run": "a single run is a sweep of one",
    "-cn=other": "type +sweep=NAME",
    "--config-name=other": "type +sweep=NAME",
    "--config-path=elsewhere": "hydra.searchpath",
    "--config-dir=elsewhere": "a conf folder in the working folder joins ours",
    "-cd=elsewhere": "a conf folder in the working folder joins ours",
    "--experimental-rerun=job.pickle": "asks for it again",
    "--shell-completion": "workbench completion bash",
    "-sc=install=bash": "workbench completion bash",
    "--package=network": "goes with --cfg",
    "--resolve": "goes with --cfg",
    "--cfg=jobs": "choose from 'job', 'hydra', 'all'",
    "--info=nothing": "choose from 'all', 'config'",
    "--jsn": "did you mean --json?",
    "data=npz": "data.path",
    "training.batch_size=100000": "training.batch_size is 100000",
    "--nothing": "--help",
}


@pytest.mark.parametrize("argument", BAD)
def test_bad_input_is_one_line_and_nothing_is_trained(app, capsys, argument):
    assert BAD[argument] in complaint(capsys, argument)
    assert app.calls == []


@pytest.mark.usefixtures("app")
def test_a_file_that_cannot_be_read_is_named(capsys, tmp_path):
    (tmp_path / "conf" / "optimizer").mkdir(parents=True)
    mine = tmp_path / "conf" / "optimizer" / "mine.yaml"
    for text in ("name: [sgd", "learning_rate: fast", "nothing: 3"):
        mine.write_text(text)
        assert "optimizer/mine" in complaint(capsys, "optimizer=mine")


@pytest.mark.usefixtures("app")
def test_a_sweep_file_that_is_no_utf8_is_named(capsys, tmp_path):
    (tmp_path / "conf" / "sweep").mkdir(parents=True)
    (tmp_path / "conf" / "sweep" / "own.yaml").write_bytes("# @package _global_\ndescription: für".encode("latin-1"))
    assert complaint(capsys, "+sweep=own") == (
        "conf/sweep/own.yaml: found byte 0xfc at place 34; allowed: text in UTF-8\n"
    )


def test_a_sweep_file_with_a_wrong_key_is_refused(app, capsys, tmp_path):
    (tmp_path / "conf" / "sweep").mkdir(parents=True)
    (tmp_path / "conf" / "sweep" / "own.yaml").write_text(
        "# @package _global_\nhydra:\n  sweeper:\n    params:\n      network.depht: 1,2\n"
    )
    assert "did you mean network.depth?" in complaint(capsys, "+sweep=own")
    assert app.calls == []


def test_hydra_leaves_no_files(app, tmp_path):
    design(app, "seed=1,2")
    assert list(tmp_path.iterdir()) == []


def test_the_configuration_of_a_run_can_be_shown(capsys):
    assert main(["--cfg", "job", "optimizer=adam"]) == 0
    text = capsys.readouterr().out
    assert "learning_rate: 0.001" in text
    assert "hydra" not in text


def test_of_a_configuration_one_section_can_be_shown_resolved(capsys):
    assert main(["--cfg", "job", "--package", "penalty", "--resolve", "penalty=l2", "penalty.strength=0.25"]) == 0
    text = capsys.readouterr().out
    assert "l2: 0.25" in text
    assert "learning_rate" not in text
    assert main(["--cfg", "job", "--package", "nothing"]) == 2
    assert capsys.readouterr().err == ("--package is 'nothing'; allowed: a section of the configuration, as network\n")


@pytest.mark.parametrize("topic", TOPICS)
def test_what_hydra_composes_from_can_be_shown(capsys, topic):
    assert main(["--info", topic]) == 0
    assert "Hydra" in capsys.readouterr().out or topic in ("defaults", "config", "defaults-tree", "searchpath")


def test_hydras_own_help_can_be_reached(capsys):
    assert main(["--hydra-help"]) == 0
    assert "Hydra" in capsys.readouterr().out


def test_a_sweep_file_that_sets_what_hydra_would_ignore_is_refused(app, capsys, tmp_path):
    (tmp_path / "conf" / "sweep").mkdir(parents=True)
    for text in ("hydra: {run: {dir: here}}", "hydra: {sweep: {dir: here}}", "hydra: {verbose: true}"):
        (tmp_path / "conf" / "sweep" / "own.yaml").write_text(f"# @package _global_\n{text}\n")
        assert "conf/sweep/own.yaml: hydra." in complaint(capsys, "+sweep=own")
    (tmp_path / "conf" / "sweep" / "own.yaml").write_text(
        "# @package _global_\ndefaults: [override /hydra/sweeper: basic, override /hydra/launcher: basic]\n"
    )
    assert "conf/sweep/own.yaml: hydra/sweeper is 'basic'" in complaint(capsys, "+sweep=own")
    assert app.calls == []
    assert [path.name for path in tmp_path.iterdir()] == ["conf"]


def run(*arguments, cwd):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def test_the_command_ends_with_status_2_and_one_line(tmp_path):
    ended = run("-m", "workbench", "network.depth=x", cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "network.depth is 'x'; allowed: an integer, x >= 0\n"


def test_what_hydra_imports_at_every_start_is_light():
    heavy = "{'mlflow', 'cupy', 'matplotlib', 'sklearn', 'pandas', 'scipy', 'pooch', 'numpy', 'rich'}"
    ended = run("-c", f"import hydra_plugins.workbench, sys; print(sorted({heavy} & set(sys.modules)))", cwd=Path.cwd())
    assert ended.stdout == "[]\n", ended.stderr


def test_importing_the_command_again_does_nothing():
    ended = run("-c", "import sys; before = set(sys.modules); import workbench.__main__; "
                "print(sorted(set(sys.modules) - before))", cwd=Path.cwd())  # fmt: skip
    assert ended.stdout == "['workbench', 'workbench.__main__']\n", ended.stderr
