"""What `pool bench` says; tests/cli/session_pool.cohsh runs it on every way to a hive."""

import pytest

from tests.cohsh.shells import on_a_hive, scripted


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        ("pool", "usage: pool bench path=P ops=N [batch=N] [payload=T] [kind=control|telemetry]"),
        ("pool bench ops=1", "missing required argument: path"),
        ("pool bench path=/x", "missing required argument: ops"),
        ("pool bench path=/x ops=10001", "argument ops is over 10000"),
        ("pool bench path=/x ops=1 kind=other", "kind is control or telemetry"),
    ],
)
def test_other_benches_are_refused(line: str, detail: str) -> None:
    outcome = scripted().run(line)

    assert outcome.responses[0].text == f"ERR PARSE reason=policy detail={detail}"


def test_who_has_not_attached_has_no_pool() -> None:
    with on_a_hive() as shell:
        shell.run("detach")
        outcome = shell.run("pool bench path=/log/queen.log ops=1")

    assert outcome.responses[-1].text == "ERR ECHO reason=policy detail=unauthenticated"


def test_a_file_that_forgets_lines_fails_the_bench() -> None:
    with on_a_hive() as shell:
        shell.run("spawn heartbeat ticks=1000")
        outcome = shell.run("pool bench path=/worker/worker-1/telemetry ops=64 batch=8 payload=0123456789")

    assert not outcome.ok
    assert outcome.failure == "pool bench failed"
    assert outcome.responses[-1].text.startswith("pool bench result ERR retries=0 pool_exhausted=0 failures=")
