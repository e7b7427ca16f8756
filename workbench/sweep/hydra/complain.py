"""One-line errors for a command that Hydra could not compose: the key, its value and what is allowed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import fields
from functools import lru_cache
from itertools import chain

from hydra.errors import HydraException
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException
from yaml import YAMLError, safe_load  # type: ignore[import-untyped]

from workbench import places
from workbench.config import SECTIONS, SETTINGS, check, meant, unknown
from workbench.config.reading import either
from workbench.engine.errors import BadInput
from workbench.persons_code import RULE_FILES
from workbench.sweep.hydra.internals import (
    ConfigLoader,
    Override,
    choices_of,
    converted,
    default_choices,
    file_being_read,
)
from workbench.sweep.hydra.sweep_file import named
from workbench.sweep.hydra.sweep_file_checks import check_choice, choices_in
from workbench.sweep.hydra.typed import CONTROLLERS, MOST_CELLS, SWEEPER, read, shortened, size


def complaint(error: Exception, overrides: Sequence[str], loader: ConfigLoader) -> BadInput:
    """The one-line error for one that Hydra or OmegaConf raised while composing with these overrides."""
    for text in overrides:
        try:
            diagnose(text, loader)
            _diagnose_file(text, loader)
        except BadInput as found:
            return found
    if missing := re.match(rf"Could not override '({re.escape(SWEEPER)}[^']+)'", str(error)):
        return _not_of_the_sweeper(missing[1])
    unknown_key = isinstance(error.__context__, ConfigKeyError | ConfigAttributeError)
    return BadInput(one_line(error) + (RULE_FILES.in_brackets() if unknown_key else ""))


def _not_of_the_sweeper(key: str) -> BadInput:
    """The error for a setting that the sweeper of a command does not have. Only a search has most of them, and the
    grid is the sweeper where none is named.
    """
    files = sorted((places.ours("conf") / "hydra" / "sweeper").glob("*.yaml"))
    settings = {
        file.stem: [f"{SWEEPER}{name}" for name in safe_load(file.read_text(encoding="utf-8"))] for file in files
    }
    readers = [name for name, keys in settings.items() if key.startswith(tuple(keys))]
    if readers and "." not in key.removeprefix(SWEEPER):
        return BadInput(f"{key}: nothing reads it with this sweeper; it is read with hydra/sweeper={either(readers)}")
    known = [name for name in dict.fromkeys(chain.from_iterable(settings.values())) if not name.endswith("_")]
    return BadInput(f"{key} is no setting of a sweeper; {meant(key, known)}allowed: one of {', '.join(known)}")


def diagnose(text: str, loader: ConfigLoader) -> None:
    """Raise BadInput if this override is wrong by itself: its syntax, key, choice or value."""
    override = read(text)
    override.config_loader = loader
    key = override.key_or_group
    options = choices_of(loader, key)
    if override.is_hydra_override():
        return
    if override.is_delete():
        if key in SETTINGS or key in SECTIONS:
            raise BadInput(f"{text}: a setting cannot be deleted; without an override it has its default")
        return
    if options and not isinstance(override.value(), dict):
        _diagnose_choice(override, options, loader)
    elif key in SETTINGS:
        for value in _values(override):
            if not (isinstance(value, str) and "${" in value):
                check(key, value)
    elif key in SECTIONS:
        if not isinstance(override.value(), dict):
            first = fields(SECTIONS[key])[0].name
            raise BadInput(f"{text}: {key} is a group of settings; type one of them, such as {key}.{first}")
    else:
        groups = _groups(loader)
        guess = meant(key, groups) if "did you mean" not in unknown(key) else ""
        listed = f"; {guess}groups of choices: {', '.join(groups)}"
        raise BadInput(unknown(key) + (listed if "." not in key else ""))


def _diagnose_file(text: str, loader: ConfigLoader) -> None:
    """Raise BadInput if this override names a sweep file whose `defaults` choose something that does not exist."""
    key, _, stem = text.partition("=")
    for choice in choices_in(stem) if key == "+sweep" else []:
        options, found = choices_of(loader, choice.group), f"{named(stem)}defaults: {choice.group}"
        if not options:
            groups = (*_groups(loader), *CONTROLLERS)
            raise BadInput(f"{found} is no group of choices; allowed: one of {', '.join(groups)}")
        if choice.name not in options and "${" not in choice.name:
            raise BadInput(f"{found} is {shortened(choice.name)!r}; {_allowed(options)}")
        check_choice(choice.group, choice.name)
        if choice.group in _by_default(loader) and not choice.overrides:
            raise BadInput(f"{found} has a choice already; write override /{choice.group}: {choice.name}")


def _groups(loader: ConfigLoader) -> list[str]:
    return [group for group in loader.list_groups("") if group != "hydra"]


def _diagnose_choice(override: Override, options: Sequence[str], loader: ConfigLoader) -> None:
    key, text = override.key_or_group, str(override.input_line)
    for name in map(str, _values(override)):
        if name not in options and "${" not in name:
            raise BadInput(f"{key} is {shortened(name)!r}; {_instead(key, name, options)}")
        check_choice(key, name)
    if key not in _by_default(loader) and not override.is_add():
        raise BadInput(f"{text}: {key} has no default choice to replace; type {shlex.quote('+' + text.lstrip('+'))}")
    if key in _by_default(loader) and override.is_add():
        raise BadInput(f"{text}: {key} has a choice already; type {shlex.quote(text.lstrip('+'))}")


def refuse_path(group: str, name: str) -> None:
    """Raise BadInput for a choice given as a file, such as adam.yaml or ./adam. Hydra accepts it, but a choice is
    known by its name.
    """
    bare = re.sub(r"\.ya?ml$", "", name)
    parts = [part for part in bare.split("/") if part not in ("", ".", "..")]
    if "/".join(parts) != name:
        instead = f"{'+' if group == 'sweep' else ''}{group}={parts[-1] if parts else 'NAME'}"
        raise BadInput(f"{group} is {shortened(name)!r}; type {shlex.quote(instead)}")


def _instead(key: str, name: str, options: Sequence[str]) -> str:
    bare = re.sub(r"\.ya?ml$", "", name.rpartition("/")[2])  # Hydra 1.3 finds files by paths, and 1.4 does not
    return f"type {key}={bare}" if bare != name and bare in options else f"{meant(name, options)}{_allowed(options)}"


def _allowed(options: Sequence[str]) -> str:
    return f"allowed: one of {', '.join(options)}{RULE_FILES.in_brackets()}"


@lru_cache(maxsize=1)
def _by_default(loader: ConfigLoader) -> set[str]:
    """The config groups that have a default choice."""
    return default_choices(loader, "config")


def _values(override: Override) -> list[object]:
    """The values that an override gives, without quotes. Raises BadInput for an interval, which has no list."""
    if not override.is_sweep_override():
        return [override.value()]
    if not override.is_discrete_sweep():
        raise BadInput(
            f"{override.input_line}: an interval cannot be swept over; allowed: 1,2,3 or range(start,stop,step)"
        )
    if size(override) > MOST_CELLS:
        return []
    return [converted(value) for value in override.sweep_iterator()]


def unreadable(error: UnicodeDecodeError) -> BadInput:
    """The one-line error for a configuration file that is not UTF-8. Hydra's message does not name the file, but the
    frames of its reader do.
    """
    name = file_being_read(error) or "a configuration file"
    found = f"byte {error.object[error.start]:#04x} at place {error.start}"
    return BadInput(f"conf/{name}: found {found}; allowed: text in UTF-8")


def one_line(error: BaseException) -> str:
    """A message of Hydra or OmegaConf with its cause, as one line, without the list of folders."""
    known = isinstance(error, HydraException | OmegaConfBaseException | YAMLError | UserWarning)
    parts = [str(error) if known else f"{type(error).__name__}: {error}"]
    if isinstance(error.__cause__, OmegaConfBaseException):
        parts.append(str(error.__cause__))
    text = "\n".join(parts).split("Config search path:")[0]
    text = re.sub(r"See https://hydra\S+( for details)?", "", text)
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("object_type=")]
    text = re.sub(r"\s+", " ", "; ".join(lines)).replace(":; ", ": ")
    text = re.sub(r"^In '([^']+)': \w+ raised while composing config: ", r"conf/\1.yaml: ", text)
    return re.sub(r"(; full_key:$|; reference_type=\w+)", "", text)
