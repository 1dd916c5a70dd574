"""Hives to try a door on: in this process, or in another one behind a real mount.

Every hive is new, in memory, with the configuration of `tests.deployment` and a clock that only `advance`
moves. Its `desk` is a second session, a queen's at a local 9P door: the other user of the hive.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Protocol

from ninedoor.client.channel import Channel, FrameChannel, LocalChannel
from ninedoor.client.opening import open_channel
from ninedoor.config import Config
from ninedoor.policy.principals import NO_TICKET
from ninedoor.policy.tickets import fingerprint
from ninedoor.session.connection import Connection as Frames
from ninedoor.session.fids import Profile
from tests.conformance.doors import APPEND, ChannelDoor, Door, Handle, OsCalls, OsDoor, Stat
from tests.deployment import CONFIG, SetClock, log_lines, open_app
from tests.deployment import ticket as ticket_of

ROOT = Path(__file__).parents[2]


class Hive(Protocol):
    """A hive and its doors."""

    @property
    def desk(self) -> Door: ...

    queens_ticket: str
    """How audit lines name the ticket of a queen at the door: its fingerprint, `none` where she is vouched
    for."""

    def door(self, uname: str = "queen", ticket: str = "") -> Door:
        """The door under test, attached as `uname`. One at a time. Raises OSError when it is not admitted."""

    def log(self) -> list[str]:
        """Lines of /log/queen.log."""

    def advance(self, seconds: float) -> None:
        """Let time pass, and housekeeping have its turn."""

    def close(self) -> None:
        """Forget the hive. Raises AssertionError for bugs logged and sessions left behind."""


MakeChannel = Callable[["Local"], Channel]


class Local:
    """A hive in this process; `make_channel` is the road to its door."""

    queens_ticket = NO_TICKET

    def __init__(self, make_channel: MakeChannel | None = None, config: Config = CONFIG) -> None:
        self.clock = SetClock()
        self.app = open_app(config, self.clock)
        self._make_channel = make_channel or local(Profile.STRICT)
        self._doors: list[Door] = []
        self.desk = ChannelDoor(LocalChannel(self.app.session(trusted=True), self.clock), "queen", "")

    def door(self, uname: str = "queen", ticket: str = "") -> Door:
        channel = self._make_channel(self)
        try:
            door = ChannelDoor(channel, uname, ticket)
        except OSError:
            channel.close()
            raise
        self._doors.append(door)
        return door

    def log(self) -> list[str]:
        return log_lines(self.app)

    def advance(self, seconds: float) -> None:
        self.clock.now += seconds
        self.app.hive.expire(self.clock.now)

    def close(self) -> None:
        for door in (*self._doors, self.desk):
            door.close()
        assert not len(self.app.counters.sessions)
        self.app.close()


def local(profile: Profile) -> MakeChannel:
    """Decoded messages."""
    return lambda hive: LocalChannel(hive.app.session(trusted=True, profile=profile), hive.clock)


def framed(profile: Profile) -> MakeChannel:
    """Real frames."""

    def make(hive: Local) -> Channel:
        session = hive.app.session(trusted=True, profile=profile)
        return FrameChannel(Frames(session, hive.app.session_limits(), hive.app.counters), hive.clock)

    return make


# -- in another process


class Process:
    """A Python module of this package in a process of its own, at the other end of a connection."""

    def __init__(self, module: str) -> None:
        ours, theirs = socket.socketpair()
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, str(theirs.fileno())], pass_fds=[theirs.fileno()], cwd=ROOT
        )
        theirs.close()
        self._connection = Connection(ours.detach())
        self.call = OsCalls(self._connection)

    def stop(self) -> None:
        """Hang up and wait; kill what does not go."""
        self._connection.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise


class DeskHandle:
    """A handle in the daemon's process."""

    def __init__(self, call: OsCalls, number: int) -> None:
        self._call = call
        self._number = number

    def read(self, offset: int, size: int) -> bytes:
        data: bytes = self._call("desk_handle", self._number, "read", offset, size)
        return data

    def write(self, data: bytes) -> int:
        count: int = self._call("desk_handle", self._number, "write", data)
        return count

    def close(self) -> None:
        self._call("desk_handle", self._number, "close")


class DeskDoor:
    """The desk of the daemon's hive."""

    denied_by_mode = "EPERM"
    gone_while_open = "ENOENT"

    def __init__(self, call: OsCalls) -> None:
        self._call = call

    def read(self, path: str) -> bytes:
        data: bytes = self._call("desk", "read", path)
        return data

    def write(self, path: str, data: bytes, flags: int = APPEND) -> int:
        count: int = self._call("desk", "write", path, data, flags)
        return count

    def names(self, path: str) -> list[str]:
        names: list[str] = self._call("desk", "names", path)
        return names

    def stat(self, path: str) -> Stat:
        return Stat(*self._call("desk", "stat", path))

    def open(self, path: str, flags: int) -> Handle:
        return DeskHandle(self._call, self._call("desk", "open", path, flags))

    def change(self, verb: str, path: str, other: str) -> None:
        self._call("desk", "change", verb, path, other)

    def close(self) -> None:
        """The desk goes with its hive."""


class Socketed:
    """A hive of `daemon`'s, its door a socket at `url` in `profile`, with the client library at the other
    end."""

    def __init__(self, daemon: Process, url: str, profile: Profile) -> None:
        # Over TCP nobody is vouched for.
        self._ticket = ticket_of("queen") if url.startswith("tcp:") else ""
        self.queens_ticket = fingerprint(self._ticket) if self._ticket else NO_TICKET
        self._daemon = daemon.call
        self._daemon("begin")
        self._url: str = self._daemon("listen", url, profile.value)
        self._doors: list[Door] = []
        self.desk: Door = DeskDoor(self._daemon)

    def door(self, uname: str = "queen", ticket: str = "") -> Door:
        if uname == "queen":
            ticket = ticket or self._ticket
        channel = open_channel(self._url)
        try:
            door = ChannelDoor(channel, uname, ticket)
        except OSError:
            channel.close()
            raise
        self._doors.append(door)
        return door

    def log(self) -> list[str]:
        lines: list[str] = self._daemon("hive", "log")
        return lines

    def advance(self, seconds: float) -> None:
        self._daemon("hive", "advance", seconds)

    def close(self) -> None:
        for door in self._doors:
            door.close()
        bugs, sessions = self._daemon("end")
        assert bugs == []
        assert sessions == 0


class Mounted:
    """A hive of `daemon`'s, its door a directory that the process `client` uses. `how` is what the daemon
    calls to mount: `mount`, or `mount_remote` for one over a socket."""

    queens_ticket = NO_TICKET

    def __init__(self, daemon: Process, client: Process, mountpoint: Path, how: str = "mount") -> None:
        self._daemon = daemon.call
        self._client = client.call
        self._mountpoint = str(mountpoint)
        self._how = how
        self._daemon("begin")
        self.desk: Door = DeskDoor(self._daemon)

    def door(self, uname: str = "queen", ticket: str = "") -> Door:
        self._daemon(self._how, self._mountpoint, uname, ticket)
        return OsDoor(self._client, self._mountpoint, self._unmount)

    def _unmount(self) -> None:
        self._daemon("unmount")

    def log(self) -> list[str]:
        lines: list[str] = self._daemon("hive", "log")
        return lines

    def advance(self, seconds: float) -> None:
        self._daemon("hive", "advance", seconds)

    def close(self) -> None:
        self._client("close_all")
        bugs, sessions = self._daemon("end")
        assert not os.path.ismount(self._mountpoint)
        assert bugs == []
        assert sessions == 0
