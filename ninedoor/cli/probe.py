"""Look into a hive, through its mount or its socket, without ever hanging on it.

A request to a file system whose server is stuck cannot be interrupted, and a thread that made one would
keep its process from ending. So each look is a process of its own, left behind when it does not answer in
time.
"""

import errno
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

DEADLINE_S = 2.0

GONE = os.strerror(errno.ENOTCONN).lower()
"""The error of a mount whose server has died."""

_PROGRAM = """
import json, os, sys

def names(path):
    try:
        return os.listdir(path)
    except (FileNotFoundError, PermissionError):
        return None

root = sys.argv[1]
try:
    os.stat(root)
    workers = names(root + "/worker")
    if workers is None:
        shards = names(root + "/shard")
        listed = [names(f"{root}/shard/{shard}/worker") for shard in shards or ()]
        if shards is not None and None not in listed:
            workers = [name for shard in listed for name in shard]
    print(json.dumps({"workers": None if workers is None else len(workers)}))
except OSError as failure:
    print(json.dumps({"error": failure.strerror.lower()}))
"""

_SOCKET_PROGRAM = """
import json, sys
from ninedoor.client import ConnectError, connect
from ninedoor.errors import P9Error

try:
    with connect(sys.argv[1], resume=False) as client:
        try:
            if "worker" in client.names("/"):
                workers = len(client.names("/worker"))
            else:
                shards = client.names("/shard")
                workers = sum(len(client.names(f"/shard/{shard}/worker")) for shard in shards)
        except P9Error:
            workers = None
    print(json.dumps({"workers": workers}))
except (ConnectError, P9Error) as failure:
    print(json.dumps({"error": failure.reason}))
"""
"""As the queen without a ticket, so for unix sockets of the same user."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one hive showed. `error` is None when it answered; `workers` is None when the mount's role may
    not list them."""

    error: str | None
    workers: int | None = None


left_behind: list["subprocess.Popen[str]"] = []
"""Probes that were given up and are not waited for: the kernel may hold them until the server answers."""

NO_ANSWER = Look(f"no answer within {DEADLINE_S:g} s")


def look(places: Sequence[str], deadline_s: float = DEADLINE_S) -> list[Look]:
    """One Look for each of `places`, which are mountpoints or URLs of unix sockets; together they take at
    most about `deadline_s` seconds."""
    end = time.monotonic() + deadline_s
    probes = [_start(place) for place in places]
    return [_finish(probe, end) for probe in probes]


def _start(place: str) -> "subprocess.Popen[str]":
    # -P and -I: the directory where an operator happens to be has no say in what is imported.
    program = ["-P", "-c", _SOCKET_PROGRAM] if place.startswith("unix:") else ["-I", "-S", "-c", _PROGRAM]
    return subprocess.Popen(
        [sys.executable, *program, place],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


def _finish(probe: "subprocess.Popen[str]", end: float) -> Look:
    try:
        said, _ = probe.communicate(timeout=max(end - time.monotonic(), 0.01))
        answer = json.loads(said)
    except subprocess.TimeoutExpired:
        probe.kill()
        left_behind.append(probe)
        return NO_ANSWER
    except ValueError:
        return Look(f"the probe ended with status {probe.returncode}")
    return Look(answer.get("error"), answer.get("workers"))
