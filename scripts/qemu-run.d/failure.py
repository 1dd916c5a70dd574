"""What can keep the guest from booting, or from being watched."""


class Failure(Exception):
    """The text is one line that says what is wrong and what to do."""
