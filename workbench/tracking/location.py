"""Which store is meant: from what a person typed, their environment, or the working directory."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

from workbench import places
from workbench.engine.errors import BadInput

DEFAULT_FILE = "mlflow.db"
ARTIFACTS = "mlruns"  # beside the database, where `mlflow ui` looks as well
PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mssql": 1433}  # scheme -> usual port
ALLOWED = "allowed: sqlite:///mlflow.db, or the URI of an MLflow server (http, https) or database (postgresql, mysql)"
_CONNECT_SECONDS = 5.0


@dataclass(frozen=True)
class Location:
    """A store's place: the `uri` MLflow is given, its `shown` form, and for SQLite the database's `file`."""

    uri: str
    shown: str
    file: Path | None = None

    @property
    def artifacts(self) -> Path | None:
        """The folder of an SQLite store's artifacts; None where a server decides."""
        return None if self.file is None else self.file.parent / ARTIFACTS


def locate(uri: str | None = None) -> Location:
    """The store named by `uri`, else by MLFLOW_TRACKING_URI, else `mlflow.db` in the working directory.

    Raises BadInput for what MLflow cannot keep runs in (a plain folder, an SQLite database in memory, other schemes)
    and for servers that do not answer.
    """
    chosen = uri or os.environ.get("MLFLOW_TRACKING_URI", "").strip() or f"sqlite:///{DEFAULT_FILE}"
    scheme = urlsplit(chosen).scheme
    family = scheme.partition("+")[0]
    if family == "sqlite":
        return _sqlite(chosen)
    if family in PORTS:
        location = Location(chosen, _without_password(chosen))
        _check_answer(location, family)
        return location
    if family in ("", "file"):
        raise BadInput(f"tracking.uri: {chosen!r} is a plain path, where MLflow keeps no runs; {ALLOWED}")
    raise BadInput(f"tracking.uri: unknown kind of store {_without_password(chosen)!r}; {ALLOWED}")


def is_there(uri: str | None = None) -> bool:
    """Whether there is a store to look into; opening an SQLite store that is not there yet would create it."""
    file = locate(uri).file
    return file is None or file.exists()


def _sqlite(uri: str) -> Location:
    """sqlite:///relative or sqlite:////absolute, made absolute so that a later change of folder does no harm."""
    path, _, query = uri.partition(":///")[2].partition("?")
    if not path or path == ":memory:":
        raise BadInput(f"tracking.uri: {uri!r} names no file; {ALLOWED}")
    file = places.at_home(path).absolute()
    here = Path.cwd()
    shown = file.relative_to(here) if file.is_relative_to(here) else file
    scheme = uri.partition(":///")[0]
    return Location(f"{scheme}:///{file}" + (f"?{query}" if query else ""), f"sqlite:///{shown}", file)


def _without_password(uri: str) -> str:
    """The URI as it may be shown and stored."""
    parts = urlsplit(uri)
    if parts.password is None:
        return uri
    return parts._replace(netloc=f"{parts.username}:***@{parts.netloc.rpartition('@')[2]}").geturl()


def _check_answer(location: Location, family: str) -> None:
    """Asks the server's port first: MLflow itself would try again for minutes before it gives up."""
    parts = urlsplit(location.uri)
    if not parts.hostname or family in getproxies():
        return
    try:
        socket.create_connection((parts.hostname, parts.port or PORTS[family]), _CONNECT_SECONDS).close()
    except (OSError, ValueError) as error:
        raise BadInput(f"tracking.uri: {location.shown!r} does not answer ({error})") from None
