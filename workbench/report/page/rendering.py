"""From what a page shows to its HTML: the templates, escaped, with style and script inside."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from workbench.report import wording
from workbench.report.figures import palette
from workbench.report.page import language

_STYLED = re.compile(
    r'<((?:path|text|use|g)\b(?:(?! class=)[^<>])*?) style="([^"]*)"'
)  # elements that only figures have
PAGE_SCRIPTS = ("page.js", "take.js", "curves.js", "contents.js")


def render(template: str, shown: Mapping[str, object]) -> str:
    """The page made by `templates/<template>.html.j2`. Values are escaped unless they were made here as markup."""
    return with_shared_styles(_environment().get_template(f"{template}.html.j2").render(shown))


def with_shared_styles(page: str) -> str:
    """The page with each style of its figures written once, since thousands of their elements share a few styles."""
    classes: dict[str, str] = {}

    def by_class(tag: re.Match[str]) -> str:
        return f'<{tag[1]} class="{classes.setdefault(tag[2], f"f{len(classes)}")}"'

    page = _STYLED.sub(by_class, page)
    rules = "".join(f"svg.plot .{name}{{{style}}}\n" for style, name in classes.items())
    return page.replace("</style>", f"{rules}</style>", 1)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    loader = PackageLoader("workbench.report.page", "templates")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    css, *scripts = (Markup(loader.get_source(environment, name)[0]) for name in ("page.css", *PAGE_SCRIPTS))
    light, dark = palette.variables()
    environment.filters["for_a_shell"] = shlex.quote  # of a command that the page shows for pasting
    environment.globals |= {
        "look": {"css": css, "js": Markup("\n").join(scripts), "light": light, "dark": dark},
        "gradient": palette.gradient(),
        "plural": wording.plural,
        "said": language.said,
        "named": language.named,
    }
    return environment
