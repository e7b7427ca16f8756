"""Where results lie: one JSON, Markdown and PNG file a date. Parts measured one by one come together in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.plot import draw
from benchmarks.table import page

FOLDER = Path(__file__).resolve().parent / "results"
SAME = ("commit", "machine", "versions", "rounds", "mnist")  # what parts of one result must share


def write(results: dict[str, Any], folder: Path, quick: bool) -> list[Path]:
    """Write the three files of a result; a part measured anew replaces the one of the same day, code and machine."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / (results["about"]["date"].split()[0] + ("-quick" if quick else ""))
    files = [stem.with_suffix(suffix) for suffix in (".json", ".md", ".png")]
    whole = _earlier(files[0], results["about"]) | results
    files[0].write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    files[1].write_text(page(whole), encoding="utf-8")
    draw(whole, files[2])
    return [file for file in files if file.exists()]


def _earlier(file: Path, about: dict[str, str]) -> dict[str, Any]:
    if not file.exists():
        return {}
    found = json.loads(file.read_text(encoding="utf-8"))
    return found if all(found["about"].get(name) == about[name] for name in SAME) else {}
