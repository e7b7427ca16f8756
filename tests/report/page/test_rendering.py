"""A page is its template with the styles of its figures written once."""

from __future__ import annotations

from workbench.report.figures.svg import short_path
from workbench.report.page.rendering import with_shared_styles

PAGE = (
    '<style>p{}</style><svg class="plot"><path d="M0 0 1 1" style="fill: none"/><text style="fill: red" x="1">a</text>'
    '<path style="fill: none" d="M2 2"/></svg><span style="flex-grow:3"></span><p>&lt;path style=&#34;x&#34;&gt;</p>'
)


def test_styles_of_figures_become_classes_each_written_once() -> None:
    assert with_shared_styles(PAGE) == (
        "<style>p{}svg.plot .f0{fill: none}\nsvg.plot .f1{fill: red}\n</style>"
        '<svg class="plot"><path d="M0 0 1 1" class="f0"/><text class="f1" x="1">a</text>'
        '<path class="f0" d="M2 2"/></svg>'
        '<span style="flex-grow:3"></span><p>&lt;path style=&#34;x&#34;&gt;</p>'
    )


def test_a_page_without_figures_stays_as_it_is() -> None:
    assert with_shared_styles("<style>p{}</style><p>text</p>") == "<style>p{}</style><p>text</p>"


def test_straight_lines_need_no_letters_and_curves_keep_theirs() -> None:
    assert short_path("M 0 1.5 L 2 -3 L 4 5 z M 6 7 L 8 9") == "M0 1.5 2 -3 4 5zM6 7 8 9"
    assert short_path("M 1 2 L 3.5 2 L 3.5 4 L 1 4 L 1 2") == "M1 2H3.5V4H1z"
    assert short_path("M 1 2 L 3 2 L 4 4 L 1 4 L 1 2") == "M1 2 3 2 4 4 1 4 1 2"
    assert short_path("M 0 0 C 1 1 2 2 3 3 L 4 4 z") == "M0 0C1 1 2 2 3 3L4 4z"
