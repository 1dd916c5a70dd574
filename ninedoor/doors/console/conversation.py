"""One client's lines, from the stream to its dialogue and back, one answer at a time.

Nothing is read while an answer is being sent, so what waits for a client is one answer, however much it asks
for, and no line is ever dropped.
"""

import math
from collections.abc import Callable

import trio

from ninedoor.config import Console
from ninedoor.console.framing import FrameError
from ninedoor.doors.console.bytestream import ByteStream, Cut
from ninedoor.doors.console.codecs import Codec, packed
from ninedoor.doors.console.counters import Counters
from ninedoor.doors.console.dialogue import Answer, Dialogue, Entry, State


def _nothing() -> None:
    """What is done about a client that need not show a token."""


class Conversation:
    """`limits` are those of the place it came to, `clock` is the time that lines are answered at (unix s).
    `unlocked` is called when the client has shown the token. A `fixed` line is there whether or not anybody
    is: it may be idle while nobody is attached."""

    def __init__(
        self,
        stream: ByteStream,
        codec: Codec,
        dialogue: Dialogue,
        limits: Console,
        counters: Counters,
        clock: Callable[[], float],
        *,
        unlocked: Callable[[], None] = _nothing,
        fixed: bool = False,
    ) -> None:
        self._stream = stream
        self._codec = codec
        self._dialogue = dialogue
        self._limits = limits
        self._counters = counters
        self._clock = clock
        self._unlocked = unlocked
        self._fixed = fixed
        self._opened_at = self._heard_at = trio.current_time()

    async def run(self) -> str:
        """Talk until the dialogue ends, and return why it does. Raises Cut and Gone when something else ends
        the conversation."""
        codec = self._codec
        await self._send(codec.prompt)
        while True:
            codec.feed(await self._receive())
            try:
                for entry in codec:
                    ends = await self._hear(entry)
                    if ends:
                        return ends
            except FrameError as wrong:
                raise Cut(str(wrong)) from wrong
            await self._send(codec.take_echo())

    async def _hear(self, entry: Entry) -> str:
        """Answer `entry`. Returns why that ends the dialogue, "" when it does not. Has a checkpoint."""
        codec, dialogue = self._codec, self._dialogue
        self._counters.lines_in += 1
        await self._send(codec.take_echo())
        if entry == "" and codec.prompt:
            answer = Answer([])  # somebody presses a key to see whether anything is there
        else:
            was_locked = dialogue.state is State.LOCKED
            answer = dialogue.take(entry, self._clock())
            if was_locked and dialogue.state is not State.LOCKED:
                codec.unlocked()
                self._unlocked()
        for piece in packed(codec, answer.lines):
            await self._send(piece)
        self._counters.lines_out += len(answer.lines)
        if not answer.ends:
            await self._send(codec.prompt)
        self._heard_at = trio.current_time()
        return answer.ends

    async def _receive(self) -> bytes:
        data = await self._stream.receive(self._deadline())
        if data is None:
            raise Cut(self._overdue())
        self._counters.bytes_in += len(data)
        return data

    async def _send(self, data: bytes) -> None:
        if data:
            await self._stream.send(data, self._limits.stall_ms / 1000)
            self._counters.bytes_out += len(data)

    def _deadline(self) -> float:
        state, limits = self._dialogue.state, self._limits
        if state is State.LOCKED:
            return self._opened_at + limits.auth_ms / 1000
        if not limits.idle_ms or (self._fixed and state is State.OPEN):
            return math.inf
        return self._heard_at + limits.idle_ms / 1000

    def _overdue(self) -> str:
        if self._dialogue.state is State.LOCKED:
            return f"no token within {self._limits.auth_ms} ms"
        return f"no line for {self._limits.idle_ms} ms"
