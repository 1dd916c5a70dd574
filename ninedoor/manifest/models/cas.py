"""Content-addressed updates."""

from pydantic import Field

from ninedoor.manifest.models.base import HostPath, Table


class CasStore(Table):
    """Where chunks are kept."""

    chunk_bytes: int = Field(
        default=0, ge=0, le=32768, description="Bytes of every chunk; at least 1 while cas is enabled."
    )


class CasDelta(Table):
    """Updates that name an earlier one as their base."""

    enable: bool = Field(default=False, description="Accept such updates.")


class CasSigning(Table):
    """Signatures of updates."""

    required: bool = Field(description="Refuse unsigned updates; false acknowledges that they are accepted.")
    key_path: HostPath | None = Field(
        default=None,
        description="File holding the key as 64 hexadecimal digits; relative to the manifest's directory, "
        "else to the working directory.",
    )


class Cas(Table):
    """Content-addressed updates below /updates."""

    enable: bool = Field(default=False, description="Serve /updates.")
    store: CasStore = Field(default_factory=CasStore, description="Chunk store.")
    delta: CasDelta = Field(default_factory=CasDelta, description="Delta updates.")
    signing: CasSigning | None = Field(
        default=None, description="Signatures; must be decided while cas is enabled."
    )
