"""Terminals: made or found, raw, for their owner, and left as they were."""

import os
import stat
import termios
from pathlib import Path

import pytest

from ninedoor.doors.console.terminals import SPEEDS, make_pty, open_device
from ninedoor.doors.stream.bound import ListenError


def fill(descriptor: int) -> None:
    """Leave no room for another byte."""
    try:
        while True:
            os.write(descriptor, b"x" * 100)
    except BlockingIOError:
        return


def test_a_new_terminal_is_its_owners_and_raw(monkeypatch: pytest.MonkeyPatch) -> None:
    make = os.openpty

    def for_everybody() -> tuple[int, int]:
        master, slave = make()
        os.chmod(os.ttyname(slave), 0o666)
        return master, slave

    monkeypatch.setattr(os, "openpty", for_everybody)
    terminal = make_pty()
    user = os.open(terminal.path, os.O_RDWR | os.O_NOCTTY)
    os.write(user, b"a\x03\r\xff")
    os.write(terminal.descriptor, b"b\n")

    assert stat.S_IMODE(os.stat(terminal.path).st_mode) == 0o600
    assert os.read(terminal.descriptor, 100) == b"a\x03\r\xff"
    assert os.read(user, 100) == b"b\n"
    terminal.close()
    terminal.close()
    assert not terminal.is_open()
    assert os.read(user, 100) == b""
    os.close(user)


def test_a_terminal_lives_on_when_its_user_leaves() -> None:
    terminal = make_pty()
    for _ in range(2):
        user = os.open(terminal.path, os.O_RDWR | os.O_NOCTTY)
        os.write(user, b"x")
        os.close(user)

        assert os.read(terminal.descriptor, 100) == b"x"
        with pytest.raises(BlockingIOError):
            os.read(terminal.descriptor, 100)
    terminal.close()


def test_what_nobody_reads_can_be_discarded() -> None:
    terminal = make_pty()
    fill(terminal.descriptor)
    terminal.discard()

    assert os.write(terminal.descriptor, b"cohesix> ") == 9
    user = os.open(terminal.path, os.O_RDWR | os.O_NOCTTY)
    assert os.read(user, 100) == b"cohesix> "
    os.close(user)
    terminal.close()
    terminal.discard()


def test_a_device_is_set_up_and_left_as_it_was() -> None:
    master, slave = os.openpty()
    before = termios.tcgetattr(slave)
    terminal = open_device(os.ttyname(slave), 115200)
    during = termios.tcgetattr(slave)

    assert during[4:6] == [termios.B115200] * 2
    assert not during[3] & (termios.ECHO | termios.ICANON | termios.ISIG)
    assert during[2] & termios.CLOCAL
    os.write(master, b"ping\r")
    assert os.read(terminal.descriptor, 100) == b"ping\r"
    terminal.close()
    terminal.close()
    assert termios.tcgetattr(slave) == before
    os.close(master)
    os.close(slave)


def test_a_device_keeps_its_speed_unless_told() -> None:
    master, slave = os.openpty()
    speed = termios.tcgetattr(slave)[4:6]
    terminal = open_device(os.ttyname(slave), None)

    assert termios.tcgetattr(slave)[4:6] == speed
    terminal.close()
    os.close(master)
    os.close(slave)


def test_what_is_no_terminal_is_refused(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("")

    with pytest.raises(ListenError, match=rf"^serial:{plain}: no terminal: inappropriate ioctl for device$"):
        open_device(str(plain), None)
    with pytest.raises(ListenError, match=r"^serial:/dev/nothing: no such file or directory$"):
        open_device("/dev/nothing", None)


def test_every_speed_is_one_of_the_system() -> None:
    assert SPEEDS[9600] == termios.B9600
    assert SPEEDS[115200] == termios.B115200
