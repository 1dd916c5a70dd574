"""Open, read, write, list and stat: modes, bounds, permits, and handles on what has vanished.

Part of the tests of `ninedoor.session.session`, beside `test_session.py`.
"""

import errno
import os
import stat
from collections.abc import Callable
from typing import Any

import pytest

from ninedoor import limits
from ninedoor.errors import P9Error
from ninedoor.session.session import SessionLimits
from ninedoor.tree.blob import BlobFile, Held, Reader
from ninedoor.tree.directory import Directory
from ninedoor.tree.stream import StreamHandle
from ninedoor.wire import messages as m
from ninedoor.wire.codec import decode_dirents
from ninedoor.wire.types import Dirent, Fid
from tests.session.fakes import BOOT, NOW, READ_ONLY, READ_WRITE, WRITE_ONLY, FakePrincipal, Peer, World

LOG = ("log", "queen.log")
TELEMETRY = ("worker", "worker-1", "telemetry")
APPEND = limits.APPEND_OFFSET


@pytest.fixture
def worker(world: World) -> FakePrincipal:
    """Whom `metered` attaches as."""
    principal = FakePrincipal("worker-heartbeat:worker-1", metered=True)
    world.gate.principals[principal.label] = principal
    return principal


@pytest.fixture
def metered(world: World, worker: FakePrincipal) -> Peer:
    """Attached with fid 0, every transfer asked about."""
    return Peer(world.session()).version().attach(0, worker.label)


def entries(peer: Peer, fid: int, offset: int = 0, count: int = 8192) -> tuple[Dirent, ...]:
    return decode_dirents(peer.ask(m.Treaddir(Fid(fid), offset, count)).data)


# -- open


def test_open_gives_the_qid_and_the_payload_both_sides_agree_on(world: World, either: Peer) -> None:
    reply = either.open(1, READ_ONLY, "proc", "boot")

    assert reply == m.Rlopen(world.tree.root.walk("proc").walk("boot").qid, 8192 - 24)


def test_the_payload_follows_the_msize(world: World) -> None:
    peer = Peer(world.session()).version(1000).attach()

    assert peer.open(1, READ_ONLY, "proc", "boot").iounit == 976


def test_open_refuses_a_fid_that_is_not(either: Peer) -> None:
    assert either.refused(m.Tlopen(Fid(9), 0)) == "ENOENT"


def test_open_refuses_flags_without_an_access_mode(either: Peer) -> None:
    either.walk(1, *LOG)

    assert either.refused(m.Tlopen(Fid(1), os.O_ACCMODE)) == "EINVAL"


@pytest.mark.parametrize("flags", [WRITE_ONLY, READ_WRITE, WRITE_ONLY | os.O_APPEND | os.O_TRUNC])
@pytest.mark.parametrize(
    ("path", "name"),
    [((), "EISDIR"), (("proc",), "EISDIR"), (("proc", "boot"), "EPERM"), (("log", "sealed"), "EPERM")],
)
def test_only_append_only_files_open_for_writing(
    either: Peer, path: tuple[str, ...], name: str, flags: int
) -> None:
    either.walk(1, *path)

    assert either.refused(m.Tlopen(Fid(1), flags)) == name


@pytest.mark.parametrize(
    "flags", [os.O_CREAT, os.O_CREAT | os.O_LARGEFILE, os.O_EXCL, os.O_NONBLOCK, os.O_APPEND, os.O_NOFOLLOW]
)
def test_flags_that_change_nothing_are_ignored(either: Peer, flags: int) -> None:
    """The Linux client leaves them in for files that exist."""
    either.open(1, flags | READ_ONLY, "proc", "boot")
    either.open(2, flags | READ_WRITE, *LOG)


def test_truncation_is_ignored_on_append_only_files_and_refused_elsewhere(world: World, either: Peer) -> None:
    world.log.append(b"kept", NOW)
    either.open(1, READ_WRITE | os.O_TRUNC, *LOG)
    assert either.read(1) == b"kept"

    either.walk(2, "proc", "boot")
    assert either.refused(m.Tlopen(Fid(2), READ_ONLY | os.O_TRUNC)) == "EPERM"


class Placed:
    """A file of a few bytes (`ninedoor.tree.blob.Content`) that remembers where it was written."""

    def __init__(self) -> None:
        self.writes: list[tuple[int, bytes]] = []

    def held(self) -> Held:
        return Held(False, 4)

    def reader(self, now: float) -> Reader:
        raise AssertionError("it is not committed")

    def write(self, offset: int, data: bytes, now: float) -> int:
        self.writes.append((offset, data))
        return len(data)

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]:
        return wake


@pytest.mark.parametrize(
    ("flags", "offset"),
    [
        (WRITE_ONLY, 7),
        (WRITE_ONLY | os.O_TRUNC, 7),
        (READ_WRITE | os.O_TRUNC, 7),
        (WRITE_ONLY | os.O_APPEND, limits.APPEND_OFFSET),
        (WRITE_ONLY | os.O_APPEND | os.O_TRUNC, limits.APPEND_OFFSET),
    ],
)
def test_who_cuts_a_file_that_judges_rewriting_says_where_its_bytes_belong(
    world: World, either: Peer, flags: int, offset: int
) -> None:
    content = Placed()
    world.tree.add(BlobFile(("log", "placed"), content))
    either.open(1, flags, "log", "placed")
    either.write(1, b"data", 7)

    assert content.writes == [(offset, b"data")]


def test_such_a_file_may_be_cut_to_nothing_or_to_what_it_has(world: World, either: Peer) -> None:
    world.tree.add(BlobFile(("log", "placed"), Placed()))
    either.open(1, WRITE_ONLY, "log", "placed")

    for size in (0, 4):
        assert either.ask(m.Tsetattr(Fid(1), 8, 0, 0, 0, size, 0, 0, 0, 0)) == m.Rsetattr()
    assert either.refused(m.Tsetattr(Fid(1), 8, 0, 0, 0, 5, 0, 0, 0, 0)) == "EPERM"
    assert either.ask(m.Tsetattr(Fid(1), 0x20, 0, 0, 0, 0, 0, 0, 0, 0)) == m.Rsetattr()


# -- create: as open(2) with O_CREAT


def test_what_exists_is_opened_by_a_create(world: World, either: Peer) -> None:
    """p9fs creates every file before it writes to it."""
    either.walk(1, *LOG[:-1])

    reply = either.ask(m.Tlcreate(Fid(1), LOG[-1], WRITE_ONLY | os.O_CREAT | os.O_TRUNC, 0o644, 0))

    assert reply == m.Rlcreate(world.tree.root.walk("log").walk("queen.log").qid, 8192 - 24)
    assert either.write(1, b"line\n") == 5
    assert either.ask(m.Tgetattr(Fid(1), 0)).size == 5
    assert world.log.read(0, 100) == b"line\n"


@pytest.mark.parametrize(
    ("path", "name", "flags", "refusal"),
    [
        (("log",), "nobody", WRITE_ONLY, "EPERM"),
        (("log",), "queen.log", WRITE_ONLY | os.O_EXCL, "EPERM"),
        (("log",), "sealed", WRITE_ONLY, "EPERM"),
        (("proc",), "boot", WRITE_ONLY | os.O_TRUNC, "EPERM"),
        ((), "proc", WRITE_ONLY, "EISDIR"),
        (("log",), "..", WRITE_ONLY, "EINVAL"),
        (("log",), "x" * 65, WRITE_ONLY, "ENAMETOOLONG"),
        (("proc", "boot"), "below", WRITE_ONLY, "EPERM"),
    ],
)
def test_a_create_that_is_refused_leaves_the_fid_where_it_was(
    either: Peer, path: tuple[str, ...], name: str, flags: int, refusal: str
) -> None:
    either.walk(1, *path)
    before = either.ask(m.Tgetattr(Fid(1), 0))

    assert either.refused(m.Tlcreate(Fid(1), name, flags | os.O_CREAT, 0o644, 0)) == refusal

    assert either.ask(m.Tgetattr(Fid(1), 0)) == before
    assert either.refused(m.Tread(Fid(1), 0, 1)) == "EINVAL"


@pytest.mark.parametrize("question", ["walk", "open"])
def test_a_create_asks_what_a_walk_and_an_open_ask(
    world: World, worker: FakePrincipal, metered: Peer, question: str
) -> None:
    metered.walk(1, *LOG[:-1])
    worker.refusals[question] = P9Error(errno.EPERM, "not yours")

    assert metered.refused(m.Tlcreate(Fid(1), LOG[-1], WRITE_ONLY, 0o644, 0)) == "EPERM"
    assert world.audit.lines[-1].reason == "not yours"


SIZE, MTIME, CTIME = 0x8, 0x20, 0x40
CHANGES = {"mode": 0x1, "uid": 0x2, "gid": 0x4, "atime": 0x10, "a given atime": 0x90, "a given mtime": 0x120}


def setattr_of(fid: int, valid: int, size: int = 0) -> m.Tsetattr:
    return m.Tsetattr(Fid(fid), valid, 0o600, 1, 1, size, 0, 0, 0, 0)


@pytest.mark.parametrize("valid", [SIZE, SIZE | MTIME | CTIME, MTIME, MTIME | CTIME])
def test_truncation_after_the_open_is_ignored_as_in_it(world: World, either: Peer, valid: int) -> None:
    """The 9P client of Linux opens for `>` without O_TRUNC and cuts the open file afterwards."""
    offsets = offsets_seen(world)
    either.open(1, WRITE_ONLY, *TELEMETRY)

    assert either.ask(setattr_of(1, valid)) == m.Rsetattr()
    either.write(1, b"x", 0)

    assert offsets == [APPEND if valid & SIZE else 0]
    assert world.audit.lines == []


@pytest.mark.parametrize("size", [1, limits.APPEND_OFFSET])
def test_a_file_is_cut_to_nothing_or_not_at_all(world: World, either: Peer, size: int) -> None:
    either.open(1, WRITE_ONLY, *LOG)

    assert either.refused(setattr_of(1, SIZE, size)) == "EPERM"
    assert world.audit.lines[-1].operation == "Tsetattr"


def test_only_what_has_a_file_open_for_writing_truncates_it(either: Peer) -> None:
    either.walk(1, *LOG)
    either.open(2, READ_ONLY, *LOG)

    assert either.refused(setattr_of(1, SIZE)) == "EPERM"
    assert either.refused(setattr_of(2, SIZE | MTIME | CTIME)) == "EPERM"


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_else_is_changed_along_with_the_size(either: Peer, change: str) -> None:
    either.open(1, WRITE_ONLY, *LOG)

    for also in (0, SIZE, MTIME):
        assert either.refused(setattr_of(1, CHANGES[change] | also)) == "EPERM"


def test_the_modification_time_is_set_to_now_by_who_may_write_which_changes_nothing(
    world: World, worker: FakePrincipal, metered: Peer, either: Peer
) -> None:
    """QEMU does this by a path of its own before it truncates."""
    for fid, path in enumerate((LOG, TELEMETRY), 1):
        either.walk(fid, *path)
        before = either.ask(m.Tgetattr(Fid(fid), 0))
        assert either.ask(setattr_of(fid, MTIME)) == m.Rsetattr()
        assert either.ask(m.Tgetattr(Fid(fid), 0)) == before

    either.walk(3, "proc", "boot")
    either.walk(4, "log", "sealed")
    metered.walk(1, *LOG)
    worker.refusals["open"] = P9Error(errno.EPERM, "not yours")
    assert either.refused(setattr_of(0, MTIME)) == "EPERM"
    assert either.refused(setattr_of(3, MTIME)) == "EPERM"
    assert either.refused(setattr_of(4, MTIME)) == "EPERM"
    assert metered.refused(setattr_of(1, MTIME)) == "EPERM"


def test_a_file_is_no_directory_though_asked_for_as_one(either: Peer) -> None:
    either.walk(1, "proc", "boot")
    assert either.refused(m.Tlopen(Fid(1), os.O_DIRECTORY)) == "ENOTDIR"

    either.open(2, os.O_DIRECTORY, "proc")


def test_open_refuses_what_is_gone(world: World, either: Peer) -> None:
    either.walk(1, *TELEMETRY)
    world.kill()

    assert either.refused(m.Tlopen(Fid(1), 0)) == "ESTALE"


def test_opening_again_replaces_the_mode(world: World, either: Peer) -> None:
    either.open(1, READ_ONLY, *LOG)
    assert either.refused(m.Twrite(Fid(1), 0, b"x")) == "EPERM"

    either.open(1, WRITE_ONLY)
    assert either.refused(m.Tread(Fid(1), 0, 1)) == "EPERM"
    either.write(1, b"x")


def test_opening_again_closes_what_was_open(
    world: World, either: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[object] = []
    monkeypatch.setattr(StreamHandle, "close", lambda handle: closed.append(handle))
    either.open(1, READ_ONLY, *LOG)

    either.open(1, READ_WRITE)
    assert len(closed) == 1

    either.clunk(1)
    assert len(set(map(id, closed))) == 2


def test_a_refused_open_leaves_the_fid_as_it_was(world: World, either: Peer) -> None:
    world.log.append(b"abc", NOW)
    either.open(1, READ_ONLY, *LOG)
    world.gate.principals["queen"].refusals["open"] = P9Error(errno.EPERM, "no")

    assert either.refused(m.Tlopen(Fid(1), WRITE_ONLY)) == "EPERM"

    assert either.read(1) == b"abc"


def test_the_gate_is_asked_before_the_node(world: World, either: Peer) -> None:
    queen = world.gate.principals["queen"]
    either.walk(1, "log", "sealed")
    queen.asked.clear()

    assert either.refused(m.Tlopen(Fid(1), READ_WRITE)) == "EPERM"

    assert queen.asked == [("open", ("log", "sealed"), 3)]
    assert world.audit.lines[-1].reason == "only the server appends here"


# -- read


def test_reads_are_slices_of_the_content(either: Peer) -> None:
    either.open(1, READ_ONLY, "proc", "boot")

    assert either.read(1, 0, 3) == BOOT[:3]
    assert either.read(1, 3, 4) == BOOT[3:7]
    assert either.read(1, len(BOOT) - 1, 100) == BOOT[-1:]
    assert either.read(1, 0, 0) == b""


@pytest.mark.parametrize("offset", [len(BOOT), len(BOOT) + 1, 1 << 40, APPEND])
def test_reads_past_the_end_bring_nothing(either: Peer, offset: int) -> None:
    either.open(1, READ_ONLY, "proc", "boot")

    assert either.read(1, offset, 8192) == b""


@pytest.mark.parametrize("msize", [256, 8192])
def test_a_reply_never_exceeds_the_msize(world: World, msize: int) -> None:
    world.log.append(bytes(20_000), NOW)
    peer = Peer(world.session()).version(msize).attach()
    peer.open(1, READ_ONLY, *LOG)

    assert len(peer.read(1, 0, 0xFFFFFFFF)) == msize - 11


def test_read_refuses_fids_it_cannot_read(world: World, either: Peer) -> None:
    either.walk(1, *LOG)
    either.open(2, WRITE_ONLY, *LOG)
    either.open(3, READ_ONLY, "proc")

    names = [either.refused(m.Tread(Fid(fid), 0, 1)) for fid in (1, 2, 3, 9)]

    assert names == ["EINVAL", "EPERM", "EISDIR", "ENOENT"]
    assert [line.reason for line in world.audit.lines] == [
        "fid must be opened before read",
        "fid opened without read permission",
        "is a directory: read it with Treaddir",
        "fid 9 not found",
    ]


# -- write


def test_a_write_reaches_the_node_with_its_writer(world: World, either: Peer) -> None:
    either.open(1, WRITE_ONLY, *LOG)

    assert either.write(1, b"line\n") == 5
    assert either.write(1, b"") == 0

    assert world.written == [("queen", b"line\n", either.session), ("queen", b"", either.session)]


@pytest.mark.parametrize("flags", [os.O_APPEND, os.O_TRUNC, os.O_APPEND | os.O_TRUNC])
def test_writers_that_append_or_truncated_write_at_the_end_whatever_they_say(
    world: World, either: Peer, flags: int
) -> None:
    offsets = offsets_seen(world)
    either.open(1, WRITE_ONLY | flags, *TELEMETRY)

    either.write(1, b"x", 0)
    either.write(1, b"x", 77)

    assert offsets == [APPEND, APPEND]


def test_other_writers_offsets_reach_the_node(world: World, either: Peer) -> None:
    offsets = offsets_seen(world)
    either.open(1, WRITE_ONLY | os.O_APPEND, *TELEMETRY)
    either.open(1, WRITE_ONLY)

    either.write(1, b"x", 0)
    either.write(1, b"x", APPEND)

    assert offsets == [0, APPEND]


def offsets_seen(world: World) -> list[int]:
    """What the telemetry node is given from now on."""
    offsets: list[int] = []
    node: Any = world.workers.walk("worker-1").walk("telemetry")

    def append(offset: int, data: bytes, caller: object, now: float) -> int:
        offsets.append(offset)
        return len(data)

    node._append = append
    return offsets


@pytest.mark.parametrize(("mask", "valid"), [(0, 0x7FF), (0x7FF, 0x7FF), (0x2000, 0x27FF), (0x3FFF, 0x27FF)])
def test_the_data_version_is_the_offset_of_the_oldest_byte(
    world: World, either: Peer, mask: int, valid: int
) -> None:
    world.log.append(bytes(world.log.capacity + 5), NOW)
    either.walk(1, *LOG)

    reply = either.ask(m.Tgetattr(Fid(1), mask))

    assert (reply.valid, reply.data_version, reply.gen) == (valid, 5, 0)


def test_a_write_over_the_msize_is_refused_whole(world: World) -> None:
    peer = Peer(world.session()).version(256).attach()
    peer.open(1, WRITE_ONLY, *LOG)

    assert peer.refused(m.Twrite(Fid(1), 0, bytes(234))) == "EMSGSIZE"
    assert world.written == []
    assert peer.write(1, bytes(233)) == 233


def test_write_refuses_fids_it_cannot_write(world: World, either: Peer) -> None:
    either.walk(1, *LOG)
    either.open(2, READ_ONLY, *LOG)
    either.open(3, READ_ONLY, "proc")

    names = [either.refused(m.Twrite(Fid(fid), 0, b"x")) for fid in (1, 2, 3, 9)]

    assert names == ["EINVAL", "EPERM", "EINVAL", "ENOENT"]
    assert world.written == []


# -- handles on what has vanished


def test_handles_on_a_vanished_node_are_stale(world: World, either: Peer) -> None:
    either.open(1, READ_WRITE, *TELEMETRY)
    either.open(2, READ_ONLY, *TELEMETRY[:2])
    world.kill()

    for request in (
        m.Tread(Fid(1), 0, 1),
        m.Twrite(Fid(1), 0, b"x"),
        m.Tgetattr(Fid(1), 0),
        m.Tlopen(Fid(1), 0),
        m.Treaddir(Fid(2), 0, 100),
        m.Tgetattr(Fid(2), 0),
    ):
        assert either.refused(request) == "ESTALE"
        assert world.audit.lines[-1].reason == "killed by queen"
    assert world.written == []
    either.clunk(1)


# -- permits


def test_each_transfer_is_asked_for_and_accounted(worker: FakePrincipal, metered: Peer, world: World) -> None:
    world.log.append(b"abcdef", NOW)
    metered.open(1, READ_WRITE, *LOG)
    metered.open(2, READ_ONLY, "proc")
    worker.asked.clear()

    metered.read(1, 2, 100)
    metered.write(1, b"xyz")
    entries(metered, 2, 0, 100)

    transfers = [("read", 2, 100), ("moved", 4), ("write", 3), ("moved", 3), ("read", 0, 100), ("moved", 28)]
    assert worker.asked == transfers


TRANSFERS = [m.Tread(Fid(1), 0, 10), m.Twrite(Fid(1), 0, b"x"), m.Treaddir(Fid(2), 0, 100)]


@pytest.mark.parametrize("request_", TRANSFERS)
def test_a_principal_pays_once_for_each_transfer_and_before_its_permit_is_asked(
    worker: FakePrincipal, metered: Peer, request_: Any
) -> None:
    worker.paying = True
    metered.open(1, READ_WRITE, *LOG)
    metered.open(2, READ_ONLY, "proc")
    worker.asked.clear()

    metered.ask(request_)

    asked = [details[0] for details in worker.asked]
    assert asked[0] == "pay"
    assert asked[1] in ("read", "write")
    assert asked.count("pay") == 1


@pytest.mark.parametrize("metered_too", [True, False])
@pytest.mark.parametrize("request_", TRANSFERS)
def test_who_cannot_pay_transfers_nothing(
    worker: FakePrincipal, metered: Peer, world: World, request_: Any, metered_too: bool
) -> None:
    worker.paying, worker.metered = True, metered_too
    metered.open(1, READ_WRITE, *LOG)
    metered.open(2, READ_ONLY, "proc")
    worker.refusals["pay"] = P9Error(errno.ESTALE, "nothing left")

    assert metered.refused(request_) == "ESTALE"
    assert world.log.next == 0


def test_a_permit_is_asked_for_no_more_than_can_be_moved(worker: FakePrincipal, metered: Peer) -> None:
    metered.open(1, READ_ONLY, *LOG)
    metered.open(2, READ_ONLY, "proc")
    worker.asked.clear()

    metered.read(1, 0, 0xFFFFFFFF)
    entries(metered, 2, 0, 0xFFFFFFFF)

    asked = [details for details in worker.asked if details[0] == "read"]
    assert asked == [("read", 0, 8181), ("read", 0, 8181)]


@pytest.mark.parametrize(
    ("question", "request_"),
    [
        ("read", m.Tread(Fid(1), 0, 10)),
        ("write", m.Twrite(Fid(1), 0, b"x")),
        ("read", m.Treaddir(Fid(2), 0, 100)),
    ],
)
def test_a_refused_transfer_moves_nothing(
    worker: FakePrincipal, metered: Peer, world: World, question: str, request_: Any
) -> None:
    metered.open(1, READ_WRITE, *LOG)
    metered.open(2, READ_ONLY, "proc")
    worker.refusals[question] = P9Error(errno.EDQUOT, "ELIMIT")
    worker.asked.clear()

    assert metered.refused(request_) == "EDQUOT"

    assert [asked[0] for asked in worker.asked] == [question]
    assert world.written == []
    assert world.audit.lines[-1][:3] == (worker.label, "mark", type(request_).__name__)


@pytest.mark.parametrize("request_", [m.Tgetattr(Fid(0), 0), m.Tstatfs(Fid(0)), m.Tfsync(Fid(0), 0)])
def test_a_revoked_principal_learns_nothing_more_from_fids_it_holds(
    worker: FakePrincipal, metered: Peer, request_: Any
) -> None:
    worker.refusals["check"] = P9Error(errno.ESTALE, "killed by queen")

    assert metered.refused(request_) == "ESTALE"


def test_a_revoked_principal_may_clunk(worker: FakePrincipal, metered: Peer) -> None:
    for question in ("check", "walk", "open", "read", "write"):
        worker.refusals[question] = P9Error(errno.ESTALE, "killed by queen")

    metered.clunk(0)


# -- listing


def test_a_listing_names_every_child_with_its_qid_type_and_the_offset_after_it(
    world: World, either: Peer
) -> None:
    either.open(1, READ_ONLY, "log")
    log = world.tree.root.walk("log")

    assert entries(either, 1) == (
        Dirent(log.walk("queen.log").qid, 1, stat.S_IFREG >> 12, "queen.log"),
        Dirent(log.walk("sealed").qid, 2, stat.S_IFREG >> 12, "sealed"),
    )


def test_directories_are_listed_as_such(either: Peer) -> None:
    either.walk(1)
    either.open(1)

    assert {entry.type for entry in entries(either, 1)} == {stat.S_IFDIR >> 12}


def test_a_listing_goes_on_at_any_offset_it_gave(either: Peer) -> None:
    either.walk(1)
    either.open(1)
    whole = entries(either, 1)

    for entry in whole:
        assert entries(either, 1, entry.offset) == whole[entry.offset :]
    assert entries(either, 1, 1 << 63) == ()


@pytest.mark.parametrize("msize", [256, 1024, 8192])
def test_a_long_listing_comes_whole_in_pieces_within_the_msize(world: World, msize: int) -> None:
    names = sorted(f"worker-{number}" for number in range(2, 400))
    for name in names:
        world.workers.add(Directory(("worker", name)))
    peer = Peer(world.session()).version(msize).attach()
    peer.open(1, READ_ONLY, "worker")
    listed: list[str] = []
    offset = 0

    while True:
        data = peer.ask(m.Treaddir(Fid(1), offset, 0xFFFFFFFF)).data
        assert len(data) <= msize - 11
        if not data:
            break
        records = decode_dirents(data)
        listed += [record.name for record in records]
        offset = records[-1].offset

    assert listed == sorted([*names, "worker-1"])


def test_a_count_too_small_for_the_next_entry_is_refused_rather_than_taken_for_the_end(either: Peer) -> None:
    either.open(1, READ_ONLY, "proc")

    assert either.refused(m.Treaddir(Fid(1), 0, 24 + 3)) == "EINVAL"
    assert [entry.name for entry in entries(either, 1, 0, 24 + 4)] == ["boot"]
    assert entries(either, 1, 1, 0) == ()


def test_one_pass_over_a_directory_is_consistent_though_it_changes(world: World, either: Peer) -> None:
    world.workers.add(Directory(("worker", "worker-2")))
    either.open(1, READ_ONLY, "worker")
    (first,) = entries(either, 1, 0, 40)
    world.workers.add(Directory(("worker", "worker-3")))
    world.kill()

    assert first.name == "worker-1"
    assert [entry.name for entry in entries(either, 1, first.offset)] == ["worker-2"]
    assert [entry.name for entry in entries(either, 1)] == ["worker-2", "worker-3"]


def test_readdir_refuses_fids_that_are_no_open_directories(either: Peer) -> None:
    either.walk(1, "proc")
    either.open(2, READ_ONLY, "proc", "boot")

    assert either.refused(m.Treaddir(Fid(1), 0, 100)) == "ENOTDIR"
    assert either.refused(m.Treaddir(Fid(2), 0, 100)) == "ENOTDIR"
    assert either.refused(m.Treaddir(Fid(9), 0, 100)) == "ENOENT"


def test_listings_that_are_kept_are_bounded_and_the_oldest_is_made_anew(
    either: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LISTED_ENTRIES_MAX", 4)
    for fid in (1, 2, 3):
        either.open(fid, READ_ONLY, "log")
        whole = entries(either, fid)

    held = [either.session._live[fid].listing for fid in (1, 2, 3)]
    assert held == [[], list(whole), list(whole)]
    assert entries(either, 1, whole[0].offset) == whole[1:]


def test_a_listing_read_to_its_end_is_let_go_of(world: World, either: Peer) -> None:
    either.open(1, READ_ONLY, "log")
    held = either.session._live[1]
    last = entries(either, 1)[-1]
    assert held.listing

    assert entries(either, 1, last.offset) == ()

    assert held.listing == []
    assert held.is_open


def test_a_reader_may_go_back_in_a_listing_it_has_read_to_its_end(either: Peer) -> None:
    """As seekdir(3) does."""
    either.walk(1)
    either.open(1)
    whole = entries(either, 1)
    assert entries(either, 1, whole[-1].offset) == ()

    assert entries(either, 1, whole[1].offset) == whole[2:]
    assert entries(either, 1) == whole


def test_an_empty_directory_lists_nothing(world: World, either: Peer) -> None:
    world.tree.directory(("empty",))
    either.open(1, READ_ONLY, "empty")

    assert entries(either, 1) == ()


# -- stat


def test_stat_shows_mode_size_times_and_the_owner_of_the_session(world: World, either: Peer) -> None:
    world.log.append(b"x" * 513, 12.25)
    either.walk(1, *LOG)

    reply = either.ask(m.Tgetattr(Fid(1), 0))

    assert reply == m.Rgetattr(
        0x7FF, world.tree.root.walk("log").walk("queen.log").qid, stat.S_IFREG | 0o644, 7, 8, 1, 0, 513,
        4096, 2, 12, 250_000_000, 12, 250_000_000, 12, 250_000_000, 0, 0, 0, 0,
    )  # fmt: skip


def test_stat_again_shows_what_has_changed_and_what_was_asked(world: World, either: Peer) -> None:
    either.open(1, WRITE_ONLY, *LOG)
    first = either.ask(m.Tgetattr(Fid(1), 0))
    assert either.ask(m.Tgetattr(Fid(1), 0)) == first

    either.write(1, b"more")
    second = either.ask(m.Tgetattr(Fid(1), 0))

    assert (first.size, second.size) == (0, 4)
    assert second.qid.version != first.qid.version
    assert either.ask(m.Tgetattr(Fid(1), 0x2000)).valid != second.valid
    either.ask(m.Twalk(Fid(0), Fid(2), ()))
    either.ask(m.Twalk(Fid(2), Fid(2), ("proc", "boot")))
    assert either.ask(m.Tgetattr(Fid(2), 0)).size == len(BOOT)


def test_stat_of_a_directory(either: Peer) -> None:
    reply = either.ask(m.Tgetattr(Fid(0), 0xFFFFFFFFFFFFFFFF))

    assert (reply.mode, reply.nlink, reply.size, reply.blocks) == (stat.S_IFDIR | 0o555, 2, 0, 0)
    assert reply.mtime_sec == int(NOW)


def test_stat_refuses_a_fid_that_is_not(either: Peer) -> None:
    assert either.refused(m.Tgetattr(Fid(9), 0)) == "ENOENT"


def test_the_smallest_msize_carries_every_reply(world: World) -> None:
    peer = Peer(world.session(limits=SessionLimits(msize=256))).version(256).attach()

    peer.ask(m.Tgetattr(Fid(0), 0))
    peer.ask(m.Tstatfs(Fid(0)))
