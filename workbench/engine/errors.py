"""The error of bad input, and any error as one line."""

from workbench.redaction import redacted_message

_REMARK_OF_A_SESSION = "(raised as a result of "


class BadInput(ValueError):
    """An input that a person gave is invalid.

    The message is one line: which key or file, what was found, what is allowed. It contains no secret.
    """

    def __init__(self, message: object = "") -> None:
        text = redacted_message(str(message)).strip()
        super().__init__(text.replace("\r", "\\r").replace("\n", "\\n"))

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: the line alone."""
        return [f"{type(self).__name__}: {self}"]


def in_one_line(error: BaseException) -> str:
    """An error as one line: the message of BadInput itself; for any other error its type and its first line."""
    return str(error) if isinstance(error, BadInput) else f"{type(error).__name__}: {error}".splitlines()[0]


def first_line(error: BaseException) -> str:
    """What an error says first, without its type; of a database, what the database said.

    SQLAlchemy puts a remark on its own session before that, and MLflow keeps the text alone.
    """
    said = str(getattr(error, "orig", None) or error).strip().splitlines()
    return next((line for line in said if not line.startswith(_REMARK_OF_A_SESSION)), type(error).__name__)
