"""Pages whose figures are left blank, for tests that look elsewhere: drawing is most of what a small sweep costs."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

from markupsafe import Markup, escape


def leave_blank(replace: Callable[[ModuleType, str, object], None]) -> None:
    """Put a blank figure wherever a page is drawn; `replace` sets an attribute of a module."""
    from workbench.report.figures import base

    assert hasattr(base, "draw")
    replace(base, "draw", _blank)


def _blank(_paint: object, _identity: str, alt: str, *_: object, **__: object) -> Markup:
    return Markup(f'<svg class="plot" role="img" aria-label="{escape(alt)}"></svg>')
