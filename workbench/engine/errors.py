"""The one error of bad input."""

from workbench.redaction import redacted_message


class BadInput(ValueError):
    """Something a person gave is not usable.

    The message is one line: which key or file, what was found, what is allowed. No secret stands in it.
    """

    def __init__(self, message: object = "") -> None:
        super().__init__(redacted_message(str(message)))
