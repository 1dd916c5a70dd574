"""/models as files."""

import errno
import hashlib
from dataclasses import replace

import pytest

from ninedoor.errors import P9Error
from ninedoor.providers import models as provider
from ninedoor.providers.ports import Site
from tests.providers.sites import CONFIG, Shown, shown
from tests.updates.hives import SETTINGS, kept

WEIGHTS = b"W" * 128
NAME = hashlib.sha256(WEIGHTS).hexdigest()
PATH = f"/models/{NAME}"


def tree(*, models: bool = True) -> Shown:
    settings = replace(SETTINGS, models=models)
    hive = kept(settings)

    def provide(site: Site) -> None:
        provider.provide(replace(site, updates=hive.updates))

    return shown(provide, replace(CONFIG, cas=settings))


def test_there_are_none_unless_the_manifest_has_them() -> None:
    assert tree(models=False).names("/") == []
    assert shown(provider.provide).names("/") == []


def test_a_model_is_written_and_read() -> None:
    hive = tree()
    assert hive.names("/models") == []
    assert hive.names(PATH) == ["schema", "signature", "weights"]
    hive.write(f"{PATH}/weights", WEIGHTS[:100])
    hive.write(f"{PATH}/weights", WEIGHTS[100:], offset=100)
    hive.write(f"{PATH}/schema", b'{"layers":1}\n')
    hive.write(f"{PATH}/signature", b"signed\n")

    assert hive.names("/models") == [NAME]
    assert hive.read(f"{PATH}/weights") == WEIGHTS
    assert hive.read(f"{PATH}/schema") == b'{"layers":1}'
    assert hive.read(f"{PATH}/signature") == b"signed"


@pytest.mark.parametrize("file", ["weights", "schema", "signature"])
def test_a_file_is_absent_then_immutable(file: str) -> None:
    hive = tree()
    with pytest.raises(P9Error) as absent:
        hive.read(f"{PATH}/{file}")
    woken: list[int] = []
    hive.node(f"{PATH}/{file}").watch(lambda: woken.append(1))
    hive.write(f"{PATH}/{file}", WEIGHTS)
    with pytest.raises(P9Error) as refused:
        hive.write(f"{PATH}/{file}", b"other")

    assert (absent.value.ecode, refused.value.ecode) == (errno.ENOENT, errno.EPERM)
    assert hive.node(f"{PATH}/{file}").qid[:2] == (0, 0)
    assert woken


@pytest.mark.parametrize("path", ["/models/x", f"{PATH}/other", "/models/" + NAME.upper()])
def test_other_names_are_not_there(path: str) -> None:
    with pytest.raises(P9Error) as refused:
        tree().node(path)

    assert refused.value.ecode == errno.ENOENT
