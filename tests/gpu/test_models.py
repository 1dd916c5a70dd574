"""Models have names that can be paths, and manifests of a bounded size."""

import errno

import pytest

from ninedoor import limits
from ninedoor.errors import P9Error
from ninedoor.gpu.models import Model, check, model_id, pointer_text


def test_a_pointer_is_a_line_or_nothing() -> None:
    assert (pointer_text("m"), pointer_text("")) == ("m\n", "")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a b", "a\n", "x" * 65, None, 3])
def test_what_cannot_be_a_path_is_no_model(name: object) -> None:
    with pytest.raises(P9Error) as refused:
        model_id(name)

    assert refused.value.ecode == errno.EINVAL


def test_a_manifest_has_a_bound() -> None:
    check(Model("m", "x" * limits.GPU_MANIFEST_BYTES))
    with pytest.raises(P9Error) as refused:
        check(Model("m", "ä" * limits.GPU_MANIFEST_BYTES))

    assert refused.value.ecode == errno.EMSGSIZE
