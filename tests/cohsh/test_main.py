"""`cohsh` as its users run it: arguments, standard input, exit statuses."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cohsh.lock import console_lock
from tests.cohsh.hives import TOKEN, Hive

CHECKOUT = Path(__file__).parents[2]


def cohsh(
    place: Path, *arguments: str, given: str = "", **variables: str
) -> "subprocess.CompletedProcess[str]":
    """Run the shell to its end."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COHSH_")}
    return subprocess.run(
        [sys.executable, "-m", "cohsh.main", *arguments],
        cwd=place,
        env=kept | {"PYTHONPATH": str(CHECKOUT), "TMPDIR": str(place)} | variables,
        input=given,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_script_that_passes(tmp_path: Path) -> None:
    (tmp_path / "a.coh").write_text("attach queen\nEXPECT OK\nquit\ncat /nowhere\n")
    done = cohsh(tmp_path, "--transport", "mock", "--script", "a.coh")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "[console] OK ATTACH role=queen\nattached session SessionId(1) as Queen\n[console] OK QUIT\n"
        "closing session\n"
    )


def test_a_script_on_standard_input_that_fails(tmp_path: Path) -> None:
    done = cohsh(tmp_path, "--transport", "mock", given="attach queen\ncat /nowhere\nEXPECT OK\n")

    assert done.returncode == 1
    assert done.stderr.splitlines()[:6] == [
        "[cohsh] nothing of that kind is there: ls shows what is, help what a path may be",
        "Error: script failure at line 3: EXPECT OK",
        "reason: EXPECT OK failed",
        "last command: cat /nowhere",
        "last response: ERR CAT reason=policy detail=invalid-path path=/nowhere error=invalid path",
        "last response source: ack",
    ]


def test_checking_runs_nothing(tmp_path: Path) -> None:
    (tmp_path / "good.coh").write_text("attach queen\nEXPECT OK\n")
    (tmp_path / "bad.coh").write_text("attach queen\nEXPECT MAYBE\n")
    good, bad = (cohsh(tmp_path, "--check", f"{name}.coh") for name in ("good", "bad"))

    assert (good.returncode, good.stdout) == (0, "check ok: good.coh\n")
    assert bad.returncode == 1
    assert bad.stderr == (
        "Error: bad.coh, line 2: EXPECT takes OK, ERR, SUBSTR <text> or NOT <text>, not 'MAYBE'\n"
    )


def test_programs_read_json(tmp_path: Path) -> None:
    done = cohsh(
        tmp_path, "--transport", "mock", "--json", "-c", "ls /worker", "-c", "cat /nowhere", "-c", "ping"
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]

    assert done.returncode == 1
    assert rows[0] == {
        "command": "ls /worker",
        "ok": True,
        "acks": ["OK LS path=/worker entries=0"],
        "lines": [],
    }
    assert [row["ok"] for row in rows] == [True, False]


def test_one_command_on_the_line_over_tcp(tmp_path: Path) -> None:
    with Hive(tmp_path).served() as hive:
        port = {"COHSH_TCP_PORT": str(hive.port)}
        done = cohsh(tmp_path, "cat", "/proc/boot", **port, COHSH_AUTH_TOKEN=TOKEN)
        wrong = cohsh(tmp_path, "cat", "/proc/boot", **port)

    place = f"127.0.0.1:{hive.port}"
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "manifest.schema=1.5"
    assert done.stderr == (
        f"[cohsh][tcp] connected to {place} (connects=1)\n[cohsh][tcp] remote NineDoor ready as role Queen\n"
    )
    assert wrong.returncode == 1
    assert wrong.stderr == (
        f"[cohsh] {place} refuses the token (ERR AUTH reason=invalid-length); give --auth-token or set "
        "COHSH_AUTH_TOKEN\n"
    )


def test_what_goes_over_the_wire_is_shown_without_secrets(tmp_path: Path) -> None:
    with Hive(tmp_path).served() as hive:
        done = cohsh(
            tmp_path, "--tcp-debug", "--ticket", "a-ticket", "ping", COHSH_TCP_PORT=str(hive.port),
            COHSH_AUTH_TOKEN=TOKEN,
        )  # fmt: skip

    assert "[cohsh][tcp] > attach queen\n" in done.stderr
    assert "[cohsh][tcp] < ERR ATTACH reason=policy detail=denied\n" in done.stderr
    assert "a-ticket" not in done.stderr
    assert TOKEN not in done.stderr


def test_a_busy_console_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with console_lock("127.0.0.1", 9, {}):
        busy = cohsh(tmp_path, "--tcp-port", "9", "ping")
        without = cohsh(tmp_path, "--tcp-port", "9", "ping", COHSH_CONSOLE_LOCK="off")

    lock = tmp_path / "cohesix-console-127.0.0.1-9.lock"
    assert (busy.returncode, busy.stderr) == (1, f"Error: console busy: lock held at {lock}\n")
    assert "nobody listens there" in without.stderr


def test_tickets_are_minted_by_the_secret_that_comes_first(tmp_path: Path) -> None:
    queen = ["--mint-ticket", "--role", "queen"]
    given = cohsh(tmp_path, *queen, "--ticket-secret", "mine", COHSH_TICKET_SECRET="other")
    other = cohsh(tmp_path, *queen, COHSH_TICKET_SECRET="other")
    stock = cohsh(tmp_path, *queen, "--ticket-config", str(CHECKOUT / "configs" / "root_task.toml"))
    nobody = cohsh(tmp_path, "--mint-ticket", "--role", "worker-gpu", COHSH_TICKET_SECRET="x")

    assert len({given.stdout, other.stdout, stock.stdout}) == 3
    assert all(done.stdout.startswith("cohesix-ticket-0100") for done in (given, other, stock))
    assert (nobody.returncode, nobody.stderr) == (1, "Error: worker roles require a subject identity\n")


def test_a_stale_policy_keeps_the_shell_from_starting(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text("[retry]\n")
    (tmp_path / "p.toml.sha256").write_text("00  p.toml\n")
    done = cohsh(tmp_path, "--transport", "mock", "ping", COHSH_POLICY="p.toml")

    assert done.returncode == 1
    assert done.stderr.startswith("Error: cohsh policy hash mismatch: expected 00 got ")
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--transport", "9p", "ping"], "--transport 9p needs --url"),
        (["--transport", "fs", "ping"], "--transport fs needs --mount DIR"),
        (["--transport", "serial", "ping"], "--transport serial needs --line PATH"),
        (["--script", "no.coh"], "no.coh: no such file or directory"),
        (["--script", "x", "-c", "ping"], "not several of them"),
        (["--mint-ticket"], "--mint-ticket needs --role"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, arguments: list[str], why: str) -> None:
    done = cohsh(tmp_path, *arguments)

    assert done.returncode in (1, 2)
    assert why in done.stderr


def test_numbers_of_the_environment_are_checked(tmp_path: Path) -> None:
    done = cohsh(tmp_path, "ping", COHSH_RETRY_BACKOFF_MS="soon")

    assert done.returncode == 2
    assert "COHSH_RETRY_BACKOFF_MS: not a whole number from 0: 'soon'" in done.stderr


def test_a_session_is_recorded_and_played_again(tmp_path: Path) -> None:
    mock = ["--transport", "mock", "-c", "ls /", "-c", "quit"]
    recorded = cohsh(tmp_path, *mock, "--record-trace", "t.trace")
    played = cohsh(tmp_path, *mock, "--replay-trace", "t.trace")
    file = tmp_path / "t.trace"
    file.write_bytes(file.read_bytes().replace(b"queen", b"quern"))
    changed = cohsh(tmp_path, *mock, "--replay-trace", "t.trace")
    elsewhere = cohsh(tmp_path, "--record-trace", "t.trace", "ping")

    assert (recorded.returncode, played.returncode) == (0, 0)
    assert played.stdout == recorded.stdout
    assert changed.returncode == 1
    assert changed.stderr == (
        "Error: trace hash mismatch: the file was changed or cut after it was written\n"
    )
    assert elsewhere.stderr == "Error: --record-trace and --replay-trace need --transport mock\n"
