"""What is wrong with an update."""

from ninedoor.errors import NineDoorError


class CasFault(NineDoorError):
    """Bytes or values that are no update. `reason` is lower case and carries the value."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TooLarge(CasFault):
    """... because they are more than the limits allow."""


class Incomplete(CasFault):
    """... yet: they are the beginning of a manifest, and more bytes could complete it."""
