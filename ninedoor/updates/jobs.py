"""Work on many chunks, for a thread: it reads, and changes nothing. The runtime runs it and hands it back."""

import hashlib
from collections.abc import Sequence
from typing import Protocol

from ninedoor.errors import P9Error
from ninedoor.updates.payloads import Hasher, Raw, Run

AT_ONCE = 256
"""Chunks between two looks at whether the job is still wanted: some ms."""


class Job(Protocol):
    def run(self) -> None:
        """In a thread. Never raises."""


class HashJob:
    """Hash a payload on from `hasher`. `failure` says why it could not be done."""

    def __init__(self, epoch: str, raw: Raw, chunks: Sequence[bytes], hasher: Hasher) -> None:
        self.epoch = epoch
        self.chunks = chunks
        self.hasher = hasher
        self.failure: P9Error | None = None
        self.is_done = False
        self.is_wanted = True
        self._raw = raw

    def run(self) -> None:
        try:
            while self.is_wanted and not self.hasher.advance(self._raw, self.chunks, AT_ONCE):
                pass
        except P9Error as missing:
            self.failure = missing


class RunJob:
    """Hash what has come of a payload."""

    def __init__(self, run: Run) -> None:
        self.run = run.catch_up


class VerifyJob:
    """Compare the content of chunks with their names; `bad` are those that differ or are gone."""

    def __init__(self, raw: Raw, chunks: Sequence[bytes]) -> None:
        self.bad: list[bytes] = []
        self._raw = raw
        self._chunks = chunks

    def run(self) -> None:
        for digest in self._chunks:
            try:
                content = self._raw(digest)
            except P9Error:
                content = None
            if content is None or hashlib.sha256(content).digest() != digest:
                self.bad.append(digest)
