"""Rules on content-addressed updates, with the look at the signing key's file."""

from pathlib import Path

from ninedoor.manifest.rules.rule import Finding, Findings, Subject
from ninedoor.manifest.rules.telemetry import PUMP_BUDGET_BYTES

STORED_CHUNKS = 8
"""Chunks that the store must be able to hold."""

KEY_BYTES = 32
_KEY_FILE_BYTES = 4096  # far more than the 65 of a right file; enough to tell what a wrong one holds


def chunk_range(subject: Subject) -> Findings:
    document = subject.document
    if document.cas.enable and not 1 <= document.cas.store.chunk_bytes <= document.secure9p.msize:
        yield Finding(("cas", "store", "chunk_bytes"), {"msize": document.secure9p.msize})


def chunk_budget(subject: Subject) -> Findings:
    cas = subject.document.cas
    total = cas.store.chunk_bytes * STORED_CHUNKS
    if cas.enable and total > PUMP_BUDGET_BYTES:
        yield Finding(("cas", "store", "chunk_bytes"), {"total": total, "budget": PUMP_BUDGET_BYTES})


def delta_needs_store(subject: Subject) -> Findings:
    cas = subject.document.cas
    if cas.delta.enable and not cas.enable:
        yield Finding(("cas", "delta", "enable"), {})


def signing_decided(subject: Subject) -> Findings:
    cas = subject.document.cas
    if cas.enable and cas.signing is None:
        yield Finding(("cas", "signing"), {})


def signing_key_named(subject: Subject) -> Findings:
    cas = subject.document.cas
    if cas.enable and cas.signing is not None and cas.signing.required and cas.signing.key_path is None:
        yield Finding(("cas", "signing", "key_path"), {})


def signing_key_usable(subject: Subject) -> Findings:
    cas = subject.document.cas
    if cas.enable and cas.signing is not None and cas.signing.required and cas.signing.key_path is not None:
        fault = _key_fault(cas.signing.key_path, subject.folders)
        if fault is not None:
            yield Finding(("cas", "signing", "key_path"), {"path": cas.signing.key_path, "fault": fault})


def _key_fault(name: str, folders: tuple[Path, ...]) -> str | None:
    try:
        text = _read_first(name, folders).decode("ascii", "replace").strip()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        return f"cannot be read: {getattr(error, 'strerror', None) or error}".lower()
    try:
        key = bytes.fromhex(text)
    except ValueError:
        return "must be hexadecimal"
    return None if len(key) == KEY_BYTES else f"must be {KEY_BYTES} bytes (got {len(key)})"


def _read_first(name: str, folders: tuple[Path, ...]) -> bytes:
    candidates = [folder / name for folder in folders]
    found = next((path for path in candidates if path.exists()), candidates[0])
    with found.open("rb") as file:
        return file.read(_KEY_FILE_BYTES)
