"""The targets of the page's links: runs in MLflow's own pages."""

from __future__ import annotations

from urllib.parse import quote


def address(uri: str) -> str:
    """The address of MLflow's pages: the tracking server if the store is one, else `mlflow ui`'s default."""
    return uri.rstrip("/") if uri.startswith(("http://", "https://")) else "http://127.0.0.1:5000"


def run_link(facts: dict[str, str], run_id: str) -> str:
    """The address of a run in MLflow's own pages; "" without an id."""
    experiment = facts.get("experiment_id", "")
    if not run_id or not experiment:
        return ""
    return f"{address(facts.get('uri', ''))}/#/experiments/{quote(experiment, safe='')}/runs/{quote(run_id, safe='')}"
