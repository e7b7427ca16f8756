"""Every name that we use in MLflow, and the limits of MLflow's names and values."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable
from functools import lru_cache

from workbench.redaction import redacted
from workbench.sweep.run_outcomes import DIVERGED, FAILED, FINISHED

# MLflow's own tags, which its UI understands.
PARENT = "mlflow.parentRunId"
RUN_NAME = "mlflow.runName"
NOTE = "mlflow.note.content"
SOURCE = "mlflow.source.name"
SOURCE_TYPE = "mlflow.source.type"
USER = "mlflow.user"
COMMIT, BRANCH, REPOSITORY = "mlflow.source.git.commit", "mlflow.source.git.branch", "mlflow.source.git.repoURL"
DIRTY, DIFFERENCE = "mlflow.source.git.dirty", "mlflow.source.git.diff"

EXPERIMENT_KIND, MODEL_TRAINING = "mlflow.experimentKind", "custom_model_development"  # which of its UI's two views
INPUT_CONTEXT, TRAINING_CONTEXT = "mlflow.data.context", "training"

# Ours.
KIND = "workbench.kind"  # SWEEP_KIND on a parent, set once its plan is written; RUN_KIND on a child
SWEEP = "workbench.sweep"  # the sweep's name, on parent and child alike
DIGEST_TAG = "workbench.digest"
HOLDS = "workbench.holds."  # prefix, numbered: of a sweep that ended, the marks of the runs it trained (`held_marks`)
ASKS = "workbench.asks."  # the same of a sweep that has begun: those of the runs it is to train
ORDER_TAG = "workbench.order"  # of a parent run, anew at every start: 1 + the highest in the store, since clocks lie
CELL = "workbench.cell"
FINGERPRINT = "workbench.fingerprint"
OUTCOME = "workbench.outcome"
REASON = "workbench.reason"
HISTORY = "workbench.history"  # runs:/<parent>/packs/<pack>: MLflow's way to name artifacts relative to the store
ORIGIN = "workbench.origin"
WEIGHTS_DIGEST = "workbench.weights"
OVERRIDES = "workbench.overrides"
FACT = "fact."  # prefix of a sweep's facts

SWEEP_KIND, RUN_KIND = "sweep", "run"

# Artifacts of a parent run.
PLAN = "plan.parquet"
SWEEP_FILE = "sweep.json"
RULES = "rule.json"
PACKS = "packs"
RUNS, EPOCHS_FILE, LAYERS_FILE, TABLES_FILE = "runs.parquet", "epochs.parquet", "layers.parquet", "tables.parquet"
MODELS = "models.parquet"  # in a file of its own, since pages do not read it
STATES = "states.parquet"  # neither this
REPORT = "report"

# Curves of a child run: column of the epochs' table -> key whose part before the slash is a section of MLflow's UI.
# Those of the test split are for the page alone: each point takes 270 bytes of a database, most of them its indices.
CURVES = {
    f"{part}_{quantity}": f"{quantity}/{part}" for quantity in ("loss", "accuracy") for part in ("train", "validation")
}
DIVERGED_METRIC = "diverged"  # 0 or 1 for every trained run, since MLflow cannot search for NaN

RUN_STATUS = {FINISHED: "FINISHED", DIVERGED: "FINISHED", FAILED: "FAILED"}
SWEEP_STATUS = {"finished": "FINISHED", "failed": "FAILED", "interrupted": "KILLED"}
RUNNING = "running"

_HISTORY = re.compile(rf"runs:/([0-9a-f]{{32}})/({PACKS}/(?!\.)[\w.\-]+)")
_KEY_LIMIT, NAME_LIMIT, PARAM_LIMIT, TAG_LIMIT = 250, 250, 6000, 8000


def history(parent: str, pack: str) -> str:
    """The address of a pack's tables: runs:/<parent run id>/packs/<pack>."""
    return f"runs:/{parent}/{PACKS}/{pack_folder(pack)}"


def history_place(history: str) -> tuple[str, str] | None:
    """The run id and the folder in an address of `history`; None for any other text, as a foreign store may hold."""
    found = _HISTORY.fullmatch(history)
    return (found[1], found[2]) if found else None


def pack_folder(pack: str) -> str:
    """A pack's digest as a folder name."""
    return re.sub(r"[^\w.\-]|^\.+", "_", pack) or "_"


@lru_cache(maxsize=4096)
def summary(name: str) -> str:
    """A summary's key: `best/test_accuracy`, so that MLflow groups its charts by the time of the measurement."""
    when, _, rest = name.partition("_")
    return f"{when}/{rest}" if when in ("best", "last") and rest.endswith(("_loss", "_accuracy")) else name


@lru_cache(maxsize=4096)
def key(name: str) -> str:
    """A param's, metric's or tag's key as MLflow allows it: letters, digits, `_-. :/` and no path tricks."""
    clean = posixpath.normpath(re.sub(r"[^\w\-. :/]", "_", text(name))).lstrip("/")
    clean = posixpath.normpath(clean.replace("..", "__")[:_KEY_LIMIT])
    return "_" if clean in ("", ".") else clean


@lru_cache(maxsize=4096)
def is_key(name: str) -> bool:
    """Whether MLflow allows a param's, metric's or tag's key."""
    allowed = re.fullmatch(r"[\w\-. :/]+", name) is not None and len(name) <= _KEY_LIMIT
    return allowed and posixpath.normpath(name) == name and not name.startswith(("/", "..")) and name != "."


def text(value: object) -> str:
    """A value as text that every database accepts and everybody may read: no lone surrogates, no NUL, no secret."""
    return _clean(str(value))


@lru_cache(maxsize=4096)
def _clean(text: str) -> str:
    return redacted(text).encode("utf-8", "replace").decode().replace("\x00", "�")


def json_text(value: object, default: Callable[[object], object] | None = None, ensure_ascii: bool = True) -> str:
    """A value as JSON, with `text` applied to each text in it. `default` and `ensure_ascii` are those of `json.dumps`.

    Secrets are looked for before that, since quotes and escapes of JSON would seem to be parts of them.
    """
    plain = json.dumps(value, default=default, ensure_ascii=False)
    if is_harmless(plain):
        return json.dumps(value, default=default) if ensure_ascii else plain
    return json.dumps(_texts(json.loads(plain)), ensure_ascii=ensure_ascii)


def is_harmless(written: str) -> bool:
    """Whether no text in this JSON can be one that `text` would change: a look at all of them together is cheap."""
    try:
        written.encode()
    except UnicodeError:
        return False
    return "://" not in written and "\\u0000" not in written


def _texts(value: object) -> object:
    if isinstance(value, dict):
        return {text(key): _texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_texts(item) for item in value]
    return text(value) if isinstance(value, str) else value


def param(value: object) -> str:
    """A param's value, cut where MLflow cuts it."""
    return text(value)[:PARAM_LIMIT]


def tag(value: object) -> str:
    """A tag's value, cut where MLflow cuts it."""
    return text(value)[:TAG_LIMIT]


def run_name(name: str, otherwise: str) -> str:
    """A run's name in MLflow, which would invent one for an empty name."""
    return text(name).strip()[:NAME_LIMIT] or otherwise
