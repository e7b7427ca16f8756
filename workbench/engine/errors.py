"""The one error of bad input."""


class BadInput(ValueError):
    """Something a person gave is not usable.

    The message is one line: which key or file, what was found, what is allowed.
    """
