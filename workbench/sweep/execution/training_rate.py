"""Training examples a second over all packs, without what the compiler takes."""

from __future__ import annotations

from time import monotonic

from workbench.sweep.execution.messages import EpochDone, Message, PackDone, PackRetried, PackStopped


class TrainingRate:
    """Counts examples, and the time in which packs train.

    Compilation and set-up come before a pack's first update, so its first epoch is not counted; nor is the time in
    which every pack in training is still in that.
    """

    def __init__(self) -> None:
        self._examples, self._seconds, self._last = 0, 0.0, monotonic()
        self._under_way: set[str] = set()  # packs that have ended an epoch of training since this start

    def on_message(self, message: Message) -> None:
        """Something happened to a pack."""
        now = monotonic()
        if self._under_way:
            self._seconds += now - self._last
        self._last = now
        match message:
            case EpochDone() if message.pack in self._under_way:
                self._examples += message.examples
            case EpochDone() if message.examples:  # before its first epoch a pack is evaluated only
                self._under_way.add(message.pack)
            case PackDone() | PackRetried() | PackStopped():
                self._under_way.discard(message.pack)

    def words(self) -> str:
        """Like "61,000 examples/s"; "" before anything is known."""
        known = self._examples and self._seconds > 0
        return f"{self._examples / self._seconds:,.0f} examples/s" if known else ""
