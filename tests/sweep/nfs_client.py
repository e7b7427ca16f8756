"""What a client of the real NFS runs during a test: it takes orders from a folder of the host, and answers there.

An order is a file of JSON: a command of `workbench` with the folder it is typed in, or words for the shell. A client
imports `workbench` once, so that a command does not take half a minute.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from threading import Thread
from time import sleep
from typing import Any

from tests.commands import Commands
from tests.waiting import CEILING

READY = "ready"


def answer_to(server: Commands, order: dict[str, Any]) -> tuple[int, str, str]:
    """Exit status, output and errors."""
    if "shell" in order:
        done = subprocess.run(["bash", "-c", order["shell"]], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr
    folder = Path(order["folder"]).absolute()
    folder.mkdir(exist_ok=True)
    command = server.start(folder, order["arguments"], order["hold"])
    output, errors = command.communicate()
    return command.wait(CEILING), output, errors


def write(place: Path, said: object) -> None:
    """In one step: who looks for the file finds it whole."""
    begun = place.with_suffix(".part")
    begun.write_text(json.dumps(said))
    begun.rename(place)


def serve(orders: Path) -> None:
    """Until the machine is killed."""

    def obey(file: Path) -> None:
        write(file.with_suffix(".answer"), answer_to(server, json.loads(file.read_text())))

    taken: set[Path] = set()
    with Commands() as server:
        write(orders / READY, True)
        while True:
            for file in set(orders.glob("*.order")) - taken:
                taken.add(file)
                Thread(target=obey, args=(file,), daemon=True).start()
            sleep(0.05)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
