"""Bytes in, bytes out: framing, tags and batches around one `Session`. No I/O happens here.

A buffer handed to `receive` may hold any number of frames. They are taken in batches of at most
`batch_frames`; within a batch every tag is in flight until the batch is answered, so a repeated tag is
refused there, and so is what exceeds the tag window. All replies of one buffer leave in one piece, after one
commit: a reply never leaves before what it acknowledges is journalled.
"""

import errno
import logging

from ninedoor.errors import P9Error, WireError
from ninedoor.limits import NOTAG
from ninedoor.session.counters import Counters
from ninedoor.session.session import Reply, Session, SessionLimits
from ninedoor.wire.codec import UnknownMessage, decode_request, encode
from ninedoor.wire.framing import FrameReader
from ninedoor.wire.messages import Rlerror, Rversion

_log = logging.getLogger(__name__)


class Connection:
    """One peer's byte stream. `closed` is None while bytes are welcome, then says why they no longer are."""

    def __init__(self, session: Session, session_limits: SessionLimits, counters: Counters) -> None:
        self._session = session
        self._batch = session_limits.batch_frames
        self._window = session_limits.tags
        self._counters = counters
        self._reader = FrameReader()
        self.closed: str | None = None

    def receive(self, data: bytes, now: float) -> bytes:
        """Serve every whole frame in hand and return the replies to send, b"" if none is due.

        `data` is what one read brought, of any size; an unfinished frame waits inside, bounded by msize.
        After a frame whose size is a lie `closed` is set: send what was returned, then hang up. Raises
        nothing for any input.
        """
        if self.closed is not None:
            return b""
        replies: list[tuple[int, Reply]] = []
        before = self._counters.outstanding
        self._reader.feed(data)
        try:
            self._serve(replies, now)
        except WireError as unframed:
            self.closed = unframed.reason
            replies.append((NOTAG, self._refused(errno.EINVAL, unframed.reason, now)))
        finally:
            self._counters.outstanding = before
        if not replies:
            return b""
        return b"".join([_encoded(tag, reply) for tag, reply in self._committed(replies)])

    def end(self, reason: str) -> None:
        """The stream is over: the session and all its fids go with it. Idempotent."""
        self.closed = self.closed or reason
        self._session.close(reason)

    def _serve(self, replies: list[tuple[int, Reply]], now: float) -> None:
        handle = self._session.handle
        in_flight: set[int] = set()
        room = self._batch
        for frame in self._reader:
            if room == 0:
                in_flight.clear()
                room = self._batch
            room -= 1
            try:
                tag, request = decode_request(*frame)
            except WireError as undecodable:
                replies.append(self._undecodable(undecodable, now))
                continue
            if tag in in_flight or len(in_flight) >= self._window:
                replies.append((tag, self._out_of_window(tag, tag in in_flight, now)))
                continue
            in_flight.add(tag)
            self._counters.outstanding += 1
            try:
                reply = handle(request, now)
            except Exception:
                # A bug answers EIO and the conversation goes on.
                _log.exception("bug while serving %s", type(request).__name__)
                reply = Rlerror(errno.EIO)
            if type(reply) is Rversion:
                self._reader.limit = reply.msize
            replies.append((tag, reply))
            if self._session.closed:
                self.closed = "session closed"
                return

    def _undecodable(self, error: WireError, now: float) -> tuple[int, Reply]:
        if error.tag is None:
            raise error
        ecode = errno.EOPNOTSUPP if isinstance(error, UnknownMessage) else errno.EINVAL
        return error.tag, self._refused(ecode, error.reason, now)

    def _out_of_window(self, tag: int, repeated: bool, now: float) -> Reply:
        if repeated:
            return self._refused(errno.EINVAL, f"tag {tag} already in use", now)
        return self._refused(errno.EBUSY, f"tag window of {self._window} exceeded", now)

    def _refused(self, ecode: int, reason: str, now: float) -> Reply:
        return self._session.refuse(P9Error(ecode, reason), now)

    def _committed(self, replies: list[tuple[int, Reply]]) -> list[tuple[int, Reply]]:
        """The replies, or EIO for each of them when the store could not keep what they acknowledge."""
        try:
            self._session.commit()
        except P9Error as failed:
            return [(tag, Rlerror(failed.ecode)) for tag, _reply in replies]
        return replies


def _encoded(tag: int, reply: Reply) -> bytes:
    """The frame of `reply`; EIO in its place when a node made a value that no frame holds, which is a bug."""
    try:
        return encode(tag, reply)
    except ValueError:
        _log.exception("bug in a reply: %s cannot be encoded", type(reply).__name__)
        return encode(tag, Rlerror(errno.EIO))
