"""cohesix from PyPI, the original's own Python client, over the TCP console."""

import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio

from tests.deployment import BOOT_LINES, log_lines, ticket
from tests.doors.console.harness import TOKEN, Served, serving

backends = pytest.importorskip("cohesix.backends", reason="cohesix is not installed (extra: test)")

TELEMETRY = "/worker/worker-1/telemetry"


def connected(port: int, token: str = TOKEN, role: str = "queen", given: str | None = None) -> Any:
    return backends.TcpBackend("127.0.0.1", port, token, role, given)


@asynccontextmanager
async def console() -> AsyncIterator[tuple[Served, Callable[[Callable[[], Any]], Any]]]:
    """A console, and how to run what talks to it and waits."""
    with trio.fail_after(30):
        async with serving() as served:
            yield served, trio.to_thread.run_sync


async def test_files_are_listed_read_and_appended_to() -> None:
    async with console() as (served, run):

        def talk() -> None:
            client = connected(served.port())
            assert client.list_dir("/") == ["gpu", "log", "proc", "queen", "worker"]
            assert client.read_file("/proc/boot", 1000).decode().splitlines() == list(BOOT_LINES)
            assert client.write_append("/queen/ctl", b'{"spawn":"heartbeat","ticks":5}\n') == 32
            assert client.list_dir("/worker") == ["worker-1"]
            for beat in (b"heartbeat 1\n", b"heartbeat 2\n"):
                client.write_append(TELEMETRY, beat)
            assert client.tail_file(TELEMETRY, 1000) == b"heartbeat 1\nheartbeat 2"
            assert client.read_file("/log/queen.log", 10_000).decode().splitlines() == log_lines(served.app)
            client.close()

        await run(talk)


async def test_a_worker_attaches_with_its_ticket() -> None:
    async with console() as (served, run):

        def talk() -> None:
            queen = connected(served.port())
            queen.write_append("/queen/ctl", b'{"spawn":"heartbeat","ticks":5}\n')
            queen.close()
            token = ticket("worker-heartbeat", "worker-1")
            worker = connected(served.port(), role="worker-heartbeat", given=token)
            worker.write_append(TELEMETRY, b"heartbeat 1\n")
            with pytest.raises(backends.CohesixError, match="ERR ECHO reason=policy detail=denied"):
                worker.write_append("/queen/ctl", b"{}\n")
            worker.close()

        await run(talk)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it leaves its socket to gc
async def test_refusals_arrive_as_they_were_said() -> None:
    async with console() as (served, run):

        def talk() -> None:
            client = connected(served.port())
            with pytest.raises(backends.CohesixError, match="path=/nowhere error=invalid path"):
                client.read_file("/nowhere", 100)
            with pytest.raises(backends.CohesixError, match="ERR LS reason=policy detail=invalid-path"):
                client.list_dir("/proc/boot")
            assert client.list_dir("/worker") == []
            client.close()
            with pytest.raises(backends.CohesixError, match="ERR AUTH reason=invalid-length"):
                connected(served.port(), "wrong")
            gc.collect()

        await run(talk)
