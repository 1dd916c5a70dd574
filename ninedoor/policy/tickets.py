"""The capability ticket: a bearer token proving that its minter knew the secret of a role.

    token   = "cohesix-ticket-" hex(payload) "." hex(mac)
    key     = BLAKE3(secret)                 mac = BLAKE3 keyed with key over payload
    payload = version[1] role[1] flags[1] [ticks[8]] [ops[8]] [ttl_s[8]] [subject[s]] issued_at_ms[8]
              mount.service[s] mount.at[s]
              [count[1] count*(path[s] verb[1] rate_per_s[4])]
              [bandwidth_bytes[8] cursor_resumes[4] cursor_advances[4]]

little-endian, `s` a two-byte length and at most 255 bytes of UTF-8. This file decides what a well-formed and
genuine ticket is, not whether it is accepted (`gate.py`). A payload and a `Ticket` determine each other:
unknown flags and an empty list of scopes, which the original lets pass, are refused.
"""

import hmac
from binascii import unhexlify
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from blake3 import blake3

from ninedoor import limits
from ninedoor.config import Role
from ninedoor.errors import TicketError
from ninedoor.policy.roles import ROLES
from ninedoor.session.ports import READ, WRITE

PREFIX = "cohesix-ticket-"
VERSION = 1
MAC_BYTES = 32
FINGERPRINT_CHARS = 16

_TICKS, _OPS, _TTL, _SUBJECT, _SCOPES, _QUOTAS = (1 << bit for bit in range(6))
_KNOWN_FLAGS = (1 << 6) - 1


class Verb(IntEnum):
    """What a scope allows. The value is an access mask (READ, WRITE of the session's ports); on the wire it
    is one less."""

    READ = READ
    WRITE = WRITE
    READ_WRITE = READ | WRITE

    @property
    def text(self) -> str:
        """As log lines spell it: `read`, `write`, `read-write`."""
        return self.name.lower().replace("_", "-")


class Scope(NamedTuple):
    """A subtree the ticket is good for. `rate_per_s` bounds its reads and writes together; 0 = no bound."""

    path: str
    verb: Verb
    rate_per_s: int = 0


class Quotas(NamedTuple):
    """Totals over the life of the ticket; 0 = not claimed."""

    bandwidth_bytes: int = 0
    cursor_resumes: int = 0
    cursor_advances: int = 0


@dataclass(frozen=True, slots=True)
class Ticket:
    """The claims of one ticket. A budget that is None is not limited by the ticket; no scopes means that the
    role alone decides."""

    role: Role
    issued_at_ms: int
    ticks: int | None = None
    ops: int | None = None
    ttl_s: int | None = None
    subject: str | None = None
    mount_service: str = ""
    mount_at: str = ""
    scopes: tuple[Scope, ...] = ()
    quotas: Quotas | None = None

    @property
    def expires_at_ms(self) -> int | None:
        """Unix milliseconds from which on the ticket is worthless, None when it lasts."""
        return None if self.ttl_s is None else self.issued_at_ms + self.ttl_s * 1000


class Unverified(NamedTuple):
    """What a token says of itself. Nobody has checked that its minter knew any secret."""

    claims: Ticket


def unix_ms(now: float) -> int:
    """`now` (unix seconds) as tickets count time."""
    return round(now * 1000)


def derive_key(secret: str) -> bytes:
    """The 32-byte MAC key of a role's secret."""
    return blake3(secret.encode(errors="surrogateescape")).digest()


def fingerprint(token: str) -> str:
    """A name for `token` in logs and tables, 16 hex digits. Tokens that differ only in the case of their hex
    digits are one ticket and have one fingerprint. Total: any text has one."""
    canonical = token.lower().encode(errors="backslashreplace")
    return blake3(canonical).hexdigest()[:FINGERPRINT_CHARS]


def mint(ticket: Ticket, secret: str) -> str:
    """The token that claims `ticket` under `secret`. Raises TicketError for a claim that does not fit."""
    payload = encode_payload(ticket)
    return f"{PREFIX}{payload.hex()}.{_mac(payload, derive_key(secret)).hex()}"


def decode(token: str, key: bytes) -> Ticket:
    """The claims of `token` if `key` (see `derive_key`) made it. Raises TicketError otherwise."""
    return decode_any(token, (key,))


def decode_any(token: str, keys: Iterable[bytes]) -> Ticket:
    """As `decode`, for the several keys a role has while its secret is being rotated.

    The order is prefix, hex, MAC and only then the payload, so that a forger learns nothing about what he
    got wrong inside. Every key is tried whether or not an earlier one fitted.
    """
    payload, mac = _split(token)
    if len(mac) != MAC_BYTES:
        raise TicketError(f"ticket MAC of {len(mac)} bytes, expected {MAC_BYTES}")
    genuine = False
    for key in keys:
        genuine |= hmac.compare_digest(_mac(payload, key), mac)
    if not genuine:
        raise TicketError("ticket MAC validation failed")
    return _parse(payload)


def peek(token: str) -> Unverified:
    """What `token` claims, for showing to its owner. NOT verified: never decide anything by it. Raises
    TicketError when it is malformed."""
    payload, _mac_bytes = _split(token)
    return Unverified(_parse(payload))


def encode_payload(ticket: Ticket) -> bytes:
    """The payload bytes of `ticket`. Raises TicketError for a claim that does not fit the format."""
    budgets = (ticket.ticks, ticket.ops, ticket.ttl_s)
    flags = sum(1 << bit for bit, value in enumerate(budgets) if value is not None)
    flags |= _SUBJECT * (ticket.subject is not None) | _SCOPES * bool(ticket.scopes)
    flags |= _QUOTAS * (ticket.quotas is not None)
    parts = [bytes((VERSION, ROLES.index(ticket.role), flags))]
    for name, value in zip(("ticks", "ops", "ttl_s"), budgets, strict=True):
        if value is not None:
            parts.append(_number(value, 8, name))
    if ticket.subject is not None:
        parts.append(_text(ticket.subject, "subject"))
    parts.append(_number(ticket.issued_at_ms, 8, "issued_at_ms"))
    parts.append(_text(ticket.mount_service, "mount.service"))
    parts.append(_text(ticket.mount_at, "mount.at"))
    if ticket.scopes:
        parts.append(_scopes(ticket.scopes))
    if ticket.quotas is not None:
        for width, name, value in zip((8, 4, 4), Quotas._fields, ticket.quotas, strict=True):
            parts.append(_number(value, width, name))
    return b"".join(parts)


def _mac(payload: bytes, key: bytes) -> bytes:
    return blake3(payload, key=key).digest()


def _split(token: str) -> tuple[bytes, bytes]:
    if not token.startswith(PREFIX):
        raise TicketError("ticket missing prefix")
    payload, dot, mac = token[len(PREFIX) :].partition(".")
    if not dot:
        raise TicketError("ticket malformed")
    try:
        return unhexlify(payload), unhexlify(mac)
    except ValueError:
        # No cause is kept: it would carry the token into a traceback.
        raise TicketError("ticket malformed") from None


def _scopes(scopes: tuple[Scope, ...]) -> bytes:
    _check_scope_count(len(scopes))
    parts = [bytes((len(scopes),))]
    for path, verb, rate in scopes:
        parts += (_text(path, "scope path"), bytes((verb - 1,)), _number(rate, 4, "scope rate"))
    return b"".join(parts)


def _check_scope_count(count: int) -> None:
    if count > limits.SCOPES_MAX:
        raise TicketError(f"ticket with {count} scopes, over {limits.SCOPES_MAX}")


def _check_text_size(size: int, what: str) -> None:
    if size > limits.TICKET_STRING_MAX:
        raise TicketError(f"ticket {what} of {size} bytes, over {limits.TICKET_STRING_MAX}")


def _number(value: int, width: int, what: str) -> bytes:
    try:
        return value.to_bytes(width, "little")
    except OverflowError:
        raise TicketError(f"ticket {what} {value} does not fit {width} bytes") from None


def _text(value: str, what: str) -> bytes:
    try:
        data = value.encode()
    except UnicodeEncodeError:
        raise TicketError(f"ticket {what} is not UTF-8") from None
    _check_text_size(len(data), what)
    return len(data).to_bytes(2, "little") + data


class _Reader:
    """Takes a payload apart from front to back."""

    def __init__(self, payload: bytes) -> None:
        self._payload = payload
        self._at = 0

    def take(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._payload):
            raise TicketError(f"ticket truncated at byte {len(self._payload)}")
        piece = self._payload[self._at : end]
        self._at = end
        return piece

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width), "little")

    def text(self, what: str) -> str:
        size = self.number(2)
        _check_text_size(size, what)
        try:
            return self.take(size).decode()
        except UnicodeDecodeError:
            raise TicketError("ticket malformed") from None

    def finish(self) -> None:
        left = len(self._payload) - self._at
        if left:
            raise TicketError(f"ticket with {left} trailing bytes")


def _parse(payload: bytes) -> Ticket:
    reader = _Reader(payload)
    version = reader.number(1)
    if version != VERSION:
        raise TicketError(f"ticket version {version} unsupported")
    role = reader.number(1)
    if role >= len(ROLES):
        raise TicketError(f"ticket role {role} unsupported")
    flags = reader.number(1)
    if flags & ~_KNOWN_FLAGS:
        raise TicketError(f"ticket flags {flags & ~_KNOWN_FLAGS:#04x} unknown")
    # Keyword arguments are evaluated in the order written, which is the order of the payload.
    ticket = Ticket(
        role=ROLES[role],
        ticks=reader.number(8) if flags & _TICKS else None,
        ops=reader.number(8) if flags & _OPS else None,
        ttl_s=reader.number(8) if flags & _TTL else None,
        subject=reader.text("subject") if flags & _SUBJECT else None,
        issued_at_ms=reader.number(8),
        mount_service=reader.text("mount.service"),
        mount_at=reader.text("mount.at"),
        scopes=_parse_scopes(reader) if flags & _SCOPES else (),
        quotas=Quotas(reader.number(8), reader.number(4), reader.number(4)) if flags & _QUOTAS else None,
    )
    reader.finish()
    return ticket


def _parse_scopes(reader: _Reader) -> tuple[Scope, ...]:
    count = reader.number(1)
    _check_scope_count(count)
    if not count:
        raise TicketError("ticket with an empty list of scopes")
    return tuple(_parse_scope(reader) for _ in range(count))


def _parse_scope(reader: _Reader) -> Scope:
    path = reader.text("scope path")
    verb = reader.number(1)
    if verb >= len(Verb):
        raise TicketError(f"ticket scope verb {verb} invalid")
    return Scope(path, Verb(verb + 1), reader.number(4))
