"""A hive behind its line console, by the shell's own transport: `echo` and `cat`, in base64.

A console tells no sizes and takes no offsets, so a chunk is there, or it is sent from its beginning.
"""

import errno
from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Iterable, Iterator, Sequence

from cohsh.transports.transport import Interrupted, Transport, Unreachable
from ninedoor.castool import pieces
from ninedoor.castool.ways.way import Parcel, Sent, Way
from ninedoor.client.failures import ConnectError, Unanswered
from ninedoor.client.pipeline import refusal
from ninedoor.console.ack import parse_ack
from ninedoor.console.body import BINARY_PREFIX
from ninedoor.console.grammar import Command
from ninedoor.console.refusals import WORDS
from ninedoor.console.reply import Reply
from ninedoor.errors import P9Error
from ninedoor.limits import CONSOLE_ECHO_MAX, CONSOLE_PATH_MAX

_BY_REASON = {"quota": errno.EMSGSIZE, "busy": errno.EBUSY, "cut": errno.EIO}


class ConsoleWay(Way):
    """A session on the console that `transport` reaches at `place`, as queen with `ticket` or "". It owns
    the transport. Raises P9Error, ConnectError."""

    resumes = False

    def __init__(self, transport: Transport, place: str, ticket: str) -> None:
        self.place = place
        self._transport = transport
        try:
            self._ask(Command("attach", role="queen", ticket=ticket))
        except BaseException:
            transport.close()
            raise

    def read(self, path: str) -> bytes:
        """See `Way.read`."""
        body = self._ask(Command("cat", path=path)).body
        if not body or not body[0].startswith(BINARY_PREFIX):
            return "".join(f"{line}\n" for line in body).encode()
        try:
            return b"".join(b64decode(line.removeprefix(BINARY_PREFIX), validate=True) for line in body)
        except NoBase64:
            raise P9Error(errno.EIO, f"{self.place} sends something else than base64 for {path}") from None

    def latest(self, path: str) -> bytes:
        """See `Way.latest`."""
        return "".join(f"{line}\n" for line in self._ask(Command("tail", path=path)).body).encode()

    def names(self, folder: str) -> list[str]:
        """See `Way.names`."""
        return list(self._ask(Command("ls", path=folder)).body)

    def sizes(self, folder: str, names: Sequence[str]) -> dict[str, int]:
        """See `Way.sizes`."""
        return {name: self._size(f"{folder}/{name}") for name in names}

    def send(self, folder: str, parcels: Iterable[Parcel]) -> Iterator[Sent]:
        """See `Way.send`."""
        for parcel in parcels:
            try:
                self._send(f"{folder}/{parcel.name}", _lines(parcel))
            except Unanswered:
                raise
            except P9Error as refused:
                yield Sent(parcel, refused)
            else:
                yield Sent(parcel, None)

    def order(self, path: str, line: str) -> None:
        """See `Way.order`."""
        self._send(path, [line])

    def contents(self, path: str, offset: int, size: int) -> Iterator[bytes]:
        """See `Way.contents`; all of it is one answer."""
        yield self.read(path)[offset:size]

    def close(self) -> None:
        """See `Way.close`."""
        self._transport.close()

    def _away(self, gone: Unreachable) -> ConnectError:
        cause = gone.__cause__
        return cause if isinstance(cause, ConnectError) else ConnectError(self.place, str(gone))

    def _size(self, path: str) -> int:
        try:
            return len(self.read(path))
        except Unanswered:
            raise
        except P9Error:
            return 0

    def _send(self, path: str, lines: list[str]) -> None:
        if len(path) > CONSOLE_PATH_MAX:
            raise P9Error(
                errno.ENAMETOOLONG, f"a console takes paths of {CONSOLE_PATH_MAX} bytes; use --url or --mount"
            )
        try:
            _require(self._transport.batch(path, lines))
        except Interrupted as lost:
            raise Unanswered(errno.EIO, str(lost)) from lost
        except Unreachable as gone:
            raise self._away(gone) from gone

    def _ask(self, command: Command) -> Reply:
        try:
            answer = self._transport.ask(command)
        except Unreachable as gone:
            raise self._away(gone) from gone
        _require(answer)
        return answer


def _lines(parcel: Parcel) -> list[str]:
    """What is echoed of a parcel. Raises EMSGSIZE for one that has to be whole and is not."""
    if parcel.whole:
        return [pieces.line(parcel.data, CONSOLE_ECHO_MAX).written.decode()]
    return [piece.written.decode() for piece in pieces.lines(parcel.data[parcel.start :], CONSOLE_ECHO_MAX)]


def _require(answer: Reply) -> None:
    """Raises P9Error for the first acknowledgement that refuses, with the error it names."""
    for text in answer.acks:
        if not text.startswith("OK "):
            raise _refusal(text.strip())


def _refusal(text: str) -> P9Error:
    """What the acknowledgement `text` stands for. Where it has no room for the error, as with the path of a
    chunk, it is the one that says most about updates; what is about no file is told as it is."""
    ack = parse_ack(text)
    if ack is None:
        return P9Error(errno.EINVAL, text)
    error = ack.get("error") or ""
    for name, words in WORDS.items():
        if words.error == error:
            return refusal(getattr(errno, name))
    known = _BY_REASON.get(ack.get("reason") or "", errno.EINVAL)
    return refusal(known) if ack.verb == "ECHO" else P9Error(known, text)
