"""The answer to one command: what a console sends, and what its clients make of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from ninedoor.console.ack import Ack, parse_ack


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one command: its acknowledgements, at least one, and the lines behind them. END, which
    only marks where they stop, is not among them."""

    acks: tuple[str, ...]
    body: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Was it done?"""
        return all(ack.startswith("OK ") for ack in self.acks)

    def get(self, key: str) -> str | None:
        """The value of `key` in the first acknowledgement."""
        ack = parse_ack(self.acks[0])
        return None if ack is None else ack.get(key)


def reply(ack: Ack, body: Sequence[str] = ()) -> Reply:
    """A reply of one acknowledgement."""
    return Reply((str(ack),), tuple(body))
