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
from ninedoor.console.ack import Ack, parse_ack
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
                self._send(f"{folder}/{parcel.name}", parcel.data[parcel.start :])
            except Unanswered:
                raise
            except P9Error as refused:
                yield Sent(parcel, refused)
            else:
                yield Sent(parcel, None)

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

    def _send(self, path: str, data: bytes) -> None:
        if len(path) > CONSOLE_PATH_MAX:
            raise P9Error(
                errno.ENAMETOOLONG, f"a console takes paths of {CONSOLE_PATH_MAX} bytes; use --url or --mount"
            )
        lines = [piece.written.decode() for piece in pieces.lines(data, CONSOLE_ECHO_MAX)]
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


def _require(answer: Reply) -> None:
    """Raises P9Error for the first acknowledgement that refuses, with the error it names."""
    for text in answer.acks:
        if not text.startswith("OK "):
            raise P9Error(_ecode(parse_ack(text)), text.strip())


def _ecode(ack: Ack | None) -> int:
    """The number that the words of a refusal stand for; where it has no room for them, as with the path of a
    chunk, the one that says most about updates."""
    error = "" if ack is None else ack.get("error") or ""
    for name, words in WORDS.items():
        if words.error == error:
            return int(getattr(errno, name))
    return _BY_REASON.get("" if ack is None else ack.get("reason") or "", errno.EINVAL)
