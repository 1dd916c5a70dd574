"""Reading, listing, stat, appending, and everything the namespace does not do: alike behind every door."""

import os
import stat

import pytest

from tests.conformance.cases import CTL, LOG, TELEMETRY, command, denials, refusal
from tests.conformance.doors import APPEND, CHANGES, REPLACE, Stat
from tests.conformance.hives import Hive
from tests.deployment import BOOT_LINES, PROC

BOOT = "".join(f"{line}\n" for line in BOOT_LINES).encode()
FILE, DIRECTORY = stat.S_IFREG, stat.S_IFDIR

REASON = "nodes appear, change and vanish only by commands to ctl files"


# -- reading


def test_the_boot_text_is_read_whole_and_in_pieces(hive: Hive) -> None:
    door = hive.door()

    assert door.read("/proc/boot") == BOOT
    handle = door.open("/proc/boot", os.O_RDONLY)
    assert handle.read(8, 5) == BOOT[8:13]
    assert handle.read(len(BOOT) - 1, 100) == b"\n"
    assert handle.read(len(BOOT), 100) == b""
    handle.close()


def test_long_content_comes_whole(hive: Hive) -> None:
    content = b"".join(b"%07d\n" % number for number in range(5000))
    for at in range(0, len(content), 8000):
        hive.desk.write(LOG, content[at : at + 8000])

    assert hive.door().read(LOG) == content


def test_a_reader_sees_what_another_session_appends(hive: Hive) -> None:
    door = hive.door()
    handle = door.open(LOG, os.O_RDONLY)
    assert handle.read(0, 100) == b""

    hive.desk.write(LOG, b"one\n")
    assert handle.read(0, 100) == b"one\n"
    hive.desk.write(LOG, b"two\n")
    assert handle.read(4, 100) == b"two\n"
    assert door.stat(LOG).size == 8
    handle.close()


def test_listings_are_the_same_and_sorted(hive: Hive) -> None:
    command(hive.desk, *['{"spawn":"heartbeat","ticks":1}'] * 11)
    door = hive.door()

    assert door.names("/") == ["gpu", "log", "proc", "queen", "worker"]
    assert door.names("/proc") == PROC
    assert door.names("/log") == ["queen.log"]
    assert door.names("/queen") == ["ctl", "lifecycle", "telemetry"]
    assert door.names("/worker") == sorted(f"worker-{number}" for number in range(1, 12))
    assert door.names("/worker/worker-11") == ["cursors", "telemetry"]


def test_a_long_listing_comes_whole(hive: Hive) -> None:
    for _ in range(3):
        hive.desk.write(CTL, b'{"spawn":"heartbeat","ticks":1}\n' * 100)

    assert hive.door().names("/worker") == sorted(f"worker-{number}" for number in range(1, 301))


@pytest.mark.parametrize(
    ("path", "mode", "size", "links"),
    [
        ("/", DIRECTORY | 0o555, 0, 2),
        ("/worker/worker-1", DIRECTORY | 0o555, 0, 2),
        ("/proc/boot", FILE | 0o444, len(BOOT), 1),
        (LOG, FILE | 0o644, len("spawned worker-1 ticks=1 ttl=300 ops=10000\n"), 1),
        (CTL, FILE | 0o600, len('OK {"spawn":"heartbeat","ticks":1}\n'), 1),
        (TELEMETRY, FILE | 0o644, 0, 1),
    ],
)
def test_stat_shows_mode_size_and_owner(hive: Hive, path: str, mode: int, size: int, links: int) -> None:
    command(hive.desk, '{"spawn":"heartbeat","ticks":1}')

    assert hive.door().stat(path) == Stat(mode, size, os.getuid(), os.getgid(), links)


# -- appending


@pytest.mark.parametrize(
    "flags", [APPEND, REPLACE, os.O_WRONLY, os.O_RDWR], ids=[">>", ">", "O_WRONLY", "O_RDWR"]
)
def test_the_log_takes_every_way_of_writing_as_an_append(hive: Hive, flags: int) -> None:
    door = hive.door()

    assert door.write(LOG, b"one\n", flags) == 4
    assert door.write(LOG, b"two\n", flags) == 4

    assert door.read(LOG) == b"one\ntwo\n"
    assert hive.desk.read(LOG) == b"one\ntwo\n"


@pytest.mark.parametrize("flags", [APPEND, REPLACE], ids=[">>", ">"])
def test_telemetry_is_appended_to_wherever_its_end_is(hive: Hive, flags: int) -> None:
    command(hive.desk, '{"spawn":"heartbeat","ticks":1}')
    hive.desk.write(TELEMETRY, b"one\n")
    door = hive.door()

    handle = door.open(TELEMETRY, flags)
    handle.write(b"two\n")
    hive.desk.write(TELEMETRY, b"three\n")
    handle.write(b"four\n")
    handle.close()

    assert door.read(TELEMETRY) == b"one\ntwo\nthree\nfour\n"


def test_a_write_of_the_largest_payload_arrives_whole(hive: Hive) -> None:
    assert hive.door().write(LOG, b"x" * 8167 + b"\n") == 8168
    assert hive.desk.read(LOG) == b"x" * 8167 + b"\n"


def test_telemetry_refuses_what_cannot_be_text_or_does_not_fit(hive: Hive) -> None:
    command(hive.desk, '{"spawn":"heartbeat","ticks":1}')
    door = hive.door()

    assert refusal(door.write, TELEMETRY, b"\xff\xfe\n") == "EINVAL"
    assert refusal(door.write, TELEMETRY, bytes(1025)) == "EDQUOT"
    assert door.read(TELEMETRY) == b""
    assert "[audit] telemetry frame rejected: non-utf8 payload under legacy schema" in hive.log()
    assert "[audit] telemetry quota reject bytes=1025 quota=1024" in hive.log()


def test_a_ring_that_wrapped_is_read_from_its_oldest_byte(hive: Hive) -> None:
    command(hive.desk, '{"spawn":"heartbeat","ticks":1}')
    door = hive.door()
    for letter in b"abcdefgh":
        door.write(TELEMETRY, bytes([letter]) * 300)

    content = door.read(TELEMETRY)

    assert content == b"e" * 124 + b"f" * 300 + b"g" * 300 + b"h" * 300
    assert door.stat(TELEMETRY).size == 2400
    assert [line for line in hive.log() if "ring wrap" in line] == [
        "[audit] telemetry ring wrap dropped_bytes=176 new_base=176",
        "[audit] telemetry ring wrap dropped_bytes=300 new_base=1076",
    ]


# -- what cannot be opened


@pytest.mark.parametrize(
    ("path", "flags", "name"),
    [
        ("/nobody", os.O_RDONLY, "ENOENT"),
        ("/proc/nobody/at/all", os.O_RDONLY, "ENOENT"),
        ("/proc/boot/below", os.O_RDONLY, "ENOTDIR"),
        ("/proc/boot", os.O_RDONLY | os.O_DIRECTORY, "ENOTDIR"),
        ("/proc", os.O_WRONLY, "EISDIR"),
        ("/proc", os.O_RDWR, "EISDIR"),
        ("/proc/" + "a" * 65, os.O_RDONLY, "ENAMETOOLONG"),
        ("/proc/" + "é" * 33, os.O_RDONLY, "ENAMETOOLONG"),
        ("/proc/" + "a" * 256, os.O_RDONLY, "ENAMETOOLONG"),
        ("/proc/" + "a" * 64, os.O_RDONLY, "ENOENT"),
        ("/nobody", os.O_WRONLY | os.O_CREAT, "EPERM"),
        ("/nobody", REPLACE, "EPERM"),
        ("/log/nobody", APPEND, "EPERM"),
    ],
)
def test_what_cannot_be_opened_says_why(hive: Hive, path: str, flags: int, name: str) -> None:
    assert refusal(hive.door().open, path, flags) == name


@pytest.mark.parametrize("flags", [os.O_WRONLY, os.O_RDWR, APPEND, REPLACE])
@pytest.mark.parametrize("path", ["/proc/boot", "/proc/9p/sessions"])
def test_what_is_read_only_cannot_be_opened_for_writing(hive: Hive, path: str, flags: int) -> None:
    door = hive.door()

    assert refusal(door.open, path, flags) == door.denied_by_mode


def test_a_file_opened_for_one_direction_refuses_the_other(hive: Hive) -> None:
    """Linux itself answers EBADF before a mount is asked."""
    door = hive.door()
    reading, writing = door.open(LOG, os.O_RDONLY), door.open(LOG, os.O_WRONLY)

    assert refusal(reading.write, b"x") in ("EPERM", "EBADF")
    assert refusal(writing.read, 0, 1) in ("EPERM", "EBADF")
    reading.close()
    writing.close()


# -- what the namespace does not do


@pytest.mark.parametrize("verb", CHANGES)
def test_no_system_call_changes_the_namespace(hive: Hive, verb: str) -> None:
    hive.desk.write(LOG, b"kept\n")
    made = verb in ("mkdir", "mkfifo", "symlink")
    path = "/new" if made else "/worker" if verb == "rmdir" else LOG
    door = hive.door()

    assert refusal(door.change, verb, path, "/log/other") == "EPERM"

    assert door.names("/") == ["gpu", "log", "proc", "queen", "worker"]
    assert door.names("/log") == ["queen.log"]
    assert door.read(LOG).startswith(b"kept\n")
    assert len(denials(hive)) == 1
    assert denials(hive)[0].endswith(f"error=EPERM reason={REASON}")
