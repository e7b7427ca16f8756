"""Settings that rows of the engine's tables bring: an optimizer's own hyperparameters, a penalty's strength."""

from __future__ import annotations

from pathlib import Path

from workbench.config.schema import extend
from workbench.config.setting import setting
from workbench.engine.rules import rule_files
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.rules.penalties import PENALTIES


def load_own_rules(folder: Path | None) -> list[rule_files.RuleFile]:
    """Install the rule files of a folder, and give every row of the tables its settings. The files that there are.

    Raises BadInput for a file that is not right.
    """
    files = rule_files.read(folder) if folder else []
    rule_files.install(files)
    extend("optimizer", _hyperparameters())
    extend("penalty", {name: _strength(name) for name in PENALTIES})
    return files


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
