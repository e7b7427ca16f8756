"""Removes secrets: from recorded text by `redacted`, from messages by `redacted_message`.

Secrets are the user and password of an address, the values of its options (a token in a query), and what the
environment gives MLflow to log in with.
"""

from __future__ import annotations

import json
import os
import re
from urllib.parse import quote, unquote

HIDDEN = "***"
SECRET_VARIABLES = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
ADDRESSES = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")  # variables that hold an address
HARMLESS = (  # options of databases that are not secret
    "timeout", "mode", "cache", "immutable", "nolock", "uri", "isolation_level", "check_same_thread", "charset",
    "sslmode", "connect_timeout", "application_name",
)  # fmt: skip
_SHORTEST = 4  # a shorter secret is only hidden where it stands in an address: elsewhere it is part of many words
_ADDRESS = re.compile(r"(?P<scheme>[A-Za-z][\w+.\-]*)://(?P<rest>(?:(?![A-Za-z][\w+.\-]*://)[^\s\"])*)")
_KEY = rf"(?<=[?&;#])(?!(?:{'|'.join(HARMLESS)})=)(?P<key>[^\s=&;'\"]+)="
_OPTION = re.compile(_KEY + r"(?P<value>[^\s&;'\"`<>]+)")
_OPTION_TO_THE_END = re.compile(_KEY + r"(?P<value>[^&;]+)")
_remembered: set[str] = set()


def redacted(text: str) -> str:
    """The text with `***` in place of the secrets in every address that it contains."""
    return _ADDRESS.sub(_hidden, text) if "://" in text else text


def redacted_override(text: str) -> str:
    """The same for one typed `key=value`. An address extends to the end, whatever characters it holds."""
    if quoted := re.fullmatch(r"([^=]*=)(['\"])(.*)\2", text, re.DOTALL):
        return f"{quoted[1]}{quoted[2]}{redacted_override(quoted[3])}{quoted[2]}"
    head, mark, rest = text.partition("://")
    if not mark or " " in head:
        return redacted(text)
    if not rest.startswith("/"):
        rest = _without_user(rest)
    return redacted(f"{head}://{_OPTION_TO_THE_END.sub(_option, rest)}")


def redacted_message(text: str) -> str:
    """A message, also without remembered secrets outside of addresses, as in the text of an error."""
    for secret in sorted({*_remembered, *_of_the_environment()}, key=lambda secret: (-len(secret), secret)):
        text = text.replace(secret, HIDDEN)
    return redacted(text)


def remember(address: str) -> None:
    """From now on `redacted_message` knows the secrets of this address, or typed `key=address`."""
    _remembered.update(_secrets(address))


def forget() -> None:
    """Forget all remembered secrets."""
    _remembered.clear()


def _hidden(found: re.Match[str]) -> str:
    """An address without its secrets. In that of a web server the user part ends at the first slash."""
    rest = found["rest"]
    if not rest.startswith("/"):  # else it is a file
        ends = re.search(r"[/?#]", rest) if found["scheme"].lower() in ("http", "https") else None
        authority, after = (rest[: ends.start()], rest[ends.start() :]) if ends else (rest, "")
        rest = _without_user(authority) + after
    return f"{found['scheme']}://{_OPTION.sub(_option, rest)}"


def _without_user(rest: str) -> str:
    """What follows `://`, without user and password; all of it is hidden if options may be part of a password."""
    user, mark, place = rest.rpartition("@")
    if set(user) & set("?#"):
        return HIDDEN + rest[len(rest.rstrip("\\'`)]}>.,:")) :]  # what closes the words around it stays
    return f"{HIDDEN}@{place}" if mark else rest


def _option(found: re.Match[str]) -> str:
    return f"{found['key']}={HIDDEN}"


def _of_the_environment() -> set[str]:
    found = {form for name in SECRET_VARIABLES for form in _forms(os.environ.get(name, ""))}
    return found.union(*(_secrets(os.environ.get(name, "")) for name in ADDRESSES))


def _secrets(address: str) -> set[str]:
    """The secrets of an address, in each way they may be written."""
    head, _, rest = address.partition("://")
    if " " in head:
        return set()
    secrets = {match["value"] for match in _OPTION_TO_THE_END.finditer(rest)}
    if not rest.startswith("/"):
        users = [rest[: found.start()] for found in re.finditer("@", rest)]  # a password may hold an @ itself
        secrets |= {part for user in users if ":" in user for part in (user, user.partition(":")[2])}
    return {form for secret in secrets for form in _forms(secret)}


def _forms(secret: str) -> set[str]:
    """A secret as it stands, and as addresses, Python and JSON write it."""
    forms = {secret, unquote(secret), quote(secret, safe=""), repr(secret)[1:-1]}
    forms |= {json.dumps(form)[1:-1] for form in list(forms)}
    return {form for form in forms if len(form) >= _SHORTEST and form != HIDDEN}
