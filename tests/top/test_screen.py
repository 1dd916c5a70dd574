"""The live view, driven by keys on a terminal of 80 columns and 24 lines."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import DataTable, Static

from cohsh.transports.transport import Unreachable
from ninedoor.top import words
from ninedoor.top.rates import ORDERS
from ninedoor.top.sample import Lease, Sample, take
from ninedoor.top.screen import TopApp
from tests.top.hives import Hive

Steps = Callable[[TopApp, Pilot[None]], Awaitable[None]]

PATIENCE = 2000
"""Turns that something awaited may take to come."""


def drive(hive: Hive, steps: Steps, look: Callable[[], Sample] | None = None) -> None:
    """Run the view of `hive`, which looks only when told to, through `steps`."""

    async def run() -> None:
        app = TopApp("unix:/s", look or (lambda: take(hive)), 3600.0, "rate")
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: "asking" not in text(app, "status"))
            await steps(app, pilot)

    asyncio.run(run())


async def until(pilot: Pilot[None], true: Callable[[], bool]) -> None:
    for _ in range(PATIENCE):
        if true():
            return
        await pilot.pause(0.01)
    raise AssertionError("it did not come")


def text(app: TopApp, name: str) -> str:
    return str(app.query_one(f"#{name}", Static).render())


def cells(app: TopApp, name: str) -> list[list[str]]:
    table: DataTable[Any] = app.query_one(f"#{name}", DataTable)
    return [[str(cell) for cell in table.get_row_at(index)] for index in range(table.row_count)]


def test_workers_log_and_keys_fit_on_80_columns() -> None:
    hive = Hive()
    for _ in range(30):
        hive.spawn()

    async def steps(app: TopApp, pilot: Pilot[None]) -> None:
        table: DataTable[Any] = app.query_one("#workers", DataTable)
        await until(pilot, lambda: table.virtual_size.width > 0)
        assert len(cells(app, "workers")) == 30
        assert table.virtual_size.width <= table.scrollable_content_region.width
        assert table.size.height >= 8
        assert "workers 30" in text(app, "summary")
        assert "spawned worker-30" in text(app, "log")

    drive(hive, steps)


def test_a_new_look_shows_what_changed_and_keeps_the_chosen_worker() -> None:
    hive = Hive()
    for _ in range(3):
        hive.spawn()

    async def steps(app: TopApp, pilot: Pilot[None]) -> None:
        await pilot.press("down", "down")
        hive.append("worker-3", "x" * 500)
        await pilot.press("r")
        await until(pilot, lambda: cells(app, "workers")[0][0] == "worker-3")
        table: DataTable[Any] = app.query_one("#workers", DataTable)
        assert cells(app, "workers")[0][2].endswith(" 49%")
        assert table.cursor_row == 0

    drive(hive, steps)


def test_keys_change_order_pause_and_interval() -> None:
    async def steps(app: TopApp, pilot: Pilot[None]) -> None:
        seen = []
        for _ in ORDERS:
            await pilot.press("o")
            seen.append(text(app, "status").rsplit(" ", 1)[1])
        assert sorted(seen) == sorted(ORDERS)
        await pilot.press("p")
        assert "paused" in text(app, "status")
        await pilot.press("p", "+")
        assert "every 30 s" in text(app, "status")
        await pilot.press("-")
        assert "every 60 s" in text(app, "status")

    drive(Hive(), steps)


def test_a_lost_hive_is_said_and_found_again_with_the_last_look_kept() -> None:
    hive = Hive()
    hive.spawn()

    async def steps(app: TopApp, pilot: Pilot[None]) -> None:
        hive.lose(Unreachable("nobody listens on unix:/s"))
        await pilot.press("r")
        await until(pilot, lambda: "nobody listens on unix:/s; trying again" in text(app, "status"))
        assert "unreachable since " in text(app, "status")
        assert cells(app, "workers")[0][0] == "worker-1"
        hive.lose(None)
        await pilot.press("r")
        await until(pilot, lambda: "trying again" not in text(app, "status"))

    drive(hive, steps)


def test_without_workers_that_is_said_and_no_bare_header_shown() -> None:
    hive = Hive()

    async def steps(app: TopApp, pilot: Pilot[None]) -> None:
        assert text(app, "none") == "no workers"
        assert not app.query_one("#workers").display
        hive.spawn()
        await pilot.press("r")
        await until(pilot, lambda: app.query_one("#workers").display)
        assert not app.query_one("#none").display

    drive(hive, steps)


def test_a_loss_is_said_while_a_look_still_waits_for_its_end() -> None:
    async def steps(app: TopApp, pilot: Pilot[None]) -> None:
        await asyncio.to_thread(app.tell_lost, "connection lost: the server closed it")
        assert "unreachable since" in text(app, "status")

    drive(Hive(), steps)


def test_leases_are_there_when_there_are_gpus() -> None:
    leases = (Lease("GPU-0", "ACTIVE", "worker-1", 1024, 2, 60), Lease("GPU-1"))

    async def steps(app: TopApp, pilot: Pilot[None]) -> None:
        assert app.query_one("#leases").display
        assert cells(app, "leases") == [list(words.lease_cells(lease)) for lease in leases]

    drive(Hive(), steps, lambda: Sample(at=1.0, leases=leases))


def test_text_from_the_hive_is_not_taken_for_markup() -> None:
    async def steps(app: TopApp, pilot: Pilot[None]) -> None:
        assert "[bold]said[/bold]" in text(app, "log")

    drive(Hive(), steps, lambda: Sample(at=1.0, log=("[bold]said[/bold]",)))


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
def test_it_ends_at(key: str) -> None:
    async def steps(app: TopApp, pilot: Pilot[None]) -> None:
        await pilot.press(key)
        await until(pilot, lambda: not app.is_running)

    drive(Hive(), steps)
