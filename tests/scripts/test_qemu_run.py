"""scripts/qemu-run.sh says what is missing, and starts what it was asked to. Booting is for tests/guest."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
NEEDED = ("sh", "dirname")
"""What the script itself runs on, besides Python."""


def _run(*words: str, path: Path | None = None, **environment: str) -> "subprocess.CompletedProcess[str]":
    variables = os.environ | environment
    if path is not None:
        variables["PATH"] = str(path)
    return subprocess.run(
        [str(TOP / "scripts/qemu-run.sh"), "--no-build", *words],
        capture_output=True,
        text=True,
        env=variables,
        check=False,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A directory for PATH: what the script runs on, and a program that stands for QEMU."""
    directory = tmp_path / "bin"
    directory.mkdir()
    for name in NEEDED:
        found = shutil.which(name)
        assert found
        (directory / name).symlink_to(found)
    (directory / "python3").symlink_to(Path(sys.executable).resolve())
    qemu = directory / "qemu-system-aarch64"
    qemu.write_text("#!/bin/sh\nexit 7\n")
    qemu.chmod(0o755)
    return directory


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    """What looks like a kernel as far as this script looks."""
    file = tmp_path / "kernel.elf"
    file.write_bytes(b"\x7fELF and more")
    return file


def _words(*options: str, path: Path) -> list[str]:
    done = _run("--dry-run", *options, path=path)
    assert done.returncode == 0, done.stderr
    return shlex.split(done.stdout)


def test_missing_qemu_is_told_with_its_package(path: Path) -> None:
    (path / "qemu-system-aarch64").unlink()

    done = _run(path=path)

    assert done.returncode == 1
    assert "qemu-system-aarch64 is missing: run scripts/guest-toolchain" in done.stderr
    assert "qemu-system-arm" in done.stderr


def test_missing_compiler_is_told_with_its_package(path: Path) -> None:
    (path / "make").symlink_to("/bin/true")

    done = subprocess.run(
        [str(TOP / "scripts/qemu-run.sh")],
        capture_output=True,
        text=True,
        env=os.environ | {"PATH": str(path)},
        check=False,
    )

    assert done.returncode == 1
    assert "aarch64-linux-gnu-gcc is missing: run scripts/guest-toolchain" in done.stderr


def test_missing_kernel_is_told_with_the_variable(path: Path) -> None:
    done = _run("--platform", "sel4", path=path, NINEDOOR_SEL4_KERNEL="")

    assert done.returncode == 1
    assert "give --kernel PATH or set NINEDOOR_SEL4_KERNEL" in done.stderr


def test_kernel_that_is_none_is_refused(path: Path, tmp_path: Path) -> None:
    text = tmp_path / "kernel.txt"
    text.write_text("no kernel")

    assert "is no ELF file" in _run("--kernel", str(text), path=path).stderr
    assert "No such file" in _run("--kernel", str(tmp_path / "none"), path=path).stderr


def test_options_that_contradict_are_refused(path: Path, kernel: Path) -> None:
    wrong = [
        (["--platform", "virt", "--kernel", str(kernel)], "boots without a kernel"),
        (["--kernel", str(kernel), "--elfloader", str(kernel)], "not both"),
        (["--transport", "console"], "wants --mount, or --socket"),
        (["--serial", "telnet"], "is none of stdio"),
        (["--memory", "512"], "are too few"),
        (["--set", "novalue"], "is not NAME=VALUE"),
        (["--export", "/nonexistent"], "no directory /nonexistent"),
    ]
    for words, reason in wrong:
        done = _run(*words, path=path)

        assert done.returncode == 1
        assert reason in done.stderr


def test_bare_board_is_the_default(path: Path) -> None:
    words = _words(path=path)

    assert words[words.index("-kernel") + 1].endswith("guest/build/virt/guest.elf")
    assert words[words.index("-machine") + 1] == "virt,gic-version=2"
    assert "virtio-mmio.force-legacy=off" in words
    assert words[words.index("-rtc") + 1] == "clock=vm"
    assert not [word for word in words if "9p" in word and "fw_cfg" not in word and "opt/" not in word]


def test_kernel_is_loaded_by_our_loader_where_it_looks(path: Path, kernel: Path) -> None:
    words = _words("--kernel", str(kernel), path=path)
    header = (TOP / "guest/loader/loader.h").read_text()

    assert words[words.index("-kernel") + 1].endswith("guest/build/loader.elf")
    for file, constant in ((kernel, "FILE_KERNEL"), (TOP / "guest/build/sel4/guest.elf", "FILE_ROOT_TASK")):
        found = [word for word in words if word.startswith(f"loader,file={file},")]
        address = found[0].split("addr=")[1].split(",")[0]
        assert f"#define {constant} {address}ul" in header


def test_elfloader_image_is_booted_as_it_is(path: Path, kernel: Path) -> None:
    words = _words("--elfloader", str(kernel), path=path)

    assert words[words.index("-kernel") + 1] == str(kernel)
    assert not [word for word in words if word.startswith("loader,")]


def test_kernel_of_the_environment_is_taken_for_sel4_alone(path: Path, kernel: Path) -> None:
    for platform, expected in (("sel4", True), ("virt", False)):
        done = _run("--dry-run", "--platform", platform, path=path, NINEDOOR_SEL4_KERNEL=str(kernel))

        assert (str(kernel) in done.stdout) == expected


def test_transports_get_their_devices(path: Path, tmp_path: Path) -> None:
    strange = tmp_path / "a,b"
    strange.mkdir()
    exported = _words("--export", str(strange), "--set", "export=/hive", path=path)
    line = _words("--transport", "console", "--socket", str(tmp_path / "s"), path=path)

    doubled = str(strange).replace(",", ",,")
    assert f"local,id=hive,path={doubled},security_model=none,multidevs=remap" in exported
    assert "virtio-9p-device,fsdev=hive,mount_tag=ninedoor" in exported
    assert "name=opt/ninedoor/export,string=/hive" in exported
    assert f"socket,id=hive9p,path={tmp_path}/s,server=off,reconnect=1" in line
    assert "name=opt/ninedoor/transport,string=console" in line


def test_ticket_is_handed_over_as_a_file(path: Path, tmp_path: Path) -> None:
    ticket = tmp_path / "ticket"
    ticket.write_text("cohesix-ticket-secret")

    words = _words("--ticket", str(ticket), "--uname", "worker-heartbeat:w1", path=path)

    assert f"name=opt/ninedoor/ticket,file={ticket}" in words
    assert "cohesix-ticket-secret" not in " ".join(words)


def test_exit_status_is_that_of_qemu(path: Path) -> None:
    assert _run(path=path).returncode == 7


def test_text_that_never_came_is_a_failure(path: Path) -> None:
    done = _run("--exit-after", "PONG 1", path=path)

    assert done.returncode == 3
    assert "'PONG 1' was not seen" in done.stderr


def test_export_that_holds_more_than_the_hive_is_refused(path: Path, tmp_path: Path) -> None:
    (tmp_path / "export").mkdir()
    (tmp_path / "export/private").touch()

    done = _run("--mount", str(tmp_path / "export"), path=path)

    assert done.returncode == 1
    assert "holds 'private', which the guest would get too" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_lets_qemu_give_the_terminal_back(path: Path, tmp_path: Path, number: signal.Signals) -> None:
    given_back = tmp_path / "given back"
    (path / "qemu-system-aarch64").write_text(
        f"#!{sys.executable}\n"
        "import pathlib, signal, sys\n"
        "def end(*_about):\n"
        f"    pathlib.Path({str(given_back)!r}).touch()\n"
        "    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "print('up', flush=True)\n"
        "while True:\n"
        "    signal.pause()\n"
    )

    with subprocess.Popen(
        [str(TOP / "scripts/qemu-run.sh"), "--no-build"],
        stdout=subprocess.PIPE,
        env=os.environ | {"PATH": str(path)},
    ) as script:
        assert script.stdout is not None
        assert script.stdout.readline() == b"up\n"
        script.send_signal(number)
        status = script.wait(30)

    assert given_back.exists()
    assert status == 128 + number
