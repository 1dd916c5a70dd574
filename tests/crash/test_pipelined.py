"""Writes that share a journal record, and SIGKILL while hundreds of them are on their way."""

import random
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ninedoor.config import Config
from ninedoor.runtime.app import App
from ninedoor.wire import messages as m
from ninedoor.wire.codec import encode
from ninedoor.wire.types import Fid

PATIENCE_S = 60.0
LOG = Fid(1)
HELLO = (
    m.Tversion(8192, "9P2000.L"),
    m.Tattach(Fid(0), Fid(0xFFFFFFFF), "queen", "", 0),
    m.Twalk(Fid(0), LOG, ("log", "queen.log")),
    m.Tlopen(LOG, 1),
)
TAGS = 16


def acknowledged(state: Path, first: int, delay_s: float) -> int:
    """Write numbered lines from `first` on as fast as they are taken, and kill the hive `delay_s` seconds
    after the first of them was answered; returns the number behind the last that was acknowledged."""
    ours, theirs = socket.socketpair()
    ours.settimeout(PATIENCE_S)
    command = [sys.executable, "-m", "tests.crash.served", str(state), str(theirs.fileno())]
    hive = subprocess.Popen(command, pass_fds=[theirs.fileno()])
    theirs.close()
    number = first
    answered = 0
    try:
        for request in HELLO:
            ours.sendall(encode(1, request))
            ours.recv(4096)
        killer = threading.Timer(delay_s, hive.kill)
        killer.start()
        try:
            while True:
                frames = [encode(tag, m.Twrite(LOG, 0, b"line %d\n" % (number + tag))) for tag in range(TAGS)]
                ours.sendall(b"".join(frames))
                number += TAGS
                pending = 0
                while pending < TAGS * 11:  # bytes of an Rwrite
                    part = ours.recv(TAGS * 11 - pending)
                    if not part:
                        raise BrokenPipeError
                    pending += len(part)
                    answered = (number - TAGS - first) + pending // 11
        except (BrokenPipeError, ConnectionResetError):
            pass
        killer.join()
    finally:
        hive.kill()
        hive.wait(PATIENCE_S)
        ours.close()
    return first + answered


def lines(state: Path) -> list[int]:
    app = App.open(Config(), state)
    try:
        return [int(line.split()[1]) for line in app.hive.log.retained().splitlines() if line[:5] == b"line "]
    finally:
        app.close()


@pytest.mark.timeout(600)  # a hundred starts of a hive
@pytest.mark.parametrize("kills", [3, pytest.param(100, marks=pytest.mark.slow)], ids=["few", "many"])
def test_nothing_acknowledged_is_lost_and_nothing_is_there_twice(tmp_path: Path, kills: int) -> None:
    chance = random.Random(9)
    state = tmp_path / "state"
    number = 0
    for _ in range(kills):
        behind = acknowledged(state, number, chance.random() * 0.2)

        kept = lines(state)

        assert kept == list(range(kept[0], kept[-1] + 1)) if kept else behind == 0
        assert behind == 0 or kept[-1] >= behind - 1
        number = kept[-1] + 1 if kept else 0
    assert number > 0
