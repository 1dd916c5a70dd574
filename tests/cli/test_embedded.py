"""The mount of a hive in the same process: as whom it attaches."""

import pytest

from ninedoor.cli.exits import Exit
from tests.cli.conftest import Terminal


@pytest.mark.mount
def test_a_ticket_decides_who_mounts_and_what_that_sees(terminal: Terminal) -> None:
    place = terminal.mountpoint()
    kept = ("--state", str(terminal.home / "state"))
    minted = terminal.run("ticket", "mint", "--role", "worker-heartbeat", "--subject", "worker-1").stdout
    too_early = terminal.run("mount", *kept, "--ticket", "-", "m", given=minted)
    terminal.run("mount", "--daemon", *kept, "m")
    (place / "queen" / "ctl").write_text('{"spawn":"heartbeat","ticks":100}\n')
    terminal.run("umount", "m")
    in_time = terminal.run("mount", "--daemon", *kept, "--ticket", "-", "m", given=minted)

    assert too_early.returncode == Exit.FAILED
    assert "refuses worker-heartbeat:worker-1" in too_early.stderr
    assert minted.strip() not in too_early.stderr
    assert (in_time.returncode, in_time.stderr) == (Exit.OK, "")
    assert (place / "proc" / "boot").read_text()
    with pytest.raises(PermissionError):
        (place / "queen" / "ctl").write_text('{"spawn":"heartbeat","ticks":100}\n')
    (row,) = terminal.rows(place)
    assert (row["condition"], row["role"], row["workers"]) == ("serving", "worker-heartbeat:worker-1", None)
