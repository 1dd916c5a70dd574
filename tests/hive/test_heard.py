"""Lines that the server writes into a ring: never a tick, never more than fits, frames where they belong."""

from ninedoor.hive import events as ev
from ninedoor.hive.heard import heard, wrapped
from ninedoor.hive.ring import Ring
from ninedoor.hive.workers import Worker
from ninedoor.telemetry import frames

LINE = b'{"job":"a","state":"OK","detail":"completed"}\n'


def worker(capacity: int) -> Worker:
    return Worker("worker-1", "worker-gpu", Ring(capacity), 0.0, None, None, None, None)


def test_a_line_is_appended_by_the_server() -> None:
    found = heard({"worker-1": worker(64)}, "worker-1", LINE, framed=False, now=1.0)

    assert found == ((ev.TELEMETRY, "worker-1", LINE, False),)


def test_what_leaves_the_ring_is_told() -> None:
    full = worker(64)
    full.ring.append(b"x" * 60, 0.0)

    found = heard({"worker-1": full}, "worker-1", LINE, framed=False, now=1.0)

    lost = 60 + len(LINE) - 64
    wrapped = b"[audit] telemetry ring wrap dropped_bytes=%d new_base=%d\n" % (lost, lost)
    assert found[1:] == ((ev.LOGGED, wrapped),)


def test_a_full_ring_is_told_of_once_for_each_ring_full_that_leaves() -> None:
    ring = Ring(100)
    told = []
    for _ in range(40):
        dropped = ring.overflow(30)
        if dropped and (line := wrapped(ring, dropped)):
            told.append(int(line.rpartition(b"=")[2]))
        ring.append(b"x" * 30, 0.0)

    assert ring.base == 1100
    assert told == [20, 110, 200, 320, 410, 500, 620, 710, 800, 920, 1010, 1100]


def test_nobody_and_no_room_hear_nothing() -> None:
    assert heard({}, "worker-1", LINE, framed=False, now=1.0) == ()
    assert heard({"worker-1": worker(10)}, "worker-1", LINE, framed=False, now=1.0) == ()


def test_frames_are_numbered_after_the_workers_own() -> None:
    own = worker(512)
    own.frame = 6

    found = heard({"worker-1": own}, "worker-1", LINE, framed=True, now=1.5)

    (frame,) = frames.decode_all(found[0][2])
    assert (frame.worker_id, frame.role, frame.seq, frame.emitted_ms) == ("worker-1", "worker-gpu", 7, 1500)
    assert frame.payload == {"job": "a", "state": "OK", "detail": "completed"}
    assert found[1] == (ev.FRAMED, "worker-1", 7)
