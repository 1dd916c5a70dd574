"""Bytes in, bytes out: framing, tags and batches around one `Session`. No I/O happens here.

A buffer handed to `receive` may hold any number of frames. They are served in turns, each bounded in frames
and in bytes of replies, so that neither time nor memory is the peer's to decide. Within a turn they are taken
in batches of at most `batch_frames`; every tag of a batch is in flight until the batch is answered, so a
repeated tag is refused there, and so is what exceeds the tag window. All replies of one turn leave in one
piece, after one commit: a reply never leaves before what it acknowledges is journalled.
"""

import errno
import logging
from struct import Struct

from ninedoor.errors import P9Error, WireError
from ninedoor.limits import (
    HEADER_BYTES,
    NOTAG,
    TURN_BYTES,
    TURN_ENTRY_BYTES,
    TURN_REPLY_BYTES,
    WRITE_OVERHEAD,
)
from ninedoor.session.counters import Counters, Refusal
from ninedoor.session.runs import ANSWER_ROOM, answers, cut
from ninedoor.session.session import Session, SessionLimits
from ninedoor.session.tags import TagRefused, Tags
from ninedoor.wire.codec import ENCODERS, HEADER, REQUEST_DECODERS, UnknownMessage, encode, tag_of
from ninedoor.wire.framing import FrameReader
from ninedoor.wire.messages import (
    NUMBERS,
    REQUESTS,
    Message,
    Rlerror,
    Tclunk,
    Treaddir,
    Tremove,
    Tversion,
    Twrite,
)

_log = logging.getLogger(__name__)

_TVERSION = NUMBERS[Tversion]
_TWRITE = NUMBERS[Twrite]
_TREADDIR = NUMBERS[Treaddir]
_APART = frozenset({_TVERSION, _TREADDIR, NUMBERS[Tclunk], NUMBERS[Tremove]})
"""Requests after which the session may have another msize, be closed, or have taken long."""

_TYPE_AT = 4
"""Where in a frame its type number is."""

_header = HEADER.unpack_from
_fid = Struct("<I").unpack_from


class Connection:
    """One peer's byte stream. `closed` is None while bytes are welcome, then says why they no longer are.
    `more` says that frames are left for another turn: send what the last one returned, then call
    `receive(b"", now)` before reading more."""

    def __init__(self, session: Session, session_limits: SessionLimits, counters: Counters) -> None:
        self._session = session
        self._commit = session.commit
        batch = session_limits.batch_frames
        self._tags = Tags(batch, session_limits.tags) if batch > 1 else None
        """None where a request is answered before the next is looked at: then no tag is ever in the way."""
        self._counters = counters
        self._reader = FrameReader()
        self.closed: str | None = None
        self.more = False

    @property
    def inside_frame(self) -> bool:
        """Would the stream be cut inside a frame if it ended here?"""
        return self._reader.buffered > 0

    @property
    def attached(self) -> bool:
        """Has the peer ever said who it is, and been let in?"""
        return self._session.attached

    def receive(self, data: bytes, now: float) -> bytes:
        """Serve the whole frames in hand, one turn at most, and return the replies to send, b"" if none is
        due; they are under TURN_BYTES + MSIZE_MAX.

        `data` is what one read brought, of any size; an unfinished frame waits inside, bounded by msize.
        After a frame whose size is a lie `closed` is set: send what was returned, then hang up. Raises
        nothing for any input.
        """
        if self.closed is not None:
            return b""
        reader = self._reader
        reader.feed(data)
        replies: list[bytes] = []
        if self._tags is not None:
            self._tags.answer()
        self._counters.turn = replies
        try:
            self.more = reader.cut(self._serve(replies, now)) and not self._session.closed
            if self._session.closed:
                self.closed = "session closed"
        except WireError as unframed:
            self.closed = unframed.reason
            self.more = False
            replies.append(self._refused(NOTAG, "frame_size", errno.EINVAL, unframed.reason, now))
        self._counters.turn = None
        if not replies:
            return b""
        try:
            self._commit()
        except P9Error as failed:
            return b"".join([encode(tag_of(reply), Rlerror(failed.ecode)) for reply in replies])
        return b"".join(replies)

    def end(self, reason: str) -> None:
        """The stream is over: the session and all its fids go with it. Idempotent."""
        self.closed = self.closed or reason
        self._session.close(reason)

    def _serve(self, replies: list[bytes], now: float) -> int:
        """Add the replies of one turn to `replies`; returns where in the buffer the next frame begins."""
        session, reader = self._session, self._reader
        handle, tags = session.handle, self._tags
        in_run = False
        buffer, start = reader.buffer, reader.position
        have = len(buffer)
        last = have - HEADER_BYTES
        room = 1 if session.closed else TURN_BYTES  # one answer, whoever closed it
        while start <= last and room > 0:
            size, number, tag = _header(buffer, start)
            end = start + size
            if end > have or size > reader.limit or size < HEADER_BYTES:
                break
            # A write with no other behind it gains nothing from a run.
            runs_on = number == _TWRITE and (in_run or (end <= last and buffer[end + _TYPE_AT] == _TWRITE))
            if runs_on is not in_run:
                in_run = self._changed_over(in_run, now)
            if in_run:
                answered = len(replies)
                end_of_run = self._together(start, room, replies, now)
                if end_of_run > start:
                    start = end_of_run
                    room -= (len(replies) - answered) * ANSWER_ROOM
                    continue
            try:
                if tags is None:
                    request = REQUEST_DECODERS[number](buffer, start + HEADER_BYTES, end)
                else:
                    request = _in_flight(tags, number, tag, buffer, start, end)
                reply = handle(request, now)
                frame = ENCODERS[type(reply)](tag, reply)
            except Exception as problem:
                frame = self._instead(problem, number, tag, now)
            replies.append(frame)
            start = end
            room -= TURN_REPLY_BYTES + len(frame)
            if number in _APART:
                room -= self._aftermath(number)
        if in_run:
            session.appends.settle()
        return start

    def _changed_over(self, in_run: bool, now: float) -> bool:
        """A run of writes begins, or is over; returns whether one is open now."""
        if in_run:
            self._session.appends.settle()
        else:
            self._session.appends.begin(now)
        return not in_run

    def _together(self, start: int, room: int, replies: list[bytes], now: float) -> int:
        """Serve the writes to one fid that begin at `start` and add their replies, if nothing can refuse any:
        as many as `room` is for. Returns where they end, `start` if each is to be served by itself."""
        session, reader = self._session, self._reader
        buffer = reader.buffer
        most = room // ANSWER_ROOM + 1
        left = len(buffer) - start
        if left < WRITE_OVERHEAD:
            return start
        fid: int = _fid(buffer, start + HEADER_BYTES)[0]
        if not session.gathers(fid, most, left, now):
            return start
        tags, datas, end = cut(buffer, start, fid, most, reader.limit, self._tags)
        if datas:
            try:
                session.gather(fid, datas, now)
                replies += answers(tags, datas)
            except Exception as problem:
                replies += [self._instead(problem, _TWRITE, tag, now) for tag in tags]
        return end

    def _aftermath(self, number: int) -> int:
        """After a request of `_APART`: what it counts for in its turn besides its reply, which is all of the
        turn when the session is closed. A new msize holds from the next frame on."""
        session = self._session
        if number == _TREADDIR:
            listings = session.listings
            listed, listings.listed = listings.listed, 0
            return listed * TURN_ENTRY_BYTES
        if number == _TVERSION:
            self._reader.limit = session.msize
        return TURN_BYTES if session.closed else 0

    def _instead(self, problem: Exception, number: int, tag: int, now: float) -> bytes:
        """The reply to a frame that did not become a request, or met a bug."""
        match problem:
            case UnknownMessage():
                return self._refused(tag, "unknown_message", errno.EOPNOTSUPP, problem.reason, now)
            case WireError():
                return self._refused(tag, "undecodable", errno.EINVAL, problem.reason, now)
            case TagRefused():
                return self._refused(tag, problem.kind, problem.ecode, problem.reason, now)
        # A bug answers EIO and the conversation goes on.
        _log.error("bug while serving %s", REQUESTS[number].__name__, exc_info=problem)
        return encode(tag, Rlerror(errno.EIO))

    def _refused(self, tag: int, kind: Refusal, ecode: int, reason: str, now: float) -> bytes:
        self._counters.refused[kind] += 1
        return encode(tag, self._session.refuse(P9Error(ecode, reason), now))


def _in_flight(tags: Tags, number: int, tag: int, buffer: bytes, start: int, end: int) -> Message:
    """The request of the frame buffer[start:end], whose tag is in flight from now on. Raises TagRefused, and
    WireError, when it has taken none."""
    tags.frame()
    request = REQUEST_DECODERS[number](buffer, start + HEADER_BYTES, end)
    tags.take(tag)
    return request
