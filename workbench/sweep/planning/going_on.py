"""Cells that go on from a stored run: they take its settings wherever none was typed, and its weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from workbench.config import SECTIONS, SETTINGS, RunConfig, check, flatten, run_config
from workbench.config.reading import TRAINING
from workbench.config.setting import Setting, Value
from workbench.engine.errors import BadInput
from workbench.sweep.gone_on_from import Origin
from workbench.sweep.hydra.composing.cell import Cell
from workbench.sweep.planning.identity import usual

FROM_RUN = "from_run"
# What a run does not take from its origin: it has its own, or the machine decides.
_NOT_TAKEN = (FROM_RUN, "measure", "analyses", "device", "kernel")
# What must be as it was, since the weights and the optimizer's state are of that.
_FIXED = ("dtype", "optimizer.name")
_DECIDE_THE_LOSS = ("seed", "network.loss")  # beside the data, what decides the validation loss

ReadOrigin = Callable[[str, str | None], Origin]


def going_on(cells: Sequence[Cell], read: ReadOrigin) -> list[Cell]:
    """The cells, those with `from_run` as they go on from that run. `read(run id, store)` gives a stored run.

    Raises BadInput if the store has no such run or did not keep its state, or where network or optimizer differ.
    """
    known: dict[tuple[str, str | None], Origin] = {}
    return [_from(cell, _origin(cell, read, known)) if _goes_on(cell) else cell for cell in cells]


def judged_alike(config: RunConfig, origin: Origin) -> bool:
    """Whether the validation loss of a run is of the same examples, and the same loss, as its origin's."""
    flat = flatten(config)
    keys = [key for key in SETTINGS if SETTINGS[key].numbers and (key.startswith("data.") or key in _DECIDE_THE_LOSS)]
    same = all(flat[key] == _value(key, origin) for key in keys if key != "data.path")
    digest = str(config.data.digest or "")
    return same and bool(origin.data_digest) and digest.startswith(origin.data_digest)


def _goes_on(cell: Cell) -> bool:
    return cell.config.from_run is not None and cell.config.measure == TRAINING


def _origin(cell: Cell, read: ReadOrigin, known: dict[tuple[str, str | None], Origin]) -> Origin:
    place = (str(cell.config.from_run), cell.config.tracking.uri)
    if place not in known:
        known[place] = read(*place)
    return known[place]


def _from(cell: Cell, origin: Origin) -> Cell:
    flat = flatten(cell.config)
    for key, setting in SETTINGS.items():
        if setting.numbers and key not in _NOT_TAKEN and not _was_typed(cell, key):
            flat[key] = _value(key, origin)
    start, momentum = (origin.params.get(f"optimizer.{name}") for name in ("momentum_start", "momentum"))
    if start == momentum and not _was_typed(cell, "optimizer.momentum_start"):
        flat["optimizer.momentum_start"] = None  # it was the momentum, and follows it
    flat[FROM_RUN] = origin.fingerprint
    if flat["data.name"] == "npz" and not flat["data.path"]:
        raise BadInput(
            f"data.path: found none; from_run={cell.config.from_run} was trained on an .npz file, and the store keeps "
            f"no paths: give data.path again"
        )
    config = run_config(_nested(flat))
    _check(cell.config, config, origin)
    return replace(cell, config=config, origin=origin)


def _was_typed(cell: Cell, key: str) -> bool:
    section = key.partition(".")[0]
    return key in cell.typed or (section in SECTIONS and section in cell.typed)


def _check(asked: RunConfig, config: RunConfig, origin: Origin) -> None:
    flat = flatten(config)
    for key in (*(key for key in SETTINGS if key.startswith("network.") and SETTINGS[key].role == "static"), *_FIXED):
        if flat[key] != (held := _value(key, origin)) and flat[key] != "auto":
            raise BadInput(f"{key} is {flat[key]}; allowed with from_run={asked.from_run}: {held}, as that run has it")
    if config.training.epochs <= origin.epoch:
        raise BadInput(
            f"training.epochs is {config.training.epochs}, counted from the first; allowed with "
            f"from_run={asked.from_run}: more than {origin.epoch}, which that run has trained"
        )


def _value(key: str, origin: Origin) -> Value:
    """A setting of the origin; what it was not asked for has the usual value."""
    setting = SETTINGS[key]
    text = origin.params.get(key)
    return usual(key) if text is None else check(key, _read(setting, text))


def _read(setting: Setting, text: str) -> Value:
    if text == "None" and setting.optional:
        return None
    if setting.kind is bool:
        return text == "True"
    try:
        return setting.kind(text) if setting.kind in (int, float) else text
    except ValueError:
        raise BadInput(f"{setting.key} is {text!r:.80} in the store, which is no {setting.kind.__name__}") from None


def _nested(flat: dict[str, Value]) -> dict[str, object]:
    nested: dict[str, object] = {}
    for key, value in flat.items():
        section, _, name = key.rpartition(".")
        if not section:
            nested[name] = value
            continue
        part = nested.setdefault(section, {})
        assert isinstance(part, dict)
        part[name] = value
    return nested
