"""A hive in this process to look at, and what happens in it."""

from cohsh.transports.inprocess import Mock
from ninedoor.config import Config
from ninedoor.console.grammar import Command
from ninedoor.top.sample import Answer


class Hive:
    """Satisfies `ninedoor.top.sample.Way`; `lose` makes it unreachable."""

    def __init__(self) -> None:
        self.transport = Mock(Config(), lambda _text: None)
        assert self.transport.ask(Command("attach", role="queen")).ok
        self._why_lost: Exception | None = None

    def ask(self, command: Command) -> Answer:
        if self._why_lost is not None:
            raise self._why_lost
        return self.transport.ask(command)

    def spawn(self, ticks: int = 100) -> None:
        line = f'{{"spawn":"heartbeat","ticks":{ticks}}}'
        assert self.ask(Command("echo", path="/queen/ctl", payload=line)).ok

    def append(self, worker: str, text: str) -> None:
        assert self.ask(Command("echo", path=f"/worker/{worker}/telemetry", payload=text)).ok

    def lose(self, why: Exception | None) -> None:
        self._why_lost = why
