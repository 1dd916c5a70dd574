"""Recorded sessions play again as they were, and only so."""

from collections.abc import Sequence
from contextlib import closing

import pytest

from cohsh.commands import RUNS
from cohsh.policy import Policy
from cohsh.shell import Shell
from cohsh.traces import Trace, TraceError
from cohsh.transports.inprocess import Mock, claimed_subject
from cohsh.transports.traced import Recording, Replay, Witnessed
from tests.cohsh.shells import Memory
from tests.deployment import CONFIG

SESSION = (
    "attach queen",
    "ls /log",
    "echo one > /log/queen.log",
    "cat /log/queen.log",
    "cat /nowhere",
    "quit",
)


def record(lines: Sequence[str] = SESSION) -> tuple[Trace, list[str]]:
    """The trace of a session, and what it showed."""
    recording, memory = Recording(), Memory()
    with closing(Mock(CONFIG, list[str]().append, recording)) as transport:
        shell = Shell(transport, Witnessed(memory, recording.acknowledged), Policy(), RUNS)
        for line in lines:
            shell.run(line)
    return recording.trace, memory.shown


def play(trace: Trace, lines: Sequence[str] = SESSION) -> list[str]:
    replay, memory = Replay(trace), Memory()
    transport = replay.transport(claimed_subject, list[str]().append)
    shell = Shell(transport, Witnessed(memory, replay.acknowledged), Policy(), RUNS)
    for line in lines:
        shell.run(line)
    replay.finish()
    return memory.shown


def test_a_recorded_session_shows_the_same_again() -> None:
    trace, shown = record()

    assert play(trace) == shown
    assert trace.acks[:2] == ("OK ATTACH role=queen", "OK LS path=/log entries=1")
    assert trace.acks[-1] == "OK QUIT"


def test_another_request_is_noticed() -> None:
    trace, _shown = record()

    with pytest.raises(TraceError, match=r"trace mismatch at frame 3: Twalk is not what was recorded"):
        play(trace, ["attach queen", "ls /proc"])


def test_more_than_was_recorded_is_noticed() -> None:
    trace, _shown = record(["attach queen"])

    with pytest.raises(TraceError, match=r"trace mismatch at frame 3: Twalk where the recording is over"):
        play(trace, ["attach queen", "ls /"])


def test_less_than_was_recorded_is_noticed() -> None:
    trace, _shown = record(["attach queen", "detach"])

    with pytest.raises(TraceError, match="trace mismatch: 1 frames and 1 acknowledgements were not played"):
        play(Trace((*trace.frames, trace.frames[0]), trace.acks), ["attach queen"])


def test_another_answer_is_noticed() -> None:
    trace, _shown = record()
    others = Trace(trace.frames, ("OK ATTACH role=worker-gpu", *trace.acks[1:]))

    with pytest.raises(
        TraceError, match="acknowledgement 1: recorded OK ATTACH role=worker-gpu, now OK ATTACH role=queen"
    ):
        play(others)


def test_a_recorded_response_that_is_none_is_noticed() -> None:
    trace, _shown = record(["attach queen"])
    (request, _response), *rest = trace.frames

    with pytest.raises(TraceError, match="trace frame 1 holds no reply"):
        play(Trace(((request, b"junk"), *rest), trace.acks), ["attach queen"])
