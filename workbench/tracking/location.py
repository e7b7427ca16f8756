"""The location of the store: from the setting, the environment, or the working directory."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.request import getproxies

from workbench.addresses import host_of, scheme_of, sqlite_address, sqlite_file
from workbench.engine.errors import BadInput
from workbench.redaction import redacted_override, remember

DEFAULT_FILE = "mlflow.db"
SWEEPS = "sweeps"  # the folder of sweeps' own files
ARTIFACTS = "mlruns"  # beside the database, where `mlflow ui` looks too
PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mssql": 1433}  # scheme -> usual port
# What MLflow knows to open by itself, with log-ins and plug-ins of its own: such an address is handed to it as it is.
HANDED_ON = ("databricks", "databricks-uc", "azureml")
ALLOWED_STORES = (
    "allowed: sqlite:///mlflow.db, or the URI of an MLflow server (http, https, databricks, azureml) or database "
    "(postgresql, mysql)"
)
# Of each kind of database the Python packages that talk to it, the one we advise first, and how to install that.
_DRIVERS = {
    "postgresql": (("psycopg", "psycopg2"), "pip install 'workbench-deep-learning[postgres]'"),
    "mysql": (("pymysql", "MySQLdb"), "pip install pymysql"),
    "mssql": (("pyodbc",), "pip install pyodbc"),
}
_STORE_CONNECT_SECONDS = 5.0
_SQLITE_OPTIONS = (
    "timeout",
    "isolation_level",
    "check_same_thread",
    "cached_statements",
)  # accepted by SQLite's driver


@dataclass(frozen=True)
class Location:
    """The location of a store: the `uri` for MLflow, its `shown` form without secrets, and an SQLite store's `file`."""

    uri: str
    shown: str
    file: Path | None = None

    @property
    def artifacts(self) -> Path | None:
        """The folder of an SQLite store's artifacts; None if a server decides."""
        return None if self.file is None else self.file.parent / ARTIFACTS


def locate(uri: str | None = None) -> Location:
    """The store named by `uri`, else by MLFLOW_TRACKING_URI, else `mlflow.db` in the working directory.

    Raises BadInput for what MLflow cannot keep runs in (a plain folder, an SQLite database in memory, other schemes),
    for databases without a driver, and for servers that do not answer.
    """
    chosen = uri or os.environ.get("MLFLOW_TRACKING_URI", "").strip() or f"sqlite:///{DEFAULT_FILE}"
    remember(chosen)
    shown = redacted_override(chosen)
    family = scheme_of(chosen).partition("+")[0]
    if family == "sqlite":
        return _sqlite(chosen, shown)
    if chosen == HANDED_ON[0] or family in HANDED_ON:
        return Location(chosen, shown)
    if family in PORTS:
        location = Location(_with_driver(chosen, shown), shown)
        _check_answer(location, family)
        return location
    if family in ("", "file"):
        raise BadInput(f"tracking.uri: {shown!r} is a plain path, where MLflow keeps no runs; {ALLOWED_STORES}")
    raise BadInput(f"tracking.uri: unknown kind of store {shown!r}; {ALLOWED_STORES}")


def is_there(uri: str | None = None) -> bool:
    """Whether the store exists. Opening a missing SQLite store would create it."""
    file = locate(uri).file
    return file is None or file.exists()


def sweeps_folder(uri: str | None) -> Path:
    """The folder of the sweeps' checkpoints, locks and logs: beside an SQLite store, else in the working folder."""
    file = locate(uri).file
    folder = file.resolve().parent if file else Path.cwd()  # whatever links lead to the store
    return Path(SWEEPS) if folder == Path.cwd() else folder / SWEEPS


def database_uri(file: Path, options: str = "") -> str:
    """The address under which MLflow opens a database file. It names the driver: otherwise MLflow would make a folder
    that has the address as its name.
    """
    return sqlite_address(file, options).replace("sqlite:", "sqlite+pysqlite:", 1)


def _sqlite(uri: str, shown: str) -> Location:
    """sqlite:///relative or sqlite:////absolute, made absolute: it stays valid if the working folder changes."""
    try:
        path, options = sqlite_file(uri)
        file = path.absolute()
        str(file).encode()  # MLflow takes only names of folders that are UTF-8
        file.exists()
    except (ValueError, OSError) as error:
        reason = "the name of a folder in it is no UTF-8" if isinstance(error, UnicodeError) else error
        raise BadInput(f"tracking.uri: {shown!r:.200} names no file ({reason}); {ALLOWED_STORES}") from None
    options = "&".join(option for option in options.split("&") if option.partition("=")[0] in _SQLITE_OPTIONS)
    here = Path.cwd()
    near = file.relative_to(here) if file.is_relative_to(here) else file
    return Location(database_uri(file, options), sqlite_address(near), file)


def _with_driver(uri: str, shown: str) -> str:
    """The address of a database with the driver that is installed, which SQLAlchemy would guess by its own version; any
    other address as it is. Raises BadInput if there is no driver.
    """
    family, _, named = scheme_of(uri).partition("+")
    if family not in _DRIVERS:
        return uri
    known, advice = _DRIVERS[family]
    driver = next((one for one in ([named] if named else known) if find_spec(one)), None)
    if driver is None:
        raise BadInput(
            f"tracking.uri: {shown!r} needs the Python package {named or known[0]}, which is not installed: {advice}"
        )
    names = {"MySQLdb": "mysqldb"}  # as SQLAlchemy calls it
    return f"{family}+{names.get(driver, driver)}:{uri.partition(':')[2]}"


def _check_answer(location: Location, family: str) -> None:
    """Connect to the server's port, since MLflow itself would retry for minutes."""
    try:
        host, port = host_of(location.uri)
    except ValueError as error:
        raise BadInput(f"tracking.uri: {location.shown!r} is no address: {error}") from None
    if not host or family in getproxies():
        return
    try:
        socket.create_connection((host, port or PORTS[family]), _STORE_CONNECT_SECONDS).close()
    except (OSError, ValueError) as error:
        raise BadInput(f"tracking.uri: {location.shown!r} does not answer ({error})") from None
