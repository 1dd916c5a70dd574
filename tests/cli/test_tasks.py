import trio

from ninedoor.cli.tasks import dump_tasks


async def wait_here(secret: str) -> None:
    await trio.sleep_forever()


async def test_every_task_is_shown_with_the_line_it_waits_in() -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait_here, "hunter2", name="first")
        async with trio.open_nursery() as inner:
            inner.start_soon(wait_here, "hunter2", name="second")
            await trio.testing.wait_all_tasks_blocked()
            text = dump_tasks()
            inner.cancel_scope.cancel()
        nursery.cancel_scope.cancel()

    lines = text.splitlines()
    assert lines[0] == "trio tasks:"
    for name in ("first", "second"):
        at = next(index for index, line in enumerate(lines) if line.endswith(f"- {name}"))
        assert "test_tasks.py:" in lines[at + 1]
        assert lines[at + 1].endswith("in wait_here")
    assert "hunter2" not in text
