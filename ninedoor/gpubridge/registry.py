"""The models of a folder: `ROOT/available/<id>/manifest.toml`, and `ROOT/active` with the name of the active
one.

What a manifest says is for whoever loads the model; here it is a text with a size.
"""

from pathlib import Path

from ninedoor import limits
from ninedoor.errors import NineDoorError, P9Error
from ninedoor.gpu.models import Model, check, model_id


class RegistryError(NineDoorError):
    """The folder is not a registry. One line with the path and what is wrong there."""


def read_registry(root: Path) -> tuple[tuple[Model, ...], str]:
    """The models of the registry at `root` by name, and the active one, "" for none. Raises RegistryError."""
    available = root / "available"
    try:
        folders = sorted(each for each in available.iterdir() if each.is_dir())
    except OSError as failure:
        raise RegistryError(
            f"{available}: {_words(failure)}; a model is DIR/available/ID/manifest.toml"
        ) from None
    if len(folders) > limits.GPU_MODELS_MAX:
        raise RegistryError(f"{available}: {len(folders)} models, over {limits.GPU_MODELS_MAX}")
    models = tuple(map(_model, folders))
    active = _active(root / "active")
    if active and active not in {model.id for model in models}:
        raise RegistryError(f"{root / 'active'}: model {active} is not among those available")
    return models, active


def _model(folder: Path) -> Model:
    path = folder / "manifest.toml"
    try:
        with path.open("rb") as file:
            data = file.read(limits.GPU_MANIFEST_BYTES + 1)
        model = Model(folder.name, data.decode())
        check(model)
    except OSError as failure:
        raise RegistryError(f"{path}: {_words(failure)}") from None
    except UnicodeDecodeError:
        raise RegistryError(f"{path}: not UTF-8") from None
    except P9Error as wrong:
        raise RegistryError(f"{path}: {wrong.reason}") from None
    return model


def _active(path: Path) -> str:
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        return ""
    except OSError as failure:
        raise RegistryError(f"{path}: {_words(failure)}") from None
    except UnicodeDecodeError:
        raise RegistryError(f"{path}: not UTF-8") from None
    named = next((line.strip() for line in reversed(lines) if line.strip()), "")
    try:
        return model_id(named) if named else ""
    except P9Error as wrong:
        raise RegistryError(f"{path}: {wrong.reason}") from None


def _words(failure: OSError) -> str:
    return (failure.strerror or str(failure)).lower()
