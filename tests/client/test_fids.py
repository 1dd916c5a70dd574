"""Numbers for fids go upwards, without gaps."""

from ninedoor.client.fids import FidNumbers


def test_numbers_count_upwards() -> None:
    numbers = FidNumbers(2)

    assert [numbers.take() for _ in range(3)] == [2, 3, 4]


def test_a_number_that_named_no_fid_is_the_next_one() -> None:
    numbers = FidNumbers(2)
    taken = [numbers.take() for _ in range(4)]
    for number in (taken[2], taken[0]):
        numbers.put_back(number)

    assert [numbers.take() for _ in range(3)] == [2, 4, 6]
