"""A hive that is there and answers nothing holds up neither the guest nor, later, itself."""

import time
from pathlib import Path

import pytest

from tests.daemons import Daemons
from tests.guest.machines import BOOT_S, booted

pytestmark = pytest.mark.mount

TRIES = 60


def test_guest_goes_on_while_its_hive_is_silent(
    tmp_path: Path, platform: str, link: list[str], hive: Daemons
) -> None:
    with booted(tmp_path, platform, *link, "--set", "workers=1") as guest:
        worker = guest.expect(r"\[ninedoor:root-task\] worker-\d+ beats")[0].text.split()[1]
        telemetry = hive.mountpoint / "worker" / worker / "telemetry"
        guest.type("attach queen\n")
        guest.expect(r"OK ATTACH role=queen$")
        hive.pause()
        try:
            ticks = len(guest.expect(r"tick \d+$"))
            guest.type("cat /proc/boot\n")
            guest.expect(r"ERR CAT reason=(busy|cut) ")
            guest.type("ping\n")
            guest.expect(r"OK PING reply=pong$")
            guest.expect(r"tick \d+$", count=ticks + 4)
        finally:
            hive.resume()
        for tried in range(1, TRIES):
            guest.type("cat /proc/boot\n")
            last = guest.expect(r"(OK|ERR) CAT ", count=1 + tried)[-1]
            if last.text.startswith("OK CAT path=/proc/boot"):
                break
            ticks = len(guest.expect(r"tick \d+$"))
            guest.expect(r"tick \d+$", count=ticks + 1)
        beats = telemetry.read_text()
        deadline = time.monotonic() + BOOT_S
        while len(telemetry.read_text()) <= len(beats):
            assert time.monotonic() < deadline, "the worker does not go on"
            time.sleep(0.02)
        said = guest.text

    assert last.text.startswith("OK CAT path=/proc/boot")
    assert "stopped" not in said
    assert "PANIC" not in said
