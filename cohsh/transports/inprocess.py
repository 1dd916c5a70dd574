"""A hive in this process, and what of a hive needs no connection: minting tickets, reading whom they name.

The only module of the shell that sees more than messages. What it does not need it does not import: minting
needs no hive.
"""

import os
from pathlib import Path

from cohsh.transports.namespace import NamespaceTransport
from cohsh.transports.remote import ClientFiles
from cohsh.transports.traced import Recording
from cohsh.transports.transport import Notice, Unreachable
from ninedoor.client.channel import Channel
from ninedoor.client.client import Client
from ninedoor.client.explained import ExplainedChannel
from ninedoor.config import Config, Role
from ninedoor.errors import NineDoorError, TicketError

MANIFEST_VARIABLE = "NINEDOOR_MANIFEST"
_LOCAL = Path("configs/root_task.toml")


class Mock(NamespaceTransport):
    """The transport `mock`: a hive in memory, which ends with it. Nothing happens in it but what it is told:
    its workers do not run."""

    def __init__(
        self, config: Config, notice: Notice, recording: Recording | None = None, *, gpus: bool = False
    ) -> None:
        """With `gpus`, a bridge has published the two of the original's mock, and its models."""
        from ninedoor.runtime.app import App

        self._app = App.open(config, None)
        self._notice = notice
        self._recording = recording
        super().__init__("mock", self._session)
        if gpus:
            self._publish_gpus()

    def _session(self, role: Role, ticket: str) -> ClientFiles:
        self._app.hive.expire(self._app.clock())
        uname = role if role == "queen" else f"{role}:{claimed_subject(ticket)}"
        channel = self._channel()
        if self._recording is not None:
            channel = self._recording.over(channel)
        try:
            return ClientFiles(Client(channel, uname=uname, ticket=ticket), self._notice)
        except BaseException:
            channel.close()
            raise

    def _channel(self) -> Channel:
        return ExplainedChannel(self._app.session(trusted=True, peer="cohsh"), self._app.clock)

    def _publish_gpus(self) -> None:
        from ninedoor.gpu import mock, publish

        with Client(self._channel()) as bridge:
            for line in publish.lines(mock.snapshot().encode()):
                bridge.append("/gpu/bridge/ctl", f"{line}\n".encode())

    def close(self) -> None:
        """See `Transport.close`."""
        super().close()
        self._app.close()


def mock(
    manifest: Path | None, notice: Notice, recording: Recording | None = None, *, gpus: bool = False
) -> Mock:
    """A hive as `manifest` says, or as the manifest that is found does; without any, a bare one. Its sessions
    are recorded in `recording`. For `gpus` see `Mock`. Raises Unreachable for a manifest that cannot be
    used."""
    return Mock(_config(manifest), notice, recording, gpus=gpus)


def mint(role: str, subject: str | None, secret: str | None, manifest: Path | None, now: float) -> str:
    """A new ticket with the budget of its role, issued at `now` (unix seconds): with `secret`, or with that
    which the manifest has for the role. Raises TicketError and ManifestError."""
    from ninedoor.policy.minting import mint_new

    if secret is not None:
        return mint_new({role: (secret,)}, role, subject, now)
    found = manifest or _found()
    if found is None:
        raise TicketError(
            f"no secret for role {role}: give --ticket-secret or --ticket-config, or set COHSH_TICKET_SECRET"
        )
    from ninedoor.manifest.load import load

    return mint_new(load(found).config.secrets, role, subject, now)


def claimed_subject(token: str) -> str:
    """Whom a ticket names: a claim, which the hive verifies with the rest of it; "" for none."""
    from ninedoor.policy.tickets import peek

    try:
        return peek(token).claims.subject or ""
    except TicketError:
        return ""


def _config(manifest: Path | None) -> Config:
    found = manifest or _found()
    if found is None:
        return Config()
    from ninedoor.manifest.load import load

    try:
        return load(found).config
    except NineDoorError as wrong:
        raise Unreachable(str(wrong)) from wrong


def _found() -> Path | None:
    """The manifest that the environment names, that of the working directory, or that of this checkout."""
    named = os.environ.get(MANIFEST_VARIABLE)
    if named:
        return Path(named)
    checkout = Path(__file__).resolve().parents[2] / _LOCAL
    return next((path for path in (_LOCAL, checkout) if path.is_file()), None)
