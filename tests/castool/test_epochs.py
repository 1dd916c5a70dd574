"""A hive that lies is found out at the first wrong chunk, whichever way its payload comes."""

from collections.abc import Iterable, Iterator, Sequence

import pytest

from ninedoor.castool.epochs import fetch, verified
from ninedoor.castool.ways.way import Parcel, Sent, Way
from ninedoor.cli.exits import CommandFailure
from tests.cas.vectors import VECTORS

PAYLOAD = bytes(range(256))


class Liar(Way):
    """Has epoch 9, whose content is `content`, in pieces of `step` bytes or, where 0, chunk by chunk."""

    place = "there"
    resumes = True

    def __init__(self, content: bytes, step: int) -> None:
        self.content = content
        self.step = step

    def read(self, path: str) -> bytes:
        name = path.rpartition("/")[2]
        if name == "manifest.cbor":
            return VECTORS["9"].data
        index = [digest.hex() for digest in VECTORS["9"].bundle.chunks].index(name)
        return self.content[128 * index : 128 * (index + 1)]

    def names(self, folder: str) -> list[str]:
        return ["9"] if folder == "/updates" else ["payload"] * bool(self.step)

    def sizes(self, folder: str, names: Sequence[str]) -> dict[str, int]:
        return {}

    def send(self, folder: str, parcels: Iterable[Parcel]) -> Iterator[Sent]:
        yield from ()

    def contents(self, path: str, offset: int, size: int) -> Iterator[bytes]:
        for at in range(offset, len(self.content), self.step):
            yield self.content[at : at + self.step]

    def close(self) -> None:
        pass


STEPS = [0, 1, 100, 128, 1000]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("first", [0, 1, 2])
def test_a_payload_is_cut_into_its_chunks_from_any_of_them(step: int, first: int) -> None:
    way = Liar(PAYLOAD, step)

    assert list(verified(way, fetch(way, "9"), first)) == [PAYLOAD[:128], PAYLOAD[128:]][first:]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("place", [0, 127, 128, 255])
def test_every_wrong_byte_is_found_out(step: int, place: int) -> None:
    way = Liar(PAYLOAD[:place] + b"!" + PAYLOAD[place + 1 :], step)
    kept: list[bytes] = []
    with pytest.raises(CommandFailure, match=f"chunk {place // 128}, .* is damaged"):
        kept.extend(verified(way, fetch(way, "9")))

    assert kept == [PAYLOAD[:128]][: place // 128]


@pytest.mark.parametrize("step", STEPS[1:])
def test_a_payload_that_ends_early_is_found_out(step: int) -> None:
    way = Liar(PAYLOAD[:200], step)
    with pytest.raises(CommandFailure, match="ends before chunk 1 of 2"):
        list(verified(way, fetch(way, "9")))


def test_an_epoch_that_is_not_there_is_not_looked_into() -> None:
    with pytest.raises(CommandFailure, match="there has no epoch 8"):
        fetch(Liar(PAYLOAD, 0), "8")
