"""Rules of a person's own: found in a folder, joined to ours, checked when first used, carried by their packs."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from workbench.engine.errors import BadInput
from workbench.engine.kernels.checks import check
from workbench.engine.kernels.choice import with_kernel
from workbench.engine.rules import rule_files
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.rules.rule_files import RuleFile
from workbench.engine.training.loop import train
from workbench.engine.training.pack import Pack

from .cases import alone, assert_same_course, course, data_for, pack_of

HEAD = "import numpy as np\nfrom workbench.rules import *\n"
SWASH = (
    HEAD
    + """
def swash(z, slope):
    return z / (1 + np.exp(-z))

def swash_derivative(z, a, slope):
    gate = 1 / (1 + np.exp(-z))
    return gate + a * (1 - gate)

ACTIVATIONS = {"swash": Activation("z times its sigmoid", swash, swash_derivative, init="he")}
"""
)
PUMA = (
    HEAD
    + """
def puma(w, g, m, at):
    step = np.sign(at.beta1 * m + (1 - at.beta1) * g)
    return w - at.learning_rate * step, at.nu * m + (1 - at.nu) * g

OPTIMIZERS = {
    "puma": Optimizer("the sign of a fading mean", ("m",), puma, 3e-4,
                      {"nu": Hyperparameter(0.99, "decay of the mean", low=0, high=1, open_high=True)}),
}
PENALTIES = {
    "bevel": Penalty("l2 near zero, l1 beyond", "gradient", lambda w, g, at: g + at.bevel * np.clip(w, -0.1, 0.1)),
}
"""
)


@pytest.fixture(autouse=True)
def _taken_out_again() -> Iterator[None]:
    yield
    rule_files.uninstall()


def swash_pack(**given: object) -> Pack:
    """Three runs with an activation of a person's own."""
    rule_files.install([RuleFile("rules/swash.py", SWASH)])
    pack = pack_of(3, activation="swash", dtype="float32", **given)
    return replace(pack, rules=rule_files.used({"ACTIVATIONS": ["swash"]}))


def test_a_file_that_was_not_written_for_us_is_never_run(tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "firewall.py").write_text("raise SystemExit('run')\nACTIVATIONS = {}\n", encoding="utf-8")
    (folder / "tools.py").write_text("import workbench\nraise SystemExit('run')\n", encoding="utf-8")
    (folder / "swash.py").write_text(SWASH, encoding="utf-8")
    (folder / "regex.py").write_text("words = '\\d'\n", encoding="utf-8")  # Python warns of it
    (folder / "ours.py").write_text("from workbench_of_mine import x\nACTIVATIONS = {}\n1 / 0\n", encoding="utf-8")
    (folder / "near.py").write_text("from .workbench import x\nACTIVATIONS = {}\n1 / 0\n", encoding="utf-8")
    assert [path.name for path in folder.iterdir() if rule_files.read(path)] == ["swash.py"]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"print 'python 2'\n", id="python 2"),
        pytest.param(b"\0", id="no text"),
        pytest.param("name = 'für'".encode("latin-1"), id="latin-1"),
        pytest.param(b"x = " + b"(" * 5000, id="nested too deeply"),
    ],
)
def test_a_file_that_is_no_python_and_not_meant_for_us_stops_nothing(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "old.py").write_bytes(content)
    assert rule_files.read(tmp_path / "old.py") is None


@pytest.mark.parametrize(("kernel", "dtype"), [("compiled", "float32"), ("plain", "float32"), ("plain", "float64")])
def test_an_own_activation_trains_packed_as_it_trains_alone(kernel: str, dtype: str) -> None:
    if kernel == "compiled":
        pytest.importorskip("numba", reason="runs where Numba is installed")
    pack = replace(swash_pack(), kernel=kernel, dtype=dtype)
    data = data_for(pack)
    packed = list(train(pack, data))
    for run in range(pack.runs):
        assert_same_course(course(packed, run), course(alone(pack, data, run), 0))


def test_every_kernel_takes_it() -> None:
    assert with_kernel(swash_pack()).kernel == "compiled"
    from workbench.engine.kernels.cuda import codes, source

    pack = replace(swash_pack(), device="cuda")
    assert codes.obstacle(pack) == ""
    assert f"case {codes.activations().index('swash')}: return value_" in source.text()


def test_the_compiled_form_agrees_with_the_plain_one_for_optimizer_and_penalty_too() -> None:
    pytest.importorskip("numba", reason="runs where Numba is installed")
    rule_files.install([RuleFile("rules/puma.py", PUMA)])
    given = {"nu": [0.5, 0.9, 0.99], "bevel": [0.0, 0.1, 0.2], "learning_rate": [0.01] * 3}
    plain = pack_of(3, optimizer="puma", activation="tanh", dtype="float32", **given)
    compiled = with_kernel(plain)
    assert compiled.kernel == "compiled"
    data = data_for(plain)
    for one, other in zip(train(plain, data), train(compiled, data), strict=True):
        np.testing.assert_allclose(one.metrics["validation_loss"], other.metrics["validation_loss"], rtol=1e-4)


def test_a_pack_brings_its_rules_to_whoever_trains_it() -> None:
    pack = swash_pack()
    data = data_for(pack)
    expected = course(train(pack, data), 0)
    carried = pickle.dumps(pack)
    rule_files.uninstall()
    assert "swash" not in ACTIVATIONS
    assert_same_course(course(train(pickle.loads(carried), data), 0), expected)


def test_worker_processes_have_the_rule_too() -> None:
    pack = swash_pack()
    data = data_for(pack)
    assert_same_course(course(train(pack, data, workers=2), 1), course(train(pack, data), 1))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ACTIVATIONS = {'relu': Activation('', np.abs, np.sign, init='he')}", "Workbench has one too"),
        ("ACTIVATIONS = {'a b': Activation('', np.abs, np.sign, init='he')}", "named 'a b'"),
        ("ACTIVATIONS = {'mine': np.abs}", "is a ufunc; allowed: a Activation"),
        ("ACTIVATIONS = [1]", "ACTIVATIONS is a list; allowed: a dictionary"),
        ("x = 1 / 0\nACTIVATIONS = {}", "line 3: raises ZeroDivisionError: division by zero"),
        ("import sys\nsys.exit('no')\nACTIVATIONS = {}", "line 4: raises SystemExit: no"),
        ("raise GeneratorExit\nACTIVATIONS = {}", "line 3: raises GeneratorExit"),
        ("return\nACTIVATIONS = {}", "line 3: raises SyntaxError: 'return' outside function"),
        ("class No(BaseException):\n    def __str__(self): 1 / 0\nraise No\nACTIVATIONS = {}", "line 5: raises No"),
        ("OPTIMIZERS = {'mine': Optimizer('', ([],), max)}", "its slots are ([],); allowed: a tuple"),
        ("ACTIVATIONS = {'good': Activation('', np.abs, np.sign, init='he'), 'mine': 3}", "['mine'] is a int"),
        ("LOSSES = {'mine': Loss('', 'ranking', max, max)}", "its task is 'ranking'; allowed: one of classes, two_"),
        ("LOSSES = {'auto': Loss('', 'regression', max, max)}", "means something else in a command"),
        ("ACTIVATIONS = {'mine': Activation(None, np.abs, np.sign, init='he')}", "its summary is None"),
        ("OPTIMIZERS = {'mine': Optimizer('', 'velocity', max)}", "its slots are 'velocity'; allowed: a tuple"),
        ("OPTIMIZERS = {'mine': Optimizer('', ('v', 'v'), max)}", "allowed: a tuple of different names"),
        ("OPTIMIZERS = {'mine': Optimizer('', (), max, -1)}", "its learning_rate is -1; allowed: a number, x > 0"),
        ("OPTIMIZERS = {'mine': Optimizer('', (), max, 1, {'pull': 0.5})}", "'pull' is 0.5; allowed: a Hyperparameter"),
        ("OPTIMIZERS = {'mine': Optimizer('', (), max, 1, {'pull': Hyperparameter('x')})}", "has default='x'"),
        (
            "ONE = Hyperparameter(1, low=0, high=1, open_high=True)\n"
            "OPTIMIZERS = {'mine': Optimizer('', (), max, 1, {'pull': ONE})}",
            "a default outside its range: 1",
        ),
    ],
)
def test_a_file_that_is_not_right_is_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(BadInput, match=r"^rules/mine\.py") as refused:
        rule_files.install([RuleFile("rules/mine.py", HEAD + text)])
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert rule_files.rows_of_own() == {}


def test_a_file_that_is_no_python_names_the_line(tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "mine.py").write_text("import workbench\nACTIVATIONS = {\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"rules/mine\.py, line 2: found no Python"):
        rule_files.read(folder / "mine.py")
    (folder / "mine.py").write_bytes("import workbench\nACTIVATIONS = {}  # für".encode("latin-1"))
    with pytest.raises(BadInput, match=r"rules/mine\.py: found byte 0xfc at place 38; allowed: text in UTF-8"):
        rule_files.read(folder / "mine.py")
    (folder / "folder.py").mkdir()
    with pytest.raises(BadInput, match=r"rules/folder\.py: cannot be read \(Is a directory\)"):
        rule_files.read(folder / "folder.py")


WRONG = {
    "a derivative that is not the value's": (
        SWASH.replace("return gate + a * (1 - gate)", "return gate"),
        "ACTIVATIONS", "swash", r"activation 'swash': its derivative at z = -5\.\d+ is .*finite differences give",
    ),
    "a value that overflows": (
        SWASH.replace("return z / (1 + np.exp(-z))", "return np.exp(z * z * z)"), "ACTIVATIONS", "swash", "is inf",
    ),
    "a value in another dtype": (
        SWASH.replace("return z / (1", "return np.float64(1) * z / (1"), "ACTIVATIONS", "swash", "float64 for float32",
    ),
    "an update without its slot": (
        PUMA.replace(", at.nu * m + (1 - at.nu) * g", ",").replace("puma,", "puma,"), "OPTIMIZERS", "puma", "1 values",
    ),
    "an update that mixes elements": (
        PUMA.replace("np.sign(", "np.mean("), "OPTIMIZERS", "puma", "depends on the other elements",
    ),
    "a penalty that acts without strength": (
        PUMA.replace("g + at.bevel *", "g + 0.1 + at.bevel *"), "PENALTIES", "bevel", "strength of 0 changes",
    ),
    "a penalty of another moment": (PUMA.replace('"gradient"', '"later"'), "PENALTIES", "bevel", "moment is 'later'"),
    "a schedule of one number": (
        HEAD + "SCHEDULES = {'mine': Schedule('', lambda update, factor: 1.0)}",
        "SCHEDULES", "mine", "one finite number",
    ),
    "an initializer below zero": (
        HEAD + "INITIALIZERS = {'mine': Initializer('', 'normal', lambda a, b, c: -1.0)}", "INITIALIZERS", "mine",
        "spread for fan_in=1",
    ),
    "a loss that gives nothing": (
        HEAD + "LOSSES = {'mine': Loss('', 'regression', lambda z, t: None, lambda z: z)}",
        "LOSSES", "mine", r"its judge returns a NoneType; allowed: Judged\(",
    ),
    "losses of another shape": (
        HEAD
        + "def judge(z, t): return Judged(abs(z - t), None, np.sign(z - t))\n"
        + "LOSSES = {'mine': Loss('', 'regression', judge, lambda z: z)}",
        "LOSSES", "mine", "its losses have shape",
    ),
    "a loss with another gradient": (
        HEAD
        + "def judge(z, t): return Judged(abs(z - t).sum(-1), None, z - t)\n"
        + "LOSSES = {'mine': Loss('', 'regression', judge, lambda z: z)}",
        "LOSSES", "mine", "its delta at z",
    ),
    "initial weights that nobody knows": (
        SWASH.replace('init="he"', 'init="hee"'), "ACTIVATIONS", "swash", "its init is 'hee'; allowed: one of fan_in",
    ),
    "a steepest derivative that is no number": (
        SWASH.replace('init="he"', 'init="he", steepest=0'), "ACTIVATIONS", "swash", "its steepest is 0",
    ),
    "a setting that activations do not have": (
        SWASH.replace('init="he"', 'init="he", reads=("beta",)'), "ACTIVATIONS", "swash", "its reads name 'beta'",
    ),
    "a hyperparameter that is not declared": (
        PUMA.replace("at.nu * m", "at.mu * m"), "OPTIMIZERS", "puma", r"it reads at\.mu; allowed: settings",
    ),
    "an initializer that gives a text": (
        HEAD + "INITIALIZERS = {'mine': Initializer('', 'normal', lambda a, b, c: 'x')}", "INITIALIZERS", "mine",
        "is x; allowed: a number",
    ),
    "an update that raises": (PUMA.replace("step = np", "step = nothing"), "OPTIMIZERS", "puma", "raises NameError"),
    "a value that is computed in place": (
        SWASH.replace("    return z / (1", "    z += 0\n    return z / (1"),
        "ACTIVATIONS", "swash", "it changes an array",
    ),
    "an update in place": (
        PUMA.replace("    step = ", "    m *= at.nu\n    step = "), "OPTIMIZERS", "puma", "it changes an array that it",
    ),
    "a penalty in place": (
        PUMA.replace("g + at.bevel *", "np.add(g, 0, out=g) + at.bevel *"), "PENALTIES", "bevel", "it changes an array",
    ),
    "a rule that ends the process": (
        SWASH.replace("gate = 1", "raise SystemExit(3); gate = 1"), "ACTIVATIONS", "swash", "raises SystemExit: 3",
    ),
    "a rule that raises": (SWASH.replace("gate = 1", "gate = nothing"), "ACTIVATIONS", "swash", "raises NameError"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_with_a_rule_is_said_in_one_line(case: str) -> None:
    text, table, name, said = WRONG[case]
    file = RuleFile("rules/mine.py", text)
    rule_files.install([file])
    with pytest.raises(BadInput, match=said) as refused:
        check(file, table, name)
    assert str(refused.value).startswith("rules/mine.py: ")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("text", "table", "name"), [(SWASH, "ACTIVATIONS", "swash"), (PUMA, "OPTIMIZERS", "puma"),
                                                      (PUMA, "PENALTIES", "bevel")])  # fmt: skip
def test_what_is_right_passes(text: str, table: str, name: str) -> None:
    file = RuleFile("rules/mine.py", text)
    rule_files.install([file])
    check(file, table, name)


def test_a_rule_that_cannot_be_lowered_trains_in_the_plain_kernel_and_says_why() -> None:
    sinh = SWASH.replace("z / (1 + np.exp(-z))", "np.arcsinh(z)").replace(
        "return gate + a * (1 - gate)", "return 1 / np.sqrt(1 + z * z)"
    )
    rule_files.install([RuleFile("rules/swash.py", sinh)])
    pack = with_kernel(pack_of(1, activation="swash", dtype="float32"))
    assert pack.kernel == "plain"
    from workbench.engine.kernels.choice import why_not_compiled

    assert why_not_compiled(pack).startswith("network.activation=swash: np.arcsinh has no form in a compiled kernel")


def test_a_compiled_form_that_differs_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba", reason="runs where Numba is installed")
    from workbench.engine.kernels.operations import OPERATIONS

    monkeypatch.setitem(OPERATIONS, "sign", replace(OPERATIONS["sign"], python="abs({0})"))
    file = RuleFile(
        "rules/mine.py",
        PUMA.replace('"puma"', '"panther"').replace('"bevel"', '"hinge"').replace("at.bevel", "at.hinge"),
    )
    rule_files.install([file])
    with pytest.raises(BadInput, match=r"^rules/mine\.py: optimizer 'panther': compiled, the new w is "):
        check(file, "OPTIMIZERS", "panther")
