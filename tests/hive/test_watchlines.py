"""Lines for who watches: whole ones, as many as the settings say, at offsets that never restart."""

from ninedoor.hive.watchlines import WatchLines


def test_lines_are_read_at_their_offsets() -> None:
    lines = WatchLines(3, 10)
    lines.add(b"one\n", 1.0)
    lines.add(b"two\n", 2.0)

    assert (lines.base, lines.next, lines.mtime) == (0, 8, 2.0)
    assert lines.read(0, 100) == b"one\ntwo\n"
    assert lines.read(2, 3) == b"e\nt"
    assert lines.read(8, 5) == b""


def test_the_oldest_line_leaves_as_a_whole() -> None:
    lines = WatchLines(2, 10)
    for text in (b"one\n", b"three\n", b"four\n"):
        lines.add(text, 1.0)

    assert (lines.base, lines.next) == (4, 15)
    assert lines.read(4, 100) == b"three\nfour\n"


def test_a_line_that_is_too_long_is_left_out() -> None:
    lines = WatchLines(2, 4)
    lines.add(b"four\n", 1.0)
    lines.add(b"abc\n", 1.0)

    assert lines.read(0, 100) == b"abc\n"


def test_whoever_watches_hears_of_each_line() -> None:
    lines = WatchLines(2, 10)
    heard: list[int] = []
    stop = lines.watch(lambda: heard.append(lines.next))
    lines.add(b"one\n", 1.0)
    stop()
    lines.add(b"two\n", 1.0)

    assert heard == [4]
