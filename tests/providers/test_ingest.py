"""/queen/telemetry: a device for whoever walks to one, and files that come and go with their segments."""

import errno
from dataclasses import replace

import pytest

from ninedoor import limits
from ninedoor.config import TelemetryIngest
from ninedoor.errors import P9Error
from ninedoor.providers import ingest
from ninedoor.session.ports import READ
from tests.providers.sites import CONFIG, Shown, shown

ROOT = "/queen/telemetry"
CTL = f"{ROOT}/dev/ctl"
NEW = b'{"new":"segment"}\n'
END = limits.APPEND_OFFSET


def _begun(number: int = 1) -> Shown:
    hive = shown(ingest.provide)
    for _ in range(number):
        hive.write(CTL, NEW, offset=END)
    return hive


def test_without_segments_no_device_is_listed() -> None:
    hive = shown(ingest.provide)

    assert hive.names(ROOT) == []
    assert hive.names(f"{ROOT}/dev") == ["ctl", "latest", "seg"]
    assert hive.names(f"{ROOT}/dev/seg") == []
    assert hive.read(f"{ROOT}/dev/latest") == b""
    assert hive.names(ROOT) == []


def test_a_segment_appears_with_its_device() -> None:
    hive = _begun()

    assert hive.names(ROOT) == ["dev"]
    assert hive.names(f"{ROOT}/dev/seg") == ["seg-000001"]
    assert hive.read(f"{ROOT}/dev/latest") == b"seg-000001\n"
    assert hive.write(f"{ROOT}/dev/seg/seg-000001", b"first\n", offset=END) == 6
    assert hive.read(f"{ROOT}/dev/seg/seg-000001") == b"first\n"
    assert hive.node(f"{ROOT}/dev/seg/seg-000001").attr().size == 6


def test_several_commands_may_come_in_one_write() -> None:
    hive = shown(ingest.provide)

    hive.write(CTL, NEW * 3, offset=END)

    assert hive.names(f"{ROOT}/dev/seg") == ["seg-000001", "seg-000002", "seg-000003"]


def test_an_evicted_segment_is_not_found_and_its_handles_are_stale() -> None:
    hive = _begun(4)
    node = hive.node(f"{ROOT}/dev/seg/seg-000001")
    left: list[str] = []
    hive.site.tree.observe(lambda _directory, name: left.append(name))

    hive.write(CTL, NEW, offset=END)

    assert hive.names(f"{ROOT}/dev/seg") == [f"seg-00000{number}" for number in (2, 3, 4, 5)]
    with pytest.raises(P9Error) as refusal:
        hive.node(f"{ROOT}/dev/seg/seg-000001")
    assert (refusal.value.ecode, refusal.value.reason) == (errno.ENOENT, "seg-000001 not found")
    assert node.gone == "telemetry segment seg-000001 not found"
    assert left == ["seg-000001"]


def test_the_ctl_file_says_what_commands_came_to() -> None:
    hive = _begun()
    with pytest.raises(P9Error, match="unsupported telemetry ctl verb x"):
        hive.write(CTL, b'{"new":"x"}\n', offset=END)

    assert hive.read(CTL) == (
        b'OK {"new":"segment"}\nERR EINVAL {"new":"x"}: unsupported telemetry ctl verb x\n'
    )


def test_a_command_says_where_it_goes() -> None:
    hive = shown(ingest.provide)
    hive.write(CTL, NEW, offset=0)

    with pytest.raises(P9Error, match="append-only offset 0 does not match expected 21"):
        hive.write(CTL, NEW, offset=0)

    hive.write(CTL, NEW, offset=21)


def test_what_was_pushed_before_a_restart_is_there() -> None:
    first = _begun(2)
    first.write(f"{ROOT}/dev/seg/seg-000002", b"kept\n", offset=END)

    again = shown(ingest.provide, journal=first.journal.reopened())

    assert again.names(ROOT) == ["dev"]
    assert again.read(f"{ROOT}/dev/seg/seg-000002") == b"kept\n"
    assert again.read(f"{ROOT}/dev/latest") == b"seg-000002\n"
    number = first.node(f"{ROOT}/dev/seg/seg-000002").qid.path
    assert again.node(f"{ROOT}/dev/seg/seg-000002").qid.path == number


def test_devices_that_nothing_is_pushed_for_make_room_for_others() -> None:
    hive = _begun()
    node = hive.node(f"{ROOT}/typo-0")
    for number in range(1, limits.INGEST_DEVICES_MAX):
        hive.node(f"{ROOT}/typo-{number}")
    assert node.gone is None

    hive.node(f"{ROOT}/one-more")

    assert node.gone == "nothing was pushed for the device"
    assert hive.node(f"{ROOT}/typo-0") is not node
    assert hive.names(ROOT) == ["dev"]


def test_a_device_that_leaves_is_not_listed_and_what_was_open_of_it_is_stale() -> None:
    hive = _begun()
    gone = hive.node(f"{ROOT}/dev/seg/seg-000001")
    for number in range(limits.INGEST_DEVICES_MAX):
        hive.write(f"{ROOT}/dev-{number}/ctl", NEW, offset=END)

    assert gone.gone == "telemetry device dev not found"
    assert "dev" not in hive.names(ROOT)
    assert len(hive.names(ROOT)) == limits.INGEST_DEVICES_MAX
    hive.write(CTL, NEW, offset=END)
    assert hive.names(f"{ROOT}/dev/seg") == ["seg-000002"]


def test_a_device_keeps_its_node_when_it_begins_its_first_segment() -> None:
    hive = shown(ingest.provide)
    before = hive.node(f"{ROOT}/dev")

    hive.write(CTL, NEW, offset=END)

    assert hive.node(f"{ROOT}/dev") is before
    assert before.gone is None


@pytest.mark.parametrize("name", ["with blank", "esc\x1b", "line\nfeed"])
def test_a_name_that_a_log_line_could_not_hold_is_no_device(name: str) -> None:
    with pytest.raises(P9Error) as refusal:
        shown(ingest.provide).node(f"{ROOT}/{name}")

    assert refusal.value.ecode == errno.ENOENT
    assert refusal.value.reason.startswith("telemetry device ")


def test_a_segment_that_is_not_there_is_not_found() -> None:
    with pytest.raises(P9Error) as refusal:
        _begun().node(f"{ROOT}/dev/seg/seg-000009")

    assert refusal.value.ecode == errno.ENOENT


def test_without_ingest_there_is_no_such_directory() -> None:
    off = replace(CONFIG, telemetry_ingest=TelemetryIngest(0, 0, 0))
    hive = shown(lambda site: ingest.provide(site), off)

    with pytest.raises(P9Error) as refusal:
        hive.node(ROOT)

    assert refusal.value.ecode == errno.ENOENT


def test_who_watches_a_segment_is_woken_by_appends() -> None:
    hive = _begun()
    node = hive.node(f"{ROOT}/dev/seg/seg-000001")
    woken: list[int] = []
    stop = node.watch(lambda: woken.append(1))

    hive.write(f"{ROOT}/dev/seg/seg-000001", b"x", offset=END)
    stop()

    assert woken == [1]
    assert node.open(READ, 0.0).pending()
