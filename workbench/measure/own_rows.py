"""What the working folder brings to our tables: a person's own rules and measures."""

from __future__ import annotations

from workbench import places
from workbench.config.own_rules import load_own_rules
from workbench.measure import INSTRUMENTS
from workbench.measure.own_files import FOLDER
from workbench.output import on_one_line
from workbench.sweep.execution.log import say


def bring_own_rows() -> None:
    """Let the rows of `rules/*.py` and `measures/*.py` of the working folder join our tables.

    A file that cannot be used costs its own rows alone: a line says so, once in a process. Raises TakenName for a name
    that is taken.
    """
    for line in (*load_own_rules(places.theirs("rules")), *INSTRUMENTS.bring(places.theirs(FOLDER))):
        say(on_one_line(line))
