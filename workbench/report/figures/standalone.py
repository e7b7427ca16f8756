"""A drawing of the page as an SVG of its own, which needs none of the page's style."""

from __future__ import annotations

import re

from workbench.report.figures import marks, palette

_CHINESE = re.compile(r'<tspan class="zh">[^<]*</tspan>| data-zh-aria-label="[^"]*"')
_ENGLISH = re.compile(r'<tspan class="en">([^<]*)</tspan>')
_VARIABLE = re.compile(r"var\((--[a-z0-9-]+)\)")


def standalone(svg: str) -> str:
    """An inlined figure as a file: with its namespace, font and background, and with light colours in place of
    variables. It is in English alone: what decides between the languages is the page.
    """
    light, _ = palette.variables()
    english = _ENGLISH.sub(r"\1", _CHINESE.sub("", marks.unmarked(svg)))
    text = _VARIABLE.sub(lambda match: light[match[1].removeprefix("--")], english)
    head = f'xmlns="http://www.w3.org/2000/svg" style="background:{palette.SURFACE}" font-family="sans-serif"'
    return text.replace("<svg ", f"<svg {head} ", 1) + "\n"
