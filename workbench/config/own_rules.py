"""Rules of a person's own: read from a folder, and the settings that their rows bring.

Rows of ours bring settings too: an optimizer's own hyperparameters, a penalty's strength.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from workbench.config.schema import OptimizerConfig, PenaltyConfig, extend
from workbench.config.setting import setting
from workbench.engine.errors import BadInput
from workbench.engine.rules import rule_files
from workbench.engine.rules.optimizers import OPTIMIZERS, Hyperparameter
from workbench.engine.rules.penalties import PENALTIES
from workbench.engine.rules.schedules import VARYING
from workbench.engine.training.pack import COLUMNS
from workbench.persons_code import RULE_FILES

# Table whose rows bring settings -> the section of those settings, as it is before any row has extended it.
SECTIONS_OF: dict[str, type] = {"OPTIMIZERS": OptimizerConfig, "PENALTIES": PenaltyConfig}

_raised: dict[tuple[Path, rule_files.RuleFile], str] = {}  # why a file could not be run, so that it is not run again


def load_own_rules(folder: Path | None) -> list[str]:
    """Install the rule files of a folder, and give every row of the tables its settings.

    A file that cannot be used costs its own rules alone: the result is a line to print for each, once in a process.
    Raises BadInput for a name that is taken, since it is unclear which of the two a command means.
    """
    reasons = []
    for path in sorted(folder.glob("*.py")) if folder else []:
        try:
            _install(path)
        except rule_files.TakenName:
            raise
        except BadInput as error:
            reasons.append(str(error))
    lines = RULE_FILES.replace(folder, reasons)
    _refuse_taken_names()
    extend("optimizer", _hyperparameters())
    extend("penalty", {name: _strength(name) for name in PENALTIES})
    return lines


def _install(path: Path) -> None:
    file = rule_files.read(path)
    if file is None:
        return
    if reason := _raised.get((path, file)):
        raise BadInput(reason)
    try:
        rule_files.install([file])
    except rule_files.TakenName:
        raise
    except BadInput as error:
        _raised[path, file] = str(error)
        raise


def _refuse_taken_names() -> None:
    """A hyperparameter or strength becomes a setting and a column of a pack, so no other may have its name."""
    brought: dict[str, tuple[str, Hyperparameter | None]] = {}
    for (table, row), file in rule_files.rows_of_own().items():
        for name, number in _brought_by(table, row).items():
            taken = COLUMNS.keys() | set(VARYING) | {item.name for item in fields(SECTIONS_OF[table])}
            if name in taken:
                raise BadInput(f"{file.name}: {table}[{row!r}]: {name!r} is a setting of Workbench; rename it")
            if brought.setdefault(name, (row, number))[1] != number:
                other = brought[name][0]
                raise BadInput(f"{file.name}: {table}[{row!r}]: {other} has another {name!r}; give it another name")


def _brought_by(table: str, row: str) -> dict[str, Hyperparameter | None]:
    """The settings that a row from a rule file brings, by name."""
    if table == "PENALTIES":
        return {row: None}
    return dict(OPTIMIZERS[row].hyperparameters) if table == "OPTIMIZERS" else {}


def _hyperparameters() -> dict[str, object]:
    return {
        name: setting(
            float(number.default),
            role="per_run",
            unit=number.unit,
            low=number.low,
            high=number.high,
            open_low=number.open_low,
            open_high=number.open_high,
            help=number.help or f"read by {optimizer}",
        )
        for optimizer, row in OPTIMIZERS.items()
        for name, number in row.hyperparameters.items()
    }


def _strength(name: str) -> object:
    return setting(0.0, role="per_run", unit="per weight", low=0, help=PENALTIES[name].summary)
