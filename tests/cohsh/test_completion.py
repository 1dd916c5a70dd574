"""What Tab offers."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from cohsh.commands import VERBS
from cohsh.completion import candidates

TREE = {
    "/": ["log", "proc", "worker"],
    "/worker": ["worker-1", "worker-2"],
    "/log": ["queen.log"],
    "/gpu": ["GPU-0", "GPU-1", "bridge", "models", "telemetry"],
    "/gpu/models/available": ["vision-base-v1", "vision-lora-edge"],
}


def names(folder: str) -> Sequence[str]:
    return TREE.get(folder, ())


@pytest.mark.parametrize(
    ("line", "typed", "words"),
    [
        ("te", "te", ["test", "telemetry"]),
        ("  PI", "PI", []),
        ("cat ", "", ["/"]),
        ("cat /", "/", ["/log", "/proc", "/worker"]),
        ("CAT /worker/w", "/worker/w", ["/worker/worker-1", "/worker/worker-2"]),
        ("cat log", "log", []),
        ("cat /log x", "x", []),
        ("tail -f /lo", "/lo", ["/log"]),
        ("tail -", "-", ["-f", "--cursor"]),
        ("tail -f --c", "--c", ["--cursor"]),
        ("tail --cursor dash /lo", "/lo", ["/log"]),
        ("tail -f --cursor dash /lo", "/lo", ["/log"]),
        ("bind /log /wor", "/wor", ["/worker"]),
        ("help lo", "lo", ["login", "log"]),
        ("pool b", "b", ["bench"]),
        ("pool bench o", "o", ["ops="]),
        ("pool bench ops=1 path=/lo", "/lo", ["/log"]),
        ("pool bench kind=t", "t", ["telemetry"]),
        ("telemetry p", "p", ["push"]),
        ("kill w", "w", ["worker-1", "worker-2"]),
        ("attach worker-g", "worker-g", ["worker-gpu"]),
        ("attach queen x", "x", []),
        ("spawn h", "h", ["heartbeat"]),
        ("spawn gpu s", "s", ["streams="]),
        ("spawn heartbeat t", "t", ["ticks=", "ttl_s="]),
        ("spawn gpu gpu_id=", "", ["GPU-0", "GPU-1"]),
        ("spawn gpu ttl_s=1 gpu_id=GPU-1", "GPU-1", ["GPU-1"]),
        ("spawn gpu ttl_s=1", "1", []),
        ("spawn heartbeat gpu_id=", "", []),
        ("spawn toaster s", "s", []),
        ("lifecycle re", "re", ["resume", "reset"]),
        ("test --mode q", "q", ["quick"]),
        ("test --j", "--j", ["--json"]),
        ("echo hello", "", []),
        ("echo vision-b", "vision-b", ["vision-base-v1"]),
        ("echo some vision-b", "echo some vision-b", []),
        ("echo a b > /log/q", "/log/q", ["/log/queen.log"]),
        ("echo a >/l", "/l", ["/log"]),
        ("frobnicate x", "x", []),
    ],
)
def test_a_line_can_go_on(line: str, typed: str, words: list[str]) -> None:
    found = candidates(line, names)

    assert list(found.words) == words
    assert found.typed == typed or line == "echo hello"


def test_an_empty_line_can_be_any_verb() -> None:
    assert list(candidates("", names).words) == list(VERBS)


def test_workers_without_short_names_are_found_in_their_shards() -> None:
    tree = {
        "/shard": ["13", "1c", "1d"],
        "/shard/13/worker": ["worker-1"],
        "/shard/1c/worker": ["worker-2", "worker-12"],
    }

    found = candidates("kill worker-1", lambda folder: tree.get(folder, ()))

    assert found.words == ["worker-1", "worker-12"]


def test_files_to_push_are_those_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "readings.csv").touch()
    (tmp_path / "readings").mkdir()
    (tmp_path / "other.csv").touch()

    found = candidates(f"telemetry push {tmp_path}/rea", names)

    assert found.words == [f"{tmp_path}/readings/", f"{tmp_path}/readings.csv"]
