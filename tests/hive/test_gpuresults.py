"""An outcome may leave out what it need not say, and nothing else."""

import errno
import hashlib

import pytest

from ninedoor.errors import P9Error
from ninedoor.hive.gpuresults import check_result
from ninedoor.hive.gpustate import Result
from ninedoor.hive.ring import Ring

DIGEST = hashlib.sha256(b"abc").hexdigest()


def result(data: bytes) -> Result:
    return Result(0.0, Ring(64, 0, data))


def test_what_is_true_is_accepted() -> None:
    check_result(result(b"abc"), {"sha256": DIGEST, "bytes": "3"})
    check_result(result(b"abc"), {"sha256": DIGEST})
    check_result(result(b""), {})


@pytest.mark.parametrize(
    "claims", [{}, {"bytes": "3"}, {"sha256": DIGEST.upper()}, {"sha256": DIGEST, "bytes": "03"}]
)
def test_what_is_not_true_is_refused(claims: dict[str, str]) -> None:
    with pytest.raises(P9Error) as refused:
        check_result(result(b"abc"), claims)

    assert refused.value.ecode == errno.EINVAL
