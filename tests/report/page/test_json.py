"""The data beside a page has the shape that docs/json.md says: its schema, and its table of keys."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.documents import ROOT, blocks
from tests.report.page.test_sweep import SWEEPS
from tests.report.synthetic import sweep
from workbench.report.figures.findings import Findings
from workbench.report.page import page_data
from workbench.report.page.view import view

PAGE = ROOT / "docs/json.md"
(SCHEMA,) = [json.loads(text) for language, text in blocks(PAGE) if language == "json"]
KINDS: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "integer": (int,), "number": (int, float),
    "null": (type(None),),
}  # fmt: skip


def faults(value: Any, schema: dict[str, Any], where: str = "page") -> list[str]:
    """What does not fit, by the words of JSON Schema that the page uses."""
    if "const" in schema and value != schema["const"]:
        return [f"{where} is {value!r}"]
    named = schema.get("type", [])
    kinds = [named] if isinstance(named, str) else named
    if kinds and not isinstance(value, tuple(kind for name in kinds for kind in KINDS[name])):
        return [f"{where} is {value!r:.40}, not {kinds}"]
    found: list[str] = []
    if isinstance(value, dict):
        found = [f"{where} lacks {key}" for key in schema.get("required", []) if key not in value]
        for key, one in value.items():
            inner = schema.get("properties", {}).get(key, schema.get("additionalProperties", {}))
            found += faults(one, inner, f"{where}.{key}")
    if isinstance(value, list):
        found += [fault for one in value for fault in faults(one, schema.get("items", {}), f"{where}[]")]
    return found


@pytest.mark.usefixtures("no_figures")
@pytest.mark.parametrize("name", ["whole", "one run", "regression", "pending", "search", "search by two"])
def test_the_data_fit_the_schema_and_every_key_is_told(name: str) -> None:
    data = json.loads(page_data.text(view(Findings(SWEEPS[name]())).data))  # type: ignore[arg-type]
    assert faults(data, SCHEMA) == []
    told = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`[^|]*) \|", PAGE.read_text(), re.MULTILINE))))
    assert set(data) == told


@pytest.mark.usefixtures("no_figures")
def test_a_fault_is_seen() -> None:
    data = json.loads(page_data.text(view(Findings(sweep({}, seeds=1))).data))  # type: ignore[arg-type]
    assert faults({**data, "format": 2}, SCHEMA) == ["page.format is 2"]
    assert faults({key: data[key] for key in data if key != "runs"}, SCHEMA) == ["page lacks runs"]
    assert faults({**data, "seeds": ["0"]}, SCHEMA) == ["page.seeds[] is '0', not ['integer']"]
