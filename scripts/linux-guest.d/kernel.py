"""The guest's kernel and its first file system, made once of Debian packages and kept in a cache.

Packages are downloaded and unpacked, never installed. Needs apt-get and dpkg-deb, and zstd for kernels packed
with it.
"""

import hashlib
import lzma
import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from archive import Archive
from failure import Failure

MODULES = (
    "virtio_pci", "virtio_console", "virtio_net", "9pnet", "9pnet_virtio", "9pnet_fd", "9p"
)  # fmt: skip
"""What the guest needs, where a kernel has it as a module; what these depend on comes along."""

ESSENTIAL = {"9p", "9pnet_virtio", "9pnet_fd"}
"""What no guest can do without. Debian's cloud kernels leave it out."""

XZ, ZSTD, ELF = b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"\x7fELF"


class Kernel(NamedTuple):
    """`image` is what QEMU starts, `base` the initramfs without what one run adds."""

    name: str
    image: Path
    base: Path


def default_cache() -> Path:
    """Where kernels are kept unless said otherwise."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "ninedoor" / "linux-guest"


def find(cache: Path, package: str) -> Kernel:
    """A kernel that `prepare` has made. Raises Failure when it has not."""
    kernel = _kernel(cache, package)
    if not (kernel.image.exists() and kernel.base.exists()):
        raise Failure(f"{package} is not prepared: run scripts/linux-guest prepare --kernel {package}")
    return kernel


def prepare(cache: Path, package: str) -> Kernel:
    """Fetch and unpack a kernel unless that is done. Raises Failure when it cannot be had."""
    kernel = _kernel(cache, package)
    if kernel.image.exists() and kernel.base.exists():
        return kernel
    if not re.fullmatch(r"[a-z0-9][a-z0-9.+-]+", package):
        raise Failure(f"{package!r} is no name of a package")
    kernel.base.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as made:
        work = Path(made)
        _fetch(work, package)
        for fetched in work.glob("*.deb"):
            _run(["dpkg-deb", "-x", str(fetched), str(work)])
        base = _base(work)
        _replace(kernel.image, _bootable(next(work.glob("boot/vmlinuz-*")).read_bytes()))
        _replace(kernel.base, base.packed())
    return kernel


def _kernel(cache: Path, package: str) -> Kernel:
    """Where a kernel lies. The base is named for what is in it: a change of that makes it anew."""
    place = cache / package
    content = hashlib.sha256(repr(MODULES).encode()).hexdigest()[:12]
    return Kernel(package, place / "image", place / f"base-{content}.cpio")


# -- packages


def _fetch(work: Path, package: str) -> None:
    try:
        _download(work, package, [])
    except Failure:
        # Package lists grow stale within days. Fresh ones of our own need no root.
        lists = work / "lists"
        (lists / "partial").mkdir(parents=True)
        options = ["-o", f"Dir::State::Lists={lists}", "-o", f"Dir::Cache={work}"]
        _run(["apt-get", "-q", *options, "update"], work)
        _download(work, package, options)


def _download(work: Path, package: str, options: Sequence[str]) -> None:
    depends = _run(["apt-cache", *options, "depends", "--no-recommends", "--no-suggests", package]).decode()
    # `linux-image-amd64` and its like only depend on the newest kernel.
    newest = re.search(r"Depends: (linux-image-\d\S+)", depends)
    names = [newest.group(1) if newest else package, "busybox-static"]
    _run(["apt-get", "-q", *options, "-o", "APT::Sandbox::User=root", "download", *names], work)


def _run(command: Sequence[str], directory: Path | None = None) -> bytes:
    try:
        done = subprocess.run(command, cwd=directory, capture_output=True, check=False)
    except FileNotFoundError as missing:
        raise Failure(f"no program {command[0]}") from missing
    if done.returncode != 0:
        raise Failure(f"{command[0]} failed: {done.stderr.decode(errors='replace').strip()[-400:]}")
    return done.stdout


def _replace(path: Path, data: bytes) -> None:
    part = path.with_suffix(f".{os.getpid()}")
    part.write_bytes(data)
    part.replace(path)


# -- what is in them


def _bootable(packed: bytes) -> bytes:
    """The kernel itself out of a bzImage, for QEMU to start at once: unpacking it in the guest is slow. The
    bzImage where that is not possible. Fields: the kernel's Documentation/x86/boot.rst."""
    setup_sectors = packed[0x1F1]
    start = (setup_sectors + 1) * 512 + int.from_bytes(packed[0x248:0x24C], "little")
    payload = packed[start : start + int.from_bytes(packed[0x24C:0x250], "little")]
    unpacked = _unpacked(payload)
    return unpacked if unpacked.startswith(ELF) else packed


def _unpacked(data: bytes) -> bytes:
    if data.startswith(XZ):
        return lzma.LZMADecompressor().decompress(data)
    if data.startswith(ZSTD):
        # Four bytes of size follow the frame and make zstd leave with 1, all done.
        return subprocess.run(["zstd", "-dcq"], input=data, capture_output=True, check=False).stdout
    return data


def _base(work: Path) -> Archive:
    """What of the initramfs comes from packages: busybox, and modules in the order they can be loaded in."""
    base = Archive()
    base.file("bin/busybox", next(work.glob("**/bin/busybox")).read_bytes(), 0o755)
    base.device("dev/console", 5, 1)
    modules = _modules(work)
    for name, content in modules.items():
        base.file(f"modules/{name}.ko", content)
    base.file("modules.order", "".join(f"{name}\n" for name in modules).encode())
    return base


def _modules(work: Path) -> dict[str, bytes]:
    files = {_module_name(path): path for path in work.glob("**/*.ko*")}
    builtin = {
        _module_name(Path(line))
        for path in work.glob("**/modules.builtin")
        for line in path.read_text().split()
    }
    if missing := ESSENTIAL - set(files) - builtin:
        raise Failure(f"this kernel has no module {', '.join(sorted(missing))}: take a generic one")
    modules: dict[str, bytes] = {}

    def load(name: str) -> None:
        if name in builtin or name in modules or name not in files:
            return
        content = _unpacked(files[name].read_bytes())
        depends = re.search(rb"\0depends=([^\0]*)\0", content)
        for needed in depends.group(1).decode().split(",") if depends else ():
            load(needed.replace("-", "_"))
        modules[name] = content

    for name in MODULES:
        load(name)
    return modules


def _module_name(path: Path) -> str:
    return path.name.split(".ko")[0].replace("-", "_")
