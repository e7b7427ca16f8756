"""From what a page shows to its HTML: the templates, escaped, with style and script inside."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from functools import lru_cache, partial

from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.filters import do_truncate
from markupsafe import Markup

from workbench.report import wording
from workbench.report.figures import palette
from workbench.report.language import texts, words

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
    environment.filters["shortened"] = partial(_shortened, environment)
    environment.filters["for_a_shell"] = shlex.quote  # of a command that the page shows for pasting
    environment.globals |= {
        "look": {"css": css, "js": Markup("\n").join(scripts), "light": light, "dark": dark},
        "gradient": palette.gradient(),
        "plural": wording.plural,
        "say": words.say,
        "sentence": words.sentence,
        "said": texts.translated,
        "begun": lambda text: words.begun(texts.translated(text)),
        "chinese_of": words.chinese_of,
        "english_of": str.__str__,
        "attribute": lambda name, text: words.attribute(name, texts.translated(text)),
        "in_both": words.templates,
        "outcomes": wording.outcomes,
    }
    return environment


def _shortened(environment: Environment, text: str, most: int) -> str:
    """A text in about so many letters, in both of its languages."""
    english = str(do_truncate(environment, str.__str__(text), most))
    return words.Words(english, words.cut(text.chinese, most)) if isinstance(text, words.Words) else english
