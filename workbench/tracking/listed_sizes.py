"""The size of artifacts that a server holds, summed up from its listings."""

from __future__ import annotations

import posixpath

from workbench.tracking.artifacts import entries
from workbench.tracking.connection import Connection

MOST_LISTINGS = 300  # a listing of one folder is a request: some seconds in all


class ListedSizes:
    """Sizes of folders of artifacts. If a folder has more folders than there are listings left, its size is unknown."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._left = connection, MOST_LISTINGS

    def of(self, root: str) -> int | None:
        """Bytes of all files in and below a folder, by its address; None if it is unknown."""
        total, folders = 0, [root]
        while folders:
            if len(folders) > self._left:
                return None
            self._left -= 1
            folder = folders.pop()
            for entry in entries(self._connection, folder):
                if entry.is_dir:
                    folders.append(posixpath.join(folder, posixpath.basename(entry.path)))
                elif entry.file_size is None:  # not every kind of artifact store tells it
                    return None
                else:
                    total += entry.file_size
        return total
