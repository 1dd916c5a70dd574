"""Damages frames on purpose, for fuzzing the codec and the session.

All randomness comes from the `random.Random` handed in, so a seed is a whole run. `sample` and
`request_frames` give sound frames to start from, `boundary_frames` the damage worth trying on every frame
every time, `mutate` and `stream` endless random damage.
"""

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

from ninedoor.limits import HEADER_BYTES
from ninedoor.wire.codec import encode
from ninedoor.wire.fields import field_kinds
from ninedoor.wire.messages import REQUESTS, Message
from ninedoor.wire.types import U8, U16, U32, U64, Fid, Qid, Tag

TAIL_MAX = 64
"""Longest random tail, in bytes."""

_QID = Qid(0x80, 0, 0xA8D8AF857CACD05B)
_SAMPLES: dict[Any, Any] = {
    U8: 1,
    U16: 2,
    U32: 3,
    U64: 4,
    Fid: 1,
    Tag: 1,
    str: "proc",
    bytes: b"reachable=yes\n",
    Qid: _QID,
    tuple[str, ...]: ("proc", "root", "reachable"),
    tuple[Qid, ...]: (_QID, _QID),
}
_EDGES = (
    0,
    1,
    4,
    6,
    7,
    8,
    9,
    16,
    17,
    0x7F,
    0x80,
    0xFF,
    0x100,
    0x400,
    0x401,
    0x1FFF,
    0x2000,
    0x2001,
    0x7FFF,
    0xFFFF,
)
_WIDE_EDGES = (*_EDGES, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def sample(message: type[Message]) -> Message:
    """One plausible value of a message class: small numbers, short names."""
    return message(*[_SAMPLES[kind] for kind in field_kinds(message).values()])


def request_frames() -> list[bytes]:
    """One sound frame of every request."""
    return [encode(tag, sample(message)) for tag, message in enumerate(REQUESTS.values(), 1)]


def resized(frame: bytes) -> bytes:
    """`frame` with a size[4] that tells the truth, so that damage behind it reaches the field decoders."""
    return len(frame).to_bytes(4, "little") + frame[4:]


def boundary_frames(frame: bytes, random: Random) -> Iterator[bytes]:
    """Damage of `frame` that no decoder may accept: wrong sizes, every truncation, tails of every length.

    Truncations and tails come twice: with the old size[4], and with a true one.
    """
    size = len(frame)
    for wrong in (size - 1, size + 1, 0, 4, 0xFFFFFFFF):
        yield wrong.to_bytes(4, "little") + frame[4:]
    for length in range(size):
        yield frame[:length]
        yield resized(frame[:length])
    for length in range(1, TAIL_MAX + 1):
        longer = frame + random.randbytes(length)
        yield longer
        yield resized(longer)


def mutate(random: Random, frames: Sequence[bytes]) -> bytes:
    """One of `frames` after one to three random mutations; half of them with size[4] made true again."""
    frame = random.choice(frames)
    for _ in range(random.randint(1, 3)):
        frame = random.choice(MUTATIONS)(random, frame, frames)
    return resized(frame) if random.random() < 0.5 else frame


def stream(random: Random, frames: Sequence[bytes], length: int) -> bytes:
    """`length` frames back to back, each sound or mutated, as one peer's bytes."""
    return b"".join(
        mutate(random, frames) if random.random() < 0.5 else random.choice(frames) for _ in range(length)
    )


def _flip_bits(random: Random, frame: bytes, frames: Sequence[bytes]) -> bytes:
    damaged = bytearray(frame)
    for _ in range(random.randint(1, 8)):
        if damaged:
            damaged[random.randrange(len(damaged))] ^= 1 << random.randrange(8)
    return bytes(damaged)


def _change_size(random: Random, frame: bytes, frames: Sequence[bytes]) -> bytes:
    size = random.choice((len(frame) - 1, len(frame) + 1, *_WIDE_EDGES))
    return (size & 0xFFFFFFFF).to_bytes(4, "little") + frame[4:]


def _change_length(random: Random, frame: bytes, frames: Sequence[bytes]) -> bytes:
    """Overwrite two bytes behind the header, where some length prefix may be, with an edge value."""
    at = random.randrange(HEADER_BYTES, max(len(frame), HEADER_BYTES + 1))
    return frame[:at] + random.choice(_EDGES).to_bytes(2, "little") + frame[at + 2 :]


def _change_count(random: Random, frame: bytes, frames: Sequence[bytes]) -> bytes:
    """The same with four bytes: counts of data, fids, masks."""
    at = random.randrange(HEADER_BYTES, max(len(frame), HEADER_BYTES + 1))
    return frame[:at] + random.choice(_WIDE_EDGES).to_bytes(4, "little") + frame[at + 4 :]


def _change_type(random: Random, frame: bytes, frames: Sequence[bytes]) -> bytes:
    return frame[:4] + random.randbytes(1) + frame[5:]


def _add_tail(random: Random, frame: bytes, frames: Sequence[bytes]) -> bytes:
    return frame + random.randbytes(random.randint(0, TAIL_MAX))


def _truncate(random: Random, frame: bytes, frames: Sequence[bytes]) -> bytes:
    return frame[: random.randint(0, len(frame))]


def _splice(random: Random, frame: bytes, frames: Sequence[bytes]) -> bytes:
    """The beginning of this frame and the end of another."""
    other = random.choice(frames)
    return frame[: random.randint(0, len(frame))] + other[random.randint(0, len(other)) :]


MUTATIONS: tuple[Callable[[Random, bytes, Sequence[bytes]], bytes], ...] = (
    _flip_bits,
    _change_size,
    _change_length,
    _change_count,
    _change_type,
    _add_tail,
    _truncate,
    _splice,
)
