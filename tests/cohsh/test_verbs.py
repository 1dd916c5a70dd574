"""What verbs send."""

import errno
import socket
from pathlib import Path

import pytest

from cohsh.commands import RUNS
from cohsh.policy import Policy
from cohsh.shell import Shell
from cohsh.transports.transport import Following
from ninedoor.console.ack import err, ok
from ninedoor.console.grammar import Command
from ninedoor.console.refusals import refusal
from ninedoor.console.reply import Reply, reply
from tests.cohsh.shells import Memory, Scripted, on_a_hive, scripted


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("ls", Command("ls", path="/")),
        ("ls /log", Command("ls", path="/log")),
        ("log", Command("log")),
        ("tail /log/queen.log", Command("tail", path="/log/queen.log")),
        ("attach worker-gpu a-ticket", Command("attach", role="worker-gpu", ticket="a-ticket")),
        ("kill worker-1", Command("echo", path="/queen/ctl", payload='{"kill":"worker-1"}')),
        ("bind /a /b", Command("echo", path="/queen/ctl", payload='{"bind":{"from":"/a","to":"/b"}}')),
        (
            "mount logs /x",
            Command("echo", path="/queen/ctl", payload='{"mount":{"service":"logs","at":"/x"}}'),
        ),
    ],
)
def test_a_verb_is_a_command_of_the_console(line: str, command: Command) -> None:
    shell = scripted()
    shell.run(line)

    assert isinstance(shell.transport, Scripted)
    assert shell.transport.asked == [command]


def test_help_shows_every_verb() -> None:
    from cohsh.commands import HELP_LINES, VERBS

    outcome = scripted().run("help")

    assert tuple(response.text for response in outcome.responses) == HELP_LINES
    assert all(any(f"  {name}" in line for line in HELP_LINES) for name in VERBS)


def test_tail_follows_until_it_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    with on_a_hive() as shell:
        shell.run("echo one > /log/queen.log")

        def press(_seconds: float) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("time.sleep", press)
        with pytest.raises(KeyboardInterrupt):
            shell.run("tail -f /log/queen.log")

    assert isinstance(shell.output, Memory)
    assert shell.output.shown[-2:] == ["OK TAIL path=/log/queen.log", "one"]


def test_what_is_followed_is_kept_by_nobody_and_a_refused_tail_is_not_followed() -> None:
    class Endless(Scripted):
        def follow(self, path: str, interval_s: float) -> tuple[Reply, Following]:
            def news() -> Following:
                for number in range(1000):
                    yield [f"line {number}"]

            if path == "/none":
                return reply(err("TAIL", "policy")), news()
            return reply(ok("TAIL", path=path)), news()

    memory = Memory()
    shell = Shell(Endless(), memory, Policy(), RUNS)
    followed = shell.run("tail -f /log/queen.log")
    refused = shell.run("tail -f /none")

    assert memory.shown[-2] == "line 999"
    assert [response.text for response in followed.responses] == ["OK TAIL path=/log/queen.log"]
    assert [response.text for response in refused.responses] == ["ERR TAIL reason=policy"]


def test_leaving_says_so() -> None:
    outcome = scripted().run("quit")

    assert outcome.ends
    assert [response.text for response in outcome.responses] == ["OK QUIT", "closing session"]


def test_tcp_diag_tells_whether_somebody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        there = scripted().run(f"tcp-diag {port}")
    away = scripted().run(f"tcp-diag {port}")

    assert [response.text for response in there.responses] == [f"tcp-diag 127.0.0.1:{port} connected"]
    assert not away.ok
    assert away.responses[0].text.startswith(f"tcp-diag 127.0.0.1:{port} failed: nobody listens there")


def test_telemetry_is_pushed_record_by_record(tmp_path: Path) -> None:
    def answer(command: Command) -> Reply | None:
        return Reply(("OK CAT path=x data=seg-000001",), ("seg-000001",)) if command.verb == "cat" else None

    file = tmp_path / "a.txt"
    file.write_text("hello\n")
    shell = scripted(answer)
    outcome = shell.run(f"telemetry push {file} --device demo")

    assert isinstance(shell.transport, Scripted)
    assert shell.transport.asked == [
        Command("echo", path="/queen/telemetry/demo/ctl", payload='{"new":"segment","mime":"text/plain"}'),
        Command("cat", path="/queen/telemetry/demo/latest"),
        Command(
            "echo",
            path="/queen/telemetry/demo/seg/seg-000001",
            payload='{"schema":"cohsh-telemetry-push/v1","seq":1,"mime":"text/plain","payload":"hello\\n"}',
        ),
    ]
    assert [response.text for response in outcome.responses] == [
        "OK TELEMETRY action=push device=demo seg_id=seg-000001 records=1 bytes=85"
    ]


def test_records_fit_the_consoles_echo(tmp_path: Path) -> None:
    def answer(command: Command) -> Reply | None:
        return Reply(("OK CAT path=x data=s",), ("s",)) if command.verb == "cat" else None

    file = tmp_path / "a.csv"
    file.write_text("ä\n" * 100)
    shell = scripted(answer)
    assert isinstance(shell.transport, Scripted)
    shell.transport.payload = 128
    shell.run(f"telemetry push {file} --device demo")

    records = [command.payload for command in shell.transport.asked[2:]]
    assert len(records) > 5
    assert all(len(record.encode()) <= 128 for record in records)


def test_what_does_not_fit_one_segment_as_records_is_not_pushed_in_part(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("x" * 32768)
    shell = scripted()
    outcome = shell.run(f"telemetry push {file} --device demo")

    assert isinstance(shell.transport, Scripted)
    assert shell.transport.asked == []
    reason = "telemetry push records exceed max_bytes_per_segment 32768 bytes"
    assert [response.text for response in outcome.responses] == [
        f"ERR TELEMETRY action=push device=demo reason={reason}"
    ]


def test_a_record_and_its_line_feed_are_no_more_than_a_segment_takes_at_once(tmp_path: Path) -> None:
    def answer(command: Command) -> Reply | None:
        return Reply(("OK CAT path=x data=s",), ("s",)) if command.verb == "cat" else None

    file = tmp_path / "a.txt"
    envelope = len('{"schema":"cohsh-telemetry-push/v1","seq":1,"mime":"text/plain","payload":""}')
    file.write_text("x" * (4096 - envelope))
    shell = scripted(answer)
    shell.run(f"telemetry push {file} --device demo")

    assert isinstance(shell.transport, Scripted)
    records = [command.payload for command in shell.transport.asked[2:]]
    assert [len(record) < 4096 for record in records] == [True, True]


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a.txt", "x" * 32769, "telemetry push source exceeds max_bytes_per_segment 32768 bytes"),
        ("a.exe", "x", "telemetry push takes .csv .json .log .ndjson .txt, not a.exe"),
    ],
)
def test_other_files_are_not_pushed(tmp_path: Path, name: str, text: str, reason: str) -> None:
    (tmp_path / name).write_text(text)
    outcome = scripted().run(f"telemetry push {tmp_path / name} --device demo")

    assert [response.text for response in outcome.responses] == [
        f"ERR TELEMETRY action=push device=demo reason={reason}"
    ]


def test_a_hive_without_telemetry_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("x")

    def answer(command: Command) -> Reply | None:
        return reply(refusal("ECHO", errno.ENOENT, path=command.path))

    outcome = scripted(answer).run(f"telemetry push {tmp_path / 'a.log'} --device demo")

    assert outcome.responses[-1].text.startswith("ERR ECHO reason=policy detail=invalid-path")
