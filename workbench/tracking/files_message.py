"""What a server is asked for that sends files of several runs together (`server_files`), and what it answers.

    POST /api/2.0/workbench/files
    {"version": 1, "runs": [{"run_id": "0190...", "files": ["plan.parquet", "packs/*/runs.parquet"], "packs": true}]}

The answer is a zip of files `<run id>/<path>`, not compressed, since Parquet is. Its last file is LIST_OF_CONTENTS, in
JSON: {"missing": ["<run id>/<path>"], "packs": {"<run id>": {"<pack>": ["epochs.parquet"]}}}. A file that is neither
there nor missing could not be read; whoever asks for it alone learns why. Only files that a sweep consists of are sent.

    PUT /api/2.0/workbench/files?run_id=0190...

The body is a zip of files of that run, by their paths: what a sweep consists of, and of its page. They are kept all,
or none if one of them is refused: {"kept": 80}.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.tracking import names
from workbench.tracking.pack_message import RUN_MARK, BadMessage

FILES_PATH = "/api/2.0/workbench/files"  # of the server's address
FILES_VERSION = 1
LIST_OF_CONTENTS = "index.json"
MOST_UNPACKED = 64_000_000  # bytes of all files in a zip
EVERY_PACK = f"{names.PACKS}/*/"
MOST_RUNS_ASKED, MOST_FILES_ASKED = 100, 1000
_SENT_TABLES = "|".join(map(re.escape, (names.RUNS, names.EPOCHS_FILE, names.LAYERS_FILE, names.TABLES_FILE)))
_SENT = re.compile(
    rf"{'|'.join(map(re.escape, (names.PLAN, names.SWEEP_FILE, names.RULES)))}"
    rf"|{names.PACKS}/(?:\*|(?!\.)[\w.\-]{{1,250}})/(?:{_SENT_TABLES})|{names.REPORT}/[^/\\\x00]{{1,250}}\.json"
)


_OF_A_PAGE = re.compile(rf"{names.REPORT}(?:/(?!\.\.?(?:/|$))[^/\\\x00-\x1f]{{1,250}}){{1,4}}")


@dataclass(frozen=True)
class Wanted:
    """Files of one run's artifacts, by their paths; with `packs` also the names of all that its packs have."""

    run_id: str
    files: tuple[str, ...]
    packs: bool = False


def is_sent(path: str) -> bool:
    """Whether a file of this path is sent together with others."""
    return _SENT.fullmatch(path) is not None


def is_kept(path: str) -> bool:
    """Whether a file of this path is taken together with others."""
    return (is_sent(path) and "*" not in path) or _OF_A_PAGE.fullmatch(path) is not None


def message_for(wanted: Sequence[Wanted]) -> bytes:
    """The message that asks for these files."""
    return json.dumps({"version": FILES_VERSION, "runs": parts_of(wanted)}).encode()


def parts_of(wanted: Sequence[Wanted]) -> list[dict[str, object]]:
    """What is asked for, as it stands in a message."""
    return [{"run_id": one.run_id, "files": list(one.files), "packs": one.packs} for one in wanted]


def wanted_in(message: object) -> list[Wanted]:
    """What is asked for in a message's JSON. Raises BadMessage."""
    if not isinstance(message, dict) or message.get("version") != FILES_VERSION:
        raise BadMessage(f"the message: found no JSON object of version {FILES_VERSION}")
    runs = message.get("runs")
    if not isinstance(runs, list) or not 0 < len(runs) <= MOST_RUNS_ASKED:
        raise BadMessage(f"runs: allowed: a list of 1 to {MOST_RUNS_ASKED}")
    wanted = [_wanted(run, f"runs[{number}]") for number, run in enumerate(runs)]
    if (count := sum(len(one.files) for one in wanted)) > MOST_FILES_ASKED:
        raise BadMessage(f"files: found {count} of them; allowed: {MOST_FILES_ASKED} in a message")
    return wanted


def _wanted(run: object, where: str) -> Wanted:
    if not isinstance(run, dict) or set(run) != {"run_id", "files", "packs"}:
        raise BadMessage(f"{where}: allowed: an object of run_id, files and packs")
    mark, files, packs = run["run_id"], run["files"], run["packs"]
    if not (isinstance(mark, str) and RUN_MARK.fullmatch(mark)):
        raise BadMessage(f"{where}.run_id: found {mark!r:.80}; allowed: 32 digits from 0 to f")
    if not isinstance(files, list) or not isinstance(packs, bool):
        raise BadMessage(f"{where}: allowed: a list of files, and for packs true or false")
    for path in files:
        if not isinstance(path, str) or not is_sent(path):
            raise BadMessage(f"{where}.files: found {path!r:.80}; allowed: the files that a sweep consists of")
    return Wanted(mark, tuple(files), packs)
