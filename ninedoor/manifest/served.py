"""Which features of the format this build does not serve.

The format is older and wider than the daemon: a manifest may ask for nodes that nothing provides yet. Such a
request is neither refused (the guest or a client may be served) nor passed over in silence: every start and
every check names it. When a feature is built, its line leaves this table.
"""

from collections.abc import Mapping, Sequence

from ninedoor.manifest.models.document import Document
from ninedoor.manifest.resolve import spelled, value_at

NOT_SERVED: Mapping[str, str] = {
    "features.std_console": "there is no host console",
    "features.std_host_tools": "there are no host tools",
    "ecosystem.host.enable": "there is no host tree",
    "ecosystem.audit.enable": "there is no /audit",
    "ecosystem.audit.replay_enable": "there is no /replay",
    "ecosystem.policy.enable": "there is no approval of writes",
    "sidecars.modbus.enable": "there are no adapters",
    "sidecars.dnp3.enable": "there are no adapters",
    "sidecars.lora.enable": "there are no adapters",
    "ui_providers.policy_preflight": "there is no /policy/preflight",
}
"""A key, or a table for all switches below it → what the daemon does instead."""


def unserved_features(document: Document) -> list[str]:
    """One line for each thing that `document` asks for and this build does not serve, such as
    `sharding.enabled = true is not served by this build: there is no /shard`. What a manifest leaves out, it
    does not ask for, whatever the default is."""
    content = document.model_dump(by_alias=True, exclude_unset=True)
    told = []
    for name, instead in NOT_SERVED.items():
        found = value_at(content, tuple(name.split(".")))
        if isinstance(found, Mapping):
            switched_on = [key for key, value in found.items() if value is True]
            if switched_on:
                told.append(_line(f"{name} ({', '.join(switched_on)})", instead))
        elif found:
            told.append(_line(f"{name} = {spelled(found)}", instead))
    return told


CONSOLES: Mapping[str, tuple[tuple[str, ...], str]] = {
    "net_console": (("tcp:", "unix:"), "tcp://host:port"),
    "serial_console": (("pty:", "serial:"), "serial:/dev/ttyS0"),
}
"""A feature → how the URLs of the consoles begin that provide it, and one to write."""


def unopened_consoles(document: Document, urls: Sequence[str]) -> list[str]:
    """One line for each console that `document` asks for among its features while none of `urls`, where
    consoles are served, is such a one. The features are the guest's too, and name no place; the daemon opens
    none that nobody named."""
    return [
        f"features.{feature} = true opens no console by itself: name a place like {example} with --console "
        "or [[consoles]]"
        for feature, (schemes, example) in CONSOLES.items()
        if getattr(document.features, feature) and not any(url.startswith(schemes) for url in urls)
    ]


def _line(asked: str, instead: str) -> str:
    return f"{asked} is not served by this build: {instead}"
