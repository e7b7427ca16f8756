"""Who started a sweep, and from which state of their own code: the tags that MLflow's UI shows as user and version."""

from __future__ import annotations

import os
import subprocess
from functools import lru_cache
from pathlib import Path

from workbench.redaction import redacted, redacted_message
from workbench.tracking import names
from workbench.tracking.mlflow_internals import user_of_mlflow

_GIT_SECONDS = 10


def origin_tags() -> dict[str, str]:
    """The user, and of the repository around the working folder commit, branch, address and what is not committed.

    It is the person's own repository; which Workbench trained is a fact of the sweep.
    """
    return {names.USER: _user(), **_repository(str(Path.cwd()))}


def of_children(tags: dict[str, str]) -> dict[str, str]:
    """Those that every run of the sweep has as well: short ones."""
    return {name: value for name, value in tags.items() if name not in (names.DIRTY, names.DIFFERENCE)}


def _user() -> str:
    """The name to log in to the server with, else that of the account here; "" if neither is known."""
    try:
        return user_of_mlflow(names.USER)
    except Exception:  # an account that the system knows by number alone, a damaged file of credentials
        return os.environ.get("USER", "")


@lru_cache(maxsize=4)
def _repository(folder: str) -> dict[str, str]:
    """Empty outside of a repository, and before its first commit."""
    commit = _git(folder, "rev-parse", "HEAD")
    if not commit:
        return {}
    difference = _git(folder, "diff", "HEAD", "--no-color", "--no-ext-diff")
    found = {
        names.COMMIT: commit,
        names.BRANCH: _git(folder, "symbolic-ref", "--short", "--quiet", "HEAD"),
        names.REPOSITORY: redacted(_git(folder, "config", "--get", "remote.origin.url")),
        names.DIRTY: "true" if difference else "false",
        names.DIFFERENCE: redacted_message(difference),
    }
    return {name: value for name, value in found.items() if value}


def _git(folder: str, *arguments: str) -> str:
    """What git says of the repository around a folder; "" if there is none, or no git."""
    try:
        answer = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, encoding="utf-8", errors="replace",
            timeout=_GIT_SECONDS, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.rstrip()
