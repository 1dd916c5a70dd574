"""The client's half of a connection without the connection: requests in, bytes out; bytes in, replies out.

Decides which tag a request gets, which reply answers which request, and when a peer is not to be believed any
more. Replies are taken in any order. Who sends and receives the bytes, and how long to wait, is the channel's
business (`sockets.py`, `aio/channel.py`).

A request that is given up is flushed. flush(5): its tag is not used again before Rflush; a reply that comes
all the same counts, so a fid it brought, of which nobody knows, is clunked here.
"""

import errno
import os
from collections.abc import Callable
from typing import Any, Final

from ninedoor.errors import P9Error, WireError
from ninedoor.limits import HEADER_BYTES, MSIZE_MAX, NOTAG
from ninedoor.wire import messages as m
from ninedoor.wire.codec import decode_reply, encode
from ninedoor.wire.framing import FrameReader
from ninedoor.wire.types import Tag

WINDOW = 16
"""Requests in flight at once: the tag window of a session unless its manifest says otherwise."""

WINDOW_MAX = 0x4000
"""With a flush and a clunk for each request, the tags still suffice."""

ERRNO_MAX = 4095
"""Largest error number of Linux (MAX_ERRNO)."""

_REPLY: dict[type[m.Message], type[m.Message]] = {
    request: m.REPLIES[number + 1] for number, request in m.REQUESTS.items()
}

_FITS: dict[type[m.Message], Callable[[Any, Any], bool]] = {
    m.Tversion: lambda asked, reply: HEADER_BYTES < reply.msize <= asked.msize,
    m.Twalk: lambda asked, reply: len(reply.qids) <= len(asked.names),
    m.Tread: lambda asked, reply: len(reply.data) <= asked.count,
    m.Twrite: lambda asked, reply: reply.count <= len(asked.data),
    m.Treaddir: lambda asked, reply: len(reply.data) <= asked.count,
}
"""What else must be true of a reply of the right type, where a lie would lead its reader astray."""


def refusal(ecode: int) -> P9Error:
    """The exception for an Rlerror: the wire carries no reason, so errno's own text stands in. A number that
    is no errno is EIO."""
    ecode = ecode if 0 < ecode <= ERRNO_MAX else errno.EIO
    return P9Error(ecode, os.strerror(ecode).lower())


class _Asked:
    """One request in flight. `end` is how many bytes of the stream must have left for the whole of it to have
    left; `wanted` turns false when it is given up, `answered` true when a reply came all the same."""

    __slots__ = ("answered", "end", "flushed", "request", "wanted")

    def __init__(self, request: m.Message, end: int) -> None:
        self.request: Final = request
        self.end: Final = end
        self.wanted = True
        self.answered = False
        self.flushed = False


class Pipeline:
    """Tags and matching for one connection; at most `window` (1 to WINDOW_MAX) requests are in flight.

    `unsent` holds the bytes to send; tell `sent` how many left. `broken` is None until the peer's bytes can
    no longer be believed: then nothing more is accepted or answered. `msize` is what Tversion settled.
    """

    def __init__(self, window: int = WINDOW) -> None:
        self.window: Final = window
        self.msize = MSIZE_MAX
        self.broken: WireError | None = None
        self.unsent = bytearray()
        self._left = 0
        """Bytes that were sent since the beginning."""
        self._reader = FrameReader()
        self._asked: dict[int, _Asked] = {}
        self._flushes: dict[int, int] = {}
        """Tag of a Tflush → tag of the request it is about."""
        self._free: list[int] = []
        self._fresh = 0
        """Tags below this one have been used; those of them not in flight are in `_free`."""

    @property
    def takes(self) -> bool:
        """May a request be sent now? One that was given up keeps its place until it is flushed; and nothing
        is sent behind a Tversion, version(5)."""
        return self.broken is None and len(self._asked) < self.window and NOTAG not in self._asked

    @property
    def in_flight(self) -> int:
        """Requests without an answer, flushes not counted."""
        return len(self._asked)

    def send(self, request: m.Message) -> int:
        """Queue `request` and return its tag. Precondition: `takes`.

        Raises EMSGSIZE for a frame over the msize, EBUSY for a Tversion while anything is in flight;
        ValueError for a message no frame holds, which is a bug.
        """
        if type(request) is m.Tversion:
            if self._asked or self._flushes:
                raise P9Error(errno.EBUSY, f"Tversion while {len(self._asked)} requests are in flight")
            # version(5): what comes is bounded by what was negotiated only after the reply.
            self.msize = self._reader.limit = MSIZE_MAX
            tag = NOTAG
        else:
            tag = self._take_tag()
        try:
            frame = encode(tag, request)
            if len(frame) > self.msize:
                raise P9Error(errno.EMSGSIZE, f"frame of {len(frame)} bytes over msize {self.msize}")
        except (P9Error, ValueError):
            self._free_tag(tag)
            raise
        self._queue(frame)
        self._asked[tag] = _Asked(request, self._left + len(self.unsent))
        return tag

    def sent(self, count: int) -> None:
        """The first `count` bytes of `unsent` were handed to the connection."""
        self._left += count
        del self.unsent[:count]

    def receive(self, data: bytes) -> list[tuple[int, m.Message]]:
        """The replies that `data` completes, each with the tag it answers; those nobody waits for are left
        out. Raises nothing: bytes that are not what a server may send set `broken`."""
        answers: list[tuple[int, m.Message]] = []
        if self.broken is not None:
            return answers
        self._reader.feed(data)
        try:
            for frame in self._reader:
                tag, reply = decode_reply(*frame)
                if self._accept(tag, reply):
                    answers.append((tag, reply))
        except WireError as unbelievable:
            self.broken = unbelievable
        return answers

    def give_up(self, tag: int) -> None:
        """Nobody waits for the reply to `tag` any more: flush it. No-op when it was answered.

        A Tversion cannot be flushed; giving it up breaks the connection."""
        asked = self._asked.get(tag)
        if asked is None or not asked.wanted or self.broken is not None:
            return
        asked.wanted = False
        if tag == NOTAG:
            self.broken = WireError("no answer to Tversion")
            return
        flush = self._take_tag()
        self._flushes[flush] = tag
        self._queue(encode(flush, m.Tflush(Tag(tag))))

    def forget_fid(self, request: m.Message, reply: Any) -> None:
        """Clunk the fid that `request` made, if its `reply`, which nobody looks at, says that it made one."""
        made = None
        if type(request) is m.Twalk and type(reply) is m.Rwalk:
            if request.newfid != request.fid and len(reply.qids) == len(request.names):
                made = request.newfid
        elif type(request) is m.Tattach and type(reply) is m.Rattach:
            made = request.fid
        if made is not None:
            asked = self._asked[self.send(m.Tclunk(made))]
            asked.wanted = False
            asked.flushed = True

    def left_whole(self, tag: int) -> bool:
        """Did every byte of the request in flight leave? If not, no server can have served it."""
        return self._asked[tag].end <= self._left

    def waiting(self) -> list[int]:
        """Tags of the requests that somebody waits for, oldest first."""
        return [tag for tag, asked in self._asked.items() if asked.wanted]

    @property
    def inside_frame(self) -> bool:
        """Would the end of the stream, now, cut a frame?"""
        return self._reader.buffered > 0

    # -- replies ------------------------------------------------------------------------------------------

    def _accept(self, tag: int, reply: m.Message) -> bool:
        """Take a reply; true when somebody waits for it. Raises WireError."""
        if tag in self._flushes:
            self._flush_answered(tag, reply)
            return False
        asked = self._asked.get(tag)
        if asked is None or asked.answered:
            raise self._unasked(tag, reply)
        self._check(asked.request, reply, tag)
        if asked.wanted:
            del self._asked[tag]
            self._free_tag(tag)
            if type(reply) is m.Rversion:
                self.msize = self._reader.limit = reply.msize
            return True
        asked.answered = True
        if asked.flushed:
            del self._asked[tag]
            self._free_tag(tag)
        self.forget_fid(asked.request, reply)
        return False

    def _check(self, request: m.Message, reply: m.Message, tag: int) -> None:
        if type(reply) is m.Rlerror:
            return
        names = f"{type(reply).__name__} in answer to {type(request).__name__}"
        if type(reply) is not _REPLY[type(request)]:
            raise WireError(names, tag)
        fits = _FITS.get(type(request))
        if fits is not None and not fits(request, reply):
            raise WireError(f"{names} with more than was asked for", tag)

    def _unasked(self, tag: int, reply: m.Message) -> WireError:
        if tag == NOTAG and type(reply) is m.Rlerror:
            # How our server says good-bye to a stream it cannot cut into frames.
            return WireError(f"the server could not read what it was sent: {refusal(reply.ecode)}")
        return WireError(f"{type(reply).__name__} on tag {tag}, on which nothing was asked", tag)

    def _flush_answered(self, flush: int, reply: m.Message) -> None:
        self._check(m.Tflush(Tag(0)), reply, flush)
        tag = self._flushes.pop(flush)
        self._free_tag(flush)
        asked = self._asked[tag]
        if asked.answered or type(reply) is m.Rflush:
            del self._asked[tag]
            self._free_tag(tag)
        else:
            # A server that refuses to flush will answer the request itself some time.
            asked.flushed = True

    # -- tags ---------------------------------------------------------------------------------------------

    def _queue(self, frame: bytes) -> None:
        self.unsent += frame

    def _take_tag(self) -> int:
        if self._free:
            return self._free.pop()
        self._fresh += 1
        return self._fresh - 1

    def _free_tag(self, tag: int) -> None:
        if tag != NOTAG:
            self._free.append(tag)
