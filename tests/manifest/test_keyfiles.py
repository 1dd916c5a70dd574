"""Keys that sign updates, from the file and from its manifest."""

from pathlib import Path

import pytest

from ninedoor.config import Config
from ninedoor.errors import ManifestError
from ninedoor.manifest.load import load_text
from tests.cas.vectors import PUBLIC, SEED
from tests.manifest.samples import REGRESSION, Edits, as_toml, content_of, edited

OTHER = b"\xab" * 32


def config_of(folder: Path, edits: Edits) -> Config:
    signing: Edits = {("cas", "signing", "key_path"): "keys", **edits}
    return load_text(as_toml(edited(content_of(REGRESSION), signing)), "m", (folder,)).config


def test_a_file_of_public_keys_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(f"{PUBLIC.hex()}\n{OTHER.hex()}  # next year's\nrevoked {SEED.hex()}\n")

    cas = config_of(tmp_path, {}).cas

    assert (cas.keys, cas.revoked, cas.key_path) == ((PUBLIC, OTHER), (SEED,), "keys")


def test_of_a_file_of_seeds_the_hive_has_the_public_keys_alone(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(f"{SEED.hex()}\nrevoked {SEED.hex()}\n")

    config = config_of(tmp_path, {("cas", "signing", "key_kind"): "seed"})

    assert (config.cas.keys, config.cas.revoked) == ((PUBLIC,), (PUBLIC,))
    assert SEED.hex() not in repr(config)


def test_keys_of_the_manifest_come_behind_those_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(PUBLIC.hex())
    edits: Edits = {
        ("cas", "signing", "public_keys"): [OTHER.hex()],
        ("cas", "signing", "revoked_keys"): [SEED.hex().upper()],
    }

    cas = config_of(tmp_path, edits).cas

    assert (cas.keys, cas.revoked) == ((PUBLIC, OTHER), (SEED,))


def test_where_no_signature_is_required_a_missing_file_is_no_key(tmp_path: Path) -> None:
    cas = config_of(tmp_path, {("cas", "signing", "required"): False}).cas

    assert (cas.required, cas.keys) == (False, ())


@pytest.mark.parametrize("key", ["ab" * 31, "zz" * 32, ""])
def test_a_key_of_another_form_is_refused(key: str, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(PUBLIC.hex())

    with pytest.raises(ManifestError, match=r"cas\.signing\.public_keys"):
        config_of(tmp_path, {("cas", "signing", "public_keys"): [key]})


def test_chunks_on_the_hosts_disk_may_be_larger_than_the_guests_memory_allows(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(PUBLIC.hex())
    edits: Edits = {("cas", "store", "chunk_bytes"): 8168, ("cas", "store", "budget_bytes"): 1 << 20}

    cas = config_of(tmp_path, edits).cas

    assert (cas.chunk_bytes, cas.budget_bytes, cas.max_chunks) == (8168, 1 << 20, 65536)
