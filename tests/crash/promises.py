"""What writers were promised, checked against what a hive holds after its daemon was killed.

An acknowledged step must be there, none may be there twice or in part, and what was in flight may be there or
not. Once a step of unknown outcome was seen, it counts as promised.
"""

from itertools import pairwise
from pathlib import Path

from tests.crash.writers import numbered


class Lines:
    """The numbered lines of one appender, `longest` as in `writers.numbered`. The file they go to keeps its
    newest bytes only, but at least those of one run."""

    def __init__(self, prefix: str, longest: int, ledger: Path) -> None:
        self.prefix = prefix
        self.longest = longest
        self.ledger = ledger
        self.promised: set[int] = set()
        self.next_number = 1
        self._verified = 0

    def read_ledger(self) -> list[int]:
        """Take over what the appender wrote down since the last call; returns the numbers acknowledged."""
        steps = self.ledger.read_text().splitlines()[self._verified :] if self.ledger.exists() else []
        self._verified += len(steps)
        acknowledged = [int(step.split()[1]) for step in steps if step.startswith("ack")]
        tried = [int(step.split()[1]) for step in steps if step.startswith("try")]
        self.promised.update(acknowledged)
        # A number of unknown outcome is never used again: twice would otherwise go unnoticed.
        self.next_number = max([self.next_number, *(number + 1 for number in tried)])
        return acknowledged

    def check(self, lines: list[bytes], acknowledged: list[int]) -> None:
        """`lines` are the whole lines that the file retains, `acknowledged` those of the last run, which must
        all be among them."""
        mine = [line for line in lines if line.startswith(self.prefix.encode())]
        found = [int(line.removeprefix(self.prefix.encode()).partition(b":")[0]) for line in mine]
        whole = [numbered(self.prefix, number, self.longest) for number in found]
        assert mine == whole, "torn"
        assert found == sorted(set(found)), f"twice or out of order: {_disorder(found)}"
        assert all(number < self.next_number for number in found), "never written"
        oldest = min(found, default=self.next_number)
        expected = {number for number in self.promised if number >= oldest} | set(acknowledged)
        lost = expected - set(found)
        assert not lost, f"{self.prefix}: acknowledged and lost: {sorted(lost)}"
        self.promised.update(found)


def _disorder(numbers: list[int]) -> list[int]:
    return [after for before, after in pairwise(numbers) if after <= before]


class Reader:
    """What a reader with a named cursor has of the lines with `prefix`: every one of them, once, but what it
    was told is lost. `longest` as in `writers.numbered`."""

    def __init__(self, prefix: str, longest: int, ledger: Path, output: Path) -> None:
        self.prefix = prefix
        self.longest = longest
        self.ledger = ledger
        self.output = output
        self.stands = 0
        self.lost: list[tuple[int, int]] = []
        self._verified = 0

    def check(self, stands: int) -> None:
        """The cursor of a restarted hive stands where it was last set, or where somebody was setting it."""
        steps = self.ledger.read_text().splitlines()[self._verified :] if self.ledger.exists() else []
        self._verified += len(steps)
        setting = {self.stands}
        for step in steps:
            match step.split():
                case ["stands", offset]:
                    assert int(offset) in setting, f"the cursor stood at {offset}, not in {setting}"
                    setting = {int(offset)}
                case ["lost", start, end]:
                    self.lost.append((int(start), int(end)))
                case ["try", offset]:
                    setting.add(int(offset))
                case ["ack", offset]:
                    setting = {int(offset)}
        assert stands in setting, f"the cursor stands at {stands}, not in {setting}"
        self.stands = stands

    def check_output(self, promised: set[int]) -> int:
        """The copy is what was written, up to the cursor: all the lines `promised` up to there, but as many
        as the bytes that it was told are lost. Returns how many lines are in it."""
        copy = self.output.read_bytes()[: self.stands]
        assert len(copy) == self.stands
        lost = [(start, min(end, self.stands)) for start, end in self.lost if start < self.stands]
        for start, end in lost:
            assert copy[start:end] == bytes(end - start), "what is lost was not left out"
        whole = [line for line in copy.split(b"\n")[:-1] if b"\0" not in line]
        found = []
        for line in whole:
            number = int(line.removeprefix(self.prefix.encode()).partition(b":")[0])
            assert line + b"\n" == numbered(self.prefix, number, self.longest), "torn"
            found.append(number)
        assert found == sorted(set(found)), f"twice or out of order: {_disorder(found)}"
        missing = {number for number in promised if number <= max(found, default=0)} - set(found)
        missed = sum(len(numbered(self.prefix, number, self.longest)) for number in missing)
        cut = 2 * len(numbered(self.prefix, max(promised, default=0), 0)) + 2 * self.longest
        assert missed <= sum(end - start + cut for start, end in lost), f"missed untold: {sorted(missing)}"
        return len(found)


class Workers:
    """The workers that one governor spawned and killed. `fixed` are those it does not know of."""

    def __init__(self, ledger: Path, fixed: set[str]) -> None:
        self.ledger = ledger
        self.fixed = fixed
        self.living: set[str] = set()
        self.ended: set[str] = set()
        self._verified = 0

    def read_ledger(self) -> "Unknown":
        """Take over what the governor wrote down since the last call; returns what it does not know."""
        steps = self.ledger.read_text().splitlines()[self._verified :] if self.ledger.exists() else []
        self._verified += len(steps)
        unknown = Unknown()
        for step in steps:
            match step.split():
                case ["try", "spawn"]:
                    unknown.spawns_most = 1
                case ["ack", "spawn"]:
                    unknown.spawns_least = 1
                case ["named", worker]:
                    unknown.spawns_least = unknown.spawns_most = 0
                    self.living.add(worker)
                case ["try", "kill", worker]:
                    unknown.killing = worker
                case ["ack", "kill", worker]:
                    unknown.killing = ""
                    self.living.remove(worker)
                    self.ended.add(worker)
        return unknown

    def check(self, names: set[str], unknown: "Unknown") -> None:
        """`names` are the workers there are."""
        assert self.fixed <= names
        living = names - self.fixed
        assert not living & self.ended, f"killed and back: {living & self.ended}"
        new = living - self.living
        known = self.fixed | self.living | self.ended
        assert unknown.spawns_least <= len(new) <= unknown.spawns_most, f"new: {new}, {unknown}"
        assert all(_number(worker) > max(map(_number, known)) for worker in new), f"id used again: {new}"
        missing = self.living - living - {unknown.killing}
        assert not missing, f"acknowledged and lost: {missing}"
        self.ended |= self.living - living
        self.living = living

    def check_log(self, lines: list[bytes]) -> None:
        """Each spawn and kill is told once in the retained `lines`, a kill together with its revocation."""
        spawned = [line for line in lines if line.startswith(b"spawned ")]
        killed = [line for line in lines if line.startswith(b"killed ")]
        assert len(spawned) == len(set(spawned))
        assert len(killed) == len(set(killed))
        for at, line in enumerate(lines):
            if line.startswith(b"killed "):
                worker = line.removeprefix(b"killed ").strip()
                assert lines[at + 1] == b"revoked %s: killed by queen\n" % worker
        told = {line.split()[1].decode() for line in killed}
        assert not told & self.living


class Unknown:
    """What was in flight: a spawn may have happened (`spawns_most`) or has, its id unread (`spawns_least`);
    `killing` is a worker that may be dead, empty when none."""

    def __init__(self) -> None:
        self.spawns_least = 0
        self.spawns_most = 0
        self.killing = ""

    def __repr__(self) -> str:
        return f"spawns {self.spawns_least}..{self.spawns_most}, killing {self.killing or 'none'}"


def _number(worker: str) -> int:
    return int(worker.removeprefix("worker-"))
