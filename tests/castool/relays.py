"""A socket in front of a hive's, whose connections break where a test says. It mirrors no module."""

import select
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_PIECE = 1 << 16


class Relay:
    """Listens at `place` and hands on to the unix socket `hive`. The first connections each break after so
    many bytes as the next of `cuts` says, counted in the direction of the hive or, if `back`, in the other;
    later ones do not. `broken` counts those that did. If `held`, nothing is handed on any more where they
    would break, and they end when the client does."""

    def __init__(
        self, place: Path, hive: Path, cuts: Sequence[int], *, back: bool = False, held: bool = False
    ) -> None:
        self.url = f"unix:{place}"
        self.broken = 0
        self._hive = hive
        self._cuts = list(cuts)
        self._back = back
        self._held = held
        self._reached = threading.Semaphore(0)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(place))
        self._listener.listen()
        self._threads: list[threading.Thread] = []

    @contextmanager
    def running(self) -> Iterator["Relay"]:
        acceptor = threading.Thread(target=self._accept)
        acceptor.start()
        try:
            yield self
        finally:
            self._listener.shutdown(socket.SHUT_RDWR)
            acceptor.join()
            self._listener.close()
            for thread in self._threads:
                thread.join()

    def await_cut(self, seconds: float) -> bool:
        """Wait until one more connection has come to its cut."""
        return self._reached.acquire(timeout=seconds)

    def heal(self) -> None:
        """No connection that is made from now on breaks."""
        self._cuts.clear()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            room = self._cuts.pop(0) if self._cuts else None
            thread = threading.Thread(target=self._carry, args=(near, room))
            self._threads.append(thread)
            thread.start()

    def _carry(self, near: socket.socket, room: int | None) -> None:
        far = socket.socket(socket.AF_UNIX)
        with near, far:
            far.connect(str(self._hive))
            while True:
                ready, _, _ = select.select([near, far], [], [])
                for source in ready:
                    sink, counted = (far, not self._back) if source is near else (near, self._back)
                    data = source.recv(_PIECE)
                    if not data:
                        return
                    if counted and room is not None:
                        sink.sendall(data[:room])
                        room -= min(room, len(data))
                        if not room:
                            self.broken += 1
                            self._reached.release()
                            while self._held and near.recv(_PIECE):
                                pass
                            return
                    else:
                        sink.sendall(data)
