"""The waits before each attempt."""

from cohsh.retry import Retry


def test_waits_double_up_to_the_ceiling() -> None:
    assert list(Retry(6, 200, 2000).delays_ms()) == [200, 400, 800, 1600, 2000, 2000]
    assert list(Retry(0).delays_ms()) == []
    assert Retry(timeout_ms=1500).timeout_s == 1.5
