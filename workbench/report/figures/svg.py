"""From a Matplotlib axes to an SVG that is part of the page: text stays text, colours become the page's variables.

No pyplot: global settings change only while one drawing is made, and equal data give equal bytes.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable
from html import unescape

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.text import Text

from workbench.report.figures import marks, palette
from workbench.report.language.words import Words, attribute
from workbench.untyped import MatplotlibSettings

WIDTH, HEIGHT = 340, 220
MARGINS = (46, 12, 12, 40)  # left, right, top, bottom
STYLE: MatplotlibSettings = {
    "svg.fonttype": "none",
    "svg.hashsalt": "workbench",
    "text.parse_math": False,  # a "$" in a name is a dollar sign
    "font.size": 11.5,
    "axes.labelsize": 11.5,
    "xtick.labelsize": 11.5,
    "ytick.labelsize": 11.5,
    "text.color": palette.INK,
    "axes.labelcolor": palette.MUTED,
    "xtick.color": palette.GUIDE,
    "ytick.color": palette.GUIDE,
    "xtick.labelcolor": palette.MUTED,
    "ytick.labelcolor": palette.MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "axes.edgecolor": palette.GUIDE,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": palette.GRID,
    "grid.linewidth": 0.8,
    "axes.unicode_minus": True,
    "path.simplify": False,
    "axes.formatter.useoffset": False,
    "lines.linewidth": 2.0,
}
_COLOURS = palette.in_figures()
_COLOUR = re.compile("|".join(map(re.escape, _COLOURS)))
_WRITTEN = re.compile(r"(<text\b[^>]*>)([^<]*)</text>")
_TAG = re.compile(r"<[^>]+>")
_GEOMETRY = re.compile(r'\b(d|x|y|transform|points)="([^"]*)"')
_RECTANGLE = re.compile(r"^M(\S+) (\S+) (\S+) \2 \3 (\S+) \1 \4 \1 \2z?$")
_LONG = re.compile(r"-?\d+\.\d{2,}")
_DROPPED = re.compile(r"<\?xml.*?\?>|<!DOCTYPE[^>]*>|<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>", re.DOTALL)


def _short(match: re.Match[str]) -> str:
    text = f"{float(match.group()):.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def _tidy(tag: re.Match[str]) -> str:
    """One tag: coordinates to a tenth of a unit, colours to variables, fonts to the page's."""
    text = _GEOMETRY.sub(_tidy_geometry, tag.group())
    text = re.sub(r"font(?:-family)?: ([\d.]+px)?[^;\"]*", lambda m: f"font-size: {m[1]}" if m[1] else "", text)
    text = re.sub(r' transform="rotate\(-0 [^"]*"', "", text).replace("px; ;", "px;")
    return _COLOUR.sub(lambda m: _COLOURS[m.group()], text)


def _tidy_geometry(attribute: re.Match[str]) -> str:
    geometry = _squeeze(_LONG.sub(_short, attribute[2]))
    return f'{attribute[1]}="{short_path(geometry) if attribute[1] == "d" else geometry}"'


def _squeeze(geometry: str) -> str:
    return re.sub(r"\s+", " ", geometry).strip()


def short_path(path: str) -> str:
    """A path without the spaces around its letters; if it has only straight lines, without the letters that SVG
    implies. A rectangle says each of its coordinates once: a heat map has thousands.
    """
    path = re.sub(r" ?([A-Za-z]) ?", r"\1", path)
    return path if re.search("[A-KN-Y]", path) else _RECTANGLE.sub(r"M\1 \2H\3V\4H\1z", path.replace("L", " "))


def _own_names(svg: str, identity: str) -> str:
    """Keep only the ids that something refers to, and make them unique to this figure, since many figures share one
    page.
    """
    svg = marks.marked(svg)
    used = dict.fromkeys(re.findall(r'(?:href="#|url\(#)([^")]+)', svg))
    names = {name: f"{identity}-{number}" for number, name in enumerate(used)}  # Matplotlib's own have a long digest
    svg = re.sub(r' id="([^"]*)"', lambda m: f' id="{names[m[1]]}"' if m[1] in names else "", svg)
    return re.sub(r'(href="#|url\(#)([^")]+)', lambda m: f"{m[1]}{names[m[2]]}", svg)


def _inline(svg: str, identity: str, alt: str, width: float, height: float) -> Markup:
    body = _DROPPED.sub("", svg)
    body = body[body.index(">", body.index("<svg")) + 1 : body.rindex("</svg>")]
    body = _TAG.sub(_tidy, _own_names(body, identity)).replace("xlink:href", "href")
    body = re.sub(r">\s+<", "><", re.sub(r"<g>\s*</g>|<g/>|<defs>\s*</defs>|<defs/>", "", body)).strip()
    kind = "plot heat" if "QuadMesh" in svg else "plot"  # gaps between the cells of a heat map would show
    head = f'<svg class="{kind}" role="img" viewBox="0 0 {width:g} {height:g}" {attribute("aria-label", alt)}>'
    return Markup(f"{head}{body}</svg>")  # Matplotlib escapes every text that it writes


def _translations(figure: Figure) -> dict[str, str]:
    """The lines of text in a drawing that have a Chinese form, with that."""
    found: dict[str, str] = {}
    for artist in figure.findobj(Text):
        text = artist.get_text()
        if isinstance(text, Words):
            lines = zip(str.__str__(text).split("\n"), text.chinese.split("\n"), strict=False)
            found |= {line: other for line, other in lines if line != other}
    return found


def _in_both(svg: str, translations: dict[str, str]) -> str:
    """The drawing with every such line in both languages, of which the page's style shows one."""

    def spoken(text: re.Match[str]) -> str:
        line = unescape(text[2])
        if line not in translations:
            return text[0]
        both = (
            f'<tspan class="{name}">{escape(said)}</tspan>' for name, said in (("en", line), ("zh", translations[line]))
        )
        return f"{text[1]}{''.join(both)}</text>"

    return _WRITTEN.sub(spoken, svg) if translations else svg


def draw(
    paint: Callable[[Axes], Axes],
    identity: str,
    alt: str,
    size: tuple[float, float] = (WIDTH, HEIGHT),
    margins: tuple[float, float, float, float] = MARGINS,
) -> Markup:
    """What `paint` draws on fresh axes of `size` (CSS pixels) inside `margins` (left, right, top, bottom), as an SVG.

    `identity` must be unique on the page; `alt` says in words what the drawing shows.
    """
    (width, height), (left, right, top, bottom) = size, margins
    box = (left / width, bottom / height, (width - left - right) / width, (height - top - bottom) / height)
    buffer = io.StringIO()
    with warnings.catch_warnings(), mpl.rc_context(STYLE):
        warnings.filterwarnings(
            "ignore", message="Glyph .* missing"
        )  # Matplotlib only measures the text: the reader's fonts draw it
        figure = Figure(figsize=(width / 72, height / 72))
        figure.patch.set_visible(False)
        axes = figure.add_axes(box)
        axes.patch.set_visible(False)
        paint(axes)
        FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None})
    return _inline(_in_both(buffer.getvalue(), _translations(figure)), identity, alt, width, height)
