"""The guest's portable code, built for this machine under the sanitizers, as programs that a test drives."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import TracebackType

import pytest

from tests.guest.machines import GUEST

SOURCES = GUEST / "tests/host"
BUILT = GUEST / "build/host"

_DEADLY = "abort_on_error=0:exitcode=99"


@cache
def cannot_build() -> str | None:
    """Why the programs cannot be built here, None when they can."""
    for tool in ("make", "gcc"):
        if shutil.which(tool) is None:
            return f"{tool} is missing; scripts/guest-toolchain installs it"
    return None


@cache
def build() -> None:
    """Bring every program up to date, once a run. Skips the test where that is not possible."""
    if (why_not := cannot_build()) is not None:
        pytest.skip(why_not)
    done = subprocess.run(["make", "-C", str(SOURCES)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def run(name: str, *words: str) -> str:
    """What the program called `name` prints; it must end well."""
    build()
    done = subprocess.run([str(BUILT / name), *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def named(pattern: str) -> list[str]:
    """The programs whose sources are called so, built or not."""
    return sorted(path.stem for path in SOURCES.glob(pattern))


class Program:
    """A program that answers a line with a line. Close it, or use it as a context manager."""

    def __init__(self, name: str, *words: str) -> None:
        build()
        self._process = subprocess.Popen(
            [str(BUILT / name), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"ASAN_OPTIONS": _DEADLY, "UBSAN_OPTIONS": "print_stacktrace=1"},
        )

    def tell(self, data: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(data)
        self._process.stdin.flush()

    def line(self) -> str:
        """Its next line of output; "" at the end."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().decode().removesuffix("\n")

    def until(self, end: bytes) -> bytes:
        """Its output up to `end`, which is not part of it."""
        assert self._process.stdout is not None
        said = b""
        while not said.endswith(end):
            byte = self._process.stdout.read(1)
            assert byte, f"it ended, having said {said!r}"
            said += byte
        return said.removesuffix(end)

    def ask(self, *words: object) -> str:
        """The answer to the question that `words` are."""
        self.tell(" ".join(map(str, words)).encode() + b"\n")
        return self.line()

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            code = self._process.wait(timeout=10)
        finally:
            self._process.kill()
            self._process.stdout.close()
        assert code == 0, "the program did not end well: see its output on standard error"

    def __enter__(self) -> "Program":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._process.kill()
            self._process.wait()


def hexed(text: str | bytes) -> str:
    """`text` as a program's question holds it."""
    data = text if isinstance(text, bytes) else text.encode(errors="surrogatepass")
    return data.hex() or "-"


def texts(answer: str) -> list[str | None]:
    """The `=HEX` words of an answer; None for `!`."""
    return [
        None if word == "!" else bytes.fromhex(word.removeprefix("=")).decode() for word in answer.split()
    ]


def corpus(path: Path) -> Sequence[list[str]]:
    """The rows of a file of test vectors, as words."""
    rows = path.read_text(encoding="ascii").splitlines()
    return [row.split() for row in rows if row and not row.startswith("#")]
