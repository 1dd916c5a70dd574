"""What a build proves of itself, without being run."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.guest.machines import GUEST, TOP, build, cannot_build

IMAGES = ("virt/guest.elf", "sel4/guest.elf", "loader.elf", "component/user.elf", "component/misbehave.elf")

ALLOCATORS = re.compile(r"\b(malloc|calloc|realloc|free|reallocarray|aligned_alloc|sbrk|brk|mmap|alloca)\b")


@pytest.fixture(autouse=True)
def images() -> None:
    if (why_not := cannot_build()) is not None:
        pytest.skip(why_not)
    build()


def _tool(name: str, *words: str) -> str:
    done = subprocess.run([f"aarch64-linux-gnu-{name}", *words], capture_output=True, text=True, check=True)
    return done.stdout


def _sources(*directories: str) -> list[Path]:
    return sorted(path for name in directories for path in (GUEST / name).glob("**/*.[chS]"))


@pytest.mark.parametrize("image", IMAGES)
def test_image_links_no_allocator_and_no_library(image: str) -> None:
    path = GUEST / "build" / image
    link_map = path.with_suffix(".map").read_text()

    assert not ALLOCATORS.search(_tool("nm", str(path)))
    assert _tool("nm", "--undefined-only", str(path)) == ""
    assert not re.search(r"\.a\(|lib(c|gcc)\b", link_map)


@pytest.mark.parametrize("image", IMAGES)
def test_no_segment_is_writable_and_executable(image: str) -> None:
    headers = _tool("readelf", "--wide", "--program-headers", str(GUEST / "build" / image))
    loads = [line for line in headers.splitlines() if line.strip().startswith("LOAD")]

    assert loads
    assert not [line for line in loads if "RWE" in line]


@pytest.mark.parametrize("image", ["virt/guest.elf", "sel4/guest.elf"])
def test_image_uses_no_floating_point_register(image: str) -> None:
    code = _tool("objdump", "--disassemble", "--no-show-raw-insn", str(GUEST / "build" / image))

    assert not re.search(r"\t[a-z0-9.]+\t(.*[ ,{])?[bhsdqv](3[01]|[12]?[0-9])\b(?!:)", code)


def test_untyped_memory_is_retyped_in_one_place() -> None:
    mentions = {
        path.relative_to(GUEST).as_posix(): path.read_text().count("UNTYPED_RETYPE")
        for path in _sources("core", "drivers", "include", "lib", "loader", "platform", "root", "component")
        if "UNTYPED_RETYPE" in path.read_text()
    }
    function = (GUEST / "platform/sel4/cspace.c").read_text()
    body = function[function.index("status retype_checked(") :]

    assert mentions == {"platform/sel4/cspace.c": 1, "platform/sel4/invoke.h": 1}
    assert "UNTYPED_RETYPE" in body[: body.index("\n}\n")]
    assert body.index("ASSERT(") < body.index("invoke_status(")


def test_only_the_sel4_platform_knows_capabilities() -> None:
    wrong = [
        path.relative_to(GUEST).as_posix()
        for path in _sources("core", "drivers", "include", "lib", "loader", "root", "platform/virt")
        if re.search(r'"platform/sel4/|\binvoke\(|system_call\(', path.read_text())
    ]

    assert wrong == []


def test_only_the_pump_and_probes_let_the_machine_sleep() -> None:
    callers = {
        path.relative_to(GUEST).as_posix()
        for path in _sources("core", "drivers", "lib", "root")
        if path.suffix == ".c" and "machine_wait(" in path.read_text()
    }

    assert callers == {"root/pump.c", "root/components.c"}


def test_no_debug_system_call_is_made() -> None:
    syscalls = (GUEST / "platform/sel4/syscall.h").read_text()

    numbers = {int(number) for number in re.findall(r"SYSCALL_\w+ = (-\d+)", syscalls)}
    assert numbers <= set(range(-8, 0))


def test_root_file_system_is_reproducible_and_small(tmp_path: Path) -> None:
    archive = TOP / "out/rootfs.cpio"
    again = tmp_path / "rootfs.cpio"
    programs = {"user-component": "user", "misbehave": "misbehave"}
    words = [f"{name}={GUEST}/build/component/{program}.stripped" for name, program in programs.items()]

    subprocess.run([str(GUEST / "tools/rootfs.py"), str(again), *reversed(words)], check=True)

    assert again.read_bytes() == archive.read_bytes()
    assert subprocess.run([str(TOP / "scripts/size_guard.sh"), str(archive)], check=False).returncode == 0


def test_sizes_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    told = subprocess.run(
        ["make", "-s", "-C", str(GUEST), "sizes"], capture_output=True, text=True, check=True
    ).stdout

    assert "build/sel4/guest.elf" in told
    assert re.search(r"rootfs\.cpio: \d+ bytes", told)
    with capsys.disabled():
        print("\n" + told)
