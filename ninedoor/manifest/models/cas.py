"""Content-addressed updates."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from ninedoor.cas.signing import KEY_BYTES, KEYS_MAX
from ninedoor.limits import BLOCK_BYTES
from ninedoor.manifest.models.base import UINT32, HostPath, Kind, Table, is_absent, is_empty


def _public_key(text: str) -> str:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        raise PydanticCustomError("manifest", "must be hexadecimal") from None
    if len(key) != KEY_BYTES:
        raise PydanticCustomError("manifest", f"must be {KEY_BYTES} bytes (got {len(key)})")
    return text


PublicKey = Annotated[str, AfterValidator(_public_key), Kind("public key", "^[0-9a-fA-F]{64}$")]


class CasStore(Table):
    """Where chunks are kept."""

    chunk_bytes: int = Field(
        default=0, ge=0, le=32768, description="Bytes of every chunk; at least 1 while cas is enabled."
    )
    budget_bytes: int | None = Field(
        default=None,
        exclude_if=is_absent,
        ge=BLOCK_BYTES * 8,
        le=1 << 40,
        description="Bytes of the host's disk that updates may take, in blocks of 4096; 1 GiB if absent. "
        "Chunks may be larger than the guest's memory allows while it is there.",
    )
    max_chunks: int | None = Field(
        default=None,
        exclude_if=is_absent,
        ge=1,
        le=1 << 20,
        description="Chunks of one manifest; 65536 if absent.",
    )
    max_epochs: int | None = Field(
        default=None, exclude_if=is_absent, ge=1, le=4096, description="Epochs kept; 64 if absent."
    )
    max_models: int | None = Field(
        default=None, exclude_if=is_absent, ge=1, le=4096, description="Models kept; 64 if absent."
    )
    quarantine: int | None = Field(
        default=None,
        exclude_if=is_absent,
        ge=0,
        le=1024,
        description="Chunks with a wrong hash that are kept for inspection; 8 if absent.",
    )
    unused_s: int | None = Field(
        default=None,
        exclude_if=is_absent,
        ge=1,
        le=UINT32,
        description="Seconds for which a chunk is kept that no manifest refers to; a week if absent.",
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
        "else to the working directory. May hold more keys, one a line; `revoked` before one takes it back.",
    )
    public_keys: list[PublicKey] = Field(
        default_factory=list,
        exclude_if=is_empty,
        max_length=KEYS_MAX,
        description="Keys that sign, as 64 hexadecimal digits each; besides those of the file.",
    )
    revoked_keys: list[PublicKey] = Field(
        default_factory=list,
        exclude_if=is_empty,
        max_length=KEYS_MAX,
        description="Keys that were taken back: nothing they signed counts, be it old or new.",
    )
    key_kind: Literal["public", "seed"] | None = Field(
        default=None,
        exclude_if=is_absent,
        description="What the file holds: public keys, which is what a hive should have, or the seeds that "
        "sign, of which the hive keeps the public keys; public if absent.",
    )


class Cas(Table):
    """Content-addressed updates below /updates."""

    enable: bool = Field(default=False, description="Serve /updates.")
    store: CasStore = Field(default_factory=CasStore, description="Chunk store.")
    delta: CasDelta = Field(default_factory=CasDelta, description="Delta updates.")
    signing: CasSigning | None = Field(
        default=None, description="Signatures; must be decided while cas is enabled."
    )
