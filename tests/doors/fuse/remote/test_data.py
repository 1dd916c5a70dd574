"""Reads and writes at the other end of a connection."""

import errno
import os
from functools import partial
from typing import Any

import pytest
import trio
from pyfuse3 import FUSEError
from trio.testing import MockClock

from ninedoor.client.failures import Unanswered
from ninedoor.client.pipeline import WINDOW
from ninedoor.doors.fuse.remote.patience import Patient
from ninedoor.errors import P9Error
from ninedoor.limits import LOG_BYTES
from ninedoor.wire import messages as m
from ninedoor.wire.types import Fid
from tests import deployment
from tests.doors.fuse.remote.harness import RemoteMount

IOUNIT = 8168
LOG = "/log/queen.log"
WRITE = os.O_WRONLY | os.O_APPEND
SPAWN = b'{"spawn":"heartbeat","ticks":100}\n'
LATE = Unanswered(errno.ETIMEDOUT, "late")


def fill(mount: RemoteMount, text: bytes) -> None:
    queen = deployment.client(mount.app)
    for start in range(0, len(text), 8000):
        queen.append(LOG, text[start : start + 8000])


def lines(count: int, length: int = 100) -> bytes:
    return b"".join(b"%0*d\n" % (length - 1, number) for number in range(count))


async def refusal(coroutine: Any) -> int:
    with pytest.raises(FUSEError) as refused:
        await coroutine
    return int(refused.value.errno)


# -- reading


async def test_a_small_read_is_one_message(mount: RemoteMount) -> None:
    fill(mount, b"one\n")
    opened = await mount.open(LOG, os.O_RDONLY)
    mount.wire.requests.clear()

    assert await mount.operations.read(opened.fh, 0, 4096) == b"one\n"
    assert mount.wire.requests == [m.Tread(Fid(opened.fh), 0, 4096)]


@pytest.mark.parametrize("size", [1, IOUNIT - 1, IOUNIT, IOUNIT + 1, 2 * IOUNIT, 32000, 32001, 1 << 20])
async def test_a_long_read_is_made_of_pieces(mount: RemoteMount, size: int) -> None:
    text = lines(320)
    fill(mount, text)
    opened = await mount.open(LOG, os.O_RDONLY)

    assert await mount.operations.read(opened.fh, 0, size) == text[:size]
    assert await mount.operations.read(opened.fh, 777, size) == text[777 : 777 + size]
    assert await mount.operations.read(opened.fh, len(text), size) == b""


async def test_what_is_certain_to_be_there_is_asked_for_at_once(mount: RemoteMount) -> None:
    fill(mount, lines(1000))
    opened = await mount.open(LOG, os.O_RDONLY)
    mount.wire.batches.clear()
    await mount.operations.read(opened.fh, 0, 1 << 20)

    assert mount.wire.batches == [2, 12]
    assert max(read.offset for read in mount.sent(m.Tread)) < 100_000


async def test_no_more_is_asked_for_at_once_than_may_be_refused_at_once(mount: RemoteMount) -> None:
    fill(mount, lines(10_000))
    opened = await mount.open(LOG, os.O_RDONLY)
    mount.wire.batches.clear()
    await mount.operations.read(opened.fh, 0, 1 << 20)

    assert max(mount.wire.batches) == WINDOW


async def test_a_stream_that_dropped_bytes_is_read_as_by_anybody_else(mount: RemoteMount) -> None:
    """A read past its end would make its handle count anew (`ninedoor.tree.stream`)."""
    text = lines(LOG_BYTES // 100 + 3000)
    fill(mount, text)
    kept = text[-LOG_BYTES:]
    opened = await mount.open(LOG, os.O_RDONLY)
    read = b""
    while part := await mount.operations.read(opened.fh, len(read), 100_000):
        read += part

    assert read == kept
    fill(mount, b"more\n")
    assert await mount.operations.read(opened.fh, len(read), 1 << 17) == b"more\n"


async def test_a_read_from_the_middle_of_such_a_stream_has_true_offsets(mount: RemoteMount) -> None:
    text = lines(LOG_BYTES // 100 + 3000)
    fill(mount, text)
    opened = await mount.open(LOG, os.O_RDONLY)

    assert await mount.operations.read(opened.fh, len(text) - 50_000, 1 << 17) == text[-50_000:]


async def test_a_refusal_behind_what_was_read_is_met_by_the_next_read(mount: RemoteMount) -> None:
    fill(mount, lines(1000))
    opened = await mount.open(LOG, os.O_RDONLY)
    reads = 0

    async def fail_the_third() -> None:
        nonlocal reads
        reads = len(mount.sent(m.Tread))
        if reads == 2:
            mount.wire.failures[m.Tread] = P9Error(errno.EDQUOT, "out of budget")

    mount.wire.pause = fail_the_third

    assert await mount.operations.read(opened.fh, 0, 1 << 20) == lines(1000)[: 2 * IOUNIT]


@pytest.mark.parametrize("size", [100, 1 << 17])
async def test_a_refusal_of_the_first_piece_is_an_error(mount: RemoteMount, size: int) -> None:
    opened = await mount.open(LOG, os.O_RDONLY)
    mount.wire.failures[m.Tread] = P9Error(errno.EDQUOT, "out of budget")

    assert await refusal(mount.operations.read(opened.fh, 0, size)) == errno.EDQUOT


async def test_attributes_that_are_refused_do_not_end_a_read(mount: RemoteMount) -> None:
    fill(mount, lines(200))
    opened = await mount.open(LOG, os.O_RDONLY)
    mount.wire.failures[m.Tgetattr] = P9Error(errno.EPERM, "no")

    assert await mount.operations.read(opened.fh, 0, 1 << 17) == lines(200)
    assert max(read.offset for read in mount.sent(m.Tread)) <= 20_000


async def test_a_read_of_a_node_that_is_gone_is_stale(mount: RemoteMount) -> None:
    queen = deployment.client(mount.app)
    deployment.spawn(queen)
    opened = await mount.open("/worker/worker-1/telemetry", os.O_RDWR | os.O_APPEND)
    deployment.spawn(queen, '{"kill":"worker-1"}')

    for size in (10, 20000):
        assert await refusal(mount.operations.read(opened.fh, 0, size)) == errno.ESTALE
    assert await refusal(mount.operations.write(opened.fh, 0, b"x\n")) == errno.ESTALE


async def test_nothing_may_be_cached(mount: RemoteMount) -> None:
    opened = await mount.open("/proc/boot", os.O_RDONLY)

    assert (opened.keep_cache, opened.direct_io) == (False, True)


# -- writing


async def test_a_small_write_is_one_message(mount: RemoteMount) -> None:
    opened = await mount.open(LOG, WRITE)

    assert await mount.operations.write(opened.fh, 7, b"one\n") == 4
    assert mount.sent(m.Twrite) == [m.Twrite(Fid(opened.fh), 7, b"one\n")]


async def test_a_long_write_to_a_log_is_sent_ahead_in_whole_lines(mount: RemoteMount) -> None:
    text = lines(10_000)
    opened = await mount.open(LOG, WRITE)
    mount.wire.batches.clear()

    assert await mount.operations.write(opened.fh, 0, text) == len(text)
    assert mount.app.hive.log.retained() == text
    assert mount.wire.batches[:3] == [1, WINDOW, WINDOW]
    assert all(write.data.endswith(b"\n") for write in mount.sent(m.Twrite))


async def test_nothing_behind_a_refused_command_is_sent(mount: RemoteMount) -> None:
    commands = SPAWN * 300 + b"nonsense\n" + SPAWN * 300
    opened = await mount.open("/queen/ctl", WRITE)
    written = await mount.operations.write(opened.fh, 0, commands)

    pieces = IOUNIT // len(SPAWN) * len(SPAWN)
    assert written == 300 * len(SPAWN) // pieces * pieces
    assert len(mount.app.hive.workers) == 300
    assert await refusal(mount.operations.write(opened.fh, written, commands[written:])) == errno.EINVAL


async def test_a_log_that_is_full_in_the_middle_takes_a_beginning(mount: RemoteMount) -> None:
    text = lines(4000)
    opened = await mount.open(LOG, WRITE)
    left = 9

    async def fill_up() -> None:
        if len(mount.sent(m.Twrite)) >= left:
            mount.wire.failures[m.Twrite] = P9Error(errno.ENOSPC, "full")

    mount.wire.pause = fill_up
    written = await mount.operations.write(opened.fh, 0, text)

    assert written == len(mount.app.hive.log.retained()) == 9 * 8100
    assert await refusal(mount.operations.write(opened.fh, 0, b"x\n" * 9000)) == errno.ENOSPC


async def test_bytes_taken_behind_a_refused_piece_are_never_passed_over(
    mount: RemoteMount, caplog: pytest.LogCaptureFixture
) -> None:
    opened = await mount.open(LOG, WRITE)

    async def refuse_the_fifth() -> None:
        if len(mount.sent(m.Twrite)) == 4:
            mount.wire.failures[m.Twrite] = P9Error(errno.EDQUOT, "rate")

    mount.wire.pause = refuse_the_fifth

    assert await refusal(mount.operations.write(opened.fh, 0, lines(4000))) == errno.EDQUOT
    assert "EDQUOT: rate" in caplog.text


@pytest.mark.parametrize("before", [0, 1, 5])
@pytest.mark.parametrize("path", [LOG, "/queen/ctl"])
async def test_a_write_of_which_nobody_knows_is_never_called_short(
    mount: RemoteMount, path: str, before: int
) -> None:
    opened = await mount.open(path, WRITE)

    async def lose() -> None:
        if len(mount.sent(m.Twrite)) == before:
            mount.wire.failures[m.Twrite] = LATE

    mount.wire.pause = lose

    assert await refusal(mount.operations.write(opened.fh, 0, SPAWN * 2000)) == errno.ETIMEDOUT


async def test_a_piece_that_never_left_is_one_that_was_not_taken(mount: RemoteMount) -> None:
    opened = await mount.open("/queen/ctl", WRITE)

    async def lose() -> None:
        if len(mount.sent(m.Twrite)) == 1:
            mount.wire.failures[m.Twrite] = Unanswered(errno.ESTALE, "lost", left=False)

    mount.wire.pause = lose
    written = await mount.operations.write(opened.fh, 0, SPAWN * 2000)

    assert written == len(mount.app.hive.workers) * len(SPAWN) > 0


async def test_a_line_longer_than_a_message_is_refused_as_a_command(mount: RemoteMount) -> None:
    opened = await mount.open("/queen/ctl", WRITE)

    assert await refusal(mount.operations.write(opened.fh, 0, b"x" * 20000)) == errno.EMSGSIZE


async def test_released_files_leave_no_fid(mount: RemoteMount) -> None:
    opened = await mount.open(LOG, os.O_RDONLY)
    await mount.operations.release(opened.fh)

    assert await mount.live_fids() == set()


# -- slow servers


@pytest.mark.parametrize("path", [LOG, "/queen/ctl"])
async def test_a_slow_server_makes_a_write_short_and_not_late(
    mount: RemoteMount, mock_clock: MockClock, path: str
) -> None:
    opened = await mount.open(path, WRITE)
    patient = Patient(mount.operations, lambda: 10.0)
    mount.wire.pause = partial(trio.sleep, 0.5)
    mock_clock.autojump_threshold = 0
    taken = [await patient.write(opened.fh, 0, SPAWN * 5000) for _ in range(2)]

    assert all(0 < count < len(SPAWN) * 5000 for count in taken)
    assert sum(len(write.data) for write in mount.sent(m.Twrite)) == sum(taken)


async def test_a_slow_server_makes_a_read_short_and_not_late(
    mount: RemoteMount, mock_clock: MockClock
) -> None:
    fill(mount, lines(10_000))
    opened = await mount.open(LOG, os.O_RDONLY)
    patient = Patient(mount.operations, lambda: 10.0)
    mount.wire.pause = partial(trio.sleep, 0.3)
    mock_clock.autojump_threshold = 0
    read = b""
    for _ in range(3):
        part = await patient.read(opened.fh, len(read), 1 << 20)
        assert 0 < len(part) < 1_000_000 - len(read)
        read += part

    assert lines(10_000).startswith(read)
