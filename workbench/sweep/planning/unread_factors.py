"""Overrides that no run reads: an error if they are swept over, a remark if there is one value."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.config import SETTINGS, as_read, setting_of
from workbench.engine.errors import BadInput
from workbench.sweep.hydra.composing.cell import Cell


def refuse_unread_factors(cells: Sequence[Cell]) -> None:
    """Raise BadInput if a setting is swept over that is read by none of the cells that set it."""
    for key, why in never_read(cells).items():
        if key in cells[0].factors:
            raise BadInput(f"{key} is swept over, but nothing reads it {why}")


def never_read(cells: Sequence[Cell]) -> dict[str, str]:
    """The typed keys that are read by none of the cells that set them, each with the reason."""
    return {key: _why(key, them) for key, them in _typed(cells).items() if all(key in cell.unread for cell in them)}


def remarks(cells: Sequence[Cell]) -> list[str]:
    """Remarks: on values that nothing reads, and on cells that ask for the same run because of that."""
    nowhere: dict[str, list[str]] = {}
    partly = []
    for key, of_the_key in _typed(cells).items():
        without = [cell for cell in of_the_key if key in cell.unread]
        if without and len(without) == len(of_the_key):
            values = dict.fromkeys(
                setting_of(cell.config, key) if key in SETTINGS else cell.choices.get(key) for cell in without
            )
            shown = f"{key}={next(iter(values))}" if len(values) == 1 else key
            nowhere.setdefault(_why(key, without), []).append(shown)
        elif without and key in cells[0].factors:
            partly.append(f"{key} is not read {_why(key, without).partition(';')[0]}")
    lines = [f"{', '.join(keys)}: no effect, as nothing reads it {why}" for why, keys in nowhere.items()]
    alike = len({cell.config for cell in cells}) - len({as_read(cell.config) for cell in cells}) if partly else 0
    if alike:
        lines.append(f"{alike} of {len(cells)} cells ask for a run that another cell asks for: {'; '.join(partly)}")
    return lines


def _typed(cells: Sequence[Cell]) -> dict[str, list[Cell]]:
    """Every key that was typed or stands in the sweep file's grid, with the cells that set it."""
    found: dict[str, list[Cell]] = {}
    for cell in cells:
        for key in cell.typed:
            found.setdefault(key, []).append(cell)
    return found


def _why(key: str, cells: Sequence[Cell]) -> str:
    reasons = [cell.unread[key] for cell in cells]
    because = list(dict.fromkeys(reason.because for reason in reasons))
    more = f" or {len(because) - 2} more" if len(because) > 2 else ""
    return f"with {' or '.join(because[:2])}{more}; it is read with {reasons[0].remedy}"
