"""The handlers over a real hive, without a kernel: the test asks what the kernel would ask."""

from collections.abc import Coroutine
from typing import Any, TypeVar

import pyfuse3
import pytest

from ninedoor.client.channel import LocalChannel
from ninedoor.client.client import Client
from ninedoor.doors.fuse.embedded import Embedded
from ninedoor.doors.fuse.names import Kernel
from ninedoor.limits import LOCAL_FIDS
from ninedoor.runtime.app import App
from ninedoor.session.session import Session
from ninedoor.wire.messages import Message
from tests import deployment

T = TypeVar("T")

CONTEXT = pyfuse3.RequestContext()


def answer(handler: Coroutine[Any, Any, T]) -> T:
    """What a handler returns. Fails for one with a checkpoint: none may wait."""
    try:
        handler.send(None)
    except StopIteration as returned:
        value: T = returned.value
        return value
    pytest.fail("the handler waits for something")


class RecordingKernel(Kernel):
    """Takes down what the kernel is told."""

    def __init__(self) -> None:
        self.attributes: list[int] = []
        self.names: list[tuple[int, bytes]] = []

    def forget_attributes(self, number: int) -> None:
        self.attributes.append(number)

    def forget_name(self, parent: int, name: bytes) -> None:
        self.names.append((parent, name))


class Mount:
    """One mount of one hive, attached as queen. `requests` are the messages that reached the session."""

    def __init__(self, app: App | None = None) -> None:
        self.app = app or deployment.open_app()
        self.kernel = RecordingKernel()
        self.session: Session = self.app.session(trusted=True, fids=LOCAL_FIDS, peer="mount")
        self._channel = LocalChannel(self.session, self.app.clock)
        self.requests: list[Message] = []
        embedded = Embedded(self.call, self.session, self.kernel)
        self.operations = embedded.operations
        embedded.attach("queen", "")

    def call(self, request: Message) -> Any:
        self.requests.append(request)
        return self._channel.call(request)

    def queen(self) -> Client:
        """Another session of the same hive."""
        return deployment.client(self.app)

    def lookup(self, path: str) -> pyfuse3.EntryAttributes:
        """One LOOKUP for each name of `path`, as the kernel does it."""
        inode = pyfuse3.ROOT_INODE
        for name in path.strip("/").split("/"):
            entry = answer(self.operations.lookup(inode, name.encode(), CONTEXT))
            inode = entry.st_ino
        return entry

    def open(self, path: str, flags: int) -> pyfuse3.FileInfo:
        return answer(self.operations.open(self.lookup(path).st_ino, flags, CONTEXT))

    def attributes(self, inode: int) -> pyfuse3.EntryAttributes:
        return answer(self.operations.getattr(inode, CONTEXT))

    def spawn(self, count: int = 1) -> None:
        """Workers, by another session."""
        queen = self.queen()
        for _ in range(count):
            deployment.spawn(queen)

    def command(self, line: str) -> None:
        """A command of the mount's own session."""
        opened = self.open("/queen/ctl", 0o2001)
        answer(self.operations.write(opened.fh, 0, line.encode() + b"\n"))
        answer(self.operations.release(opened.fh))

    def live_fids(self) -> int:
        return len(self.session._fids.live)


class Reader:
    """readdir(3) on an open directory: READDIR until nothing more comes, `room` entries each time."""

    def __init__(self, mount: Mount, inode: int, monkeypatch: pytest.MonkeyPatch, room: int = 200) -> None:
        self._operations = mount.operations
        self._room = room
        self.sent: list[tuple[str, pyfuse3.EntryAttributes, int]] = []
        self._position = 0
        monkeypatch.setattr(pyfuse3, "readdir_reply", self._reply)
        self._fh = answer(mount.operations.opendir(inode, CONTEXT))

    def _reply(self, left: list[int], name: bytes, entry: pyfuse3.EntryAttributes, position: int) -> bool:
        if left[0] == 0:
            return False
        left[0] -= 1
        self.sent.append((name.decode(), entry, position))
        self._position = position
        return True

    def more(self) -> bool:
        """One READDIR; False when nothing came."""
        before = len(self.sent)
        token: Any = [self._room]
        answer(self._operations.readdir(self._fh, self._position, token))
        return len(self.sent) > before

    def rewind(self) -> None:
        self._position = 0
        self.sent.clear()

    def names(self) -> list[str]:
        """Everything there is, from the beginning."""
        self.rewind()
        while self.more():
            pass
        return [name for name, _entry, _position in self.sent]

    def close(self) -> None:
        answer(self._operations.releasedir(self._fh))


def sent(mount: Mount, kind: type) -> list[Any]:
    """The requests of one kind that reached the session."""
    return [request for request in mount.requests if type(request) is kind]
