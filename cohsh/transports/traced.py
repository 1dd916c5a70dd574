"""Sessions that are recorded, and recorded ones that are played again without a hive."""

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from cohsh.output import Output, Response
from cohsh.traces import Trace, TraceError
from cohsh.transports.namespace import NamespaceTransport
from cohsh.transports.remote import ClientFiles, Subject
from cohsh.transports.transport import Notice
from ninedoor.client.channel import Channel, one_by_one
from ninedoor.client.client import Client
from ninedoor.client.pipeline import refusal
from ninedoor.config import Role
from ninedoor.errors import P9Error, WireError
from ninedoor.wire.codec import decode_reply, encode
from ninedoor.wire.messages import Rlerror


class Recording:
    """What a session came to so far."""

    def __init__(self) -> None:
        self._frames: list[tuple[bytes, bytes]] = []
        self._acks: list[str] = []
        self._tags = count(1)

    @property
    def trace(self) -> Trace:
        """All of it."""
        return Trace(tuple(self._frames), tuple(self._acks))

    def acknowledged(self, ack: str) -> None:
        """The shell showed `ack`."""
        self._acks.append(ack)

    def over(self, channel: Channel) -> Channel:
        """`channel`, recorded."""
        return _Recorded(channel, self._answered)

    def _answered(self, request: Any, reply: Any) -> None:
        tag = next(self._tags) % 0xFFFF  # NOTAG is no tag
        self._frames.append((encode(tag, request), encode(tag, reply)))


class _Recorded:
    """A channel that tells what went through it."""

    def __init__(self, channel: Channel, answered: Callable[[Any, Any], None]) -> None:
        self._channel = channel
        self._answered = answered

    def call(self, request: Any) -> Any:
        try:
            reply = self._channel.call(request)
        except P9Error as refused:
            self._answered(request, Rlerror(refused.ecode))
            # A trace has the errno only, and so have whoever plays it: nobody is told more now.
            raise refusal(refused.ecode) from refused
        self._answered(request, reply)
        return reply

    def call_many(self, requests: Sequence[Any]) -> list[Any]:
        return one_by_one(self.call, requests)

    def close(self) -> None:
        self._channel.close()


class Replay:
    """Plays `trace` again. Everything raises TraceError where the session is not the recorded one."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._frames = 0
        self._acks = 0

    def acknowledged(self, ack: str) -> None:
        """The shell showed `ack`."""
        self._acks += 1
        recorded = self._trace.acks[self._acks - 1 : self._acks]
        if recorded != (ack,):
            raise TraceError(
                f"trace mismatch at acknowledgement {self._acks}: recorded {_or_nothing(recorded)}, now {ack}"
            )

    def call(self, request: Any) -> Any:
        """See `Channel.call`."""
        self._frames += 1
        recorded = self._trace.frames[self._frames - 1 : self._frames]
        name = type(request).__name__
        if not recorded:
            raise TraceError(f"trace mismatch at frame {self._frames}: {name} where the recording is over")
        ((before, answer),) = recorded
        if encode(self._frames % 0xFFFF, request) != before:
            raise TraceError(f"trace mismatch at frame {self._frames}: {name} is not what was recorded")
        try:
            _tag, reply = decode_reply(answer, 0, len(answer))
        except WireError as wrong:
            raise TraceError(f"trace frame {self._frames} holds no reply: {wrong.reason}") from wrong
        if isinstance(reply, Rlerror):
            raise refusal(reply.ecode)
        return reply

    def call_many(self, requests: Sequence[Any]) -> list[Any]:
        """See `Channel.call_many`."""
        return one_by_one(self.call, requests)

    def close(self) -> None:
        """See `Channel.close`. The recording may hold more sessions."""

    def finish(self) -> None:
        """The session is over: nothing of the recording may be left."""
        left = len(self._trace.frames) - self._frames, len(self._trace.acks) - self._acks
        if any(left):
            raise TraceError(
                f"trace mismatch: {left[0]} frames and {left[1]} acknowledgements were not played"
            )

    def transport(self, subject: Subject, notice: Notice) -> NamespaceTransport:
        """The transport `mock`, played from the recording. `subject` reads tickets."""

        def attach(role: Role, ticket: str) -> ClientFiles:
            uname = role if role == "queen" else f"{role}:{subject(ticket)}"
            return ClientFiles(Client(self, uname=uname, ticket=ticket), notice)

        return NamespaceTransport("mock", attach)


class Witnessed(Output):
    """`output`, with somebody told of each acknowledgement."""

    def __init__(self, output: Output, acknowledged: Callable[[str], None]) -> None:
        self._output = output
        self._acknowledged = acknowledged

    def begin(self, command: str) -> None:
        """See `Output.begin`."""
        self._output.begin(command)

    def show(self, response: Response) -> None:
        """See `Output.show`."""
        self._output.show(response)
        if response.source == "ack":
            self._acknowledged(response.text)

    def follow(self, lines: Sequence[str]) -> None:
        """See `Output.follow`."""
        self._output.follow(lines)

    def end(self, ok: bool, error: str = "") -> None:
        """See `Output.end`."""
        self._output.end(ok, error)

    def notice(self, text: str) -> None:
        """See `Output.notice`."""
        self._output.notice(text)


def _or_nothing(recorded: Sequence[str]) -> str:
    return recorded[0] if recorded else "nothing"
