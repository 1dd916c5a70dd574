"""What a person is told of a key."""

import pytest

from ninedoor.manifest.explain import explain
from ninedoor.manifest.keys import find, keys


def text_of(name: str) -> str:
    key = find(name)
    assert key is not None
    return explain(key)


def test_a_key_is_told_with_all_that_is_known() -> None:
    assert text_of("telemetry.frame_schema") == (
        "telemetry.frame_schema\n"
        "  What a worker may append: UTF-8 text, or checked CBOR frames.\n"
        "\n"
        '  takes    "legacy-plaintext" or "cbor-v1"\n'
        '  default  "legacy-plaintext"\n'
        "  used by  ninedoor.hive.hive, ninedoor.providers.proc, the guest's header, docs (limits)\n"
    )


def test_a_required_key_says_so_and_has_its_bounds() -> None:
    assert "  bounds   256..8192\n  default  none: the key is required\n" in text_of("secure9p.msize")


def test_a_table_lists_its_keys() -> None:
    text = text_of("tickets")

    assert text.startswith("[[tickets]]\n  One secret")
    assert "\n  secret  Key of the signature; the role's first one mints. (required)\n" in text
    assert "\n  short_write       table\n" in text_of("secure9p")


@pytest.mark.parametrize("name", [key.name for key in keys()])
def test_every_key_can_be_explained(name: str) -> None:
    lines = text_of(name).splitlines()

    assert len(lines) >= 4
    assert "used by  \n" not in text_of(name)
