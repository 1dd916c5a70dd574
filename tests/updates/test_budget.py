"""Room is counted in blocks."""

import errno

import pytest

from ninedoor.limits import BLOCK_BYTES
from ninedoor.updates.budget import Budget, blocks


@pytest.mark.parametrize(("size", "taken"), [(0, 0), (1, 1), (BLOCK_BYTES, 1), (BLOCK_BYTES + 1, 2)])
def test_a_file_takes_whole_blocks(size: int, taken: int) -> None:
    assert blocks(size) == taken * BLOCK_BYTES


def test_what_does_not_fit_is_told_with_its_bounds() -> None:
    budget = Budget(3 * BLOCK_BYTES)
    budget.used = 2 * BLOCK_BYTES

    assert budget.lacks(BLOCK_BYTES) == 0
    assert budget.lacks(2 * BLOCK_BYTES) == BLOCK_BYTES
    refusal = budget.refusal(2 * BLOCK_BYTES)
    assert refusal.ecode == errno.EDQUOT
    assert refusal.reason == (
        "no room for 8192 bytes of updates: 8192 of 12288 bytes are taken (cas.store.budget_bytes)"
    )
