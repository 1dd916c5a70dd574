"""What one process does is what every other sees, at once."""

import pytest

from tests.mount.conftest import Hive

pytestmark = pytest.mark.mount

CTL = """
def ctl(line):
    opened = os.open("queen/ctl", os.O_WRONLY | os.O_APPEND)
    os.write(opened, line.encode() + b"\\n")
    os.close(opened)

def spawn():
    before = set(os.listdir("worker"))
    ctl('{"spawn":"heartbeat","ticks":100}')
    return (set(os.listdir("worker")) - before).pop()

def errno_of(call, *arguments):
    try:
        call(*arguments)
    except OSError as refused:
        return refused.errno
    return 0
"""


def test_no_name_outlives_its_worker(hive: Hive) -> None:
    found = hive.python(
        CTL
        + """
for _ in range(50):
    name = spawn()
    places = [f"worker/{name}", f"worker/{name}/telemetry"]
    for place in places:
        os.stat(place)
    opened = os.open(places[1], os.O_RDONLY)
    ctl('{"kill":"%s"}' % name)
    for place in places:
        print(errno_of(os.stat, place), errno_of(os.open, place, os.O_RDONLY))
    print(errno_of(os.listdir, places[0]), name in os.listdir("worker"))
    print(errno_of(os.read, opened, 10), errno_of(os.fstat, opened))
    os.close(opened)
"""
    )

    assert found.splitlines() == ["2 2", "2 2", "2 False", "116 116"] * 50


def test_a_bind_holds_as_soon_as_it_is_made(hive: Hive) -> None:
    found = hive.python(
        CTL
        + """
workers = [spawn(), spawn()]
for turn in range(40):
    source = workers[turn % 2]
    ctl('{"bind":{"from":"/worker/%s","to":"/bound"}}' % source)
    here, there = os.stat("bound/telemetry"), os.stat(f"worker/{source}/telemetry")
    print("bound" in os.listdir("."), here.st_ino % 2**48 == there.st_ino)
"""
    )

    assert found.splitlines() == ["True True"] * 40


def test_a_bound_directory_is_listed_beside_its_original(hive: Hive) -> None:
    hive.out("""echo '{"bind":{"from":"/log","to":"/a/b/logs"}}' > queen/ctl""")

    assert hive.out("ls a/b/logs log a/b/logs log | sort -u") == "\na/b/logs:\nlog:\nqueen.log\n"
    assert hive.out("cmp a/b/logs/queen.log log/queen.log") == ""


def test_sizes_and_times_follow_every_append(hive: Hive) -> None:
    found = hive.python(
        """
log = "log/queen.log"
for length in range(1, 50):
    before = os.stat(log).st_size
    opened = os.open(log, os.O_WRONLY | os.O_APPEND)
    os.write(opened, b"x" * (length - 1) + b"\\n")
    grown = os.stat(log).st_size - before, os.fstat(opened).st_size - before
    os.close(opened)
    if grown != (length, length):
        print(length, grown)
"""
    )

    assert found == ""


def test_what_the_daemon_appends_itself_is_seen_at_once(hive: Hive) -> None:
    found = hive.python(
        CTL
        + """
for _ in range(20):
    before = os.stat("log/queen.log").st_size
    ctl('{"spawn":"heartbeat","ticks":100}')
    print(os.stat("log/queen.log").st_size > before)
"""
    )

    assert set(found.split()) == {"True"}


# -- waiting for news

SLEEPER = """
opened = os.open(sys.argv[1], os.O_RDONLY)
while os.read(opened, 65536):
    pass
{sleep}
print("sleeping", flush=True)
events = wait()
print(events, os.read(opened, 65536) != b"" if {reads} else "", flush=True)
"""

POLL = (
    "poller = select.poll(); poller.register(opened, select.POLLIN); wait = lambda: poller.poll(10000)[0][1]"
)
EPOLL = (
    "poller = select.epoll(); poller.register(opened, select.EPOLLIN); wait = lambda: poller.poll(10)[0][1]"
)
SELECT = "wait = lambda: len(select.select([opened], [], [], 10)[0])"


@pytest.mark.parametrize("sleep", [POLL, EPOLL, SELECT], ids=["poll", "epoll", "select"])
def test_a_sleeping_reader_is_woken_by_an_append(hive: Hive, sleep: str) -> None:
    script = "import os, select, sys\n" + SLEEPER.format(sleep=sleep, reads=True)
    sleeper = hive.background("python3", "-c", script, "log/queen.log")
    assert sleeper.stdout is not None
    assert sleeper.stdout.readline() == "sleeping\n"
    hive.out("echo news >> log/queen.log")

    assert sleeper.communicate(timeout=20)[0] == "1 True\n"


def test_a_sleeping_reader_is_woken_by_the_end_of_the_node(hive: Hive) -> None:
    worker = hive.spawn()
    script = "import os, select, sys\n" + SLEEPER.format(sleep=POLL, reads=False)
    sleeper = hive.background("python3", "-c", script, f"worker/{worker}/telemetry")
    assert sleeper.stdout is not None
    assert sleeper.stdout.readline() == "sleeping\n"
    hive.out(f"""echo '{{"kill":"{worker}"}}' > queen/ctl""")

    assert sleeper.communicate(timeout=20)[0] == "1 \n"


def test_a_reader_at_the_end_of_a_log_has_nothing_to_read(hive: Hive) -> None:
    found = hive.python(
        """
opened = os.open("queen/ctl", os.O_RDONLY)
poller = select.poll()
poller.register(opened, select.POLLIN | select.POLLOUT)
while os.read(opened, 65536):
    pass
print(poller.poll(0) == [(opened, select.POLLOUT)])
"""
    )

    assert found == "True\n"
