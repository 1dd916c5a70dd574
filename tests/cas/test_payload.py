"""What a delta may go on from."""

from dataclasses import replace

import pytest

from ninedoor.cas.faults import CasFault
from ninedoor.cas.payload import check_delta
from tests.cas.vectors import VECTORS


def test_a_delta_goes_on_from_the_base_it_names() -> None:
    check_delta(VECTORS["101"].bundle, VECTORS["100"].bundle)


@pytest.mark.parametrize(
    ("base", "reason"),
    [
        (None, "delta base epoch 100 is not committed"),
        (VECTORS["101"].bundle, "delta base epoch 100 is a delta itself"),
        (
            replace(VECTORS["100"].bundle, payload_sha256=bytes(32)),
            "delta base epoch 100 has payload_sha256 00",
        ),
    ],
)
def test_a_delta_on_anything_else_is_refused(base: object, reason: str) -> None:
    with pytest.raises(CasFault) as refused:
        check_delta(VECTORS["101"].bundle, base)  # type: ignore[arg-type]

    assert refused.value.reason.startswith(reason)
