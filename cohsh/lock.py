"""One shell at a time on a TCP console: the original's consoles serve one client, and drop the second."""

import fcntl
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cohsh.exits import Failure

VARIABLE = "COHSH_CONSOLE_LOCK"
_OFF = frozenset({"0", "false", "off", "no"})


def lock_path(host: str, port: int) -> Path:
    """Where the lock of a console lies."""
    safe = "".join(each if each.isalnum() or each in ".-" else "_" for each in host)
    return Path(tempfile.gettempdir()) / f"cohesix-console-{safe}-{port}.lock"


@contextmanager
def console_lock(host: str, port: int, environment: Mapping[str, str] = os.environ) -> Iterator[None]:
    """Hold the lock of a console, unless the environment says not to. Raises Failure when somebody else
    does."""
    if environment.get(VARIABLE, "").lower() in _OFF:
        yield
        return
    path = lock_path(host, port)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as failure:
        why = (failure.strerror or str(failure)).lower()
        raise Failure(f"console lock {path}: {why}; {VARIABLE}=0 does without") from failure
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failure(f"console busy: lock held at {path}") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"pid={os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
