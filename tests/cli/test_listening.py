"""What --listen asks for, and every way to ask for what cannot be."""

from pathlib import Path

import pytest

from ninedoor.cli.arguments import describe
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.listening import asked
from ninedoor.manifest.load import Added
from ninedoor.manifest.models.ours import Listener


def asked_by(*words: str) -> list[Added]:
    return asked(describe().parse_args(["serve", *words]))


def refused(*words: str) -> str:
    with pytest.raises(CommandFailure) as failure:
        asked_by(*words)

    assert failure.value.status == Exit.USAGE
    return failure.value.text


def test_nothing_is_listened_on_unless_asked_for() -> None:
    assert asked_by() == []


def test_a_url_alone_has_the_defaults_of_a_listener() -> None:
    assert asked_by("--listen", "tcp://127.0.0.1:5640") == [
        Added(Listener(url="tcp://127.0.0.1:5640"), "--listen tcp://127.0.0.1:5640")
    ]


def test_options_are_the_keys_of_a_listener() -> None:
    query = "profile=linux&sessions=64&fids=512&handshake_ms=100&idle_ms=2000&stall_ms=300"
    (added,) = asked_by("--listen", f"unix:/s?{query}")

    assert added.listener == Listener(
        url="unix:/s", profile="linux", sessions=64, fids=512, handshake_ms=100, idle_ms=2000, stall_ms=300
    )


def test_several_are_told_apart() -> None:
    added = asked_by("--listen", "unix:/a", "--listen", "unix:/b?fids=1")

    assert [(one.listener.url, one.listener.fids, one.origin) for one in added] == [
        ("unix:/a", 256, "--listen unix:/a"),
        ("unix:/b", 1, "--listen unix:/b"),
    ]


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://localhost:80", "not an address: 'http://localhost:80'; write unix:/path or tcp://host:port"),
        ("tcp://127.0.0.1", "'tcp://127.0.0.1' is no host and port; write tcp://host:port"),
        ("unix:/s?sessions=1&sessions=2", "option 'sessions' of 'unix:/s' is given twice"),
        ("unix:/s?profle=linux", "--listen unix:/s: profle: unknown key (did you mean profile?)"),
        ("unix:/s?zzz=1", "--listen unix:/s: zzz: unknown key"),
        ("unix:/s?profile=plan9", "--listen unix:/s: profile=plan9: must be 'strict' or 'linux'"),
        ("unix:/s?sessions=0", "--listen unix:/s: sessions=0: is below minimum 1"),
        ("unix:/s?sessions=20000", "--listen unix:/s: sessions=20000: exceeds maximum 16384"),
        ("unix:/s?fids=many", "--listen unix:/s: fids=many: must be an integer"),
        ("unix:/s?fids=-1", "--listen unix:/s: fids=-1: must be an integer"),
        ("unix:/s?fids=%D9%A1", "--listen unix:/s: fids=\u0661: must be an integer"),
        ("unix:/s?idle_ms=", "--listen unix:/s: idle_ms=: must be an integer"),
        (
            "unix:/s?url=unix:/t",
            "--listen unix:/s: url is not an option of a URL: a listener has one address",
        ),
        (
            "tcp://0.0.0.0:1?beyond_loopback=true",
            "--listen tcp://0.0.0.0:1: beyond_loopback is not an option of a URL: give --beyond-loopback",
        ),
    ],
)
def test_what_is_wrong_is_one_line_with_its_value(url: str, told: str) -> None:
    assert refused("--listen", url).startswith(told)
    assert "\n" not in refused("--listen", url)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    assert refused("--listen", "unix:/s?fids=0&sessions=0&x=1").splitlines() == [
        "--listen unix:/s: sessions=0: is below minimum 1",
        "--listen unix:/s: fids=0: is below minimum 1",
        "--listen unix:/s: x: unknown key",
    ]


def test_other_machines_are_let_in_only_by_the_flag() -> None:
    assert "other machines reach this" in refused("--listen", "tcp://[::]:1")

    (added,) = asked_by("--beyond-loopback", "--listen", "tcp://[::]:1")

    assert added.listener.beyond_loopback


def test_the_socket_of_a_listener_is_where_the_command_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert asked_by("--listen", "unix:hive.sock")[0].listener.url == f"unix:{tmp_path}/hive.sock"
