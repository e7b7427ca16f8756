"""`python -m workbench.list [topic ...]`: what there is to sweep over, to ask and to set.

Topics: sweeps, claims, groups, keys, a section of the keys (network, optimizer, ...), or a family of choices
(activations, losses, ...).
"""

from __future__ import annotations

if __name__ == "__main__":  # before anything heavy is imported
    from workbench import entry

    entry.run("workbench.list")

import ast
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf
from yaml import YAMLError  # type: ignore[import-untyped]

from workbench import places
from workbench.config import FAMILIES, SECTIONS, SETTINGS, Setting, limits, table
from workbench.config.own_rules import load_own_rules
from workbench.engine.errors import BadInput
from workbench.report.experiment_files import experiment_files

if TYPE_CHECKING:
    from workbench.report.verdicts.rules import Claim


@dataclass(frozen=True)
class Listing:
    """A table of text: a title, the columns' names, and rows as long as these."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the topics asked for, or all of them; the exit status."""
    asked = list(sys.argv[1:] if arguments is None else arguments)
    if {"-h", "--help"} & set(asked):
        print(f"{__doc__}\n{_topics()}")
        return 0
    try:
        load_own_rules(places.theirs("rules"))
        listings = [listing(topic) for topic in asked] or overview()
    except BadInput as error:
        print(error, file=sys.stderr)
        return 2
    for item in listings:
        show(item)
    return 0


def overview() -> list[Listing]:
    """Everything. Claims are told by their file's first line, so that nothing heavy is imported for them."""
    return [sweeps(), claim_files(), groups(), *(family(name) for name in FAMILIES), keys()]


def listing(topic: str) -> Listing:
    """One topic by its name. Raises BadInput for any other."""
    if topic == "sweeps":
        return sweeps()
    if topic == "claims":
        return claims()
    if topic == "groups":
        return groups()
    if topic == "keys" or topic in SECTIONS:
        return keys("" if topic == "keys" else f"{topic}.")
    if topic in FAMILIES:
        return family(topic)
    raise BadInput(f"{topic} is nothing that can be listed; {_topics()}")


def sweeps() -> Listing:
    """The sweep files, ours and a person's own, with their descriptions."""
    rows = [(path.stem, _description(path)) for path in _files("conf", "sweep/*.yaml")]
    return Listing("Sweeps: python -m workbench +sweep=NAME", ("name", "asks"), rows)


def claim_files() -> Listing:
    """The files of claims with the first line of what they say about themselves."""
    rows = [(stem, _first_line(path)) for stem, path in experiment_files().items()]
    return Listing("Claims: python -m workbench.list claims shows their statements", ("file", "about"), rows)


def claims() -> Listing:
    """Every claim with its statement; a file that cannot be imported is told by its first line."""
    rows: list[tuple[str, ...]] = []
    for path in experiment_files().values():
        found = [(path.stem, claim.id, claim.statement) for claim in _claims_of(path)]
        rows += found or [(path.stem, "", _first_line(path))]
    return Listing("Claims", ("file", "claim", "says"), rows)


def groups() -> Listing:
    """The groups of choices in `conf/`, each of which sets several keys at once."""
    found: dict[str, list[str]] = {}
    for path in _files("conf", "[!h]*/*.yaml"):
        found.setdefault(path.parent.name, []).append(path.stem)
    rows = [(group, ", ".join(sorted(names))) for group, names in sorted(found.items()) if group != "sweep"]
    return Listing("Groups: python -m workbench GROUP=CHOICE", ("group", "choices"), rows)


def family(name: str) -> Listing:
    """The choices of one family with their summaries."""
    rows = [(row, str(table(name)[row].summary)) for row in table(name)]
    used = [setting.key for setting in SETTINGS.values() if getattr(setting.choices, "family", "") == name]
    title = (
        f"{name.capitalize()}: {' '.join(key.removesuffix('.name') + '=NAME' for key in used)}"
        if used
        else name.capitalize()
    )
    return Listing(title, ("name", "is"), rows)


def keys(prefix: str = "") -> Listing:
    """Every setting whose key begins with the prefix: default, unit, what is allowed, meaning."""
    chosen = [setting for key, setting in SETTINGS.items() if key.startswith(prefix)]
    rows = [(s.key, _shown(s.default), s.unit, s.help, _allowed(s)) for s in chosen]
    title = "Keys: python -m workbench KEY=VALUE, or KEY=VALUE,VALUE to sweep over it"
    return Listing(title, ("key", "default", "unit", "meaning", "allowed"), rows)


def show(item: Listing) -> None:
    """Print a table: with rich on a terminal, as aligned text elsewhere."""
    if sys.stdout.isatty():
        _show_rich(item)
        return
    widths = [max(map(len, column)) for column in zip(item.columns, *item.rows, strict=True)]
    print(item.title)
    for row in (item.columns, *item.rows) if item.rows else [("(none yet)",)]:
        print("  " + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=False)).rstrip())
    print()


def _show_rich(item: Listing) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    grid = Table(title=escape(item.title), title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    for i, name in enumerate(item.columns):
        grid.add_column(name, no_wrap=i == 0, style="cyan" if i == 0 else "", header_style="dim")
    for row in item.rows:
        grid.add_row(*map(escape, row))
    Console().print(grid, "" if item.rows else "  (none yet)\n")


def _files(folder: str, pattern: str) -> list[Path]:
    """Files by their path in the folder; of two with one path, ours."""
    found = {path.relative_to(place): path for place in reversed(places.both(folder)) for path in place.glob(pattern)}
    return [found[name] for name in sorted(found)]


def _description(path: Path) -> str:
    try:
        content = OmegaConf.load(path)
    except (YAMLError, UnicodeDecodeError) as error:
        return f"cannot be read: {' '.join(str(error).split())}"
    return " ".join(str(OmegaConf.select(content, "description") or "").split())


def _first_line(path: Path) -> str:
    try:
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    except (SyntaxError, UnicodeDecodeError) as error:
        return f"cannot be read: {error}"
    return text.partition("\n")[0]


def _claims_of(path: Path) -> Sequence[Claim]:
    from workbench.report.experiments import claims_in  # pandas and SciPy come with it

    try:
        return claims_in(path)
    except BadInput as error:  # a person's unfinished file must not hide the others
        print(error, file=sys.stderr)
        return ()


def _allowed(setting: Setting) -> str:
    if setting.choices:
        return ", ".join(setting.names())
    return "true, false" if setting.kind is bool else limits(setting)


def _shown(value: Any) -> str:
    return {None: "null", True: "true", False: "false"}[value] if isinstance(value, bool | None) else str(value)


def _topics() -> str:
    return f"topics: {', '.join(['sweeps', 'claims', 'groups', 'keys', *SECTIONS, *FAMILIES])}"
