"""The parser of a word's arguments: help with examples, and one-line errors without secrets."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from difflib import get_close_matches
from typing import NoReturn

from workbench.engine.errors import BadInput
from workbench.redaction import remember


class Parser(ArgumentParser):
    """The command line of one word: what it does, examples of it, its options."""

    def __init__(self, word: str, about: str, examples: str, json: str = "") -> None:
        lines = "\n".join(f"  {line}" for line in examples.strip().splitlines())
        super().__init__(
            prog=f"workbench {word}",
            description=about,
            epilog=f"examples:\n{lines}",
            formatter_class=RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self.add_argument("-q", "--quiet", action="store_true", help="print only the result, and what failed")
        if json:
            self.add_argument("--json", action="store_true", help=json)

    def read(self, arguments: Sequence[str]) -> Namespace:
        """The parsed arguments. Raises BadInput for an unknown option or argument."""
        for text in arguments:
            remember(text)
        asked, unknown = self.parse_known_intermixed_args(arguments)
        if unknown:
            options = [name for name in self._option_string_actions if name.startswith("--")]
            close = get_close_matches(unknown[0].partition("=")[0], options, n=1)
            self.error(f"{unknown[0]}: not expected{f'; did you mean {close[0]}?' if close else ''}")
        return asked

    def error(self, message: str) -> NoReturn:
        """Raise BadInput with the message alone, without the usage."""
        raise BadInput(f"{message.removeprefix('argument ')} (see {self.prog} --help)")
