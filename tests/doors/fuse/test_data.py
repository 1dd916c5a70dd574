"""Reads and writes, when the session lives in this process."""

import errno
import os

import pytest
from pyfuse3 import FUSEError

from ninedoor.wire import messages as m
from tests import deployment
from tests.doors.fuse.harness import Mount, answer, sent

IOUNIT = 8168


def test_a_long_read_is_made_of_pieces(mount: Mount) -> None:
    text = b"".join(b"%07d\n" % number for number in range(4000))
    queen = mount.queen()
    for start in range(0, len(text), 8000):
        queen.append("/log/queen.log", text[start : start + 8000])
    opened = mount.open("/log/queen.log", os.O_RDONLY)

    assert answer(mount.operations.read(opened.fh, 0, 1 << 20)) == text
    assert answer(mount.operations.read(opened.fh, 8, 20000)) == text[8:20008]
    assert answer(mount.operations.read(opened.fh, len(text), 1 << 20)) == b""
    assert max(request.count for request in sent(mount, m.Tread)) == IOUNIT


def test_a_read_stops_at_the_first_piece_that_is_not_full(mount: Mount) -> None:
    mount.queen().append("/log/queen.log", b"short\n")
    opened = mount.open("/log/queen.log", os.O_RDONLY)

    assert answer(mount.operations.read(opened.fh, 0, 1 << 20)) == b"short\n"
    assert len(sent(mount, m.Tread)) == 1


def test_a_long_write_is_made_of_pieces_that_end_with_a_line(mount: Mount) -> None:
    text = b"".join(b"%099d\n" % number for number in range(300))
    opened = mount.open("/log/queen.log", os.O_WRONLY | os.O_APPEND)

    assert answer(mount.operations.write(opened.fh, 0, text)) == len(text)
    assert mount.app.hive.log.retained() == text
    assert {len(request.data) for request in sent(mount, m.Twrite)} == {8100, 300 * 100 % 8100}


def test_a_refusal_after_the_first_piece_is_a_short_write(mount: Mount) -> None:
    good = b'{"spawn":"heartbeat","ticks":100}\n'
    commands = good * (IOUNIT // len(good)) + b"nonsense\n" + good
    opened = mount.open("/queen/ctl", os.O_WRONLY | os.O_APPEND)
    written = answer(mount.operations.write(opened.fh, 0, commands))

    assert written == IOUNIT // len(good) * len(good)
    assert len(mount.app.hive.workers) == IOUNIT // len(good)
    with pytest.raises(FUSEError) as refused:
        answer(mount.operations.write(opened.fh, written, commands[written:]))
    assert refused.value.errno == errno.EINVAL


def test_a_refusal_of_the_first_piece_is_an_error(mount: Mount) -> None:
    opened = mount.open("/queen/ctl", os.O_WRONLY | os.O_APPEND)
    with pytest.raises(FUSEError) as refused:
        answer(mount.operations.write(opened.fh, 0, b"x" * 20000))

    assert refused.value.errno == errno.EMSGSIZE


def test_an_appending_write_arrives_at_the_end_whatever_the_kernel_thinks(mount: Mount) -> None:
    mount.spawn()
    opened = mount.open("/worker/worker-1/telemetry", os.O_WRONLY | os.O_APPEND)
    deployment.worker_client(mount.app, "worker-1", deployment.ticket("worker-heartbeat", "worker-1")).append(
        "/worker/worker-1/telemetry", b"worker\n"
    )

    assert answer(mount.operations.write(opened.fh, 0, b"queen\n")) == 6


def test_a_read_of_a_node_that_is_gone_is_stale(mount: Mount) -> None:
    mount.spawn()
    opened = mount.open("/worker/worker-1/telemetry", os.O_RDWR | os.O_APPEND)
    mount.queen().append("/queen/ctl", b'{"kill":"worker-1"}\n')
    for refused in (
        mount.operations.read(opened.fh, 0, 10),
        mount.operations.write(opened.fh, 0, b"x\n"),
        mount.operations.read(opened.fh, 0, 20000),
    ):
        with pytest.raises(FUSEError) as stale:
            answer(refused)
        assert stale.value.errno == errno.ESTALE
