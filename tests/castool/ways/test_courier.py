"""Many small files at once, but no more requests than the hive takes; and every reply is one that was due."""

import hashlib
import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from ninedoor.castool.ways.courier import Courier
from ninedoor.castool.ways.way import Parcel
from ninedoor.client.failures import ConnectError, ConnectionLost, Unanswered
from ninedoor.client.opening import address_of
from ninedoor.errors import P9Error
from ninedoor.wire import messages as m
from ninedoor.wire.codec import decode_request, encode
from ninedoor.wire.framing import FrameReader
from ninedoor.wire.types import Qid
from tests.castool.hives import UPDATES
from tests.cohsh.hives import Hive

MOST = 128

FOLDER = "/updates/5/chunks"


def parcel(content: bytes, start: int = 0) -> Parcel:
    return Parcel(hashlib.sha256(content).hexdigest(), content, start)


@pytest.fixture
def hive(tmp_path: Path) -> Iterator[Hive]:
    with Hive(tmp_path, UPDATES).served() as hive:
        yield hive


def courier(place: Path, timeout_s: float = 10.0) -> Courier:
    return Courier(address_of(f"unix:{place}"), "", timeout_s, MOST)


@pytest.mark.parametrize(("batch_frames", "tags", "window"), [(1, 16, MOST), (64, 16, 16), (64, 5, 5)])
def test_the_window_is_what_the_hive_takes(tmp_path: Path, batch_frames: int, tags: int, window: int) -> None:
    bounds = replace(UPDATES.secure9p, batch_frames=batch_frames, tags_per_session=tags)
    contents = [b"content %d" % number for number in range(100)]
    with Hive(tmp_path, replace(UPDATES, secure9p=bounds)).served() as hive:
        sender = courier(tmp_path / "hive")
        sent = list(sender.send(FOLDER, map(parcel, contents)))
        sender.close()
        sizes = hive.app._keeper.updates.chunks.sizes  # type: ignore[union-attr]

    assert sender.window == window
    assert [one.refused for one in sent] == [None] * 100
    assert [one.parcel.data for one in sent] == contents
    assert sizes == {hashlib.sha256(content).digest(): len(content) for content in contents}


def test_content_arrives_as_it_is_whatever_it_looks_like(hive: Hive) -> None:
    contents = [b"x\n", b"\r\n" * 20, b"b64:QUJD", b"b64:", b"\n", bytes(range(128)), b"b64:\n" * 25]
    sender = courier(hive.place / "hive")
    sent = list(sender.send(FOLDER, map(parcel, contents)))
    sender.close()

    assert [one.refused for one in sent] == [None] * len(contents)
    assert len(hive.app._keeper.updates.chunks.sizes) == len(contents)  # type: ignore[union-attr]


def test_a_file_is_gone_on_with_from_what_is_there(hive: Hive) -> None:
    content = random.Random(1).randbytes(128)
    sender = courier(hive.place / "hive")
    half = Parcel(hashlib.sha256(content).hexdigest(), content[:50])
    (first,) = sender.send(FOLDER, [half])
    (second,) = sender.send(FOLDER, [parcel(content, 50)])
    sender.close()

    assert (first.refused, second.refused) == (None, None)
    assert list(hive.app._keeper.updates.chunks.sizes.values()) == [128]  # type: ignore[union-attr]


def test_what_is_refused_is_told_and_the_others_arrive(hive: Hive) -> None:
    wrong = Parcel(hashlib.sha256(b"what was meant").hexdigest(), b"y" * 128)
    nowhere = Parcel("none", b"z")
    sender = courier(hive.place / "hive")
    sent = list(sender.send(FOLDER, [parcel(b"1"), wrong, nowhere, parcel(b"2")]))
    again = list(sender.send(FOLDER, [parcel(b"3")]))
    sender.close()

    assert [one.refused and one.refused.ecode for one in sent + again] == [None, 22, 2, None, None]
    assert sender.is_idle


def test_a_place_that_is_not_there_is_refused(hive: Hive) -> None:
    sender = courier(hive.place / "hive")
    with pytest.raises(P9Error, match="ENOENT"):
        list(sender.send("/updates/x/chunks", [parcel(b"1")]))
    sender.close()


def test_nobody_there_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConnectError, match="there is no such socket"):
        courier(tmp_path / "none")


@contextmanager
def answering(place: Path, *odd: bytes) -> Iterator[Path]:
    """A server of one peer that does what is asked until the first open, which it answers with `odd`; then it
    hangs up, or without `odd` says nothing any more."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(place / "odd"))
    listening.listen()
    ended = threading.Event()

    def reply(request: m.Message) -> m.Message:
        match request:
            case m.Tversion():
                return m.Rversion(request.msize, request.version)
            case m.Tattach():
                return m.Rattach(Qid(0x80, 1, 1))
            case m.Twalk():
                return m.Rwalk(tuple(Qid(0, 1, 2) for _name in request.names))
            case _:
                return m.Rflush()

    def serve() -> None:
        peer, _address = listening.accept()
        reader = FrameReader()
        with peer:
            while data := peer.recv(1 << 16):
                reader.feed(data)
                for frame in reader:
                    tag, request = decode_request(*frame)
                    if isinstance(request, m.Tlopen):
                        if odd:
                            peer.sendall(b"".join(odd))
                        else:
                            ended.wait()
                        return
                    peer.sendall(encode(tag, reply(request)))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield place / "odd"
    finally:
        ended.set()
        thread.join()
        listening.close()


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        (encode(999, m.Rclunk()), "a reply on tag 999, on which nothing was asked"),
        (encode(2, m.Rclunk()), "does not fit it"),
        (b"\xff" * 20, "the server broke the protocol"),
        (encode(2, m.Rlopen(Qid(0, 1, 2), 0)), "lost: "),
    ],
)
def test_a_server_that_is_not_to_be_believed_is_left(tmp_path: Path, odd: bytes, why: str) -> None:
    with answering(tmp_path, odd) as place:
        sender = courier(place)
        with pytest.raises(ConnectionLost, match=why):
            list(sender.send(FOLDER, [parcel(b"1")]))


def test_a_server_that_says_nothing_is_given_up(tmp_path: Path) -> None:
    with answering(tmp_path) as place:
        sender = courier(place, timeout_s=0.2)
        with pytest.raises(Unanswered, match=r"no reply from unix:.* within 0\.2 s"):
            list(sender.send(FOLDER, [parcel(b"1")]))
