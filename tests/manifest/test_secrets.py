"""Recognising secrets that everybody knows."""

from ninedoor.config import Config
from ninedoor.manifest.load import load
from ninedoor.manifest.secrets import uses_sample_secrets
from tests.manifest.samples import OURS, STOCK


def test_sample_manifests_use_sample_secrets_for_every_role() -> None:
    roles = ("queen", "worker-heartbeat", "worker-gpu", "worker-bus", "worker-lora")

    assert uses_sample_secrets(load(STOCK).config) == roles
    assert uses_sample_secrets(load(OURS).config) == roles


def test_one_sample_secret_among_several_is_enough_whatever_its_role() -> None:
    config = Config(secrets={"queen": ("own", "worker-gpu"), "worker-bus": ("own-too",)})

    assert uses_sample_secrets(config) == ("queen",)


def test_own_secrets_are_not_reported() -> None:
    assert uses_sample_secrets(Config(secrets={"queen": ("Bootstrap", "worker ")})) == ()
