"""The life of a session, its refusals and what it tells beside its replies.

What it does with names is in `test_session_names.py`, with files in `test_session_files.py`.
"""

import errno
from collections.abc import Callable
from typing import Any, get_type_hints

import pytest

from ninedoor import limits
from ninedoor.errors import P9Error
from ninedoor.session.fids import Profile
from ninedoor.session.session import Session, SessionLimits
from ninedoor.wire import messages as m
from ninedoor.wire.types import Fid, Tag
from tests.mutate import sample
from tests.session.fakes import NOW, READ_WRITE, FakePrincipal, Peer, World

NOFID = Fid(limits.NOFID)


# -- version


@pytest.mark.parametrize(
    ("asked", "given"), [(256, 256), (4096, 4096), (8192, 8192), (8193, 8192), (0xFFFFFFFF, 8192)]
)
def test_version_settles_on_the_smaller_msize(world: World, asked: int, given: int) -> None:
    session = world.session()

    assert Peer(session).ask(m.Tversion(asked, "9P2000.L")) == m.Rversion(given, "9P2000.L")
    assert session.msize == given


def test_version_never_exceeds_what_the_manifest_allows(world: World) -> None:
    peer = Peer(world.session(limits=SessionLimits(msize=1024)))

    assert peer.ask(m.Tversion(8192, "9P2000.L")).msize == 1024


def test_version_refuses_an_msize_that_carries_nothing_useful(world: World) -> None:
    assert Peer(world.session()).refused(m.Tversion(limits.MSIZE_MIN - 1, "9P2000.L")) == "EINVAL"


@pytest.mark.parametrize("text", ["", "9P2000", "9P2000.u", "9p2000.l", "9P2000.L ", "9P2000.Lx", "unknown"])
@pytest.mark.parametrize("profile", Profile)
def test_version_refuses_other_dialects(world: World, profile: Profile, text: str) -> None:
    assert Peer(world.session(profile)).refused(m.Tversion(8192, text)) == "EINVAL"
    assert world.audit.lines[-1].reason == f"unsupported version {text}"


def test_an_extension_of_the_dialect_is_answered_with_the_dialect_in_the_linux_profile(world: World) -> None:
    offer = m.Tversion(8192, "9P2000.L.Google.7")

    assert Peer(world.session(Profile.LINUX)).ask(offer).version == "9P2000.L"
    assert Peer(world.session()).refused(offer) == "EINVAL"


def test_version_starts_over_without_fids_or_binds(world: World, either: Peer) -> None:
    either.bind(("log",), ("proc",))
    either.walk(1, "proc", "queen.log")

    either.version().attach(5)

    assert either.refused(m.Tgetattr(Fid(0), 0)) == "ENOENT"
    assert either.refused(m.Tgetattr(Fid(1), 0)) == "ENOENT"
    either.walk(1, "proc", "boot", fid=5)


def test_version_makes_retired_numbers_free_again(queen: Peer) -> None:
    queen.walk(1)
    queen.clunk(1)
    assert queen.refused(m.Twalk(Fid(0), Fid(1), ())) == "EINVAL"

    queen.version().attach()

    queen.walk(1)


def test_version_ends_the_identity(world: World, queen: Peer) -> None:
    queen.version()

    assert world.counters.sessions.labels() == ["peer"]
    assert queen.refused(m.Tclunk(Fid(0))) == "EINVAL"
    assert world.audit.lines[-1].principal == "peer"


def test_a_refused_version_changes_nothing(world: World, queen: Peer) -> None:
    queen.walk(1, "proc")

    assert queen.refused(m.Tversion(8192, "9P2000")) == "EINVAL"
    assert queen.refused(m.Tversion(1, "9P2000.L")) == "EINVAL"

    assert world.counters.sessions.labels() == ["queen"]
    queen.walk(2, "boot", fid=1)


# -- auth and attach


def test_auth_says_that_none_is_needed(world: World) -> None:
    """diod's tools go on only after ENOENT."""
    assert Peer(world.session()).version().refused(m.Tauth(Fid(1), "queen", "", 0)) == "ENOENT"


def test_attach_gives_the_root_and_hands_the_gate_what_the_peer_said(world: World) -> None:
    peer = Peer(world.session(trusted=False)).version()

    reply = peer.ask(m.Tattach(Fid(3), Fid(9), "queen", "a ticket", 77))

    assert reply == m.Rattach(world.tree.root.qid)
    assert world.gate.attached == [("queen", "a ticket", False)]
    assert world.counters.sessions.labels() == ["queen"]


def test_a_refused_attach_is_audited_under_the_name_and_ticket_it_came_with(world: World) -> None:
    peer = Peer(world.session(peer="127.0.0.1")).version()

    peer.refused(m.Tattach(Fid(0), NOFID, "worker-gpu:worker-9", "a ticket", 0))

    why = "no worker-gpu:worker-9 here"
    assert world.audit.lines == [("worker-gpu:worker-9", "claimed", "Tattach", "-", errno.EPERM, why, NOW)]


def test_an_attach_to_a_fid_in_use_is_not_audited_as_that_fid(world: World, either: Peer) -> None:
    either.walk(1, "proc")

    assert either.refused(m.Tattach(Fid(1), NOFID, "worker-gpu:worker-9", "a ticket", 0)) == "EBUSY"

    assert world.audit.lines[-1][:4] == ("worker-gpu:worker-9", "claimed", "Tattach", "-")


def test_attach_comes_after_version(world: World) -> None:
    assert Peer(world.session()).refused(m.Tattach(Fid(0), NOFID, "queen", "", 0)) == "EINVAL"
    assert world.audit.lines[-1].reason == "version negotiation required before attach"


def test_everything_else_comes_after_attach(world: World) -> None:
    assert Peer(world.session()).version().refused(m.Tclunk(Fid(0))) == "EINVAL"
    assert world.audit.lines[-1].reason == "attach required before operation"


def test_a_refused_attach_makes_no_fid_and_admits_nothing(world: World) -> None:
    peer = Peer(world.session()).version()

    assert peer.refused(m.Tattach(Fid(0), NOFID, "worker-gpu:worker-9", "", 0)) == "EPERM"
    assert peer.refused(m.Tgetattr(Fid(0), 0)) == "EINVAL"

    peer.attach()


def test_attach_refuses_a_fid_in_use_before_it_asks_the_gate(world: World, either: Peer) -> None:
    assert either.refused(m.Tattach(Fid(0), NOFID, "queen", "", 0)) == "EBUSY"
    assert either.refused(m.Tattach(NOFID, NOFID, "queen", "", 0)) == "EINVAL"
    assert len(world.gate.attached) == 1


def test_a_second_attach_adds_an_identity(world: World, either: Peer) -> None:
    worker = world.gate.principals["worker-gpu:worker-1"] = FakePrincipal("worker-gpu:worker-1")
    either.attach(1, "worker-gpu:worker-1")
    queen = world.gate.principals["queen"]
    queen.asked.clear()

    either.walk(2, "proc", fid=1)
    assert (worker.asked, queen.asked) == ([("walk", ("proc",))], [])

    either.walk(3, "proc", fid=0)
    assert queen.asked == [("walk", ("proc",))]


def test_the_writer_is_the_principal_of_the_fid_written_to(world: World, either: Peer) -> None:
    world.gate.principals["worker-gpu:worker-1"] = FakePrincipal("worker-gpu:worker-1")
    either.attach(1, "worker-gpu:worker-1")
    either.walk(2, "log", "queen.log", fid=0)
    either.walk(3, "log", "queen.log", fid=1)
    either.open(2, READ_WRITE)
    either.open(3, READ_WRITE)

    for fid in (2, 3, 2):
        either.write(fid, b"x")

    assert [label for label, _data, _caller in world.written] == ["queen", "worker-gpu:worker-1", "queen"]


# -- flush, fsync, statfs


def test_flush_finds_nothing_outstanding(either: Peer) -> None:
    assert either.ask(m.Tflush(Tag(3))) == m.Rflush()


def test_fsync_makes_everything_durable(world: World, either: Peer) -> None:
    assert either.ask(m.Tfsync(Fid(0), 0)) == m.Rfsync()
    assert world.syncs == 1
    assert either.refused(m.Tfsync(Fid(9), 0)) == "ENOENT"


def test_fsync_tells_when_the_store_cannot(world: World, queen: Peer) -> None:
    world.store_failure = P9Error(errno.EIO, "disk gone")

    assert queen.refused(m.Tfsync(Fid(0), 0)) == "EIO"


def test_statfs_answers_for_any_fid(either: Peer) -> None:
    """QEMU exports a directory only if statfs answers."""
    reply = either.ask(m.Tstatfs(Fid(0)))

    assert reply == m.Rstatfs(0x01021997, 4096, 0, 0, 0, 0, 0, 0, limits.NAME_MAX)
    assert either.refused(m.Tstatfs(Fid(9))) == "ENOENT"


# -- what the namespace does not do

FORBIDDEN = (
    m.Tlcreate, m.Tsymlink, m.Tmknod, m.Trename, m.Tsetattr, m.Tlink, m.Tmkdir, m.Trenameat, m.Tunlinkat,
)  # fmt: skip
NOT_OFFERED = (m.Txattrwalk, m.Txattrcreate, m.Tlock, m.Tgetlock)


def on_fid(request_type: type[Any], fid: int) -> Any:
    """A plausible request whose first field, the fid it is about, is `fid`."""
    request = request_type(fid, *sample(request_type)[1:])
    return request._replace(name="new") if request_type is m.Tlcreate else request


@pytest.mark.parametrize("request_type", FORBIDDEN)
def test_nodes_are_made_and_changed_by_commands_only(world: World, either: Peer, request_type: type) -> None:
    request = on_fid(request_type, 0)
    name = getattr(request, "oldname", "" if request_type is m.Trename else getattr(request, "name", ""))

    assert either.refused(request) == "EPERM"
    assert world.audit.lines[-1].operation == request_type.__name__
    assert world.audit.lines[-1].path == "/" + name
    assert either.refused(on_fid(request_type, 9)) == "ENOENT"


@pytest.mark.parametrize("request_type", NOT_OFFERED)
def test_attributes_and_locks_are_not_offered(either: Peer, request_type: type) -> None:
    assert either.refused(on_fid(request_type, 0)) == "EOPNOTSUPP"
    assert either.refused(on_fid(request_type, 9)) == "ENOENT"


def test_nothing_is_a_symbolic_link(either: Peer) -> None:
    assert either.refused(m.Treadlink(Fid(0))) == "EINVAL"
    assert either.refused(m.Treadlink(Fid(9))) == "ENOENT"


STALE = (*FORBIDDEN, *NOT_OFFERED, m.Treadlink, m.Tgetattr, m.Tstatfs, m.Tfsync)
"""What is refused first of all because the fid it is about has come to its end."""


@pytest.mark.parametrize("request_type", STALE)
def test_a_fid_whose_node_vanished_is_stale_whatever_is_asked(
    world: World, either: Peer, request_type: type
) -> None:
    either.walk(1, "worker", "worker-1")
    world.kill()

    assert either.refused(on_fid(request_type, 1)) == "ESTALE"
    assert world.audit.lines[-1].reason == "killed by queen"


@pytest.mark.parametrize("request_type", STALE)
def test_a_fid_whose_principal_was_revoked_is_stale_whatever_is_asked(
    world: World, either: Peer, request_type: type
) -> None:
    world.gate.principals["queen"].refusals["check"] = P9Error(errno.ESTALE, "ticket expired")

    assert either.refused(on_fid(request_type, 0)) == "ESTALE"
    assert world.audit.lines[-1].reason == "ticket expired"
    assert world.syncs == 0


def test_every_request_of_the_dialect_is_answered(either: Peer) -> None:
    for request_type in m.REQUESTS.values():
        either.session.handle(sample(request_type), NOW)


# -- refusals are audited


def test_an_ordinary_refusal_is_one_audit_line_that_says_who_where_and_why(world: World) -> None:
    principal = world.gate.principals["worker-gpu:worker-1"] = FakePrincipal("worker-gpu:worker-1")
    principal.refusals["walk"] = P9Error(errno.EPERM, "access to /queen/ctl denied")
    peer = Peer(world.session()).version().attach(0, "worker-gpu:worker-1")
    principal.refusals.clear()
    peer.walk(1, "queen")
    principal.refusals["walk"] = P9Error(errno.EPERM, "access to /queen/ctl denied")

    assert peer.refused(m.Twalk(Fid(1), Fid(2), ("ctl",)), NOW + 5) == "EPERM"

    assert world.audit.lines == [
        ("worker-gpu:worker-1", "mark", "Twalk", "/queen/ctl", 1, "access to /queen/ctl denied", NOW + 5)
    ]


def test_what_common_tools_probe_for_is_answered_without_an_audit_line(world: World, either: Peer) -> None:
    """A shell looks for files, diod's tools for an authentication file, v9fs for security attributes."""
    assert either.refused(m.Twalk(Fid(0), Fid(1), ("nobody",))) == "ENOENT"
    assert either.refused(m.Tauth(Fid(1), "queen", "", 0)) == "ENOENT"
    assert either.refused(m.Txattrwalk(Fid(0), Fid(1), "security.capability")) == "EOPNOTSUPP"
    assert either.refused(m.Txattrcreate(Fid(0), "security.capability", 0, 0)) == "EOPNOTSUPP"

    assert world.audit.lines == []


def test_the_same_errnos_are_audited_where_they_deny_something(world: World, either: Peer) -> None:
    world.gate.refusal = P9Error(errno.ENOENT, "worker worker-9 not found")
    assert either.refused(m.Tattach(Fid(1), NOFID, "worker-gpu:worker-9", "", 0)) == "ENOENT"
    assert either.refused(m.Tgetattr(Fid(9), 0)) == "ENOENT"
    assert either.refused(on_fid(m.Tlock, 0)) == "EOPNOTSUPP"

    assert [line.operation for line in world.audit.lines] == ["Tattach", "Tgetattr", "Tlock"]


def test_requests_whose_first_field_is_no_fid_are_not_audited_as_one(world: World, either: Peer) -> None:
    """Tversion begins with an msize, here the number of a live fid."""
    either.walk(100, "proc")

    either.refused(m.Tversion(100, "9P2000.L"))

    assert world.audit.lines[-1].path == "-"


def test_a_refused_remove_is_audited_under_the_path_it_was_asked_for(world: World, either: Peer) -> None:
    either.walk(1, "proc", "boot")

    assert either.refused(m.Tremove(Fid(1))) == "EPERM"

    assert world.audit.lines[-1][:4] == ("queen", "none", "Tremove", "/proc/boot")


def test_what_never_became_a_request_is_audited_too(world: World, queen: Peer) -> None:
    reply = queen.session.refuse(P9Error(errno.EINVAL, "nonsense"), NOW)

    assert reply == m.Rlerror(errno.EINVAL)
    assert world.audit.lines == [("queen", "none", "frame", "-", errno.EINVAL, "nonsense", NOW)]


# -- the end


def test_a_closed_session_answers_everything_with_estale(world: World, either: Peer) -> None:
    either.session.close("told to stop")

    assert either.session.closed
    for request_type in m.REQUESTS.values():
        assert either.refused(sample(request_type)) == "ESTALE"
    assert {line.reason for line in world.audit.lines} == {"told to stop"}


def test_closing_drops_every_fid_and_leaves_the_count(world: World, either: Peer) -> None:
    either.open(1, 0, "log", "queen.log")
    assert len(world.counters.sessions) == 1

    either.session.close("first")
    either.session.close("second")

    assert either.session._live == {}
    assert not world.counters.sessions
    either.refused(m.Tgetattr(Fid(0), 0))
    assert world.audit.lines[-1].reason == "first"


@pytest.mark.parametrize("give_up", [m.Tclunk, m.Tremove])
def test_a_strict_session_ends_when_it_can_remember_no_more_retired_fids(
    world: World, monkeypatch: pytest.MonkeyPatch, give_up: type[Any]
) -> None:
    monkeypatch.setattr(limits, "RETIRED_SPANS_MAX", 2)
    peer = Peer(world.session(limits=SessionLimits(fids=2))).version().attach()
    for fid in (2, 4, 6, 8, 10):
        assert not peer.session.closed
        peer.walk(fid)
        peer.session.handle(give_up(Fid(fid)), NOW)

    assert peer.session.closed
    assert peer.refused(m.Tgetattr(Fid(0), 0)) == "ESTALE"
    assert world.audit.lines[-1].reason == "fid space exhausted"


def test_commit_is_the_stores(world: World, queen: Peer) -> None:
    queen.session.commit()
    assert world.commits == 1

    world.store_failure = P9Error(errno.EIO, "disk gone")
    with pytest.raises(P9Error, match="disk gone"):
        queen.session.commit()


# -- beside the replies


def test_a_watched_fid_wakes_at_each_change_until_that_is_ended(world: World, either: Peer) -> None:
    woken: list[None] = []
    either.open(1, 0, "log", "queen.log")
    stop = either.session.watch(1, lambda: woken.append(None))

    world.log.append(b"one", NOW)
    world.log.append(b"two", NOW)
    assert len(woken) == 2

    stop()
    world.log.append(b"three", NOW)
    assert len(woken) == 2


@pytest.mark.parametrize(
    "ask", [lambda session: session.watch(9, lambda: None), lambda session: session.pending(9)]
)
def test_notices_are_refused_for_a_fid_that_is_not(either: Peer, ask: Callable[[Session], object]) -> None:
    with pytest.raises(P9Error) as refusal:
        ask(either.session)

    assert refusal.value.ecode == errno.ENOENT


def test_bytes_are_pending_between_a_change_and_the_next_read(world: World, either: Peer) -> None:
    either.open(1, 0, "log", "queen.log")
    pending = either.session.pending
    assert not pending(1)

    world.log.append(b"one", NOW)
    assert pending(1)

    either.read(1)
    assert not pending(1)


def test_nothing_is_pending_on_what_is_not_open(world: World, either: Peer) -> None:
    either.walk(1, "log", "queen.log")
    world.log.append(b"one", NOW)

    assert not either.session.pending(1)


def test_a_vanished_node_is_pending_so_that_its_reader_meets_the_error(world: World, either: Peer) -> None:
    either.open(1, 0, "worker", "worker-1", "telemetry")

    world.kill()

    assert either.session.pending(1)


def test_observers_hear_of_names_that_leave_and_of_names_bound(world: World, either: Peer) -> None:
    told: list[tuple[int, str]] = []
    stop = either.session.observe_names(lambda directory, name: told.append((directory, name)))
    root, workers = world.tree.root.qid.path, world.workers.qid.path

    world.kill()
    either.bind(("log",), ("proc",))
    assert told == [(workers, "worker-1"), (root, "proc")]

    stop()
    either.bind(("log",), ("proc",))
    world.tree.root.remove("queen", "over", NOW)
    assert len(told) == 2


def test_the_first_field_of_every_request_about_a_fid_is_that_fid() -> None:
    """What the audit takes a path from."""
    first = {
        request_type.__name__: next(iter(get_type_hints(request_type).values()))
        for request_type in m.REQUESTS.values()
    }

    assert {name for name, kind in first.items() if kind is not Fid} == {"Tversion", "Tflush"}
