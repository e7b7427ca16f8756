"""Where results lie: one JSON, Markdown and PNG file a date. Parts measured one by one come together in them, each with
the time, the commit and the load it was measured at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.plot import draw
from benchmarks.table import OF_A_PART, page

FOLDER = Path(__file__).resolve().parent / "results"
SAME = ("machine", "versions")  # what parts of one result must share


def write(results: dict[str, Any], folder: Path, quick: bool) -> list[Path]:
    """Write the three files of a result; a part measured anew replaces the one of the same day, code and machine."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / (results["about"]["date"].split()[0] + ("-quick" if quick else ""))
    files = [stem.with_suffix(suffix) for suffix in (".json", ".md", ".png")]
    whole = _earlier(files[0], results["about"])
    own = {name: results["about"].get(name, "") for name in OF_A_PART}
    measured = whole.get("measured", {}) | {part: own for part in results if part != "about"}
    whole |= results | {"measured": measured}
    files[0].write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    files[1].write_text(page(whole), encoding="utf-8")
    draw(whole, files[2])
    return [file for file in files if file.exists()]


def _earlier(file: Path, about: dict[str, str]) -> dict[str, Any]:
    if not file.exists():
        return {}
    found = json.loads(file.read_text(encoding="utf-8"))
    return found if all(found["about"].get(name) == about[name] for name in SAME) else {}
