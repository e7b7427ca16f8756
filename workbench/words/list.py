"""`workbench list [TOPIC ...]`: the sweeps, claims, choices and keys that exist."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

import yaml  # type: ignore[import-untyped]

from workbench import output, places
from workbench.config import FAMILIES, SECTIONS, SETTINGS, Setting, limits, table
from workbench.engine.errors import BadInput
from workbench.measure.own_rows import bring_own_rows
from workbench.persons_code import syntax_tree
from workbench.report.experiment_files import experiment_files
from workbench.words.listing import Listing, show
from workbench.words.parser import Parser

if TYPE_CHECKING:
    from workbench.report.experiments import Experiment

BY_NAME = "its own, by name alone"  # the datasets of a file that `reproduce` leaves out unless its stem is given
ABOUT = "List the sweeps, claims, choices and keys that exist, of some topics or of all."
EXAMPLES = """
workbench list                      everything
workbench list activations losses   the choices of two families
workbench list asked                which claims are asked on which datasets, and with which settings
"""


def main(arguments: Sequence[str]) -> int:
    """Print the topics asked for, or all of them; the exit status. Raises BadInput for an unknown topic."""
    parser = Parser(
        "list",
        "\n\n".join([ABOUT, fill(_topics(), 100)]),
        EXAMPLES,
        json="the same as one JSON document: docs/command.md",
    )
    parser.add_argument("topics", nargs="*", metavar="TOPIC", help="what to show; everything if none is named")
    asked = parser.read(arguments)
    with output.chosen(json=asked.json):
        bring_own_rows()
        listings = {topic: listing(topic) for topic in asked.topics} or overview()
        if asked.json:
            output.document("list", {"topics": {topic: item.document() for topic, item in listings.items()}})
            return 0
        for item in listings.values():
            show(item)
    return 0


def overview() -> dict[str, Listing]:
    """All topics. Claims are listed by the first line of their file, so that listing them imports nothing heavy."""
    families = {name: family(name) for name in FAMILIES}
    return {"sweeps": sweeps(), "claims": claim_files(), "groups": groups(), **families, "keys": keys()}


def listing(topic: str) -> Listing:
    """One topic by its name. Raises BadInput for any other."""
    if topic == "sweeps":
        return sweeps()
    if topic == "claims":
        return claims()
    if topic == "asked":
        return asked()
    if topic == "groups":
        return groups()
    if topic == "keys" or topic in SECTIONS:
        return keys("" if topic == "keys" else f"{topic}.")
    if topic in FAMILIES:
        return family(topic)
    close = get_close_matches(topic, topics(), n=1)
    guess = f"did you mean {close[0]}? " if close else ""
    raise BadInput(f"{topic} is not a topic; {guess}{_topics()}")


def sweeps() -> Listing:
    """The sweep files, ours and a person's own, with their descriptions."""
    rows = [(path.stem, _description(path)) for path in _files("conf", "sweep/*.yaml")]
    return Listing("Sweeps: workbench +sweep=NAME", ("name", "asks"), rows)


def claim_files() -> Listing:
    """The files of claims with the first line of their docstrings."""
    rows = [(stem, _first_line(path)) for stem, path in experiment_files().items()]
    return Listing(
        "Claims: workbench list claims shows their statements and datasets, workbench list asked what is set for each",
        ("file", "about"),
        rows,
    )


def claims() -> Listing:
    """Every claim with its statement and the datasets that it is asked on; a file that cannot be imported is listed by
    its first line.
    """
    rows: list[tuple[str, ...]] = []
    for path in experiment_files().values():
        held = _experiment_in(path)
        datasets = ", ".join(held.datasets) or BY_NAME
        found = [(path.stem, claim.id, datasets, claim.statement) for claim in held.claims]
        rows += found or [(path.stem, "", "", _first_line(path))]
    return Listing("Claims", ("file", "claim", "datasets", "says"), rows)


def asked() -> Listing:
    """What `workbench reproduce --data NAME` asks: of each dataset the sweeps, what is set for it, and the claims."""
    rows = []
    for path in experiment_files().values():
        held = _experiment_in(path)
        names = ", ".join(claim.id for claim in held.claims)
        rows += [(dataset, path.stem, " ".join(settings), names) for dataset, settings in held.datasets.items()]
    sizes = Counter(dataset for dataset, *_ in rows)
    rows.sort(key=lambda row: (-sizes[row[0]], row[:2]))
    return Listing(
        "Asked: workbench reproduce --data NAME; digits: as the sweep files stand",
        ("data", "sweep", "settings", "claims"),
        rows,
    )


def groups() -> Listing:
    """The groups of choices in `conf/`, each of which sets several keys at once."""
    found: dict[str, list[str]] = {}
    for path in _files("conf", "[!h]*/*.yaml"):
        found.setdefault(path.parent.name, []).append(path.stem)
    rows = [(group, ", ".join(sorted(names))) for group, names in sorted(found.items()) if group != "sweep"]
    return Listing("Groups: workbench GROUP=CHOICE", ("group", "choices"), rows)


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
    """Every setting whose key begins with the prefix: default, unit, allowed values, meaning."""
    chosen = [setting for key, setting in SETTINGS.items() if key.startswith(prefix)]
    rows = [(s.key, _shown(s.default), s.unit, s.help, _allowed(s)) for s in chosen]
    title = "Keys: workbench KEY=VALUE, or KEY=VALUE,VALUE to sweep over it"
    return Listing(title, ("key", "default", "unit", "meaning", "allowed"), rows, [_record(s) for s in chosen])


def _files(folder: str, pattern: str) -> list[Path]:
    """Files by their path in the folder. If ours and a person's own have one path, ours counts."""
    found = {path.relative_to(place): path for place in reversed(places.both(folder)) for path in place.glob(pattern)}
    return [found[name] for name in sorted(found)]


def _description(path: Path) -> str:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, OSError) as error:
        return f"cannot be read: {' '.join(str(error).split())}"
    return " ".join(str(content.get("description") or "").split()) if isinstance(content, dict) else ""


def _first_line(path: Path) -> str:
    try:
        text = ast.get_docstring(syntax_tree(path.read_text(encoding="utf-8"))) or ""
    except (SyntaxError, UnicodeDecodeError, OSError) as error:
        return f"cannot be read: {error}"
    return text.partition("\n")[0]


def _experiment_in(path: Path) -> Experiment:
    from workbench.report.experiments import Experiment, experiment_in  # late: it imports pandas and SciPy

    try:
        return experiment_in(path)
    except BadInput as error:  # a person's unfinished file must not hide the others
        print(output.on_one_line(str(error)), file=sys.stderr)
        return Experiment(datasets={})


def _allowed(setting: Setting) -> str:
    if setting.choices:
        return ", ".join(setting.names())
    return "true, false" if setting.kind is bool else limits(setting)


def _record(setting: Setting) -> dict[str, object]:
    """A setting as JSON data. The allowed range includes `low` unless `open_low`, and `high` unless `open_high`."""
    limits_of = {name: getattr(setting, name) for name in ("low", "high", "open_low", "open_high")}
    about = {"key": setting.key, "default": setting.default, "unit": setting.unit, "meaning": setting.help}
    names = list(setting.names()) if setting.choices else None
    return {**about, "kind": setting.kind.__name__, "choices": names, **limits_of, "allowed": _allowed(setting)}


def _shown(value: object) -> str:
    return {None: "null", True: "true", False: "false"}[value] if isinstance(value, bool | None) else str(value)


def topics() -> list[str]:
    """The names of all topics."""
    return ["sweeps", "claims", "asked", "groups", "keys", *SECTIONS, *FAMILIES]


def _topics() -> str:
    return f"topics: {', '.join(topics())}"
