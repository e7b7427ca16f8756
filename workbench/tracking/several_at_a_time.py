"""Files and listings of artifacts asked for several at a time, ahead of those who read them (`files_ahead`), where no
server sends them together: who is far from the artifacts then waits for several answers at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from threading import Event, Thread
from typing import TypeVar

from workbench.tracking import names
from workbench.tracking.artifacts import download, listing
from workbench.tracking.connection import Connection
from workbench.tracking.patience import is_lost

REQUESTS_AT_A_TIME = 4  # requests to a server
Place = tuple[str, str]  # the address of a run's artifacts, and a path
Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


def names_of_packs(connection: Connection, roots: Iterable[str]) -> dict[Place, list[str]]:
    """The names of the packs under these addresses of artifacts, less those that are there; after an error fewer."""
    asked = [root for root in dict.fromkeys(roots) if (root, names.PACKS) not in connection.names_ahead]
    found = answers(lambda root: listing(connection, root, names.PACKS), asked)
    return {(root, names.PACKS): packs for root, packs in found.items()}


def files_in(connection: Connection, places: Iterable[Place], scratch: Path) -> dict[Place, Path | None]:
    """The files in these places, less those that are there, as copies in the folder `scratch`; None for what is
    missing. After an error they are fewer. One alone is left to its reader.
    """
    asked = [place for place in dict.fromkeys(places) if place not in connection.files_ahead]
    folders = {place: scratch / str(number) for number, place in enumerate(asked)}

    def fetch(place: Place) -> Path | None:
        folders[place].mkdir(parents=True)
        return download(connection, *place, str(folders[place]))

    return answers(fetch, asked) if len(asked) > 1 else {}


def answers(ask: Callable[[Asked], Answer], asked: Sequence[Asked]) -> dict[Asked, Answer]:
    """What `ask` returns for each, asked in threads, REQUESTS_AT_A_TIME together.

    After an error nothing more is asked: whoever reads what is left asks for it by itself, and says why it fails. But
    a server that does not answer is not waited for twice: that error is raised here. Of a database that is a file
    there is none of this kind: each is damage.
    """
    found: dict[Asked, Answer] = {}
    errors: list[Exception] = []
    left, over = iter(asked), Event()  # an iterator gives each of them to one thread

    def ask_on() -> None:
        for one in left:
            if over.is_set():
                return
            try:
                found[one] = ask(one)
            except Exception as error:  # each kind of artifact store has others
                errors.append(error)
                over.set()

    _in_threads(ask_on, min(len(asked), REQUESTS_AT_A_TIME), over)
    lost = next((error for error in errors if is_lost(error)), None)
    if lost is not None:
        raise lost
    return found


def _in_threads(work: Callable[[], None], count: int, over: Event) -> None:
    """Do the work in so many threads, or in this one if one is enough; `over` is set at the end, also by Ctrl-C."""
    if count < 2:
        work()
        return
    threads = [Thread(target=work, name="ahead", daemon=True) for _ in range(count)]  # Ctrl-C does not wait for them
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        over.set()
