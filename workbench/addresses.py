"""Conversion between paths and addresses (`sqlite:///...`, `file:///...`). Only this file converts them.

Some characters have a meaning in an address: `%20` is a space, and options follow `?`. So the folder `my%20data` is
written `my%2520data`; otherwise it would be the folder `my data`. MLflow and SQLAlchemy read addresses the same way, as
`tests/test_addresses.py` checks.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

SQLITE = "sqlite"
_AUTHORITY = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*):(?://(?P<authority>[^/?#]*))?")


def sqlite_address(file: Path, options: str = "") -> str:
    """The address of an SQLite database. Only characters with a meaning in an address are escaped."""
    path = str(file).replace("%", "%25").replace("?", "%3F")
    return f"{SQLITE}:///{path}" + (f"?{options}" if options else "")


def sqlite_file(address: str) -> tuple[Path, str]:
    """The database an SQLite address names, and its options. Raises ValueError if it names no file."""
    path, _, options = address.partition(":///")[2].partition("?")
    path = unquote(path)
    if not path or path == ":memory:" or "\0" in path:
        raise ValueError("found no path")
    try:
        return Path(path).expanduser(), options
    except RuntimeError as error:  # ~name of an unknown user
        raise ValueError(str(error)) from None


def file_address(path: Path) -> str:
    """The `file://` address of an absolute path."""
    return path.as_uri()


def local_path(address: str | None) -> Path | None:
    """The path that an address of files names, as MLflow reads it; None if the files lie with a server."""
    text = address or ""
    found = re.match(r"([A-Za-z][A-Za-z0-9+.\-]+):", text)
    if found is None:
        return Path(unquote(text)) if text else None  # MLflow takes a plain path for an address as well
    if found[1].lower() != "file":
        return None
    path = re.split(r"[?#]", text[len("file:") :])[0]
    if path.startswith("//"):
        path = "/" + path[2:].partition("/")[2]
    return Path(unquote(path)) if path else None


def scheme_of(address: str) -> str:
    """The kind of an address in small letters: "sqlite", "https", "postgresql+psycopg2"; "" for a plain path."""
    found = re.match(r"([A-Za-z][A-Za-z0-9+.\-]*):", address)
    return found[1].lower() if found else ""


def host_of(address: str) -> tuple[str, int | None]:
    """Host and port of a server's address ("" for a database on this machine). Raises ValueError for an invalid one."""
    found = _AUTHORITY.match(address)
    authority = (found["authority"] or "") if found else ""
    user, _, place = authority.rpartition("@")
    if set(user) & set("[]"):
        raise ValueError("a user's name or password is written with %5B for [ and %5D for ]")
    parts = re.fullmatch(r"(?:\[(?P<six>[0-9A-Fa-f:.%\w]*)\]|(?P<name>[^:\[\]]*))(?::(?P<port>\d{0,5}))?", place)
    if parts is None or int(parts["port"] or 0) > 65535:
        raise ValueError(
            "the part with host and port cannot be read; / ? # @ in a password are written %2F %3F %23 %40"
        )
    return parts["six"] or parts["name"] or "", int(parts["port"]) if parts["port"] else None
