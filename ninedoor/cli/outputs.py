"""Write a set of files so that no reader ever finds half of one, and that a failure leaves all as they were.

Everything is first written beside its place, then renamed into it. A file that already says the right thing
is left alone, so that nothing is built anew for its sake.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple


class Output(NamedTuple):
    """One file to write. `mode` is what its permissions become, None for what the umask leaves."""

    path: Path
    content: bytes
    mode: int | None = None


def write_all(outputs: Sequence[Output]) -> list[Path]:
    """Write every file whose content is not there yet; directories are made. Returns the paths that were
    written. Raises OSError, and then no file has changed unless a rename itself failed."""
    changed = [output for output in outputs if not _is_there(output)]
    with contextlib.ExitStack() as staged:
        moves = [(staged.enter_context(_staged(output)), output.path) for output in changed]
        for temporary, path in moves:
            temporary.replace(path)
    return [output.path for output in changed]


def _is_there(output: Output) -> bool:
    try:
        return output.path.read_bytes() == output.content and (
            output.mode is None or output.path.stat().st_mode & 0o777 == output.mode
        )
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def _staged(output: Output) -> Iterator[Path]:
    """The content in a file beside its place, which is gone at the end unless it was renamed."""
    output.path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=output.path.parent, prefix=f".{output.path.name}.")
    temporary = Path(name)
    try:
        with open(descriptor, "wb") as file:
            file.write(output.content)
            os.fchmod(file.fileno(), 0o666 & ~_umask() if output.mode is None else output.mode)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()


def _umask() -> int:
    """The process's umask. The system tells it only to whoever sets it; no other thread runs here."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
