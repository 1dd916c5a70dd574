"""What can go wrong around the guest, which proves nothing about what was to be tried in it."""


class Failure(Exception):
    """The text is one line that says what is wrong and what to do."""
