"""Whom the kernel says a connection is from, and how it is set up."""

import os
import socket
from pathlib import Path

import pytest

from ninedoor.doors.stream.peers import greeted


def test_a_process_of_the_same_user_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        label = f"unix:uid={os.getuid()},pid={os.getpid()}"

        assert greeted(ours) == (label, True)
        assert ours.getblocking() is False
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
        assert greeted(ours) == (label, False)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_nobody_is_trusted_over_tcp(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        server = socket.create_server((host, 0), family=family)
    except OSError as failure:
        pytest.skip(f"this machine has no {host}: {failure}")
    with server, socket.create_connection(server.getsockname()[:2]) as theirs:
        ours, _address = server.accept()
        with ours:
            port = theirs.getsockname()[1]
            shown = f"[{host}]" if ":" in host else host

            assert greeted(ours) == (f"tcp:{shown}:{port}", False)
            assert ours.getblocking() is False
            assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
            assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60


def test_a_peer_that_is_gone_already_is_an_error(tmp_path: Path) -> None:
    with socket.socket() as never_connected, pytest.raises(OSError, match="not connected"):
        greeted(never_connected)
