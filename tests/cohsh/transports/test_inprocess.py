"""The hive in this process, and the tickets it takes."""

from contextlib import closing
from pathlib import Path

import pytest

from cohsh.transports.inprocess import Mock, claimed_subject, mint, mock
from cohsh.transports.transport import Unreachable
from ninedoor.console.grammar import Command
from ninedoor.errors import TicketError
from ninedoor.policy.tickets import decode_any, derive_key
from tests.deployment import CONFIG, ticket

STOCK = Path(__file__).parents[3] / "configs" / "root_task.toml"


def test_refusals_say_who_refused() -> None:
    with closing(Mock(CONFIG, list[str]().append)) as hive:
        hive.ask(Command("attach", role="queen"))
        hive.ask(Command("spawn", payload='{"spawn":"heartbeat","ticks":9}'))
        token = mint("worker-heartbeat", "worker-1", "worker", None, 1_800_000_000.0)
        attached = hive.ask(Command("attach", role="worker-heartbeat", ticket=token))
        refused = hive.ask(Command("echo", path="/queen/ctl", payload="{}"))

    assert attached.ok
    assert refused.acks == ("ERR ECHO reason=policy detail=denied",)


def test_an_old_ticket_is_expired() -> None:
    with closing(Mock(CONFIG, list[str]().append)) as hive:
        answer = hive.ask(Command("attach", role="queen", ticket=ticket("queen", now=0.0, ttl_s=0)))

    assert answer.acks == ("ERR ATTACH reason=quota detail=expired",)


def test_tickets_are_minted_with_the_secret_that_is_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = mint("queen", None, "mine", None, 1.0)
    stock = mint("worker-gpu", "worker-2", None, STOCK, 1.0)

    assert decode_any(given, [derive_key("mine")]).issued_at_ms == 1000
    claims = decode_any(stock, [derive_key("worker-gpu")])
    assert (claims.subject, claims.ops, claims.ttl_s) == ("worker-2", 64, 120)
    with pytest.raises(TicketError, match="worker roles require a subject identity"):
        mint("worker-gpu", None, "mine", None, 1.0)


def test_what_is_no_ticket_names_nobody() -> None:
    assert claimed_subject(ticket("worker-heartbeat", "worker-1")) == "worker-1"
    assert claimed_subject(ticket("queen")) == ""
    assert claimed_subject("nonsense") == ""


def test_a_broken_manifest_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="manifest missing"):
        mock(tmp_path / "none.toml", list[str]().append)


def test_a_hive_begins_with_gpus_where_that_is_asked_for() -> None:
    with closing(Mock(CONFIG, list[str]().append, gpus=True)) as hive:
        hive.ask(Command("attach", role="queen"))
        gpus = hive.ask(Command("ls", path="/gpu"))
        active = hive.ask(Command("cat", path="/gpu/models/active"))
        leased = hive.ask(
            Command(
                "spawn",
                payload='{"spawn":"gpu","lease":{"gpu_id":"GPU-0","mem_mb":1,"streams":1,"ttl_s":60}}',
            )
        )

    assert gpus.body == ("GPU-0", "GPU-1", "bridge", "models", "telemetry")
    assert active.body == ("vision-lora-edge",)
    assert leased.ok
