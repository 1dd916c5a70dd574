"""/proc/tests: scripts with which a client tests the hive that it talks to (docs/COHSH.md, `test`).

They have to hold on any hive in use, whatever it is set up for and whoever else works on it: no line counts
on a worker that exists, and none undoes what others did. What the full one leaves behind are lines in the log
and a worker that lives for a second.
"""

from ninedoor.providers.ports import Site
from ninedoor.tree.text import StaticText

_FOLDER = ("proc", "tests")

QUICK = """\
# The hive answers, and its files can be read. Changes nothing.
ping
EXPECT SUBSTR reply=pong
ls /
EXPECT OK
ls /proc/tests
EXPECT SUBSTR entries=3
cat /proc/boot
EXPECT SUBSTR path=/proc/boot data=
cat /queen/ctl
EXPECT OK
tail /log/queen.log
EXPECT OK
"""

FULL = (
    QUICK
    + """\
# Lines are taken and shown, and workers start.
echo selftest > /log/queen.log
EXPECT SUBSTR bytes=8
tail /log/queen.log
EXPECT OK
log
EXPECT OK
spawn heartbeat ticks=1 ttl_s=1
EXPECT OK
"""
)

NEGATIVE = """\
# What has to be refused is refused, in these words.
cat /selftest/nowhere
EXPECT SUBSTR invalid path
ls /proc/boot
EXPECT SUBSTR invalid path
cat /proc/../queen/ctl
EXPECT SUBSTR invalid path
echo selftest > /proc/boot
EXPECT SUBSTR EPERM
echo {{msize_overflow}} > /log/queen.log
EXPECT ERR
echo {"selftest":1} > /queen/ctl
EXPECT SUBSTR invalid payload
kill selftest-nobody
EXPECT SUBSTR invalid path
"""

SCRIPTS = {
    "selftest_quick.coh": QUICK,
    "selftest_full.coh": FULL,
    "selftest_negative.coh": NEGATIVE,
}
"""Name of a file → what it holds."""


def provide(site: Site) -> None:
    """The scripts, on every hive."""
    for name, text in SCRIPTS.items():
        site.tree.add(StaticText((*_FOLDER, name), text.encode(), mtime=site.now))
