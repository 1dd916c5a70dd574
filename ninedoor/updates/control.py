"""Commands to the updates of a running hive, a line each, and what there is of them: /updates/ctl.

drop <epoch>     the epoch is no longer there; what it alone held goes when room is short, else when it
                 has been of no use for `unused_s`
verify           look at every chunk now; the log tells when that is done, and of each that is damaged
"""

import errno
from collections.abc import Callable, Mapping

from ninedoor.errors import P9Error
from ninedoor.updates.updates import Updates

Command = Callable[[list[str], float], None]


class Control:
    """`execute` runs a line, `text` says how much of what is taken."""

    def __init__(self, updates: Updates) -> None:
        self._updates = updates
        self._commands: Mapping[str, tuple[int, Command]] = {
            "drop": (1, self._drop),
            "verify": (0, self._verify),
        }

    def execute(self, line: str, now: float) -> None:
        """Raises EINVAL for what is no command, and what the command raises."""
        word, *arguments = line.split()
        known = self._commands.get(word)
        if known is None:
            raise P9Error(errno.EINVAL, f"command {word[:32]!r} is none of {', '.join(self._commands)}")
        arity, command = known
        if len(arguments) != arity:
            raise P9Error(errno.EINVAL, f"{word} takes {arity} arguments, got {len(arguments)}")
        command(arguments, now)

    def text(self) -> bytes:
        """One line for the store, one for epochs, one for models."""
        updates, settings = self._updates, self._updates.settings
        chunks = updates.chunks
        return (
            f"store bytes={updates.budget.used} budget_bytes={settings.budget_bytes} "
            f"chunks={len(chunks.sizes)} partial={len(chunks.partial)} "
            f"unused={chunks.unused} quarantined={chunks.quarantined}\n"
            f"epochs total={len(updates.epochs)} max_epochs={settings.max_epochs}\n"
            f"models total={len(updates.models.models)} max_models={settings.max_models}\n"
        ).encode()

    def _drop(self, arguments: list[str], now: float) -> None:
        self._updates.drop(arguments[0], now)

    def _verify(self, arguments: list[str], now: float) -> None:
        self._updates.ask_verification()
