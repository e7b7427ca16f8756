"""Small files of a run sent to a server in few messages, where it takes them so (`server_files`): a page has eighty."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from workbench.tracking.connection import Connection
from workbench.tracking.files_message import FILES_PATH, MOST_FILES_ASKED, is_kept
from workbench.tracking.mlflow_internals import answer_of
from workbench.tracking.pack_message import SENT_BYTES
from workbench.tracking.pack_sending import takes_packs

_SENDING = f"PUT {FILES_PATH}"


def send_together(connection: Connection, run_id: str, files: Mapping[str, Path]) -> set[str]:
    """Send files of a run, by their paths among its artifacts; the paths of those that the server has now. A large one
    is left to MLflow's own call, and all are left where the server refuses: that call says why.
    """
    sent: set[str] = set()
    if len(files) < 2 or not takes_packs(connection):
        return sent
    for paths, message in _messages(files):
        if connection.offers.get(_SENDING, True):
            with connection.waiting():
                place = f"{FILES_PATH}?run_id={run_id}"
                status, _ = answer_of(connection.client, "PUT", place, message, "application/zip")
            connection.offers[_SENDING] = status == 200
            sent.update(paths if status == 200 else ())
    return sent


def _messages(files: Mapping[str, Path]) -> Iterator[tuple[list[str], bytes]]:
    """The files in as few zips as their size allows, with the paths in each; none that would hold a single one."""
    small = [path for path, file in files.items() if is_kept(path) and file.stat().st_size <= SENT_BYTES // 2]
    while len(small) > 1:
        content = BytesIO()
        paths: list[str] = []
        with ZipFile(content, "w", ZIP_DEFLATED) as archive:
            while small and content.tell() <= SENT_BYTES // 2 and len(paths) < MOST_FILES_ASKED:
                paths.append(small.pop(0))
                archive.write(files[paths[-1]], paths[-1])
        yield paths, content.getvalue()
