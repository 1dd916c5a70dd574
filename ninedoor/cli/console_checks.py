"""What `ninedoor doctor` looks at where the console would be served."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from ninedoor.cli import consoles, registry
from ninedoor.cli.checks import Finding, Level
from ninedoor.cli.exits import CommandFailure
from ninedoor.cli.locate import manifest_path
from ninedoor.config import Config, Console
from ninedoor.doors.console.places import SAMPLE_TOKENS, open_place, refuse_sample_secrets
from ninedoor.doors.stream.bound import ListenError
from ninedoor.errors import ManifestError
from ninedoor.manifest.load import load
from ninedoor.manifest.served import unopened_consoles

_CHECK = "consoles"


def findings(chosen: str | None, asked: Sequence[Console]) -> Iterator[Finding]:
    """The consoles of the manifest that a hive would use, and those `asked` for besides. A manifest that is
    missing or has faults is for another check to tell of."""
    try:
        path = manifest_path(chosen)
        loaded = load(path)
    except (CommandFailure, ManifestError):
        return
    urls = [console.url for console in (*loaded.config.consoles, *asked)]
    for line in unopened_consoles(loaded.document, urls):
        yield Finding(Level.WARN, _CHECK, line, "name one, or switch the feature off")
    for console in loaded.config.consoles:
        yield from _configured(console, loaded.config, path)
    for console in asked:
        yield from _opened(console, loaded.config)


def _configured(console: Console, config: Config, manifest: Path) -> Iterator[Finding]:
    if console.token_file:
        file = consoles.token_path(console, manifest)
        try:
            console = consoles.with_token(console, manifest)
            shared = file.stat().st_mode & 0o077
        except CommandFailure as failure:
            yield Finding(Level.FAIL, _CHECK, failure.text, "write the token into it, alone on one line")
            return
        except OSError as failure:
            why = (failure.strerror or str(failure)).lower()
            yield Finding(
                Level.FAIL, _CHECK, f"token of {console.url}: {file}: {why}", "write a token into it"
            )
            return
        if shared:
            yield Finding(
                Level.WARN, _CHECK, f"{file} holds a token and others may read it", f"chmod 600 {file}"
            )
    yield from _opened(console, config)


def _opened(console: Console, config: Config) -> Iterator[Finding]:
    """Can it be opened? As with sockets, the truest way to know is to do it, for a moment."""
    for service in registry.running():
        if console.url.partition("?")[0] in service.names:
            yield Finding(Level.OK, _CHECK, f"{console.url} is served by process {service.pid}")
            return
    try:
        place = open_place(console)
        try:
            refuse_sample_secrets(config, [place])
        finally:
            place.close()
    except ListenError as failure:
        yield Finding(Level.FAIL, _CHECK, str(failure), "free it, or choose another place")
        return
    if console.token in SAMPLE_TOKENS:
        yield Finding(
            Level.WARN, _CHECK, f"{console.url} has a token that everybody knows", "choose another one"
        )
    else:
        yield Finding(Level.OK, _CHECK, f"{console.url} is free")
