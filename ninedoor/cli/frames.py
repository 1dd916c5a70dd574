"""`ninedoor frames cat`: telemetry, readable.

Files are mounted ones, copies of them, or standard input, which is shown as it comes; each may hold frames,
text or both. What is passed over is told on standard error, or with --json as an object of its own.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from ninedoor.telemetry.frames import Frame
from ninedoor.telemetry.gaps import Gap
from ninedoor.telemetry.scanning import Finding, Scanner, Skipped, Text

STANDARD_INPUT = "-"
READ_BYTES = 1 << 16

LATEST_MS = 253_402_300_799_999
"""The last millisecond that has a date (year 9999)."""


def cat(arguments: argparse.Namespace) -> int:
    """Show every file in turn. Raises OSError for one that cannot be read."""
    for name in arguments.files:
        for finding in _findings(name):
            if arguments.json:
                _print(json.dumps(_as_object(finding), ensure_ascii=True))
            elif isinstance(finding.content, Skipped):
                sys.stdout.flush()
                size, reason = finding.content
                where = f"{_called(name)}: {size} bytes at {finding.offset}"
                sys.stderr.write(f"ninedoor frames cat: {where} skipped: {reason}\n")
            else:
                _print(_as_line(finding.content))
        sys.stdout.flush()
    return 0


def _findings(name: str) -> Iterator[Finding]:
    scanner = Scanner()
    descriptor = sys.stdin.fileno() if name == STANDARD_INPUT else os.open(name, os.O_RDONLY)
    try:
        while data := os.read(descriptor, READ_BYTES):
            yield from scanner.feed(data)
            if name == STANDARD_INPUT:
                sys.stdout.flush()
        yield from scanner.end()
    except OSError as failure:
        failure.filename = failure.filename or name
        raise
    finally:
        if name != STANDARD_INPUT:
            os.close(descriptor)


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")


def _called(name: str) -> str:
    return "standard input" if name == STANDARD_INPUT else name


def _as_line(content: Frame | Text | Gap | Skipped) -> str:
    if isinstance(content, Frame):
        when = _moment(content.emitted_ms)
        told = "".join(f" {_bare(key)}={_shown(value)}" for key, value in content.payload.items())
        return f"{when} {_bare(content.worker_id)} {content.role} seq={content.seq}{told}"
    if isinstance(content, Gap):
        return f"-- {content.lost} bytes were dropped here; the next one has the offset {content.next}"
    assert isinstance(content, Text)
    return content.text


def _as_object(finding: Finding) -> Mapping[str, Any]:
    content = finding.content
    told: dict[str, Any] = {"offset": finding.offset}
    if isinstance(content, Frame):
        return told | {**content._asdict(), "payload": _plain(content.payload)}
    if isinstance(content, Gap):
        return told | {"lost": content.lost, "next": content.next}
    if isinstance(content, Skipped):
        return told | {"skipped": content.size, "reason": content.reason}
    return told | {"text": content.text}


def _moment(emitted_ms: int) -> str:
    if emitted_ms > LATEST_MS:
        return f"{emitted_ms}ms"
    seconds, milliseconds = divmod(emitted_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{milliseconds:03}Z"


def _bare(text: str) -> str:
    """`text` as it is where that can be mistaken for nothing else, quoted where not."""
    plain = text.isascii() and text.replace("-", "").replace("_", "").replace(".", "").isalnum()
    return text if plain else json.dumps(text)


def _shown(value: Any) -> str:
    return _bare(value) if isinstance(value, str) else json.dumps(_plain(value), separators=(",", ":"))


def _plain(value: Any) -> Any:
    """`value` with what JSON lacks replaced: bytes by their hexadecimal digits, numbers that are none by
    null."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, Mapping):
        return {key: _plain(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_plain(member) for member in value]
    return value
