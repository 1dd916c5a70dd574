"""`cohsh` as its users run it: arguments, standard input, exit statuses."""

import json
import os
import subprocess
import sys
from pathlib import Path
from socket import create_server

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
        "[cohsh] no file is there, or none of that kind: ls shows what is, and what a directory holds",
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


def test_programs_read_why_a_hive_is_not_reached_and_of_which_command(tmp_path: Path) -> None:
    nobody = cohsh(tmp_path, "--transport", "9p", "--url", "unix:nowhere", "--json", "cat", "/proc/boot")
    ticket = cohsh(tmp_path, "--transport", "mock", "--ticket", "none-such", "--json", "cat", "/proc/boot")
    away, refused = (json.loads(done.stdout) for done in (nobody, ticket))

    assert (nobody.returncode, ticket.returncode) == (1, 1)
    assert nobody.stderr == f"Error: {away['error']}\n"
    assert "nowhere" in away.pop("error")
    assert away == {"command": "cat /proc/boot", "ok": False, "acks": [], "lines": []}
    assert (refused["command"], refused["acks"]) == (
        "cat /proc/boot",
        ["ERR ATTACH reason=policy detail=denied"],
    )


@pytest.mark.parametrize("script", ["", "# only\n", "\n  \n"])
def test_where_there_is_nothing_to_do_nothing_is_done(tmp_path: Path, script: str) -> None:
    (tmp_path / "empty").write_text(script)
    given = cohsh(tmp_path, given=script)
    named = cohsh(tmp_path, "--transport", "mock", "--script", "empty")

    for done in (given, named):
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_secrets_stay_off_the_command_line(tmp_path: Path) -> None:
    minting = ["--mint-ticket", "--role", "queen", "--ticket-secret"]
    (tmp_path / "secret").write_text("mine\n")
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    (tmp_path / "two").write_text("one\ntwo\n")
    (tmp_path / "none").write_text("\n")
    with Hive(tmp_path).served() as hive:
        port = ["--tcp-port", str(hive.port)]
        option = cohsh(tmp_path, *port, "--auth-token", "@token", "ping")
        variable = cohsh(tmp_path, *port, "ping", COHSH_AUTH_TOKEN="@token")
    two = cohsh(tmp_path, "--transport", "mock", "--auth-token", "@two", "ping")
    none = cohsh(tmp_path, "--transport", "mock", "--ticket", "@none", "ping")
    from_file, by_name = (cohsh(tmp_path, *minting, given) for given in ("@secret", "@nowhere"))

    assert (option.returncode, variable.returncode) == (0, 0)
    assert two.stderr == "Error: two: expected the console token alone on one line\n"
    assert none.stderr == "Error: none: expected the ticket alone on one line\n"
    assert from_file.stdout.startswith("cohesix-ticket-0100")
    assert by_name.stderr == "Error: nowhere: no such file or directory\n"


def test_errors_have_one_beginning(tmp_path: Path) -> None:
    usage = cohsh(tmp_path, "--transport", "pigeon")
    missing = cohsh(tmp_path, "--script", "no.coh")
    away = cohsh(tmp_path, "--transport", "9p", "--url", "unix:nowhere", "ping")

    for done in (usage, missing, away):
        assert done.stderr.startswith("Error: ")
    assert usage.stderr.endswith("\nTry 'cohsh --help'.\n")


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_shells_complete_its_command_line(tmp_path: Path, shell: str) -> None:
    done = cohsh(tmp_path, "--completion", shell)

    assert done.returncode == 0
    assert "--replay-trace" in done.stdout
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=done.stdout, text=True, check=True)
        assert "_shtab_cohsh___script_COMPGEN=_shtab_compgen_files" in done.stdout
        assert "_shtab_cohsh___mount_COMPGEN=_shtab_compgen_dirs" in done.stdout
    else:
        assert done.stdout.startswith("#compdef cohsh\n")


def test_one_command_on_the_line_over_tcp(tmp_path: Path) -> None:
    with Hive(tmp_path).served() as hive:
        port = {"COHSH_TCP_PORT": str(hive.port)}
        done = cohsh(tmp_path, "cat", "/proc/boot", **port, COHSH_AUTH_TOKEN=TOKEN)
        talkative = cohsh(tmp_path, "-v", "cat", "/proc/boot", **port, COHSH_AUTH_TOKEN=TOKEN)
        wrong = cohsh(tmp_path, "cat", "/proc/boot", **port)

    place = f"127.0.0.1:{hive.port}"
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "manifest.schema=1.5"
    assert done.stderr == ""
    assert talkative.stderr.splitlines()[1:] == [
        f"[cohsh][tcp] connected to {place} (connects=1)",
        "[cohsh][tcp] remote NineDoor ready as role Queen",
    ]
    assert wrong.returncode == 1
    assert wrong.stderr == (
        f"Error: {place} refuses the token (ERR AUTH reason=invalid-length); give --auth-token or set "
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
        (["--mock-seed-gpu", "ping"], "--mock-seed-gpu needs --transport mock"),
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


def test_what_asks_nothing_of_a_hive_needs_none(tmp_path: Path) -> None:
    with create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        diagnosed = cohsh(tmp_path, "--tcp-port", "1", "tcp-diag", str(port))
    helped = cohsh(tmp_path, "--tcp-port", "1", "help", "ping")

    assert (diagnosed.returncode, diagnosed.stdout) == (0, f"tcp-diag 127.0.0.1:{port} connected\n")
    assert (helped.returncode, helped.stdout) == (0, "  ping - ask whether anybody answers\n")
    assert diagnosed.stderr + helped.stderr == ""
