"""The identity of a run: the settings that decide its numbers, their digest (the fingerprint), and a readable name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from hashlib import sha256

import numpy as np

from workbench.config import SETTINGS, DataConfig, RunConfig, flatten
from workbench.config.reading import TRAINING
from workbench.config.schema import is_brought
from workbench.config.setting import Value, integers
from workbench.data import describe, digest
from workbench.engine.backend import resolve_device
from workbench.engine.kernels.checks import check
from workbench.engine.kernels.choice import resolve_kernel
from workbench.engine.rules import rule_files
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.rules.losses import customary_loss
from workbench.engine.rules.penalties import PENALTIES
from workbench.engine.training.architecture import NETWORKS
from workbench.engine.training.loop import NUMERICAL_VERSION
from workbench.engine.training.pack import Pack
from workbench.engine.training.pack import columns as pack_columns

STATIC = {field.name for field in fields(Pack)} - {"columns", "rules"}
# Values that are left out of a run's numbers. So its fingerprint is what it was before the setting existed. They need
# not be the defaults: of a setting that is missing there, `usual` is the value.
NOT_ASKED_FOR: dict[str, Value] = {
    "measure": TRAINING, "analyses": "", "network.name": "mlp", "data.shift": 0, "data.permute_pixels": False,
    "training.bounds": "", "training.test_every": 1, "optimizer.schedule_time": 1000.0, "optimizer.momentum_end": 0.5,
    "optimizer.momentum_end_epochs": 0, "data.test_noise": 0, "data.spectrum": "[100,30,10,3,1]",
}  # fmt: skip
NO_DEFAULTS = {key: value for key, value in NOT_ASKED_FOR.items() if value != SETTINGS[key].default}
# The settings that name a row of one of the engine's tables; then those of them that are columns of a pack.
RULE_KEYS = {
    "ACTIVATIONS": "network.activation",
    "LOSSES": "network.loss",
    "OPTIMIZERS": "optimizer.name",
}
PER_RUN = {"INITIALIZERS": "init", "SCHEDULES": "schedule"}
FINGERPRINT_DIGITS = 16  # hexadecimal characters of a fingerprint


def numbers(config: RunConfig) -> dict[str, Value]:
    """Every setting that decides the run's numbers, under its dotted key, with nothing left as "auto".

    Raises BadInput if the requested device is not available.
    """
    flat = {key: value for key, value in flatten(config).items() if SETTINGS[key].numbers}
    flat["device"] = resolve_device(config.device)
    if flat["network.loss"] == "auto":
        flat["network.loss"] = customary_loss(describe(config.data).classes)
    if flat["network.init"] == "auto":
        flat["network.init"] = ACTIVATIONS[config.network.activation].init
    if flat["optimizer.momentum_start"] is None:
        flat["optimizer.momentum_start"] = flat["optimizer.momentum"]
    pack = engine_pack(flat, engine_columns([flat]))
    for table, names in _rows(flat, pack.columns).items():
        for name in names:
            if file := rule_files.rows_of_own().get((table, name)):
                check(file, table, name)
    flat["kernel"] = resolve_kernel(config.kernel, pack)
    flat["analyses"] = "+".join(sorted({*config.analyses.split("+")} - {""}))
    others = settings_of_other_networks(config.network.name)
    trains = config.measure == TRAINING
    return {key: value for key, value in flat.items() if key not in others and not _is_left_out(key, value, trains)}


def _is_left_out(key: str, value: Value, trains: bool) -> bool:
    """Whether a setting is left out of a run's numbers. One that a row brings is, as long as it has its default, and so
    is one of `NO_DEFAULTS` of a cell that trains nothing.
    """
    at_default = is_brought(key) or (key in NO_DEFAULTS and not trains)
    return value == (SETTINGS[key].default if at_default else NOT_ASKED_FOR.get(key))


def usual(key: str) -> Value:
    """The value that a run has of a setting which stands neither among its numbers nor, in the store, its params."""
    return NOT_ASKED_FOR.get(key, SETTINGS[key].default)


def usual_settings(decided: Mapping[str, Value]) -> dict[str, Value]:
    """What was left out of a training run's numbers though it is not the default: a reader would take it for that."""
    if not decided or "measure" in decided:
        return {}
    return {key: value for key, value in NO_DEFAULTS.items() if key not in decided}


def settings_of_other_networks(name: str) -> set[str]:
    """The settings that only other kinds of networks read. They are left out of a run's numbers."""
    every = {_key_of(read) for row in NETWORKS.values() for read in row.reads}
    return every - set(map(_key_of, NETWORKS[name].reads))


def _key_of(read: str) -> str:
    return read if "." in read else f"network.{read}"


def engine_pack(decided: Mapping[str, Value], columns: dict[str, np.ndarray]) -> Pack:
    """The engine's pack for runs that share these static settings and differ in the columns."""
    shared = {key: s for key, s in SETTINGS.items() if s.role == "static" and s.engine in STATIC}
    held = {s.engine: (s.listed, decided.get(key, usual(key))) for key, s in shared.items()}
    static = {name: integers(str(v)) or () if listed else v for name, (listed, v) in held.items()}
    made: Callable[..., Pack] = Pack  # whose fields have each a type of its own
    return made(**static, columns=columns, rules=rule_files.used(_rows(decided, columns)))


def engine_columns(runs: Sequence[Mapping[str, Value]]) -> dict[str, np.ndarray]:
    """The columns of a pack, with one value for each run."""
    known = pack_columns()
    return {
        setting.engine: np.array([run.get(key, usual(key)) for run in runs])
        for key, setting in SETTINGS.items()
        if setting.role == "per_run" and setting.engine in known
    }


def fingerprint(decided: Mapping[str, Value], data_digest: str, versions: Sequence[int | str] = ()) -> str:
    """The digest of a run: of `numbers(as_read(config))`, the data and the engine's numerical version.

    `versions` are those of its measurement or analyses (`Instruments.versions`). Analyses change no number of a run.
    But a run that the store holds without them must be trained again to be analysed, so they count.
    """
    return text_digest(_identity_text(decided, data_digest, versions))


def fingerprints_by_seed(
    decided: Mapping[str, Value], data_digest: str, versions: Sequence[int | str] = ()
) -> Callable[[int], str]:
    """`fingerprint` of these runs with each seed, which alone is written anew into what is digested."""
    seedless = _identity_text({**decided, "seed": 0}, data_digest, versions)
    before, mark, after = seedless.partition('["seed",0]')  # within a text the quotes would have backslashes
    assert mark
    return lambda seed: text_digest(f'{before}["seed",{seed}]{after}')


def _identity_text(decided: Mapping[str, Value], data_digest: str, versions: Sequence[int | str]) -> str:
    parts = [sorted(decided.items()), data_digest, NUMERICAL_VERSION, *versions, *_rule_digests(decided)]
    return json.dumps(parts, default=str, separators=(",", ":"))


def _rows(decided: Mapping[str, Value], columns: Mapping[str, np.ndarray]) -> dict[str, set[str]]:
    """The rows of the engine's tables that runs use, by table."""
    rows = {table: {str(decided[key])} for table, key in RULE_KEYS.items()}
    rows |= {table: set(map(str, columns[name])) for table, name in PER_RUN.items() if name in columns}
    return rows | {"PENALTIES": {name for name in PENALTIES if name in columns and columns[name].any()}}


def _rule_digests(decided: Mapping[str, Value]) -> list[str]:
    """The digest of every rule file that the run uses."""
    if not rule_files.rows_of_own() or "network.activation" not in decided:
        return []
    return [file.digest for file in engine_pack(decided, engine_columns([decided])).rules]


def text_digest(text: str) -> str:
    """The first characters of a text's SHA-256."""
    return sha256(text.encode()).hexdigest()[:FINGERPRINT_DIGITS]


def joint_digest(fingerprints: Iterable[str]) -> str:
    """The digest of an ordered set of runs: of a pack, or of a sweep."""
    return text_digest(",".join(fingerprints))


def sweep_name(fingerprints: Iterable[str]) -> str:
    """The name of a sweep without a name of its own: a digest of its runs."""
    return f"sweep-{joint_digest(fingerprints)[:8]}"


def content(config: RunConfig) -> str:
    """What its data contribute to a run's identity: their digest and, for networks of images, the shape of an image."""
    facts = describe(config.data)
    return f"{config.data.digest} {facts.image}" if NETWORKS[config.network.name].of_images else str(config.data.digest)


def pinned(config: DataConfig) -> DataConfig:
    """The same settings with the current digest of the data. A later load gives these data or raises BadInput."""
    return replace(config, digest=digest(config))


def run_name(config: RunConfig, choices: Mapping[str, str], factors: Mapping[str, Value]) -> str:
    """A name a person can read, like "relu d4 adam l1=0.0001 p=0.5 s3".

    The usual settings come first, then whatever else was swept.
    """
    if config.measure != TRAINING:
        swept = [f"{_last(key)}={_short(value)}" for key, value in factors.items() if key not in ("seed", "measure")]
        return " ".join([config.measure, *swept, f"s{config.seed}"])
    network = [config.network.name] if NETWORKS[config.network.name].of_images else []
    sizes = config.network.widths or f"d{config.network.depth}"
    words = [config.network.activation, *network, sizes]
    words += [choices.get("optimizer", config.optimizer.name)]
    penalty = choices.get("penalty", "none")
    if penalty != "none":
        size = config.penalty.max_norm if penalty == "max_norm" else config.penalty.strength
        words.append(f"{penalty}={size:g}")
    words += [f"p={config.dropout.rate:g}"] if config.dropout.rate else []
    named = {"network.activation", "network.depth", "optimizer", "penalty", "penalty.strength", "dropout.rate", "seed"}
    named |= {"network.widths"}
    words += [f"{_last(key)}={_short(value)}" for key, value in factors.items() if key not in named]
    return " ".join([*words, f"s{config.seed}"])


def _last(key: str) -> str:
    return key.rpartition(".")[2]


def _short(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
