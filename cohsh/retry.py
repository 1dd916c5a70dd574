"""How often, how long and after which waits the shell tries again. The numbers come from the policy."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Retry:
    """`max_attempts` times, the first after `backoff_ms`, each further one after twice as long, at most
    `ceiling_ms`; an answer is waited for `timeout_ms`. In ms."""

    max_attempts: int = 3
    backoff_ms: int = 200
    ceiling_ms: int = 2000
    timeout_ms: int = 5000

    @property
    def timeout_s(self) -> float:
        """`timeout_ms` in seconds."""
        return self.timeout_ms / 1000

    def delays_ms(self) -> Iterator[int]:
        """The wait before each attempt."""
        delay = self.backoff_ms
        for _ in range(self.max_attempts):
            yield min(delay, self.ceiling_ms)
            delay = min(delay * 2, self.ceiling_ms)
