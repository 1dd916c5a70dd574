"""Who wants to know when something changes: callbacks by the key of what they are about."""

from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")

Wake = Callable[[], None]


class Watchers(Generic[K]):
    """Callbacks by key; a key that nobody watches costs nothing."""

    def __init__(self) -> None:
        self._by_key: dict[K, list[Wake]] = {}

    def watch(self, key: K, wake: Wake) -> Wake:
        """Call `wake` at every `tell(key)`, until the returned function is called."""
        watching = self._by_key.setdefault(key, [])
        watching.append(wake)

        def stop() -> None:
            watching.remove(wake)
            if not watching and self._by_key.get(key) is watching:
                del self._by_key[key]

        return stop

    def tell(self, key: K) -> None:
        """What `key` stands for has changed."""
        if self._by_key:
            for wake in tuple(self._by_key.get(key, ())):
                wake()
