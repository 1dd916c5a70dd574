"""Rules on content-addressed updates, with the look at the signing key's file."""

from ninedoor.manifest.keyfiles import fault_of
from ninedoor.manifest.rules.consoles import console_reaches_beyond
from ninedoor.manifest.rules.listeners import reaches_beyond
from ninedoor.manifest.rules.rule import Finding, Findings, Subject
from ninedoor.manifest.rules.telemetry import PUMP_BUDGET_BYTES
from ninedoor.manifest.secrets import SAMPLE_PUBLIC_KEY

STORED_CHUNKS = 8
"""Chunks that the store must be able to hold."""


def chunk_range(subject: Subject) -> Findings:
    document = subject.document
    if document.cas.enable and not 1 <= document.cas.store.chunk_bytes <= document.secure9p.msize:
        yield Finding(("cas", "store", "chunk_bytes"), {"msize": document.secure9p.msize})


def chunk_budget(subject: Subject) -> Findings:
    cas = subject.document.cas
    total = cas.store.chunk_bytes * STORED_CHUNKS
    if cas.enable and cas.store.budget_bytes is None and total > PUMP_BUDGET_BYTES:
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
    signing = cas.signing
    if (
        cas.enable
        and signing is not None
        and signing.required
        and not (signing.key_path or signing.public_keys)
    ):
        yield Finding(("cas", "signing", "key_path"), {})


def signing_key_usable(subject: Subject) -> Findings:
    cas = subject.document.cas
    if cas.enable and cas.signing is not None and cas.signing.required and cas.signing.key_path is not None:
        fault = fault_of(cas.signing, subject.folders)
        if fault is not None:
            yield Finding(("cas", "signing", "key_path"), {"path": cas.signing.key_path, "fault": fault})


def signing_keys_own(subject: Subject) -> Findings:
    document = subject.document
    cas, signing = document.cas, document.cas.signing
    far = [one.url for one in document.listeners if reaches_beyond(one.url)]
    far += [one.url for one in document.consoles if console_reaches_beyond(one.url)]
    if cas.enable and signing is not None and far:
        for index, key in enumerate(signing.public_keys):
            if key.lower() == SAMPLE_PUBLIC_KEY:
                yield Finding(("cas", "signing", "public_keys", index), {"url": far[0]})
