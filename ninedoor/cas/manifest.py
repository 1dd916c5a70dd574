"""manifest.cbor: a CBOR array of eight, in the one encoding that RFC 8949 §4.2.1 calls deterministic.

    0  schema          text, SCHEMA
    1  epoch           text, 1 to 20 digits, that of its directory
    2  chunk_bytes     uint, that of the hive
    3  payload_bytes   uint, length of the own chunks together
    4  payload_sha256  bytes[32], see `ninedoor.cas.payload`
    5  chunks          array of bytes[32], SHA-256 of each own chunk in order; the same may come twice
    6  delta           null, or array [base epoch text, payload_sha256 of the base bytes[32]]
    7  signature       null, or bytes[64], Ed25519 over `signed_message`

The original demands payload_bytes = number of chunks * chunk_bytes. Here the last chunk may be shorter, so
that a payload of any length is described exactly: payload_bytes lies above (chunks - 1) * chunk_bytes. A
packer that has to please the original fills it up.

The decoder knows this one shape. It recurses nowhere, takes no tag, map, float or indefinite length, no
number in more bytes than it needs and nothing behind the end, and refuses each length before it waits for its
bytes; so nothing about a manifest has to be re-encoded to be compared.
"""

from dataclasses import dataclass, replace

import cbor2

from ninedoor.cas.faults import CasFault, Incomplete, TooLarge
from ninedoor.cas.limits import CHUNK_ENTRY_BYTES, HASH_BYTES, Limits, is_epoch

SCHEMA = "cohesix-cas/manifest-v1"
SIGNATURE_BYTES = 64

_UINT, _BYTES, _TEXT, _ARRAY = 0, 2, 3, 4
_MAJORS = {_UINT: "an unsigned integer", _BYTES: "a byte string", _TEXT: "text", _ARRAY: "an array"}
_NULL = 0xF6
_HASH_HEAD = b"\x58\x20"


@dataclass(frozen=True, slots=True)
class Delta:
    """The update that this one goes on from: `base_epoch`, whose payload hashes to `base_sha256`."""

    base_epoch: str
    base_sha256: bytes


@dataclass(frozen=True, slots=True)
class Bundle:
    """A manifest as a value. Hashes are raw bytes; `signature` None means unsigned."""

    epoch: str
    chunk_bytes: int
    payload_bytes: int
    payload_sha256: bytes
    chunks: tuple[bytes, ...]
    delta: Delta | None = None
    signature: bytes | None = None

    @property
    def kind(self) -> str:
        """`base` or `delta`, as log lines say it."""
        return "base" if self.delta is None else "delta"

    def chunk_size(self, index: int) -> int:
        """Bytes of own chunk number `index`. Precondition: the sizes agree (`check_sizes`)."""
        if index < len(self.chunks) - 1:
            return self.chunk_bytes
        return self.payload_bytes - index * self.chunk_bytes

    def check_sizes(self) -> None:
        """Raises CasFault unless payload_bytes is what the chunks hold, the last one being shorter or not."""
        most = len(self.chunks) * self.chunk_bytes
        if not most - self.chunk_bytes < self.payload_bytes <= most:
            count = len(self.chunks)
            raise CasFault(
                f"payload_bytes {self.payload_bytes} does not fit {count} chunks of {self.chunk_bytes}"
            )


def encode(bundle: Bundle) -> bytes:
    """manifest.cbor. Equal values give equal bytes."""
    delta = None if bundle.delta is None else [bundle.delta.base_epoch, bundle.delta.base_sha256]
    return cbor2.dumps(
        [
            SCHEMA,
            bundle.epoch,
            bundle.chunk_bytes,
            bundle.payload_bytes,
            bundle.payload_sha256,
            list(bundle.chunks),
            delta,
            bundle.signature,
        ]
    )


def signed_message(bundle: Bundle) -> bytes:
    """What a signature signs: the manifest with its last item null, encoded anew."""
    return encode(replace(bundle, signature=None))


def decode(data: bytes, limits: Limits) -> Bundle:
    """The manifest in `data`, all of it. Raises Incomplete, TooLarge, CasFault. The values are well formed
    and within `limits`; whether they are right (epoch, sizes, hashes, signature) is for others to say."""
    bundle = Decoder(limits).feed(data)
    if bundle is None:
        raise Incomplete(f"manifest ends after {len(data)} bytes")
    return bundle


class Decoder:
    """Decodes a manifest that arrives in pieces; each byte is looked at a bounded number of times.

    `chunks` holds the hashes known so far, one after the other; `size` counts the bytes fed.
    """

    def __init__(self, limits: Limits) -> None:
        self.chunks = bytearray()
        self.size = 0
        self._limits = limits
        self._rest = bytearray()
        self._head: tuple[str, int, int, bytes, int] | None = None

    def feed(self, data: bytes) -> Bundle | None:
        """Take the next bytes. None: more are needed. Raises TooLarge and CasFault; the decoder is then of no
        further use, and after a Bundle neither."""
        self.size += len(data)
        if self.size > self._limits.manifest_bytes:
            raise TooLarge(f"manifest of {self.size} bytes over {self._limits.manifest_bytes}")
        self._rest += data
        try:
            if self._head is None:
                self._head = self._read_head()
            self._read_chunks(self._head[4])
            return self._read_tail(self._head)
        except Incomplete:
            return None

    def _read_head(self) -> tuple[str, int, int, bytes, int]:
        reader = _Reader(self._rest)
        reader.array("manifest", 8)
        schema = reader.text("schema", len(SCHEMA))
        if schema != SCHEMA:
            raise CasFault(f"schema {schema!r} is not {SCHEMA}")
        epoch = reader.epoch("epoch")
        chunk_bytes, payload_bytes = reader.uint("chunk_bytes"), reader.uint("payload_bytes")
        digest = reader.exactly("payload_sha256", HASH_BYTES)
        count = reader.head(_ARRAY, "chunks")
        if count > self._limits.max_chunks:
            raise TooLarge(f"manifest of {count} chunks over {self._limits.max_chunks}")
        if not count:
            raise CasFault("manifest has no chunks")
        del self._rest[: reader.at]
        return epoch, chunk_bytes, payload_bytes, digest, count

    def _read_chunks(self, count: int) -> None:
        left = count - len(self.chunks) // HASH_BYTES
        whole = min(left, len(self._rest) // CHUNK_ENTRY_BYTES)
        entries = bytes(self._rest[: whole * CHUNK_ENTRY_BYTES])
        for at in (0, 1):
            if entries[at::CHUNK_ENTRY_BYTES] != _HASH_HEAD[at : at + 1] * whole:
                raise CasFault("chunks must be byte strings of 32 bytes each")
        self.chunks += b"".join(
            [entries[at + 2 : at + CHUNK_ENTRY_BYTES] for at in range(0, len(entries), CHUNK_ENTRY_BYTES)]
        )
        del self._rest[: whole * CHUNK_ENTRY_BYTES]
        if whole < left:
            if not _HASH_HEAD.startswith(self._rest[:2]):
                raise CasFault("chunks must be byte strings of 32 bytes each")
            raise Incomplete("chunks")

    def _read_tail(self, head: tuple[str, int, int, bytes, int]) -> Bundle:
        reader = _Reader(self._rest)
        delta, signature = None, None
        if not reader.null():
            reader.array("delta", 2)
            delta = Delta(reader.epoch("base epoch"), reader.exactly("base payload_sha256", HASH_BYTES))
        if not reader.null():
            signature = reader.exactly("signature", SIGNATURE_BYTES)
        if reader.at < len(self._rest):
            raise CasFault(f"{len(self._rest) - reader.at} bytes behind the end of the manifest")
        epoch, chunk_bytes, payload_bytes, digest, _count = head
        known = bytes(self.chunks)
        chunks = tuple([known[at : at + HASH_BYTES] for at in range(0, len(known), HASH_BYTES)])
        return Bundle(epoch, chunk_bytes, payload_bytes, digest, chunks, delta, signature)


class _Reader:
    """Takes CBOR items off `data`. Each method raises Incomplete where bytes are missing that could still
    make it right, and CasFault where none could."""

    def __init__(self, data: bytearray) -> None:
        self.at = 0
        self._data = data

    def head(self, major: int, what: str) -> int:
        """The number in the head of an item of `major`, which `what` must be."""
        first = self._take(1)[0]
        if first >> 5 != major:
            raise CasFault(f"{what} must be {_MAJORS[major]}, got initial byte {first:#04x}")
        low = first & 0x1F
        if low < 24:
            return low
        if low > 27:
            raise CasFault(f"{what} has an indefinite or reserved length")
        size = 1 << (low - 24)
        value = int.from_bytes(self._take(size))
        if value < 24 or (size > 1 and value < 1 << 4 * size):
            raise CasFault(f"{what} has a number in more bytes than it needs")
        return value

    def uint(self, what: str) -> int:
        return self.head(_UINT, what)

    def array(self, what: str, length: int) -> None:
        got = self.head(_ARRAY, what)
        if got != length:
            raise CasFault(f"{what} must be an array of {length}, got {got}")

    def exactly(self, what: str, length: int) -> bytes:
        got = self.head(_BYTES, what)
        if got != length:
            raise CasFault(f"{what} must be {length} bytes, got {got}")
        return self._take(length)

    def text(self, what: str, most: int) -> str:
        length = self.head(_TEXT, what)
        if length > most:
            raise CasFault(f"{what} of {length} bytes over {most}")
        try:
            return self._take(length).decode("ascii")
        except UnicodeDecodeError:
            raise CasFault(f"{what} is not ASCII") from None

    def epoch(self, what: str) -> str:
        name = self.text(what, 20)
        if not is_epoch(name):
            raise CasFault(f"{what} {name!r} must be 1 to 20 digits")
        return name

    def null(self) -> bool:
        """Is the next item null? Then it is taken."""
        if self.at >= len(self._data):
            raise Incomplete("item")
        if self._data[self.at] != _NULL:
            return False
        self.at += 1
        return True

    def _take(self, count: int) -> bytes:
        if self.at + count > len(self._data):
            raise Incomplete("item")
        data = bytes(self._data[self.at : self.at + count])
        self.at += count
        return data
