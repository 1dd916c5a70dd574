"""The language between operations and what carries them out.

An operation is a generator: it yields steps, is sent their results, and returns its own. It neither waits nor
knows who does, so the blocking driver (`client.py`) and the trio driver (`aio/client.py`) run the same ones.
A step that fails is raised inside the operation, which may take further steps to clean up.
"""

from collections.abc import Generator, Sequence
from typing import Any, NamedTuple, TypeVar

from ninedoor.wire.messages import Message

T = TypeVar("T")


class Batch(NamedTuple):
    """Requests that may be in flight together, sent in order. Its result is the list of replies in the same
    order, in which a P9Error stands for each request that failed."""

    requests: Sequence[Message]


class Pause(NamedTuple):
    """Let this many seconds pass."""

    seconds: float


Step = Message | Batch | Pause
"""A single message is a request whose result is its reply."""

Operation = Generator[Step, Any, T]
