"""The counters are told in one line, in order."""

from ninedoor.doors.console.counters import Counters


def test_all_counters_are_told() -> None:
    assert str(Counters(1, 2, 3, 4, 5, 6, 7, 8)) == (
        "clients=1 accepted=2 dropped=3 denied=4 lines_in=5 lines_out=6 bytes_in=7 bytes_out=8"
    )
