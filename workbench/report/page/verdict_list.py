"""All verdicts of a folder of pages, by section of the notes: `index.json`, and in words."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from workbench import files
from workbench.report import wording
from workbench.report.page import page_data
from workbench.report.page.datasets import conditional_on_data
from workbench.report.page.folder import make
from workbench.report.page.json_documents import IndexForm, ListedVerdict, PageForm, PartInShort
from workbench.report.verdicts import notes
from workbench.report.verdicts.verdict import VERDICTS

VERDICTS_FILE = "index.json"
VERDICTS_VERSION = 1  # not "format", which a page has, so that the index of pages skips this file


def gather(folder: Path) -> list[ListedVerdict]:
    """The verdicts of every page in the folder, in the order of the notes; the latest one of each claim on each
    dataset.
    """
    found: dict[tuple[str, str], tuple[str, ListedVerdict]] = {}
    for path in sorted(folder.glob("*.json")):
        data = _page(path)
        if data is None:
            continue
        started = str(data["provenance"].get("started", ""))
        for name, verdict in data["verdicts"].items():
            key = name, data.get("dataset", "")
            if key not in found or started >= found[key][0]:
                page = f"{path.stem}.html"
                found[key] = started, {
                    "id": name, "dataset": key[1], "sweep": data["name"], "page": page, "on_data": "", **verdict,
                }  # fmt: skip
    turned = conditional_on_data((name, data, _outcome(one)) for (name, data), (_, one) in found.items())
    for (name, _), (_, one) in found.items():
        one["on_data"] = turned.get(name, "")
    return [
        verdict for _, (_, verdict) in sorted(found.items(), key=lambda item: (notes.place(item[0][0]), item[0][1]))
    ]


def _outcome(verdict: ListedVerdict) -> str:
    return "ruled out" if verdict.get("ruled_out") else str(verdict["verdict"])


def write(found: Sequence[ListedVerdict], folder: Path) -> Path:
    """Write `<folder>/index.json`, which holds `as_data`, and return its path."""
    make(folder)
    target = folder / VERDICTS_FILE
    files.write(target, json.dumps(as_data(found), indent=1, ensure_ascii=True) + "\n")
    return target


def as_data(found: Sequence[ListedVerdict]) -> IndexForm:
    """The verdicts by section of the notes, how many there are of each, and the notes' claims without one."""
    sections: dict[str, list[ListedVerdict]] = {}
    for verdict in found:
        sections.setdefault(notes.section(verdict["id"]) or verdict["section"], []).append(verdict)
    tally = Counter(verdict["verdict"] for verdict in found)
    held = {verdict["id"] for verdict in found}
    return {
        "version": VERDICTS_VERSION, "counts": {word: tally[word] for word in VERDICTS},
        "without": [name for name in notes.IDS if name not in held],
        "sections": [{"section": name, "claims": claims} for name, claims in sections.items()],
    }  # fmt: skip


def in_words(found: Sequence[ListedVerdict]) -> str:
    """One line for each verdict, and the count of each."""
    lines = [_line(verdict) for verdict in found]
    tally = Counter(verdict["verdict"] for verdict in found)
    lines.append(wording.listing([f"{tally[word]} {word}" for word in VERDICTS if tally[word]]) or "no verdict yet")
    return "\n".join(lines)


def _line(verdict: ListedVerdict) -> str:
    shown = _decisive(verdict)
    write = wording.number if _is_identity(shown) else lambda value: wording.change(value, shown["metric"])
    effect = write(shown["effect"]) if shown["effect"] is not None else ""
    low, high = (float("nan") if end is None else end for end in shown["interval"])
    span = wording.between(low, high, shown["metric"])
    parts = [part for part in (effect, f"({span})" if span else "", _count(shown), verdict["dataset"]) if part]
    if verdict.get("ruled_out"):
        parts.append("the predicted effect is ruled out")
    if verdict.get("on_data"):
        parts.append(f"[{verdict['on_data']}]")
    return f"{verdict['id']:<4} {verdict['verdict']:<15} {' '.join(parts)}".replace(wording.SPACE, " ")


def _is_identity(shown: PartInShort) -> bool:
    return bool(shown.get("kind") == "identity")


def _count(shown: PartInShort) -> str:
    """How many seeds a verdict rests on, or how many runs an identity was looked at in."""
    return wording.plural(shown["n"], "run") if _is_identity(shown) else f"n = {shown['n']}"


def _decisive(verdict: ListedVerdict) -> PartInShort:
    """The part of a claim of several rules that decides its verdict: the first one, unless another is worse."""
    if verdict["verdict"] in (verdict["by_itself"], "conditional"):
        return verdict
    return next((part for part in verdict["also"] if part["verdict"] == verdict["verdict"]), verdict)


def _page(path: Path) -> PageForm | None:
    """A page's data; None if the file is not a page's, or one without verdicts."""
    data = page_data.read(path)
    return data if data is not None and isinstance(data.get("verdicts"), dict) else None
