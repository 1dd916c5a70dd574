"""Files over a channel, in both profiles: bytes, listings, and no fid left behind by a refusal."""

import errno
import os
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ninedoor.client.channel import LocalChannel, one_by_one
from ninedoor.client.client import Client
from ninedoor.errors import P9Error
from ninedoor.session.fids import Profile
from ninedoor.session.session import Session, SessionLimits
from ninedoor.tree.directory import Directory
from tests.session.fakes import BOOT, ERRNOS, NOW, FakePrincipal, World


@pytest.fixture(params=list(Profile), ids=lambda profile: profile.value)
def session(request: pytest.FixtureRequest, world: World) -> Session:
    return world.session(request.param)


@pytest.fixture
def client(session: Session) -> Client:
    return Client(LocalChannel(session, lambda: NOW))


def fids(session: Session) -> set[int]:
    return set(session._live)


def test_a_client_attaches_as_whom_it_is_told_to(world: World) -> None:
    label = "worker-gpu:worker-1"
    world.gate.principals[label] = FakePrincipal(label)

    Client(LocalChannel(world.session(trusted=False), lambda: NOW), uname=label, ticket="a ticket")

    assert world.gate.attached == [(label, "a ticket", False)]


def test_a_client_that_is_not_admitted_raises(world: World) -> None:
    with pytest.raises(P9Error) as refusal:
        Client(LocalChannel(world.session(), lambda: NOW), uname="nobody")

    assert refusal.value.ecode == errno.EPERM


def test_read_brings_everything(client: Client) -> None:
    assert client.read("/proc/boot") == BOOT


@pytest.mark.parametrize("size", [0, 1, 8167, 8168, 8169, 20_000])
@pytest.mark.parametrize("msize", [256, 8192])
def test_read_brings_everything_whatever_the_pieces(world: World, msize: int, size: int) -> None:
    world.log.append(bytes(byte % 251 for byte in range(size)), NOW)
    client = Client(LocalChannel(world.session(), lambda: NOW), msize=msize)

    assert client.read("/log/queen.log") == world.log.retained()


def test_a_file_is_read_at_any_offset_no_more_than_one_payload_at_a_time(
    world: World, client: Client
) -> None:
    world.log.append(bytes(20_000), NOW)
    with client.open("/proc/boot") as boot, client.open("/log/queen.log") as log:
        assert boot.read(3, 4) == BOOT[3:7]
        assert boot.read(100, 4) == b""
        assert len(log.read(0, 20_000)) == 8168


def test_append_is_one_write_at_the_end(world: World, client: Client) -> None:
    assert client.append("/log/queen.log", b"one\n") == 4
    assert client.append("log/queen.log", b"two\n") == 4

    assert client.read("/log/queen.log") == b"one\ntwo\n"


def test_a_file_opened_for_both_reads_what_it_wrote(client: Client) -> None:
    with client.open("/log/queen.log", os.O_RDWR) as file:
        file.write(b"abc", 0)
        assert file.read_all() == b"abc"


def test_stat_tells_mode_and_size(session: Session, client: Client) -> None:
    before = fids(session)

    attributes = client.stat("/proc/boot")

    assert (attributes.mode, attributes.size) == (0o100444, len(BOOT))
    assert fids(session) == before


def test_names_come_sorted(client: Client) -> None:
    assert client.names("/") == ["log", "proc", "queen", "worker"]
    assert client.names("/log") == ["queen.log", "sealed"]


@pytest.mark.parametrize("msize", [256, 8192])
def test_entries_come_whole_however_many_pieces_they_take(world: World, msize: int) -> None:
    for number in range(300):
        world.workers.add(Directory(("worker", f"w{number:03}")))
    client = Client(LocalChannel(world.session(), lambda: NOW), msize=msize)

    entries = list(client.entries("/worker"))

    assert [entry.name for entry in entries] == [f"w{number:03}" for number in range(300)] + ["worker-1"]
    assert [entry.offset for entry in entries] == list(range(1, 302))


@pytest.mark.parametrize(
    ("path", "flags", "name"),
    [
        ("/nobody", os.O_RDONLY, "ENOENT"),
        ("/proc/nobody", os.O_RDONLY, "ENOENT"),
        ("/proc/nobody/x", os.O_RDONLY, "ENOENT"),
        ("/proc/boot/x", os.O_RDONLY, "ENOTDIR"),
        ("/proc/..", os.O_RDONLY, "EINVAL"),
        ("/proc/" + "a" * 65, os.O_RDONLY, "ENAMETOOLONG"),
        ("/a/a/a/a/a/a/a/a/a", os.O_RDONLY, "EINVAL"),
        ("/proc/boot", os.O_WRONLY, "EPERM"),
        ("/proc", os.O_RDWR, "EISDIR"),
        ("/proc/boot", os.O_DIRECTORY, "ENOTDIR"),
    ],
)
def test_a_refused_open_raises_its_errno_and_leaves_no_fid(
    session: Session, client: Client, path: str, flags: int, name: str
) -> None:
    before = fids(session)

    with pytest.raises(P9Error) as refusal:
        client.open(path, flags)

    assert ERRNOS[refusal.value.ecode] == name
    assert fids(session) == before


def test_a_refused_stat_leaves_no_fid(world: World, session: Session, client: Client) -> None:
    world.gate.principals["queen"].refusals["check"] = P9Error(errno.ESTALE, "no")
    before = fids(session)

    with pytest.raises(P9Error):
        client.stat("/proc/boot")

    assert fids(session) == before


def test_a_file_is_clunked_though_its_user_fails(session: Session, client: Client) -> None:
    before = fids(session)

    with pytest.raises(ZeroDivisionError), client.open("/proc/boot"):
        raise ZeroDivisionError

    assert fids(session) == before


class Meddling:
    """A channel behind which something happens after each walk to `names`."""

    def __init__(self, session: Session, names: tuple[str, ...], happens: Callable[[], None]) -> None:
        self._channel = LocalChannel(session, lambda: NOW)
        self._names = names
        self._happens = happens

    def call(self, request: Any) -> Any:
        reply = self._channel.call(request)
        if getattr(request, "names", ()) == self._names:
            self._happens()
        return reply

    def call_many(self, requests: Sequence[Any]) -> list[Any]:
        return one_by_one(self.call, requests)

    def close(self) -> None:
        self._channel.close()


def test_a_walk_that_meets_a_name_made_meanwhile_says_it_was_missing(world: World) -> None:
    """The server stopped at a name that is there by the time the client asks what is wrong with it."""
    session = world.session(Profile.LINUX)
    late = Directory(("worker", "late"))
    client = Client(Meddling(session, ("worker", "late"), lambda: world.workers.add(late)))
    before = fids(session)

    with pytest.raises(P9Error, match="late not found"):
        client.walk("/worker/late")

    assert fids(session) == before
    assert world.workers.walk("late") is late


def test_a_walk_whose_parents_vanish_meanwhile_says_that_the_name_is_missing(world: World) -> None:
    """The server stopped below a directory that is no more when the client asks what is wrong there."""
    session = world.session(Profile.LINUX)
    client = Client(Meddling(session, ("worker", "worker-1", "nobody"), world.kill))
    before = fids(session)

    with pytest.raises(P9Error, match="nobody not found"):
        client.walk("/worker/worker-1/nobody")

    assert fids(session) == before


def test_numbers_are_used_without_gaps_though_walks_are_refused(world: World) -> None:
    """A strict session remembers spans of clunked numbers: looking for what is absent must not cost any."""
    session = world.session(limits=SessionLimits(fids=8))
    client = Client(LocalChannel(session, lambda: NOW))
    for _ in range(20):
        with pytest.raises(P9Error):
            client.walk("/nobody")
        client.read("/proc/boot")

    retired = session._fids._retired
    assert retired is not None
    assert len(retired) == 1


def test_a_walk_that_falls_short_leaves_its_number_free(world: World) -> None:
    client = Client(LocalChannel(world.session(Profile.LINUX), lambda: NOW))
    before = client.walk("/proc")

    with pytest.raises(P9Error):
        client.walk("/proc/nobody")

    # One number went to the directory from which the missing name was asked for again.
    assert client.walk("/proc") == before + 2


def test_a_closed_file_is_a_bad_descriptor_without_asking(world: World, client: Client) -> None:
    with client.open("/log/queen.log", os.O_RDWR) as log:
        pass

    uses: list[Callable[[], object]] = [
        lambda: log.read(0, 1), log.read_all, lambda: log.write(b"x"), lambda: log.write_all(b"x")
    ]  # fmt: skip
    for use in uses:
        with pytest.raises(P9Error, match=r"^EBADF: the file is closed$"):
            use()
    assert world.audit.lines == []


def test_close_ends_the_session(session: Session, client: Client) -> None:
    client.close()

    assert session.closed
    with pytest.raises(P9Error) as refusal:
        client.read("/proc/boot")
    assert refusal.value.ecode == errno.ESTALE
