"""Bounds in the documentation are those in effect."""

from ninedoor import limits
from ninedoor.manifest.emit.bounds import limit_table, memory_bounds, quota_table, red_lines
from ninedoor.manifest.load import Manifest, load_text
from tests.manifest.samples import ABSENT, OURS, Edits, as_toml, content_of, edited


def changed(edits: Edits) -> Manifest:
    return load_text(as_toml(edited(content_of(OURS), edits)))


def test_limits_show_what_this_manifest_says() -> None:
    rows = limit_table(changed({("secure9p", "msize"): 8100, ("telemetry", "frame_schema"): "cbor-v1"}))

    assert "| `secure9p.msize` | 8100 | 256..8192 | Largest frame in bytes, header included. |\n" in rows
    assert "| `telemetry.frame_schema` | cbor-v1 | legacy-plaintext or cbor-v1 |" in rows
    assert "| `telemetry.cursor.retain_on_boot` | true | true or false |" in rows


def test_tables_that_are_left_out_show_their_defaults() -> None:
    rows = limit_table(changed({("store",): ABSENT, ("workers",): ABSENT}))

    assert "| `store.fsync` | batch | always, batch or never |" in rows
    assert f"| `workers.max_workers` | 10000 | 1..{limits.WORKERS_MAX} |" in rows


def test_quotas_show_limits_and_default_budgets() -> None:
    rows = quota_table(changed({("ticket_limits", "cursor_resumes"): 7}))

    assert "| `ticket_limits.cursor_resumes` | 7 | from 0 |" in rows
    assert "| `worker-gpu` | unlimited | 64 | 120 |" in rows


def test_every_constant_is_told_with_its_own_words() -> None:
    rows = {line.split("`")[1]: line for line in red_lines().splitlines()[2:]}
    numbers = {name for name, value in vars(limits).items() if name.isupper() and isinstance(value, int)}

    assert set(rows) == numbers
    assert (
        "| 8192 | Largest 9P frame in bytes, header included. Build plan, red lines. |" in rows["MSIZE_MAX"]
    )
    assert "| 0xffff | " in rows["NOTAG"]
    assert rows["SCOPES_MAX"].endswith("| 16 | Bounds inside the ticket payload format. |")
    assert [name for name, line in rows.items() if line.endswith("|  |")] == []


def test_memory_follows_the_manifest() -> None:
    rows = memory_bounds(
        changed({("workers", "max_workers"): 77, ("telemetry", "ring_bytes_per_worker"): 512})
    )

    assert "| workers | 77, a ring of 512 bytes each |" in rows
    assert f"| /log/queen.log | {limits.LOG_BYTES} bytes |" in rows
    assert "| a socket, unless it says otherwise | 1024 connections, each a session of 256 fids; " in rows


def test_memory_is_bounded_for_every_socket() -> None:
    listeners = [{"url": "unix:/a", "sessions": 5}, {"url": "tcp://[::1]:9", "fids": 7}]
    rows = memory_bounds(changed({("listeners",): listeners}))

    assert "| unix:/a | 5 connections, each a session of 256 fids; more are closed |" in rows
    assert "| tcp://[::1]:9 | 1024 connections, each a session of 7 fids; more are closed |" in rows
    assert "a socket, unless" not in rows
