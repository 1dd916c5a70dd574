"""Looking at a state directory without changing it, and cutting damage out of one: `ninedoor doctor`.

A repair keeps the records before the damage and gives up what follows, because a record means something only
after all before it. Nothing is destroyed: the damaged file is first copied beside the repaired one.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ninedoor.errors import CorruptStore, StoreError
from ninedoor.store import frames
from ninedoor.store.directory import StateDirectory, explained, file_name, read_file, write_file


@dataclass(frozen=True, slots=True)
class Report:
    """What a state directory holds.

    `file` is the generation in use; None in an empty store, whose `generation` is 0. `snapshot_bytes` is
    None when it begins without a snapshot or cannot be read that far. `records` and `log_bytes` count what
    is whole before any damage. `in_use_by` says "pid N" while a hive runs on it; the log may then grow.
    """

    directory: Path
    in_use_by: str | None
    file: Path | None
    generation: int
    snapshot_bytes: int | None
    records: int
    log_bytes: int
    file_bytes: int
    notes: tuple[str, ...]
    damage: CorruptStore | None


@dataclass(frozen=True, slots=True)
class RepairResult:
    """What one repair did: `file` was damaged at `offset`; its `bytes_discarded` bytes from there on, which
    were not zero, are now only in `copy`; `records_kept` records before them remain. When `generation_lost`,
    the file's snapshot was damaged, all of it was given up, and an older, complete generation that an
    interrupted compaction had left is in use again."""

    file: Path
    copy: Path
    offset: int
    reason: str
    records_kept: int
    bytes_discarded: int
    generation_lost: bool


@dataclass(frozen=True, slots=True)
class _Examination:
    data: bytes
    header: frames.Header | None
    log: frames.Log
    damage: CorruptStore | None


def inspect(path: Path) -> Report:
    """Read everything, change nothing. Raises StoreError when the directory or a file cannot be read, or is
    of another format; damage is not raised but reported."""
    directory = StateDirectory.view(path)
    try:
        with explained(f"cannot read state from {path}"):
            holder = directory.holder()
            unfinished = directory.unfinished()
            notes = [f"{name}: its writing was interrupted, the next start removes it" for name in unfinished]
            generations = directory.generations()
            if not generations:
                return Report(path, holder, None, 0, None, 0, 0, 0, tuple(notes), None)
            generation = generations.pop()
            examined = _examine(directory, generation)
    finally:
        directory.close()
    header, log = examined.header, examined.log
    notes += [f"{file_name(old)}: an older generation, the next start removes it" for old in generations]
    if header is not None and examined.damage is None and log.rest:
        notes.append(f"{log.rest} bytes of an interrupted write at byte {log.end}, the next start cuts them")
    return Report(
        directory=path,
        in_use_by=holder,
        file=directory.file_path(file_name(generation)),
        generation=generation,
        snapshot_bytes=None if header is None or header.snapshot is None else len(header.snapshot),
        records=log.records,
        log_bytes=0 if header is None else log.end - header.start,
        file_bytes=len(examined.data),
        notes=tuple(notes),
        damage=examined.damage,
    )


def repair(path: Path, now: float) -> RepairResult | None:
    """Give up what `inspect` reports as damaged; None when nothing is.

    The copy is named after the damaged file, with `.damaged-` and the seconds of `now`. It is durable before
    anything else is changed, and a repair that is interrupted can be run again. After `generation_lost` the
    older generation may need a repair of its own.

    Raises StoreError: the directory is in use or cannot be written; or the only generation has a damaged
    header or snapshot, so that no record in it means anything. Then nothing was changed.
    """
    directory = StateDirectory.take(path, create=False)
    try:
        with explained(f"cannot repair state in {path}"):
            generations = directory.generations()
            if not generations:
                return None
            generation = generations.pop()
            examined = _examine(directory, generation)
            if examined.damage is None:
                return None
            name = file_name(generation)
            copy = _copy_name(directory, name, int(now))
            if examined.header is not None:
                _cut(directory, name, copy, examined)
            elif generations:
                directory.rename(name, copy)
                directory.sync()
            else:
                raise StoreError(
                    f"{examined.damage.file}: damaged at byte {examined.damage.offset}: "
                    f"{examined.damage.reason}; no record in it can be used without that: restore the file "
                    "from a backup, or move it away to begin with an empty store"
                )
            return _result(directory, generations, copy, examined, examined.damage)
    finally:
        directory.close()


def _examine(directory: StateDirectory, generation: int) -> _Examination:
    name = file_name(generation)
    file = directory.file_path(name)
    descriptor = directory.open_file(name, writable=False)
    try:
        data = read_file(descriptor)
    finally:
        os.close(descriptor)
    try:
        header = frames.read_header(data, file, generation)
    except CorruptStore as damage:
        return _Examination(data, None, frames.Log(0, 0, len(data.rstrip(b"\0"))), damage)
    log = frames.read_log(data, header.start)
    return _Examination(data, header, log, frames.damage_of(header, log, file))


def _copy_name(directory: StateDirectory, name: str, number: int) -> str:
    while directory.exists(f"{name}.damaged-{number}"):
        number += 1
    return f"{name}.damaged-{number}"


def _cut(directory: StateDirectory, name: str, copy: str, examined: _Examination) -> None:
    descriptor = directory.open_file(name, writable=True)
    try:
        _write_copy(directory, copy, examined.data)
        # The mark first: should the cut not follow, the damage then lies behind it, and the next load cuts.
        for offset in frames.MARK_OFFSETS:
            write_file(descriptor, frames.encode_mark(examined.log.end), offset)
        os.fsync(descriptor)
        os.ftruncate(descriptor, examined.log.end)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_copy(directory: StateDirectory, name: str, data: bytes) -> None:
    descriptor = directory.create_file(name)
    try:
        write_file(descriptor, data, 0)
        os.fsync(descriptor)
        directory.sync()
    except OSError:
        with suppress(OSError):
            directory.remove(name)
        raise
    finally:
        os.close(descriptor)


def _result(
    directory: StateDirectory, older: list[int], copy: str, examined: _Examination, damage: CorruptStore
) -> RepairResult:
    lost = examined.header is None
    return RepairResult(
        file=damage.file,
        copy=directory.file_path(copy),
        offset=damage.offset,
        reason=damage.reason,
        records_kept=_examine(directory, older[-1]).log.records if lost else examined.log.records,
        bytes_discarded=examined.log.rest,
        generation_lost=lost,
    )
