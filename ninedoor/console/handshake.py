"""The first line on TCP: `AUTH <token>`, before anything else is read.

The token keeps strangers off the console; who somebody is, the attach decides.
"""

import hmac

from ninedoor.console.ack import Ack, err, ok

_KEYWORD = "AUTH "

AUTHENTICATED = ok("AUTH")


def authenticate(line: str, token: str) -> Ack:
    """`OK AUTH` where `line` presents `token`, exactly; else the refusal, after which the connection ends.

    How long the comparison takes says nothing about the token. The refusal tells its length, as clients of
    the console expect.
    """
    if not line.startswith(_KEYWORD):
        return err("AUTH", "expected-token")
    presented, expected = line.removeprefix(_KEYWORD).encode(), token.encode()
    if len(presented) != len(expected):
        return err("AUTH", "invalid-length")
    return AUTHENTICATED if hmac.compare_digest(presented, expected) else err("AUTH", "invalid-token")
