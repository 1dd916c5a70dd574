"""Models below /gpu/models: a manifest each, and the pointer that says which one is active."""

import errno
from typing import NamedTuple

from ninedoor import limits
from ninedoor.errors import P9Error
from ninedoor.gpu.texts import named


class Model(NamedTuple):
    """`manifest` is the text of manifest.toml. What it says is for whoever loads the model."""

    id: str
    manifest: str


def model_id(name: object) -> str:
    """`name` as the name of a model. Raises EINVAL."""
    return named(name, "model id")


def check(model: Model) -> None:
    """Raises EINVAL for a bad name, EMSGSIZE for a manifest over 8 KiB."""
    model_id(model.id)
    size = len(model.manifest.encode())
    if size > limits.GPU_MANIFEST_BYTES:
        raise P9Error(
            errno.EMSGSIZE,
            f"manifest of model {model.id} has {size} bytes, over {limits.GPU_MANIFEST_BYTES}",
        )


def pointer_text(model: str) -> str:
    """What /gpu/models/active holds; empty while no model is."""
    return f"{model}\n" if model else ""
