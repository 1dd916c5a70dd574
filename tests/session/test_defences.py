"""The mandatory defences of docs/SECURE9P.md, one named test each, against a whole hive.

What is tested in detail elsewhere is here once more as the promise made to an operator.
"""

import errno
import logging
import os
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from ninedoor import limits
from ninedoor.client.channel import LocalChannel
from ninedoor.client.client import Client
from ninedoor.config import Telemetry, TicketLimits
from ninedoor.errors import P9Error
from ninedoor.policy.tickets import Quotas, Scope, Ticket, Verb, fingerprint, mint, unix_ms
from ninedoor.runtime.app import App
from ninedoor.session.connection import Connection
from ninedoor.session.fids import Profile
from ninedoor.wire import messages as m
from ninedoor.wire.codec import decode_reply, encode
from ninedoor.wire.types import Fid
from tests.deployment import (
    CONFIG,
    START,
    SetClock,
    client,
    log_lines,
    open_app,
    spawn,
    ticket,
    worker_client,
)
from tests.mutate import boundary_frames, request_frames
from tests.session.fakes import ERRNOS

NOFID = Fid(limits.NOFID)
WORKER = "worker-heartbeat:worker-1"


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def app(clock: SetClock) -> App:
    return open_app(clock=clock)


@pytest.fixture
def queen(app: App) -> Client:
    return client(app)


def connect(app: App, profile: Profile = Profile.STRICT) -> Connection:
    return Connection(app.session(trusted=True, profile=profile), app.session_limits(), app.counters)


def say(connection: Connection, *requests: Any) -> list[Any]:
    """The replies to `requests`, sent in one piece on tags 1, 2, …"""
    data = connection.receive(b"".join(encode(tag, each) for tag, each in enumerate(requests, 1)), START)
    while connection.more:
        data += connection.receive(b"", START)
    return [reply for _tag, reply in frames_of(data)]


def frames_of(data: bytes) -> list[tuple[int, Any]]:
    replies: list[tuple[int, Any]] = []
    at = 0
    while at < len(data):
        end = at + int.from_bytes(data[at : at + 4], "little")
        replies.append(decode_reply(data, at, end))
        at = end
    return replies


def errno_of(action: Callable[..., object], *arguments: Any) -> str:
    with pytest.raises(P9Error) as refusal:
        action(*arguments)
    return ERRNOS[refusal.value.ecode]


def call(client_: Client, request: Any) -> Any:
    return client_.channel.call(request)


HELLO = (m.Tversion(limits.MSIZE_MAX, "9P2000.L"), m.Tattach(Fid(0), NOFID, "queen", "", 0))


# -- bounds on what a peer sends


def test_msize_is_capped_at_8192_both_ways(app: App) -> None:
    spawn(client(app))
    client(app).append("/log/queen.log", b"x" * 8000)
    client(app).append("/log/queen.log", b"x" * 8000)
    connection = connect(app)
    (version, _attach, _walk, _open, read) = say(
        connection,
        m.Tversion(0xFFFFFFFF, "9P2000.L"),
        HELLO[1],
        m.Twalk(Fid(0), Fid(1), ("log", "queen.log")),
        m.Tlopen(Fid(1), os.O_RDONLY),
        m.Tread(Fid(1), 0, 0xFFFFFFFF),
    )

    assert version.msize == 8192
    assert len(encode(1, read)) == 8192
    assert say(connection, m.Twrite(Fid(1), 0, bytes(8192 - 22))) == [m.Rlerror(errno.EINVAL)]
    assert connection.closed == "frame of 8193 bytes, not 7 to 8192"


def test_walk_depth_is_capped_at_8(queen: Client) -> None:
    deep = ("a",) * 9

    assert errno_of(call, queen, m.Twalk(Fid(queen.root), Fid(9), deep)) == "EINVAL"
    spawn(queen, '{"bind":{"from":"/worker","to":"/a/a/a/a/a/a/a/a"}}')
    fid = queen.walk("/a/a/a/a/a/a/a/a")
    assert errno_of(call, queen, m.Twalk(Fid(fid), Fid(9), ("worker-1",))) == "EINVAL"


@pytest.mark.parametrize("path", ["..", "proc/..", "proc/../queen/ctl", "queen/../proc", "."])
def test_dotdot_is_refused_before_any_lookup(app: App, queen: Client, path: str) -> None:
    for names in (path.split("/"), [*path.split("/"), "nobody"]):
        assert errno_of(call, queen, m.Twalk(Fid(queen.root), Fid(9), tuple(names))) == "EINVAL"
        assert log_lines(app)[-1].endswith("is not allowed")


# -- fids


def test_a_retired_fid_number_is_never_revived_in_the_strict_profile(app: App) -> None:
    connection = connect(app)
    replies = say(
        connection,
        *HELLO,
        m.Twalk(Fid(0), Fid(1), ("proc",)),
        m.Tclunk(Fid(1)),
        m.Twalk(Fid(0), Fid(1), ("proc",)),
        m.Tattach(Fid(1), NOFID, "queen", "", 0),
        m.Tclunk(Fid(0)),
        m.Tattach(Fid(0), NOFID, "queen", "", 0),
    )

    assert replies[4:6] == [m.Rlerror(errno.EINVAL)] * 2
    assert replies[7] == m.Rlerror(errno.EINVAL)


def test_a_clunked_fid_is_dead_in_the_linux_profile_though_its_number_may_return(app: App) -> None:
    connection = connect(app, Profile.LINUX)
    *_before, read, walk, again, getattr_, reopened = say(
        connection,
        *HELLO,
        m.Twalk(Fid(0), Fid(1), ("proc", "boot")),
        m.Tlopen(Fid(1), os.O_RDONLY),
        m.Tclunk(Fid(1)),
        m.Tread(Fid(1), 0, 10),
        m.Twalk(Fid(1), Fid(2), ()),
        m.Twalk(Fid(0), Fid(1), ("log",)),
        m.Tgetattr(Fid(1), 0),
        m.Tread(Fid(1), 0, 10),
    )

    assert [read, walk] == [m.Rlerror(errno.ENOENT)] * 2
    assert type(again) is m.Rwalk
    assert getattr_.mode & 0o170000 == 0o040000
    assert reopened == m.Rlerror(errno.EINVAL)


def test_fids_per_session_are_capped(app: App) -> None:
    connection = connect(app)
    say(connection, *HELLO)
    replies = say(connection, *[m.Twalk(Fid(0), Fid(fid), ()) for fid in range(1, 300)])

    assert replies.index(m.Rlerror(errno.EMFILE)) == limits.SESSION_FIDS - 1
    assert set(replies[limits.SESSION_FIDS - 1 :]) == {m.Rlerror(errno.EMFILE)}


def test_sessions_per_daemon_are_capped(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SESSIONS_MAX", 3)
    sessions = [app.session(trusted=True) for _ in range(3)]

    assert errno_of(lambda: app.session(trusted=True)) == "EMFILE"

    sessions[0].close()
    app.session(trusted=True)


# -- append-only


@pytest.mark.parametrize("path", ["/log/queen.log", "/queen/ctl", "/worker/worker-1/telemetry"])
def test_what_was_written_stays_as_it_was_written(queen: Client, path: str) -> None:
    spawn(queen)
    queen.append("/worker/worker-1/telemetry", b"beat\n")
    before = queen.read(path)

    with queen.open(path, os.O_WRONLY | os.O_TRUNC) as file:
        file.write(b'{"spawn":"heartbeat","ticks":1}\n', 0)
        call(queen, m.Tsetattr(Fid(file.fid), 8, 0, 0, 0, 0, 0, 0, 0, 0))
        truncate = m.Tsetattr(Fid(file.fid), 8, 0, 0, 0, 1, 0, 0, 0, 0)
        assert errno_of(call, queen, truncate) == "EPERM"

    after = queen.read(path)
    assert after.startswith(before)
    assert len(after) > len(before) > 0


def test_what_is_read_only_is_never_opened_for_writing(queen: Client) -> None:
    for flags in (os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_APPEND, os.O_RDONLY | os.O_TRUNC):
        assert errno_of(queen.open, "/proc/boot", flags) == "EPERM"


# -- who may do what


def test_the_policy_is_asked_at_every_walk_open_read_and_write(app: App, queen: Client) -> None:
    """Each costs one operation, and nothing else does."""
    spawn(queen, '{"spawn":"heartbeat","ticks":5,"budget":{"ops":50}}')
    worker = worker_client(app, "worker-1", ticket("worker-heartbeat", "worker-1"))
    account = app.hive.workers["worker-1"]
    spent: list[int] = []

    def spend(request: Any) -> Any:
        before = account.ops_left
        reply = call(worker, request)
        assert before is not None
        assert account.ops_left is not None
        spent.append(before - account.ops_left)
        return reply

    spend(m.Twalk(Fid(worker.root), Fid(2), ("worker", "worker-1", "telemetry")))
    spend(m.Tlopen(Fid(2), os.O_RDWR))
    spend(m.Twrite(Fid(2), limits.APPEND_OFFSET, b"beat\n"))
    spend(m.Tread(Fid(2), 0, 100))
    assert spent == [1, 1, 1, 1]
    for request in (m.Tgetattr(Fid(2), 0), m.Tstatfs(Fid(2)), m.Tfsync(Fid(2), 0), m.Tclunk(Fid(2))):
        spend(request)
    assert spent[4:] == [0, 0, 0, 0]


def test_a_worker_reaches_its_own_place_and_no_other(app: App, queen: Client) -> None:
    spawn(queen)
    spawn(queen)
    worker = worker_client(app, "worker-1", ticket("worker-heartbeat", "worker-1"))

    assert errno_of(worker.walk, "/queen/ctl") == "EPERM"
    assert errno_of(worker.walk, "/worker/worker-2") == "EPERM"
    assert errno_of(worker.open, "/worker") == "EPERM"
    assert errno_of(worker.open, "/log/queen.log", os.O_WRONLY) == "EPERM"
    assert errno_of(worker.open, "/proc/boot", os.O_WRONLY) == "EPERM"
    assert worker.append("/worker/worker-1/telemetry", b"mine\n") == 5
    assert worker.names("/worker/worker-1") == ["telemetry"]
    assert worker.names("/") == ["log", "proc", "worker"]


def attach(app: App, uname: str, aname: str, *, trusted: bool = False) -> Client:
    return Client(LocalChannel(app.session(trusted=trusted), app.clock), uname=uname, ticket=aname)


def test_a_ticket_is_validated_at_attach(app: App, queen: Client, clock: SetClock) -> None:
    spawn(queen)
    genuine = ticket("worker-heartbeat", "worker-1", ttl_s=60)
    last = genuine[-1]
    forged = genuine[:-1] + ("0" if last != "0" else "1")
    refused = [
        (WORKER, ""),
        (WORKER, "cohesix-ticket-"),
        (WORKER, forged),
        (WORKER, ticket("worker-heartbeat", "worker-2")),
        (WORKER, ticket("worker-gpu", "worker-1")),
        (WORKER, ticket("queen")),
        ("queen", genuine),
        ("queen", ""),
    ]
    for uname, aname in refused:
        assert errno_of(attach, app, uname, aname) == "EPERM", (uname, aname)
    attach(app, WORKER, genuine)
    clock.now += 60
    assert errno_of(attach, app, WORKER, genuine) == "EPERM"

    denied = [line for line in log_lines(app) if line.startswith("denied ")]
    assert len(denied) == len(refused) + 1
    assert not any(aname[-20:] in line for _uname, aname in refused if aname for line in log_lines(app))


def test_a_ticket_at_the_default_limits_on_claims_fits_an_attach(app: App) -> None:
    claims = TicketLimits()
    path = "/" + "a" * 64 + "/" + "b" * (claims.max_scope_path_len - 66)
    scopes = (Scope(path, Verb.READ_WRITE, claims.max_scope_rate_per_s),) * claims.max_scopes
    token = mint(Ticket("queen", unix_ms(START), 1, 2, 3, scopes=scopes, quotas=Quotas(1, 2, 3)), "bootstrap")
    assert len(token) > 2000

    version, attached = say(connect(app), HELLO[0], m.Tattach(Fid(0), NOFID, "queen", token, 0))

    assert (type(version), type(attached)) == (m.Rversion, m.Rattach)


def test_revocation_closes_open_fids_and_ends_the_workers_sessions(app: App, queen: Client) -> None:
    spawn(queen)
    token = ticket("worker-heartbeat", "worker-1")
    worker = worker_client(app, "worker-1", token)
    mine = worker.open("/worker/worker-1/telemetry", os.O_RDWR)
    boot = worker.open("/proc/boot")
    watching = queen.open("/worker/worker-1/telemetry")
    mine.write(b"beat\n")

    spawn(queen, '{"kill":"worker-1"}')

    assert errno_of(mine.write, b"beat\n") == "ESTALE"
    assert errno_of(mine.read, 0, 10) == "ESTALE"
    assert errno_of(boot.read, 0, 10) == "ESTALE"
    assert errno_of(worker.walk, "/proc/boot") == "ESTALE"
    assert errno_of(worker.stat, "/") == "ESTALE"
    assert errno_of(call, worker, m.Tgetattr(Fid(worker.root), 0)) == "ESTALE"
    assert errno_of(watching.read, 0, 10) == "ESTALE"
    assert errno_of(queen.walk, "/worker/worker-1") == "ENOENT"
    assert errno_of(worker_client, app, "worker-1", token) == "EPERM"
    spawned, *revoked = [line for line in log_lines(app) if not line.startswith("denied ")]
    assert spawned == "spawned worker-1 ticks=100 ttl=300 ops=10000"
    assert revoked == ["killed worker-1", "revoked worker-1: killed by queen"]


# -- bounded memory


def test_unfinished_frames_and_tags_in_flight_are_bounded(app: App) -> None:
    connection = connect(app)
    say(connection, *HELLO)
    longest = encode(1, m.Twrite(Fid(1), 0, bytes(limits.MSIZE_MAX - limits.WRITE_OVERHEAD)))
    held = []
    for at in range(0, len(longest) - 1, 100):
        connection.receive(longest[at : at + 100][: len(longest) - 1 - at], START)
        held.append(connection._reader.buffered)

    assert max(held) < limits.MSIZE_MAX

    windowed = open_app(
        replace(CONFIG, secure9p=replace(CONFIG.secure9p, tags_per_session=4, batch_frames=8))
    )
    replies = say(connect(windowed), *HELLO, *[m.Tgetattr(Fid(0), 0)] * 6)
    assert [type(reply) for reply in replies[:4]] == [m.Rversion, m.Rattach, m.Rgetattr, m.Rgetattr]
    assert replies[4:] == [m.Rlerror(errno.EBUSY)] * 4


def test_files_keep_a_bounded_number_of_bytes(app: App, queen: Client) -> None:
    spawn(queen)
    full = b"x" * 8000 + b"\n"
    for _ in range(limits.LOG_BYTES // 8000 + 2):
        queen.append("/log/queen.log", full)
    for _ in range(limits.CTL_BYTES // 500 + 2):
        errno_of(queen.append, "/queen/ctl", b"z" * 8000 + b"\n")
    for _ in range(20):
        queen.append("/worker/worker-1/telemetry", b"y" * 100)

    assert len(queen.read("/log/queen.log")) == limits.LOG_BYTES
    assert len(queen.read("/queen/ctl")) == limits.CTL_BYTES
    assert len(queen.read("/worker/worker-1/telemetry")) == Telemetry().ring_bytes_per_worker


# -- damage


def test_the_decoder_never_panics_on_damaged_lengths_or_tails(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    for frame in request_frames():
        for damaged in boundary_frames(frame, Random(1)):
            connection = connect(app)
            say(connection, *HELLO)
            frames_of(connection.receive(damaged, START))
            connection.end("peer hung up")

    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert not app.counters.sessions


def test_a_codec_error_keeps_its_tag_and_a_bad_size_closes(app: App) -> None:
    connection = connect(app)
    say(connection, *HELLO)
    longer = bytearray(encode(77, m.Tclunk(Fid(5))) + b"tail")
    longer[0] += 4
    one_off = bytearray(encode(78, m.Tclunk(Fid(5))))
    one_off[0] = 6

    assert frames_of(connection.receive(bytes(longer), START)) == [(77, m.Rlerror(errno.EINVAL))]
    assert connection.closed is None
    assert frames_of(connection.receive(bytes(one_off), START)) == [(limits.NOTAG, m.Rlerror(errno.EINVAL))]
    assert connection.closed is not None


# -- the trail


def test_every_denial_is_logged_with_one_line_that_says_who_what_where_and_why(
    app: App, queen: Client
) -> None:
    spawn(queen)
    token = ticket("worker-heartbeat", "worker-1")
    worker = worker_client(app, "worker-1", token)
    telemetry = worker.open("/worker/worker-1/telemetry")
    connection = connect(app)
    say(connection, *HELLO)

    def logged(deny: Callable[..., object], *arguments: Any) -> list[str]:
        before = len(log_lines(app))
        deny(*arguments)
        return log_lines(app)[before:]

    who = f"denied who={WORKER} ticket={fingerprint(token)}"
    assert logged(errno_of, worker.walk, "/queen/ctl") == [
        f"{who} op=Twalk path=/queen/ctl error=EPERM reason=access to /queen/ctl denied"
    ]
    assert logged(errno_of, worker.open, "/log/queen.log", os.O_WRONLY) == [
        f"{who} op=Tlopen path=/log/queen.log error=EPERM reason=access to /log/queen.log denied"
    ]
    refused = f"{who} op=Twrite path=/worker/worker-1/telemetry error=EPERM"
    assert logged(errno_of, telemetry.write, b"x") == [
        f"{refused} reason=fid opened without write permission"
    ]

    who = "denied who=queen ticket=none"
    assert logged(errno_of, queen.append, "/proc/boot", b"x") == [
        f"{who} op=Tlopen path=/proc/boot error=EPERM reason=fid is not append-only"
    ]
    why = "nodes appear, change and vanish only by commands to ctl files"
    assert logged(errno_of, call, queen, m.Tmkdir(Fid(queen.root), "new", 0o755, 0)) == [
        f"{who} op=Tmkdir path=/new error=EPERM reason={why}"
    ]
    assert logged(connection.receive, b"\x08\x00\x00\x00\x78\x05\x00\x00", START) == [
        f"{who} op=frame path=- error=EINVAL reason=Tclunk with 1 bytes of fields, not 4"
    ]
    assert logged(errno_of, attach, app, "queen", "") == [
        f"{who} op=Tattach path=- error=EPERM reason=ticket required for queen attach"
    ]
