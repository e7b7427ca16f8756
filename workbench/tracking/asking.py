"""A question about a store as a whole asked at once, where a server answers it so (`server_questions`).

Then what MLflow is asked for, and the files, are there ahead of those who need them. Any other store is asked step by
step.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from workbench.tracking.connection import Connection
from workbench.tracking.files_ahead import Ahead, answer_to, may_send, there
from workbench.tracking.files_message import FILES_PATH
from workbench.tracking.pack_message import PACKS_PATH, SENT_BYTES
from workbench.tracking.questions import Question, message_of

_QUESTION = f"a question at {FILES_PATH}"
_NO_SUCH_ADDRESS = (404, 405, 501)  # statuses


@contextmanager
def asking(question: Question) -> Iterator[Callable[[Connection], None]]:
    """A context with a function that asks a store this. What it answers is there until the end of the context."""
    with ExitStack() as stack:
        yield lambda connection: stack.enter_context(asked_at_once(connection, question))


@contextmanager
def asked_at_once(connection: Connection, question: Question) -> Iterator[None]:
    """A context in which the answers to this are there, if the store is a server that answers it at once."""
    message = message_of(question)
    if not may_send(connection) or not connection.offers.get(_QUESTION, True) or len(message) > SENT_BYTES:
        yield
        return
    with tempfile.TemporaryDirectory() as scratch, _answered(connection, message, Path(scratch)):
        yield


def _answered(connection: Connection, message: bytes, scratch: Path) -> AbstractContextManager[None]:
    status, found = answer_to(connection, message, {}, scratch)
    connection.offers[_QUESTION] = found is not None
    if status == 200:
        connection.offers[FILES_PATH] = found is not None
    elif status in _NO_SUCH_ADDRESS:  # then it takes no packs either: the two addresses came together
        connection.offers[FILES_PATH] = connection.offers[PACKS_PATH] = False
    return there(connection, found or Ahead())
