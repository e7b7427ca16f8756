"""From plain values to a `RunConfig`: every value is checked, and every error is one line.

An error names the key, the value found and the allowed values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import lru_cache

from workbench.config.allowed import LARGEST_COUNT, allowed, meant, too_large, within
from workbench.config.families import Choices
from workbench.config.schema import SECTIONS, SETTINGS, RunConfig
from workbench.config.setting import Value, integers, text_of
from workbench.engine.errors import BadInput
from workbench.persons_code import RULE_FILES

# Names that our settings have in other tools.
SETTING_ALIASES = {
    "lr": "optimizer.learning_rate", "eta": "optimizer.learning_rate", "rate": "optimizer.learning_rate",
    "wd": "optimizer.weight_decay", "lambda": "penalty.strength", "mu": "optimizer.momentum",
    "eps": "optimizer.epsilon", "betas": "optimizer.beta1", "rho": "optimizer.alpha", "decay_rate": "optimizer.alpha",
    "scheduler": "optimizer.schedule", "lr_scheduler": "optimizer.schedule", "lr_schedule": "optimizer.schedule",
    "gamma": "optimizer.schedule_factor", "opt": "optimizer", "optim": "optimizer",
    "bs": "training.batch_size", "batch": "training.batch_size", "batchsize": "training.batch_size",
    "minibatch": "training.batch_size", "num_epochs": "training.epochs", "n_epochs": "training.epochs",
    "max_epochs": "training.epochs", "epoch": "training.epochs", "early_stopping": "training.patience",
    "hidden": "network.width", "hidden_size": "network.width", "hidden_dim": "network.width", "units": "network.width",
    "neurons": "network.width", "layers": "network.depth", "n_layers": "network.depth", "num_layers": "network.depth",
    "filters": "network.channels", "feature_maps": "network.channels", "kernel_size": "network.kernel",
    "strides": "network.stride", "pooling": "network.pool", "spatial_dropout": "dropout.channel_rate",
    "hidden_layers": "network.depth", "act": "network.activation", "activation_fn": "network.activation",
    "nonlinearity": "network.activation", "initializer": "network.init", "weight_init": "network.init",
    "negative_slope": "network.slope", "criterion": "network.loss", "loss_fn": "network.loss",
    "p": "dropout.rate", "drop": "dropout.rate", "dropout_rate": "dropout.rate", "dropout_p": "dropout.rate",
    "dataset": "data", "regularizer": "penalty", "reg": "penalty", "random_state": "seed", "random_seed": "seed",
    "seeds": "seed", "val_size": "data.validation", "validation_split": "data.validation", "test_size": "data.test",
    "n_jobs": "workers", "num_workers": "workers", "jobs": "workers", "gpu": "device", "cuda": "device",
    "amp": "precision", "metric": "hydra.sweeper.metric", "n_trials": "hydra.sweeper.trials",
}  # fmt: skip
LONGEST_NAME = 128  # a file name may have 255 bytes, and endings are appended to ours


def run_config(values: Mapping[str, object]) -> RunConfig:
    """The checked configuration of a run from nested plain values; a setting that is missing has its default.

    Raises BadInput for an unknown key, a value of another type or out of range, and settings that do not fit together.
    """
    parts: dict[str, object] = {}
    for name, value in values.items():
        if name not in SECTIONS:
            parts[name] = check(name, value)
        elif isinstance(value, Mapping):
            # The cache of `_section` needs hashable values: a list becomes its text, or is refused.
            plain = {
                key: check(f"{name}.{key}", item) if isinstance(item, Mapping | list) else item
                for key, item in value.items()
            }
            parts[name] = _section(name, tuple(plain), *plain.values())
        else:
            raise BadInput(f"{name} is {_shown(value)}; allowed: a group of settings such as {_first_key(name)}")
    made: Callable[..., RunConfig] = RunConfig  # its fields have different types
    config = made(**parts)
    _check_name(config.name)
    from workbench.config.fit import fit, fit_network  # late: these load the engine, which `--help` can do without
    from workbench.config.representable import check_rounding

    check_rounding(config)
    _check_bounds(config.training.bounds)
    fit(config.data, config.network.loss, config.training.batch_size)
    fit_network(config)
    return config


def _check_bounds(text: str) -> None:
    from workbench.engine.training.early_stopping import bounds_of  # late: NumPy comes with it

    try:
        bounds_of(text)
    except ValueError:
        raise BadInput(
            f"training.bounds is {_shown(text)}; allowed: nothing, or epochs and losses as 5:0.83+10:0.7"
        ) from None


def check(key: str, value: object) -> Value:
    """The checked value of one setting, by its dotted key. An integer becomes a float if the setting is one; a list
    of integers becomes its text.
    """
    if key not in SETTINGS:
        raise BadInput(unknown(key))
    setting = SETTINGS[key]
    if value is None and setting.optional:
        return None
    if too_large(value):
        bound = "" if setting.high is not None else f", as an integer at most {LARGEST_COUNT}"
        raise BadInput(f"{key} is {_shown(value)[:80]}; allowed: {allowed(setting)}{bound}")
    if setting.kind is float and type(value) is int:
        value = float(value)
    if setting.listed and isinstance(value, list) and all(type(number) is int for number in value):
        value = text_of(value)
    if setting.listed and isinstance(value, str) and (numbers := integers(value)):
        value = text_of(numbers)
    if not isinstance(value, bool | int | float | str) or type(value) is not setting.kind or not within(setting, value):
        guess = meant(value.rpartition("+")[2], setting.names()) if isinstance(value, str) else ""
        files = setting.choices.left_out() if isinstance(setting.choices, Choices) else ""
        raise BadInput(f"{key} is {_shown(value)}; {guess}allowed: {allowed(setting)}{files}")
    return value


def unknown(key: str) -> str:
    """The one-line error for an unknown key: the keys most like it, and where all keys are listed."""
    by_last_part, last = {name.rpartition(".")[2]: name for name in SETTINGS}, key.rpartition(".")[2]
    close = [by_last_part[part] for part in get_close_matches(last, by_last_part, n=1, cutoff=0.7)]
    alike = get_close_matches(key, SETTINGS, n=1, cutoff=0.8)
    close += alike
    if last.lower() in SETTING_ALIASES and not any(name.rpartition(".")[2] == last for name in alike):
        close = [SETTING_ALIASES[last.lower()]]
    guess = f"; did you mean {' or '.join(dict.fromkeys(close))}?" if close else ""
    shown = key if len(key) <= 100 else f"{key[:100]}…"
    rules = RULE_FILES.in_brackets() if key.startswith(("optimizer.", "penalty.")) else ""
    return f"{shown} is not a setting{guess} (all of them: workbench list keys){rules}"


def flatten(config: RunConfig) -> dict[str, Value]:
    """Every setting of a run under its dotted key, in the schema's order."""
    parts = {section: getattr(config, section) for section in SECTIONS} | {"": config}
    return {key: getattr(parts[section], name) for key, section, name in _places(tuple(SETTINGS))}


def setting_of(config: RunConfig, key: str) -> Value:
    """One setting of a run, by its dotted key."""
    section, _, name = key.rpartition(".")
    value: Value = getattr(getattr(config, section) if section else config, name)
    return value


@lru_cache(maxsize=1)
def _places(keys: tuple[str, ...]) -> list[tuple[str, str, str]]:
    """Each key with its section ("" if it has none) and its name there. A person's own rules may add keys."""
    parted = [(key, key.rpartition(".")) for key in keys]
    return [(key, section, name) for key, (section, _, name) in parted]


@lru_cache(maxsize=4096, typed=True)
def _section(name: str, keys: tuple[str, ...], *values: object) -> object:
    """One checked section. The cells of a sweep share most of theirs, so each is checked once."""
    return SECTIONS[name](**{key: check(f"{name}.{key}", value) for key, value in zip(keys, values, strict=True)})


def _check_name(name: str | None) -> None:
    """Raise BadInput for a name that a sweep's folder and page cannot have."""
    if name is None:
        return
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise BadInput(f"name is {name!r}; allowed: letters, digits, '.', '_' and '-', the first a letter or digit")
    if len(name) > LONGEST_NAME:
        raise BadInput(f"name has {len(name):,} characters; allowed: at most {LONGEST_NAME}")
    if name == "index" or name.endswith((".html", ".json")):
        raise BadInput(f"name is {name!r}; allowed: a name without .html or .json, and not index: a page is called so")


def _shown(value: object) -> str:
    if isinstance(value, bool | None):
        return {None: "null", True: "true", False: "false"}[value]
    return repr(value)


def _first_key(section: str) -> str:
    return next(key for key in SETTINGS if key.startswith(section + "."))
