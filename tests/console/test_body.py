"""Bodies as lines, and the part of them that the acknowledgement repeats."""

from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor.console.ack import END, ok
from ninedoor.console.body import body_lines, cut, split_line, summary
from ninedoor.limits import ACK_DETAIL_MAX, CONSOLE_LINE_MAX

BOOT = """Cohesix boot: root-task online
manifest.schema=1.5
manifest.profile=virt-aarch64
manifest.sha256=3a20adc55c8f975e20e8ef031422f8a09b4a7b8e524dd052bf69296ddf7ff1af
telemetry.ring_bytes_per_worker=1024
telemetry.frame_schema=legacy-plaintext
telemetry.cursor.retain_on_boot=false
event_pump.fds=serial,timer,ipc,net-console,ninedoor
""".splitlines()

STATUS = """status epoch=100 state=ready
manifest_bytes=169 manifest_pending_bytes=0
chunks_expected=1 chunks_committed=1 chunks_pending=0 chunks_missing=0
payload_bytes=128 payload_sha256=b6ac3cc10386331c765f04f041c147d0f278f2aed8eaa021e2d0057fc6f6ff9e
delta_base_epoch=none delta_base_sha256=none
""".splitlines()


def data_of(lines: list[str], path: str = "/log/queen.log") -> str:
    return summary(path, lines)


def test_text_goes_line_by_line() -> None:
    assert body_lines(b"one\n\nthree\n") == ["one", "", "three"]
    assert body_lines(b"one\r\ntwo") == ["one", "two"]
    assert body_lines(b"a\tb\n") == ["a\tb"]
    assert body_lines("a\u00a0é".encode()) == ["a\u00a0é"]
    assert body_lines(b"\n") == [""]
    assert body_lines(b"") == []


@pytest.mark.parametrize(
    "content", [b"\xff", b"a\x1b[2Jb", b"a\rb", b"a\0", b"\x7f", "\x9b".encode(), b"ok\n\xc3"]
)
def test_what_is_not_plain_text_goes_as_base64(content: bytes) -> None:
    (line,) = body_lines(content)

    assert b64decode(line.removeprefix("b64:"), validate=True) == content


def test_text_goes_as_base64_where_asked_for() -> None:
    assert body_lines(b"WWW", binary=True) == ["b64:V1dX"]
    assert body_lines(b"", binary=True) == []


@pytest.mark.parametrize(("size", "lines"), [(188, 1), (189, 1), (190, 2), (378, 2), (379, 3)])
def test_each_base64_line_stands_for_itself(size: int, lines: int) -> None:
    content = bytes(range(128, 256)) * 4
    sent = body_lines(content[:size])

    assert len(sent) == lines
    assert all(len(line) <= CONSOLE_LINE_MAX for line in sent)
    assert b"".join(b64decode(line.removeprefix("b64:"), validate=True) for line in sent) == content[:size]


def test_long_lines_are_split_at_256_bytes() -> None:
    assert split_line("x" * 256) == ["x" * 256]
    assert split_line("x" * 257) == ["x" * 256, "x"]
    assert split_line("x" * 255 + "é" + "x" * 255) == ["x" * 255, "é" + "x" * 254, "x"]
    assert body_lines(b"x" * 600 + b"\ny\n") == ["x" * 256, "x" * 256, "x" * 88, "y"]


def test_a_body_does_not_end_itself() -> None:
    assert body_lines(b"END\n END\n") == ["END ", " END"]
    assert split_line("x" * 256 + END)[-1] == "END "


@given(st.one_of(st.binary(), st.text().map(str.encode), st.text("aé🐝\n", min_size=250).map(str.encode)))
def test_body_lines_fit_and_keep_the_content(content: bytes) -> None:
    lines = body_lines(content)

    assert END not in lines
    assert all(len(line.encode()) <= CONSOLE_LINE_MAX and "\n" not in line for line in lines)
    if content.startswith(b"b64:"):
        return  # text that looks like bytes: nobody can tell
    if lines and lines[0].startswith("b64:"):
        assert b"".join(b64decode(line.removeprefix("b64:")) for line in lines) == content
    elif "END" not in "".join(lines):
        assert "".join(lines) == content.decode().replace("\r\n", "\n").replace("\n", "")


def test_data_holds_the_latest_lines_in_order() -> None:
    assert data_of(["batch-1", "batch-2", "batch-3"]) == "batch-1|batch-2|batch-3"


def test_data_of_the_boot_text_is_as_captured() -> None:
    path = "/proc/boot"
    lines = ["telemetry.ring_bytes_per_worker=1024", BOOT[6], "event_pump.fds=serial,timer,ipc,"]
    expected = "|".join(lines)

    assert len(expected) == 107
    assert str(ok("CAT", path=path, data=summary(path, BOOT))) == f"OK CAT path=/proc/boot data={expected}"


def test_data_of_an_update_status_is_as_captured() -> None:
    path = "/updates/100/status"
    expected = (
        "status epoch=100 state=ready|manifest_bytes=169 manifest_pending_bytes=0|delta_base_epoch=none del"
    )

    assert summary(path, STATUS) == expected
    assert len(f"path={path} data={expected}") == ACK_DETAIL_MAX


def test_data_skips_lines_in_brackets_while_there_are_others() -> None:
    assert data_of(["[audit] a", "b", "[audit] c", "d"]) == "b|d"
    assert data_of(["[audit] a", "[audit] b"]) == "[audit] a|[audit] b"
    assert data_of(["[audit] a", "x" * 65]) == "[audit] a"


def test_data_takes_lines_of_64_bytes_and_none_of_65() -> None:
    assert data_of(["a" * 64], "/p") == "a" * 64
    assert data_of(["a" * 65, "b"], "/p") == "b"
    assert data_of(["é" * 32, "b"], "/p") == "é" * 32 + "|b"
    assert data_of(["é" * 32 + "x", "b"], "/p") == "b"


def test_data_takes_128_bytes_with_separators_and_goes_on_past_what_does_not_fit() -> None:
    assert data_of(["c" * 63, "b" * 64], "")[:3] == "ccc"
    assert data_of(["c" * 64, "b" * 64], "")[:3] == "bbb"
    assert data_of(["d", "c" * 64, "b" * 64], "")[:3] == "d|b"


def test_data_of_long_lines_only_is_the_last_one_cut() -> None:
    assert data_of(["a" * 100, "b" * 200], "/p") == "b" * (128 - len("path=/p data="))


def test_data_of_nothing_is_nothing() -> None:
    assert data_of([]) == ""


def test_data_of_a_binary_update_or_model_is_its_beginning() -> None:
    lines = body_lines(bytes(300), binary=True)

    assert summary("/updates/1/chunks/aa", lines).startswith("b64:AAAA")
    assert summary("/models/m/weights", ["b64:V1dX"]) == "b64:V1dX"
    assert summary("/models/m/weights", ["b64:" + "x" * 252, "b64:V1dX"]).startswith("b64:xx")
    assert summary("/log/other", ["b64:" + "x" * 252, "b64:V1dX"]) == "b64:V1dX"


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]))), st.integers(1, 96))
def test_data_always_fits_its_acknowledgement(lines: list[str], length: int) -> None:
    path = "/" * length
    data = summary(path, lines)

    assert str(ok("CAT", path=path, data=data)) == f"OK CAT path={path} data={data}"


def test_cutting_never_leaves_half_a_character() -> None:
    assert [cut("aé🐝", size) for size in range(8)] == ["", "a", "a", "aé", "aé", "aé", "aé", "aé🐝"]
