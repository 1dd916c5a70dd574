"""Secrets that everybody knows because they stand in sample manifests."""

from ninedoor.config import Config

SAMPLE_SECRETS = frozenset({"bootstrap", "worker", "worker-gpu", "worker-bus", "worker-lora"})
"""Ticket secrets of the sample manifests. Fit for tests and a first look, never for a network."""

SAMPLE_PUBLIC_KEY = "207a067892821e25d770f1fba0c47c11ff4b813e54162ece9eb839e076231ab6"
"""The signing key of the stock manifest: everybody knows the seed it is made of."""


def uses_sample_secrets(config: Config) -> tuple[str, ...]:
    """The roles, in the manifest's order, for which anybody can mint a ticket."""
    return tuple(role for role, secrets in config.secrets.items() if not SAMPLE_SECRETS.isdisjoint(secrets))
