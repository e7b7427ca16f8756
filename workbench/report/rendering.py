"""From what a page shows to its HTML: the templates, escaped, with style and script inside."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from workbench.report import language, palette, wording


def render(template: str, shown: Mapping[str, Any]) -> str:
    """The page made by `templates/<template>.html.j2`. What is put in is escaped unless it was made here as markup."""
    return _environment().get_template(f"{template}.html.j2").render(shown)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    loader = PackageLoader("workbench.report", "templates")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    css, js = (Markup(loader.get_source(environment, name)[0]) for name in ("page.css", "page.js"))
    light, dark = palette.variables()
    environment.globals |= {
        "look": {"css": css, "js": js, "light": light, "dark": dark},
        "gradient": palette.gradient(),
        "plural": wording.plural,
        "said": language.said,
        "named": language.named,
    }
    return environment
