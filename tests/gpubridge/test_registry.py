from pathlib import Path

import pytest

from ninedoor import limits
from ninedoor.gpubridge.registry import RegistryError, read_registry


def model(root: Path, name: str, text: str = "[model]\n") -> Path:
    folder = root / "available" / name
    folder.mkdir(parents=True)
    (folder / "manifest.toml").write_text(text)
    return folder


def test_models_come_by_name_with_the_active_one(tmp_path: Path) -> None:
    model(tmp_path, "b", 'id = "b"')
    model(tmp_path, "a")
    (tmp_path / "available" / "README").write_text("not a model")
    (tmp_path / "active").write_text("a\nb\n\n")

    models, active = read_registry(tmp_path)

    assert [(each.id, each.manifest) for each in models] == [("a", "[model]\n"), ("b", 'id = "b"')]
    assert active == "b"


@pytest.mark.parametrize("text", [None, "", "\n"])
def test_none_may_be_active(tmp_path: Path, text: str | None) -> None:
    model(tmp_path, "a")
    if text is not None:
        (tmp_path / "active").write_text(text)

    assert read_registry(tmp_path)[1] == ""


def test_what_is_wrong_is_told_with_its_place(tmp_path: Path) -> None:
    def told() -> str:
        with pytest.raises(RegistryError) as wrong:
            read_registry(tmp_path)
        return str(wrong.value).removeprefix(f"{tmp_path}/")

    assert told() == "available: no such file or directory; a model is DIR/available/ID/manifest.toml"
    folder = model(tmp_path, "a")
    (tmp_path / "active").write_text("c")
    assert told() == "active: model c is not among those available"
    (tmp_path / "active").write_text("a b")
    assert told().startswith("active: model id must be a name")
    (tmp_path / "active").write_bytes(b"\xff")
    assert told() == "active: not UTF-8"
    (folder / "manifest.toml").write_bytes(b"\xff")
    assert told() == "available/a/manifest.toml: not UTF-8"
    (folder / "manifest.toml").write_text("x" * (limits.GPU_MANIFEST_BYTES + 1))
    assert told().startswith("available/a/manifest.toml: manifest of model a has 8193 bytes")
    (folder / "manifest.toml").unlink()
    assert told() == "available/a/manifest.toml: no such file or directory"


def test_there_are_no_more_models_than_a_snapshot_holds(tmp_path: Path) -> None:
    for number in range(limits.GPU_MODELS_MAX + 1):
        (tmp_path / "available" / f"m{number}").mkdir(parents=True)

    with pytest.raises(RegistryError, match="65 models, over 64"):
        read_registry(tmp_path)
