"""`telemetry push`: a file of this machine into a telemetry segment of a device, record by record.

The hive names the segment. Each record is one line of JSON, short enough for one echo.
"""

from collections.abc import Iterator
from pathlib import Path

from cohsh.lines import compact
from cohsh.shell import Refused, Shell
from ninedoor.console.ack import Ack
from ninedoor.console.grammar import Command
from ninedoor.console.reply import reply

ROOT = "/queen/telemetry"
SCHEMA = "cohsh-telemetry-push/v1"

MIME = {
    ".txt": "text/plain",
    ".log": "text/plain",
    ".json": "application/json",
    ".ndjson": "application/x-ndjson",
    ".csv": "text/csv",
}
"""Extension of a file → what its records say they are."""

SEGMENT_BYTES = 32_768
"""The most that a segment takes (the original's default)."""

RECORD_BYTES = 4096
"""The most that one record takes with its line feed, where no console's echo is in the way."""


def push(shell: Shell, file: Path, device: str) -> None:
    """Push `file` and say so. Raises Refused where the hive refuses, and before anything is pushed where its
    records do not fit into one segment; GrammarError never."""
    mime = MIME.get(file.suffix)
    if mime is None:
        raise _refused(device, f"telemetry push takes {' '.join(sorted(MIME))}, not {file.name}")
    try:
        text = file.read_bytes().decode()
    except OSError as failure:
        raise _refused(device, f"{file}: {(failure.strerror or str(failure)).lower()}") from failure
    except UnicodeDecodeError:
        raise _refused(device, f"{file} is not UTF-8") from None
    if len(text.encode()) > SEGMENT_BYTES:
        raise _refused(device, f"telemetry push source exceeds max_bytes_per_segment {SEGMENT_BYTES} bytes")
    records = list(_records(text, mime, min(RECORD_BYTES - 1, shell.transport.payload)))
    size = sum(len(record.encode()) + 1 for record in records)
    if size > SEGMENT_BYTES:
        raise _refused(device, f"telemetry push records exceed max_bytes_per_segment {SEGMENT_BYTES} bytes")
    place = f"{ROOT}/{device}"
    shell.demand(Command("echo", path=f"{place}/ctl", payload=compact({"new": "segment", "mime": mime})))
    segment = "".join(shell.demand(Command("cat", path=f"{place}/latest")).body[:1])
    for record in records:
        shell.demand(Command("echo", path=f"{place}/seg/{segment}", payload=record))
    said = {"action": "push", "device": device, "seg_id": segment, "records": len(records), "bytes": size}
    shell.answer(reply(Ack(True, "TELEMETRY", tuple((key, str(value)) for key, value in said.items()))))


def _records(text: str, mime: str, most: int) -> Iterator[str]:
    """`text` in records of at most `most` bytes each."""
    sequence = 1
    while text:
        size = len(text)
        while len(_record(sequence, mime, text[:size]).encode()) > most:
            size //= 2
        yield _record(sequence, mime, text[:size])
        text = text[size:]
        sequence += 1


def _record(sequence: int, mime: str, payload: str) -> str:
    return compact({"schema": SCHEMA, "seq": sequence, "mime": mime, "payload": payload})


def _refused(device: str, reason: str) -> Refused:
    return Refused(
        reply(Ack(False, "TELEMETRY", (("action", "push"), ("device", device), ("reason", reason))))
    )
