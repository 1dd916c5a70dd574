"""A guest whose hive goes away and comes back, on a mount that QEMU exports: it carries on.

It does so because QEMU exports the directory above the mount. It would hold on to an exported mount itself,
and the guest would see a dead one until QEMU were started anew.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ninedoor.cli.locate import stock_manifest
from tests.daemons import Daemons
from tests.linux_guests import GUEST_S, LINUX_GUEST

pytestmark = [pytest.mark.linux_guest, pytest.mark.mount, pytest.mark.timeout(120)]

SCRIPT = """
mount -t 9p -o trans=virtio,version=9p2000.L,cache=none hive /mnt || exit 99
cd /mnt/mnt

# turn NAME: tell the host that NAME is reached, and wait until it answers.
turn() {
    echo "$1" > "/mnt/reached-$1"
    tries=600
    until [ -e "/mnt/go-on-$1" ] || [ $tries = 0 ]; do tries=$((tries - 1)); sleep 0.05; done
}

echo first >> log/queen.log
exec 3< proc/boot
turn running
echo "stopped: $(cat /mnt/mnt/proc/boot 2>&1 | sed 's/.*: //')"
turn stopped
cd /mnt/mnt
echo second >> log/queen.log
echo '{"spawn":"heartbeat","ticks":1}' > queen/ctl
turn restarted
echo "killed: $(cat /mnt/mnt/proc/boot 2>&1 | sed 's/.*: //')"
turn killed
echo "held: $(cat <&3 2>&1 | sed 's/.*: //')"
cd /mnt/mnt
echo third >> log/queen.log
grep -x -e first -e second -e third log/queen.log
ls worker
"""
"""What was open before is lost, and so is the present directory: `cd` goes there anew."""


@pytest.fixture
def daemons(tmp_path: Path) -> Iterator[Daemons]:
    kept = Daemons(tmp_path, stock_manifest())
    kept.start()
    yield kept
    kept.clean_up()


class Meeting:
    """Turns that host and guest take, by files beside the mount."""

    def __init__(self, place: Path, guest: "subprocess.Popen[str]") -> None:
        self._place = place
        self._guest = guest

    def reached(self, name: str) -> None:
        """Wait until the guest has reached `name`."""
        deadline = time.monotonic() + GUEST_S
        while not (self._place / f"reached-{name}").exists():
            if self._guest.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"never {name}: {self._guest.communicate()}")
            time.sleep(0.02)

    def go_on(self, name: str) -> None:
        (self._place / f"go-on-{name}").touch()


def test_a_guest_carries_on_when_its_hive_is_restarted(daemons: Daemons, tmp_path: Path) -> None:
    place = daemons.mountpoint.parent
    (tmp_path / "script").write_text(SCRIPT)
    words = ["run", "--timeout", str(GUEST_S), "--export", f"hive={place}", str(tmp_path / "script")]
    guest = subprocess.Popen(
        [sys.executable, str(LINUX_GUEST), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    meeting = Meeting(place, guest)

    try:
        meeting.reached("running")
        assert daemons.stop() == 0
        meeting.go_on("running")
        meeting.reached("stopped")
        daemons.start()
        meeting.go_on("stopped")
        meeting.reached("restarted")
        daemons.kill()
        meeting.go_on("restarted")
        meeting.reached("killed")
        daemons.start()
        meeting.go_on("killed")
        said, complaints = guest.communicate(timeout=GUEST_S)
    finally:
        guest.terminate()
        guest.wait()

    assert (guest.returncode, complaints) == (0, "")
    assert said.splitlines() == [
        "stopped: No such file or directory",
        "killed: Transport endpoint is not connected",
        "held: Transport endpoint is not connected",
        "first",
        "second",
        "third",
        "worker-1",
    ]
