"""Pages without their figures, for tests that look elsewhere: figures are most of what a small sweep costs."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType, SimpleNamespace

from markupsafe import Markup

Replace = Callable[[ModuleType, str, object], None]  # sets an attribute of a module


def leave_blank(replace: Replace) -> None:
    """Let every figure be reduced, told and tabulated, and none be painted."""
    from workbench.report.figures import base

    assert hasattr(base, "draw")
    assert hasattr(base.painted, "svgs")
    replace(base, "draw", _blank)
    replace(base, "painted", SimpleNamespace(svgs=lambda _shown, paint: paint()))  # blanks are not kept


def leave_out(replace: Replace) -> None:
    """Leave the figures out of pages altogether."""
    from workbench.report.page import view

    assert hasattr(view, "drawn")
    replace(view, "drawn", lambda _: {section: [] for section in view.PAGE_SECTIONS})


def _blank(_paint: object, _identity: str, alt: str, size: tuple[float, float], *_: object, **__: object) -> Markup:
    """As much room as the figure would take."""
    from workbench.report.language.words import attribute

    width, height = size
    return Markup('<svg class="plot" role="img" viewBox="0 0 {} {}" {}></svg>').format(
        f"{width:g}", f"{height:g}", attribute("aria-label", alt)
    )
