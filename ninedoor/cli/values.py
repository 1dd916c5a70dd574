"""What the words of a command line may be. Each function takes one as it was written and raises
ArgumentTypeError, with the value, for what it cannot be."""

import argparse

URLS = ("unix:", "tcp://")
"""How the address of a hive in another process begins."""

DEADLINE_MOST_S = 3600
"""A call that may take longer than this may as well never end."""


def directory(text: str) -> str:
    """A path; no URL, which in its place is a mistake in the order."""
    if text.startswith(URLS):
        raise argparse.ArgumentTypeError(f"the directory comes first, then {text}")
    return text


def url(text: str) -> str:
    """What begins like a URL; the rest is looked at when it is used."""
    if not text.startswith(URLS):
        raise argparse.ArgumentTypeError(f"{text!r} is neither unix:/path nor tcp://host:port")
    return text


def seconds(text: str) -> float:
    """A duration above 0 and at most an hour."""
    try:
        duration = float(text)
    except ValueError:
        duration = 0.0
    if not 0 < duration <= DEADLINE_MOST_S:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a number of seconds above 0, at most {DEADLINE_MOST_S}"
        )
    return duration


def age(text: str) -> int:
    """A number of seconds from 0."""
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of seconds")
    return int(text)


def budget(text: str) -> int | None:
    """A budget: a whole number from 0, or None for the word none."""
    if text == "none":
        return None
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is neither a whole number nor the word none")
    return int(text)


def whole(text: str) -> int:
    """A whole number from 0."""
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def positive(text: str) -> int:
    """A whole number from 1."""
    number = whole(text)
    if not number:
        raise argparse.ArgumentTypeError("it must be at least 1")
    return number


def triple(text: str) -> tuple[int, int, int]:
    """Three whole numbers from 1, between commas."""
    parts = text.split(",")
    if len(parts) != 3:
        raise argparse.ArgumentTypeError(f"{text!r} is not three numbers between commas")
    first, second, third = map(positive, parts)
    return first, second, third


def scope(text: str) -> tuple[str, str, int]:
    """PATH, VERB and RATE of one scope; RATE 0 stands for no bound. PATH may hold colons."""
    rest, colon, rate = text.rpartition(":")
    if not (colon and rate.isascii() and rate.isdigit()):
        rest, rate = text, "0"
    path, _, verb = rest.rpartition(":")
    if not path.startswith("/"):
        raise argparse.ArgumentTypeError(f"{text!r} is not PATH:VERB[:RATE] with a PATH that begins with /")
    if verb not in ("read", "write", "read-write"):
        raise argparse.ArgumentTypeError(f"{text!r}: VERB must be read, write or read-write")
    return path, verb, int(rate)
