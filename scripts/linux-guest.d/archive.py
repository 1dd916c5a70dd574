"""An initramfs, written file by file: the `newc` cpio format that the Linux kernel unpacks at boot.

Several archives may be put one behind the other; the kernel unpacks them in turn.
"""

import re
import shutil
import stat
import subprocess
from pathlib import Path, PurePosixPath

PROGRAMS = PurePosixPath("run/host/bin")
"""Where host programs go. busybox's shell prefers what it has itself."""


class Archive:
    """Names are paths in the guest, with or without the leading slash."""

    def __init__(self) -> None:
        self._entries = bytearray()
        self._number = 0
        self._directories: set[PurePosixPath] = set()

    def file(self, name: str | PurePosixPath, data: bytes, permissions: int = 0o644) -> None:
        """Add a file, and the directories above it that are not there yet."""
        self._add(name, stat.S_IFREG | permissions, data)

    def device(self, name: str, major: int, minor: int) -> None:
        """Add a character device of mode 0600."""
        self._add(name, stat.S_IFCHR | 0o600, b"", (major, minor))

    def copy(self, source: Path, name: str | PurePosixPath) -> None:
        """Add a file of the host or a directory with all below it; links stay links."""
        if source.is_symlink():
            self._add(name, stat.S_IFLNK | 0o777, str(source.readlink()).encode())
        elif source.is_dir():
            for entry in sorted(source.iterdir()):
                self.copy(entry, PurePosixPath(name) / entry.name)
        else:
            self.file(name, source.read_bytes(), stat.S_IMODE(source.stat().st_mode))

    def program(self, program: str) -> None:
        """Add a program of the host with its shared libraries. Raises FileNotFoundError."""
        found = shutil.which(program)
        if found is None:
            raise FileNotFoundError(f"no program {program}")
        self.file(PROGRAMS / Path(found).name, Path(found).resolve().read_bytes(), 0o755)
        linked = subprocess.run(["ldd", found], capture_output=True, text=True, check=False)
        for library in re.findall(r"(/\S+) \(0x", linked.stdout):
            self.file(library, Path(library).resolve().read_bytes(), 0o755)

    def packed(self) -> bytes:
        """The archive so far, complete."""
        return bytes(self._entries) + _entry(0, "TRAILER!!!", 0, b"", (0, 0))

    def _add(
        self, name: str | PurePosixPath, mode: int, data: bytes, device: tuple[int, int] = (0, 0)
    ) -> None:
        path = PurePosixPath(str(name).lstrip("/"))
        for directory in reversed(path.parents[:-1]):
            if directory not in self._directories:
                self._directories.add(directory)
                self._append(directory, stat.S_IFDIR | 0o755, b"", (0, 0))
        self._append(path, mode, data, device)

    def _append(self, path: PurePosixPath, mode: int, data: bytes, device: tuple[int, int]) -> None:
        self._number += 1
        self._entries += _entry(self._number, str(path), mode, data, device)


def _entry(number: int, name: str, mode: int, data: bytes, device: tuple[int, int]) -> bytes:
    encoded = name.encode() + b"\0"
    owner_links_time = (0, 0, 1, 0)
    fields = (number, mode, *owner_links_time, len(data), 0, 0, *device, len(encoded), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    return _padded(header + encoded) + _padded(data)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
