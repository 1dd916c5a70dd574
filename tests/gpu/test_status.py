"""Status lines and breadcrumbs are the original's, never longer than a reader allows."""

import errno
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor import limits
from ninedoor.errors import P9Error
from ninedoor.gpu.status import (
    Command,
    Step,
    breadcrumb_exit,
    breadcrumb_start,
    claimed,
    commands,
    completed,
    device,
    lease_ended,
    line,
    parse_line,
    steps,
)


def test_lines_of_a_job_are_the_originals() -> None:
    assert line("job-1", "QUEUED", "accepted") == '{"job":"job-1","state":"QUEUED","detail":"accepted"}'
    assert line("job-1", "RUNNING", "scheduled") == '{"job":"job-1","state":"RUNNING","detail":"scheduled"}'
    assert lease_ended("worker-2", "ticket ttl expired") == (
        '{"job":"worker-2","state":"LEASE-ENDED","detail":"ticket ttl expired"}'
    )


def test_breadcrumbs_are_the_originals_to_the_byte() -> None:
    start, end = breadcrumb_start("echo ok"), breadcrumb_exit("echo ok", 0)

    assert start == ('{"schema":"gpu-breadcrumb/v1","event":"START","command":"echo ok","status":"RUNNING"}')
    assert end == (
        '{"schema":"gpu-breadcrumb/v1","event":"EXIT","command":"echo ok","status":"OK","exit_code":0}'
    )
    assert (len(start) + 1, len(end) + 1) == (86, 94)
    assert json.loads(breadcrumb_exit("false", 3))["status"] == "ERR"


@given(st.text(max_size=1000))
def test_a_breadcrumb_holds_as_much_of_a_command_as_fits(command: str) -> None:
    text = breadcrumb_exit(command, -15)

    shown = json.loads(text)["command"]
    assert len(text.encode()) <= limits.GPU_STATUS_LINE_MAX
    assert len(shown.encode()) <= limits.GPU_BREADCRUMB_COMMAND_MAX
    if command.isascii() and command.isprintable() and len(command) <= 200 and '"' not in command:
        assert shown == command


@given(st.text(max_size=700))
def test_a_line_about_a_job_is_never_too_long(detail: str) -> None:
    text = line("job-1", "ERR", detail)

    assert len(text.encode("utf-8", "backslashreplace")) <= limits.GPU_STATUS_LINE_MAX


def test_an_outcome_names_its_result() -> None:
    detail = completed("ab" * 32, 8, elapsed_us=17)

    assert detail == f"completed sha256={'ab' * 32} bytes=8 elapsed_us=17"
    assert claimed(detail) == {"sha256": "ab" * 32, "bytes": "8", "elapsed_us": "17"}
    assert claimed("completed") == {}


def test_what_is_no_step_but_has_a_schema_is_passed_over() -> None:
    assert parse_line(breadcrumb_start("x")) is None
    assert parse_line(device(3, None, 41)) is None


@pytest.mark.parametrize("text", ["", "x", "[]", "{}", '{"job":1,"state":"OK","detail":""}', '{"job":"j"}'])
def test_what_is_no_status_line_is_refused(text: str) -> None:
    with pytest.raises(P9Error) as refused:
        parse_line(text)

    assert refused.value.ecode == errno.EINVAL


def test_a_long_status_line_is_too_big() -> None:
    with pytest.raises(P9Error) as refused:
        parse_line(line("j", "OK", "completed") + " " * limits.GPU_STATUS_LINE_MAX)

    assert refused.value.ecode == errno.EMSGSIZE


def test_steps_are_found_among_other_lines() -> None:
    text = f'te":"OK"}}\n{breadcrumb_start("x")}\n{line("j", "OK", "completed")}\n'

    assert steps(text) == [Step("j", "OK", "completed")]


def test_commands_are_what_their_breadcrumbs_tell() -> None:
    text = "\n".join(
        [
            breadcrumb_exit("of before", 0),
            breadcrumb_start("make"),
            line("job-1", "QUEUED", "accepted"),
            breadcrumb_start("sleep 9"),
            device(1, 2, 3),
            breadcrumb_start("make"),
            breadcrumb_exit("make", 2),
            '{"schema":"gpu-breadcrumb/v1","comm',
            lease_ended("worker-1", "killed by queen"),
            breadcrumb_exit("sleep 9", 0),
            breadcrumb_start("true"),
            breadcrumb_start("false"),
            breadcrumb_exit("true", 0),
        ]
    )

    assert commands(text) == [
        Command("of before", "OK", 0),
        Command("make", "LEASE-ENDED", None),
        Command("sleep 9", "OK", 0),
        Command("make", "ERR", 2),
        Command("true", "OK", 0),
        Command("false", "RUNNING", None),
    ]
