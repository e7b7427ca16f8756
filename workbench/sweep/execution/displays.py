"""Which display shows the progress of a sweep: lines, the live lines of a terminal, or a bar in a notebook."""

from __future__ import annotations

import sys
from html import escape
from time import monotonic
from types import TracebackType
from typing import Protocol, Self

from workbench.output import is_quiet
from workbench.sweep.execution.log import on_a_terminal
from workbench.sweep.execution.messages import EpochDone, PackStarted
from workbench.sweep.execution.progress import BarDisplay, Display, LineDisplay, Watcher

REDRAW_SECONDS = 0.25  # a notebook redraws no more often, however short epochs are


def watcher(runs: int, cost: float, reused: int = 0) -> Watcher:
    """A bar in a notebook, BarDisplay if the standard error is a terminal, plain lines elsewhere."""
    if is_quiet():
        return LineDisplay(runs, cost, reused)
    if in_a_notebook():
        return NotebookDisplay(runs, cost, reused)
    return BarDisplay(runs, cost, reused) if on_a_terminal() else LineDisplay(runs, cost, reused)


def in_a_notebook() -> bool:
    """Whether a Jupyter kernel runs this process. IPython is not imported for it: a kernel has done so."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")


class Shown(Protocol):
    """What IPython gives for something that is displayed, and may be displayed anew."""

    def update(self, shown: object) -> None:
        """Show this in its place."""


class NotebookDisplay(Display):
    """One bar below the cell of a notebook, with what the lines of a terminal say."""

    def __init__(self, runs: int, cost: float, reused: int = 0) -> None:
        super().__init__(runs, cost, reused)
        self._handle: Shown | None = None
        self._drawn = -REDRAW_SECONDS

    def __enter__(self) -> Self:
        from IPython.display import HTML, display

        self._handle = display(HTML(self.html()), display_id=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._draw()

    def html(self) -> str:
        """The bar as it stands."""
        done = self._tally.cost_done + sum(pack.cost_done for pack in self._packs.values())
        packs = "; ".join(f"{pack.label}, epoch {pack.epoch}/{pack.epochs}" for pack in self._packs.values())
        words = self._so_far() if self._packs else self._done_so_far()
        return (
            f'<div><progress max="1" value="{done / self._tally.cost if self._tally.cost > 0 else 1:.4f}" '
            f'style="width:24em;max-width:100%"></progress> {escape(words)}<br><small>{escape(packs)}</small></div>'
        )

    def _on_started(self, message: PackStarted) -> None:
        super()._on_started(message)
        self._draw_now_and_then()

    def _on_epoch(self, message: EpochDone) -> None:
        super()._on_epoch(message)
        self._draw_now_and_then()

    def _draw_now_and_then(self) -> None:
        if monotonic() - self._drawn >= REDRAW_SECONDS:
            self._draw()

    def _draw(self) -> None:
        from IPython.display import HTML

        self._drawn = monotonic()
        if self._handle is not None:
            self._handle.update(HTML(self.html()))
