"""Rule files: Python files of a person's own that hold further rows for the tables of rules.

The text of a rule file travels with every pack that uses one of its rules. So another process or machine trains the
pack with the rule as it was when the sweep was planned. Installing a file adds its rows to our tables.
"""

from __future__ import annotations

import ast
import math
import operator
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from typing import Generic, TypeVar

from workbench.engine.errors import BadInput
from workbench.engine.rules.activations import ACTIVATIONS, Activation
from workbench.engine.rules.initializers import INITIALIZERS, Initializer
from workbench.engine.rules.losses import LOSS_TASKS, LOSSES, Loss
from workbench.engine.rules.optimizers import OPTIMIZERS, Hyperparameter, Optimizer
from workbench.engine.rules.penalties import PENALTIES, Penalty
from workbench.engine.rules.schedules import SCHEDULES, Schedule
from workbench.persons_code import imports_workbench, syntax_tree

Rule = Activation | Optimizer | Penalty | Initializer | Schedule | Loss
Row = TypeVar("Row", bound=Rule, covariant=True)  # covariant: only `add` writes to a table, and it checks the kind


@dataclass(frozen=True)
class RuleTable(Generic[Row]):
    """A table that rule files may add to, and the kind of its rows."""

    rows: dict[str, Row]
    kind: type[Row]

    def add(self, name: str, row: object) -> None:
        """Add a row. Raises TypeError for one of another kind."""
        if not isinstance(row, self.kind):
            raise TypeError(f"{name!r} is a {type(row).__name__}, not a {self.kind.__name__}")
        self.rows[name] = row


RULE_TABLES: dict[str, RuleTable[Rule]] = {
    "ACTIVATIONS": RuleTable[Activation](ACTIVATIONS, Activation),
    "OPTIMIZERS": RuleTable[Optimizer](OPTIMIZERS, Optimizer),
    "PENALTIES": RuleTable[Penalty](PENALTIES, Penalty),
    "INITIALIZERS": RuleTable[Initializer](INITIALIZERS, Initializer),
    "SCHEDULES": RuleTable[Schedule](SCHEDULES, Schedule),
    "LOSSES": RuleTable[Loss](LOSSES, Loss),
}


@dataclass(frozen=True)
class RuleFile:
    """A file of rules: its name, such as "rules/swish.py", and its text."""

    name: str
    text: str

    @property
    def digest(self) -> str:
        """The first characters of the SHA-256 of the text."""
        return sha256(self.text.encode()).hexdigest()[:16]


_COMMAND_WORDS = ("auto", "none")  # network.loss=auto, penalty=none
# The file that a row came from, by table and name. Rows of our own are not in it.
_origins: dict[tuple[str, str], RuleFile] = {}


class TakenName(BadInput):
    """A rule has a name that means something else already."""


def read(path: Path, tables: Iterable[str] = tuple(RULE_TABLES)) -> RuleFile | None:
    """The file if it holds rows of these tables, else None. It is not executed.

    Raises BadInput if it cannot be read, or if a table's name is misspelt. One that is not Python is refused if it
    contains the words of a rule file; any other is none of ours, such as a script in Python 2.
    """
    name = f"{path.parent.name}/{path.name}"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{name}: cannot be read ({error.strerror})") from None
    try:
        text = content.decode()
        tree = syntax_tree(text)
    except (SyntaxError, UnicodeDecodeError) as error:
        if _mentions(content, tables):
            raise BadInput(f"{name}{_why_no_python(error)}") from None
        return None
    if _declared(tree, tables):
        return RuleFile(name, text)
    if (misspelt := _misspelt(tree, tables)) and any(map(imports_workbench, tree.body)):
        raise BadInput(f"{name}: {misspelt[0]} is no table; did you mean {misspelt[1]}?")
    return None


def install(files: Iterable[RuleFile]) -> None:
    """Run the files and add their rows to the tables. A file that is installed already is skipped.

    Raises BadInput for a row of another kind, or whatever a file raises, and TakenName. No row of that file is added.
    """
    for file in files:
        if file in _origins.values():
            continue
        rows = [
            (table, name, row) for table, rows in tables_of(file, RULE_TABLES).items() for name, row in rows.items()
        ]
        for table, name, row in rows:
            _check(file, table, name, row)
        for table, name, row in rows:
            RULE_TABLES[table].add(name, row)
            _origins[table, name] = file


def uninstall() -> None:
    """Take every row that came from a file out of the tables."""
    for table, name in list(_origins):
        del RULE_TABLES[table].rows[name], _origins[table, name]


def used(names: Mapping[str, Iterable[str]]) -> tuple[RuleFile, ...]:
    """The files from which the rows `names`, by table, came; each once, sorted by name."""
    files = {_origins[table, name] for table, rows in names.items() for name in rows if (table, name) in _origins}
    return tuple(sorted(files, key=lambda file: file.name))


def rows_of_own() -> dict[tuple[str, str], RuleFile]:
    """Every row that came from a file, by table and name."""
    return dict(_origins)


def row_fault(row: object) -> str:
    """What is wrong with the fields of a row, found without calling its functions; "" if nothing."""
    summary = getattr(row, "summary", None)
    if not isinstance(summary, str) or not summary.isprintable():
        return f"its summary is {summary!r}; allowed: one line of text"
    if isinstance(row, Optimizer):
        return _optimizer_fault(row)
    if isinstance(row, Loss) and row.task not in LOSS_TASKS:
        return f"its task is {row.task!r}; allowed: one of {', '.join(LOSS_TASKS)}"
    return ""


def _optimizer_fault(row: Optimizer) -> str:
    slots: object = row.slots  # as the file has it
    if not isinstance(slots, tuple) or not all(map(_is_name, slots)) or len(set(slots)) < len(slots):
        return f"its slots are {slots!r}; allowed: a tuple of different names of letters, digits and '_'"
    if not _is_number(row.learning_rate) or row.learning_rate <= 0:
        return f"its learning_rate is {row.learning_rate!r}; allowed: a number, x > 0"
    if not isinstance(row.hyperparameters, Mapping):
        return f"its hyperparameters are {row.hyperparameters!r}; allowed: a dictionary, name -> Hyperparameter"
    faults = (_hyperparameter_fault(name, number) for name, number in row.hyperparameters.items())
    return next(filter(None, faults), "")


def _hyperparameter_fault(name: object, number: object) -> str:
    if not _is_name(name):
        return f"it has a hyperparameter named {name!r}; allowed: letters, digits and '_'"
    if not isinstance(number, Hyperparameter):
        return f"its hyperparameter {name!r} is {number!r}; allowed: a Hyperparameter"
    for field in ("default", "low", "high"):
        value = getattr(number, field)
        if not _is_number(value) and (field == "default" or value is not None):
            return f"its hyperparameter {name!r} has {field}={value!r}; allowed: a number"
    return (
        "" if _is_within(number) else f"its hyperparameter {name!r} has a default outside its range: {number.default}"
    )


def _is_within(number: Hyperparameter) -> bool:
    """Whether the default lies in the range."""
    above, below = operator.gt if number.open_low else operator.ge, operator.lt if number.open_high else operator.le
    return (number.low is None or above(number.default, number.low)) and (
        number.high is None or below(number.default, number.high)
    )


def _is_name(value: object) -> bool:
    return isinstance(value, str) and value.isidentifier()


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _declared(tree: ast.Module, tables: Iterable[str]) -> bool:
    """Whether a file assigns one of the tables and imports from workbench."""
    imports = any(map(imports_workbench, tree.body))
    targets = [
        target
        for node in tree.body
        for target in (node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)])
    ]
    return imports and any(isinstance(target, ast.Name) and target.id in tables for target in targets)


def _misspelt(tree: ast.Module, tables: Iterable[str]) -> tuple[str, str] | None:
    """A dictionary that a file assigns to nearly the name of a table, and the table; None if there is none."""
    for node in tree.body:
        named = node.targets if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict) else []
        for target in named:
            name = target.id if isinstance(target, ast.Name) else ""
            if close := get_close_matches(name.upper(), tables, n=1, cutoff=0.8):
                return name, close[0]
    return None


def _mentions(content: bytes, tables: Iterable[str]) -> bool:
    """Whether a file that cannot be parsed may have been meant to hold one of the tables."""
    return b"workbench" in content and any(table.encode() in content for table in tables)


def _why_no_python(error: SyntaxError | UnicodeDecodeError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f": found byte {error.object[error.start]:#04x} at place {error.start}; allowed: text in UTF-8"
    return f"{f', line {error.lineno}' if error.lineno else ''}: found no Python ({error.args[0]})"


def tables_of(file: RuleFile, tables: Iterable[str]) -> dict[str, Mapping[str, object]]:
    """Those of the tables that a file assigns. Raises BadInput for whatever it raises."""
    space: dict[str, object] = {"__name__": f"workbench_own_{file.digest}", "__file__": file.name}
    try:
        exec(compile(file.text, file.name, "exec"), space)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever somebody's file raises
        raise BadInput(f"{file.name}{_line_of(error, file.name)}: raises {_said_by(error)}") from None
    found: dict[str, Mapping[str, object]] = {}
    for table in tables:
        rows = space.get(table, {})
        if not isinstance(rows, Mapping):
            raise BadInput(f"{file.name}: {table} is a {type(rows).__name__}; allowed: a dictionary, name -> row")
        found[table] = dict(rows)
    return found


def _line_of(error: BaseException, name: str) -> str:
    """The line of the file that raised it."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == name]
    line = error.lineno if isinstance(error, SyntaxError) and not lines else next(iter(lines), None)
    return f", line {line}" if line else ""


def _said_by(error: BaseException) -> str:
    """The kind of an error and the first line of its message."""
    try:
        said = str(error.args[0] if isinstance(error, SyntaxError) else error)
    except Exception:  # a message that cannot be made
        said = ""
    return f"{type(error).__name__}: {said}".splitlines()[0].removesuffix(": ")


def _check(file: RuleFile, table: str, name: str, row: object) -> None:
    kind = RULE_TABLES[table].kind
    if not _is_name(name):
        raise BadInput(f"{file.name}: {table} has a row named {name!r}; allowed: letters, digits and '_'")
    if not isinstance(row, kind):
        raise BadInput(f"{file.name}: {table}[{name!r}] is a {type(row).__name__}; allowed: a {kind.__name__}")
    if name in _COMMAND_WORDS:
        raise TakenName(f"{file.name}: {table} has a row named {name!r}, which means something else in a command")
    if fault := row_fault(row):
        raise BadInput(f"{file.name}: {table}[{name!r}]: {fault}")
    if name in RULE_TABLES[table].rows:
        owner = _origins.get((table, name))
        whose = f"{owner.name} has one too" if owner else "Workbench has one too"
        raise TakenName(f"{file.name}: {table} has a row named {name!r}, and {whose}; give it another name")
