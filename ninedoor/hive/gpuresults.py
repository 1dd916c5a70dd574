"""Results of jobs: how one grows, what an OK may say of it, and how many are kept.

A result grows while its job runs, always at its end, and is complete once the job is OK. Complete ones stay
while there is room, those that were completed first leave first. The same happens at a replay.
"""

import errno
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ninedoor import limits
from ninedoor.errors import P9Error
from ninedoor.hive.ring import Ring

Key = tuple[str, str]
"""A GPU and a job."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a job has computed so far. `born` is the unix time of its beginning."""

    born: float
    content: Ring

    @property
    def size(self) -> int:
        """Bytes."""
        return self.content.next


class Observer(Protocol):
    """Who shows the results. Told while a record is applied."""

    def began(self, gpu: str, job: str, result: Result, now: float) -> None: ...

    def left(self, gpu: str, job: str, now: float) -> None: ...


class Results:
    """Those of all GPUs of a hive."""

    def __init__(self) -> None:
        self.observers: list[Observer] = []
        self._growing: dict[Key, Result] = {}
        self._complete: dict[Key, Result] = {}
        """In the order in which they were completed."""
        self._bytes = 0
        """Of the complete ones."""

    def get(self, gpu: str, job: str) -> Result | None:
        """The result of `job`, None where there is none any more."""
        return self._growing.get((gpu, job)) or self._complete.get((gpu, job))

    def all(self) -> Iterator[tuple[Key, Result]]:
        """Every result: those that are complete by age, then the others."""
        yield from self._complete.items()
        yield from self._growing.items()

    # -- decisions --------------------------------------------------------------------------------------

    def refuse_write(self, gpu: str, job: str, offset: int, size: int) -> None:
        """May `size` bytes be written at `offset`? Raises ESTALE where there is no such result any more,
        EPERM once it is complete, EINVAL for another place than its end, EMSGSIZE when it becomes too large,
        ENOSPC while those of running jobs are."""
        result = self._growing.get((gpu, job))
        if result is None:
            if (gpu, job) in self._complete:
                raise P9Error(errno.EPERM, "the job has ended: its result is complete")
            raise P9Error(errno.ESTALE, f"job {job} has no result any more")
        if offset not in (limits.APPEND_OFFSET, result.size):
            raise P9Error(errno.EINVAL, f"result offset {offset} is not its end {result.size}")
        if result.size + size > limits.GPU_RESULT_BYTES:
            reason = f"result of {result.size + size} bytes over {limits.GPU_RESULT_BYTES}"
            raise P9Error(errno.EMSGSIZE, reason)
        if sum(each.size for each in self._growing.values()) + size > limits.GPU_RESULTS_BYTES:
            reason = f"results of running jobs over {limits.GPU_RESULTS_BYTES} bytes: let some end first"
            raise P9Error(errno.ENOSPC, reason)

    def check(self, gpu: str, job: str, claims: Mapping[str, str]) -> None:
        """Is the result of the running `job` what an OK claims it to be? Raises EINVAL."""
        held = self._growing[gpu, job].content.retained()
        if "sha256" not in claims:
            if held:
                raise P9Error(errno.EINVAL, f"an OK must name the sha256 of its result of {len(held)} bytes")
            return
        size = claims.get("bytes", str(len(held)))
        if hashlib.sha256(held).hexdigest() != claims["sha256"] or size != str(len(held)):
            raise P9Error(errno.EINVAL, f"result hash mismatch: the hive holds {len(held)} bytes")

    # -- what happens -----------------------------------------------------------------------------------

    def begin(self, gpu: str, job: str, now: float) -> None:
        """`job` runs. What an earlier one of that name has left is gone."""
        self.drop(gpu, job, now)
        result = self._growing[gpu, job] = Result(now, Ring(limits.GPU_RESULT_BYTES, mtime=now))
        for observer in self.observers:
            observer.began(gpu, job, result, now)

    def append(self, gpu: str, job: str, data: bytes, now: float) -> None:
        """The result of the running `job` goes on."""
        self._growing[gpu, job].content.append(data, now)
        self._make_room(now)

    def complete(self, gpu: str, job: str, now: float) -> None:
        """The running `job` is OK."""
        result = self._complete[gpu, job] = self._growing.pop((gpu, job))
        self._bytes += result.size
        self._make_room(now)

    def drop(self, gpu: str, job: str, now: float) -> None:
        """There is no result of `job` any more, if there was one."""
        key = (gpu, job)
        complete = self._complete.pop(key, None)
        if complete is not None:
            self._bytes -= complete.size
        elif self._growing.pop(key, None) is None:
            return
        for observer in self.observers:
            observer.left(gpu, job, now)

    def forget(self, gpu: str, now: float) -> None:
        """There are no results of `gpu` any more."""
        for key, _result in tuple(self.all()):
            if key[0] == gpu:
                self.drop(*key, now)

    def _make_room(self, now: float) -> None:
        growing = sum(result.size for result in self._growing.values())
        while self._complete and (
            self._bytes + growing > limits.GPU_RESULTS_BYTES or len(self._complete) > limits.GPU_RESULTS_MAX
        ):
            self.drop(*next(iter(self._complete)), now)

    # -- snapshot ---------------------------------------------------------------------------------------

    def dump(self) -> list[Any]:
        """See `ninedoor.hive.parts.Part`."""
        return [
            [*key, key in self._complete, result.born, result.content.retained(), result.content.mtime]
            for key, result in self.all()
        ]

    def restore(self, value: Sequence[Sequence[Any]]) -> None:
        """See `ninedoor.hive.parts.Part`."""
        for gpu, job, is_complete, born, held, mtime in value:
            result = Result(born, Ring(limits.GPU_RESULT_BYTES, 0, held, mtime))
            (self._complete if is_complete else self._growing)[gpu, job] = result
            self._bytes += result.size if is_complete else 0
