"""A snapshot is the original's to the byte, and nothing else is taken for one."""

import errno
import hashlib
import json
from pathlib import Path

import pytest

from ninedoor import limits
from ninedoor.errors import P9Error
from ninedoor.gpu import mock
from ninedoor.gpu.devices import Device
from ninedoor.gpu.models import Model
from ninedoor.gpu.snapshot import GpuNode, Snapshot, decode

LISTED = Path(__file__).parent.parent / "data" / "gpu_list.json"
"""What the original's bridge prints with --mock --list."""

TEXT = mock.snapshot().encode()


def test_the_mock_is_the_originals_to_the_byte() -> None:
    assert len(TEXT) == 1477
    assert hashlib.sha256(TEXT).hexdigest() == (
        "704821d10bbd99487459a9df07ce769a6bb2c781c7661a31f0214021ba272e1b"
    )


def test_the_mock_lists_what_the_original_lists() -> None:
    assert mock.snapshot().shown() == json.loads(LISTED.read_text())


def test_decode_inverts_encode() -> None:
    odd = Snapshot((GpuNode("G", Device("G", "ä", 1, 0, "", "").text(), "x\n", "", "é"),), (), "", "")

    assert decode(TEXT) == mock.snapshot()
    assert decode(odd.encode()) == odd
    assert decode(Snapshot((), (), "", "").encode()) == Snapshot((), (), "", "")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (TEXT[:-1], "line 8: the last line must be end"),
        (TEXT[1:], "line 1: schema gpu-bridge-snapshot/v1 expected"),
        (TEXT + b"x", "line 9: the last line must be end"),
        (b"", "line 1: schema gpu-bridge-snapshot/v1 expected"),
        (TEXT.replace(b"node id=GPU-1", b"node id=GPU-0"), "info of gpu GPU-0 is that of 'GPU-1'"),
        (TEXT.replace(b" status=\n", b"\n", 1), "line 2: line not recognised"),
        (TEXT.replace(b"active id=vision-lora-edge", b"active id=x"), "active model 'x' is not available"),
        (TEXT.replace(b"active id=", b"active  id="), "line 6: line not recognised"),
        (TEXT.replace(b"info=ew", b"info=*w", 1), "line 2: base64 of UTF-8 expected"),
        (TEXT.replace(b"end\n", b"active id=vision-lora-edge\nend\n"), "line 8: 'active' appears twice"),
        (TEXT.replace(b"node id=GPU-0", b"node id=models", 1), "gpu id models is the name of something else"),
        (TEXT.replace(b"node id=GPU-0", b"node id=a/b", 1), "gpu id must be a name"),
        (b"\xff" + TEXT, "not UTF-8 at byte 0"),
    ],
)
def test_what_is_no_snapshot_is_refused_with_its_line(changed: bytes, reason: str) -> None:
    with pytest.raises(P9Error) as refused:
        decode(changed)

    assert refused.value.ecode == errno.EINVAL
    assert refused.value.reason.startswith("gpu bridge snapshot")
    assert reason in refused.value.reason


def test_a_manifest_over_8_kib_is_too_big() -> None:
    most = Snapshot((), (Model("m", "x" * limits.GPU_MANIFEST_BYTES),), "", "")
    more = Snapshot((), (Model("m", "x" * (limits.GPU_MANIFEST_BYTES + 1)),), "", "")

    assert decode(most.encode()) == most
    with pytest.raises(P9Error) as refused:
        decode(more.encode())
    assert refused.value.ecode == errno.EMSGSIZE


def test_too_many_gpus_are_too_big() -> None:
    devices = [Device(f"G{number}", "x", 1, 1, "", "") for number in range(limits.GPUS_MAX + 1)]
    with pytest.raises(P9Error) as refused:
        decode(Snapshot(tuple(map(GpuNode.of, devices)), (), "", "").encode())

    assert refused.value.ecode == errno.EMSGSIZE
