"""Secrets that everybody knows because they stand in sample manifests."""

from ninedoor.config import Config

SAMPLE_SECRETS = frozenset({"bootstrap", "worker", "worker-gpu", "worker-bus", "worker-lora"})
"""Ticket secrets of the sample manifests. Fit for tests and a first look, never for a network."""


def uses_sample_secrets(config: Config) -> tuple[str, ...]:
    """The roles, in the manifest's order, for which anybody can mint a ticket."""
    return tuple(role for role, secrets in config.secrets.items() if not SAMPLE_SECRETS.isdisjoint(secrets))
