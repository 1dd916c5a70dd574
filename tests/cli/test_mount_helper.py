import sys

import pytest

from ninedoor.cli import mount_helper
from ninedoor.cli.mount_helper import main, translate
from tests.cli.conftest import Terminal


@pytest.mark.parametrize(
    ("source", "options", "command"),
    [
        ("ninedoor", "", "mount --daemon -- /mnt"),
        ("none", "rw,_netdev", "mount --daemon -o rw,_netdev -- /mnt"),
        ("/etc/m.toml", "", "mount --daemon --manifest /etc/m.toml -- /mnt"),
        ("ninedoor", "state=/s,ro,role=queen", "mount --daemon --state /s --role queen -o ro -- /mnt"),
        ("ninedoor", "log_format=json", "mount --daemon --log-format json -- /mnt"),
        ("ninedoor", "log-level=debug", "mount --daemon --log-level debug -- /mnt"),
        ("ninedoor", "state", "mount --daemon -o state -- /mnt"),
        ("ninedoor", "listen=unix:/s?fids=9", "mount --daemon --listen unix:/s?fids=9 -- /mnt"),
        (
            "ninedoor",
            "console=tcp://[::1]:1,console-token-file=/t",
            "mount --daemon --console tcp://[::1]:1 --console-token-file /t -- /mnt",
        ),
        ("ninedoor", "beyond_loopback", "mount --daemon --beyond-loopback -- /mnt"),
        ("ninedoor", "beyond_loopback=x", "mount --daemon -o beyond_loopback=x -- /mnt"),
        ("unix:/s", "", "mount --daemon -- /mnt unix:/s"),
        ("tcp://h:1", "ticket=/t,deadline=5", "mount --daemon --ticket /t --deadline 5 -- /mnt tcp://h:1"),
        ("ninedoor", "fsname=a=b", "mount --daemon -o fsname=a=b -- /mnt"),
    ],
)
def test_a_line_of_fstab_becomes_a_command(source: str, options: str, command: str) -> None:
    given = options.split(",") if options else []

    assert translate(source, "/mnt", given) == command.split()


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("src /mnt", ["mount", "--daemon", "--", "/mnt"]),
        ("src /mnt -o rw,noatime", ["mount", "--daemon", "-o", "rw,noatime", "--", "/mnt"]),
        ("src /mnt -n -s -v -o rw -o ro", ["mount", "--daemon", "-o", "rw,ro", "--", "/mnt"]),
        ("src /mnt -r -t fuse.ninedoor -N 1", ["mount", "--daemon", "-o", "ro", "--", "/mnt"]),
        ("-o rw, src /mnt", ["mount", "--daemon", "-o", "rw", "--", "/mnt"]),
    ],
)
def test_the_arguments_of_mount_8_are_understood(
    line: str, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    carried_out: list[list[str]] = []
    monkeypatch.setattr(mount_helper, "ninedoor", lambda words: carried_out.append(words) or 0)

    assert main(line.split()) == 0
    assert carried_out == [command]


@pytest.mark.parametrize("line", ["", "src", "src /mnt extra", "src /mnt -x", "src /mnt -o"])
def test_a_wrong_line_is_refused_with_usage(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line.split()) == 1
    assert "usage: mount.fuse.ninedoor" in capsys.readouterr().err


def test_a_fake_mount_mounts_nothing() -> None:
    assert main(["src", "/does/not/exist", "-f"]) == 0


@pytest.mark.mount
def test_the_helper_mounts_with_the_options_of_an_fstab_line(
    terminal: Terminal,
) -> None:
    place = terminal.mountpoint()
    terminal.program = (sys.executable, "-m", "ninedoor.cli.mount_helper")
    options = f"rw,noatime,_netdev,state={terminal.home / 'state'}"
    done = terminal.run("ninedoor", str(place), "-o", options)
    boot = (place / "proc" / "boot").read_text()

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert boot
    assert (terminal.home / "state").is_dir()
