import json
from pathlib import Path

import pytest

from ninedoor.cli.exits import Exit
from ninedoor.cli.main import main
from ninedoor.policy.tickets import Quotas, Scope, Ticket, Verb, decode, derive_key, mint, peek

STOCK = {"queen": "bootstrap", "worker-heartbeat": "worker", "worker-gpu": "worker-gpu"}


def minted(line: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["ticket", "mint", *line.split()]) == Exit.OK
    said = capsys.readouterr()
    assert said.out.count("\n") == 1
    return said.out.strip()


@pytest.mark.parametrize(
    ("line", "budgets"),
    [
        ("--role queen", (None, None, None)),
        ("--role worker-heartbeat --subject worker-1", (1000, 10000, 300)),
        ("--role worker-gpu --subject worker-2", (None, 64, 120)),
        ("--role worker-gpu --subject worker-2 --ops none --ticks 5", (5, None, 120)),
        ("--role queen --ttl-s 3600", (None, None, 3600)),
        ("--role queen --ttl-s 0", (None, None, 0)),
    ],
)
def test_budgets_are_the_roles_own_unless_given(
    line: str, budgets: tuple[object, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    token = minted(line, capsys)
    role = line.split()[1]
    ticket = decode(token, derive_key(STOCK[role]))

    assert (ticket.ticks, ticket.ops, ticket.ttl_s) == budgets


def test_scopes_are_minted(capsys: pytest.CaptureFixture[str]) -> None:
    token = minted("--role queen --scope /log:read:10 --scope /queen:write", capsys)

    assert peek(token).claims.scopes == (Scope("/log", Verb.READ, 10), Scope("/queen", Verb.WRITE, 0))


def test_a_secret_comes_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "secret"
    path.write_text("of my own\n")
    token = minted(f"--role queen --secret-file {path}", capsys)

    assert decode(token, derive_key("of my own")).role == "queen"


def test_a_secret_that_everybody_knows_is_warned_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "secret"
    path.write_text("of my own\n")
    warned = []
    for words in ([], ["--secret-file", str(path)]):
        assert main(["ticket", "mint", "--role", "queen", *words]) == Exit.OK
        warned.append(capsys.readouterr().err.splitlines())

    (line,), nothing = warned
    assert line.startswith("ninedoor ticket mint: WARNING: signed with a published sample secret")
    assert nothing == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--role worker-gpu", "worker roles require a subject identity: name the worker with --subject ID"),
        ("--role queen --subject x", "queen tickets carry no subject"),
        ("--role queen --ttl-s 18446744073709551616", "does not fit 8 bytes"),
        ("--role queen --scope /log:read:65", "ticket_limits refuse this: scope rate 65 over 64"),
        ("--role queen" + " --scope /log:read" * 9, "ticket_limits refuse this: scopes 9 over 8"),
        ("--role queen --scope /a/../b:read", "ticket_limits refuse this"),
        ("--role worker-gpu --subject " + "x" * 256, "over 255"),
    ],
)
def test_a_ticket_no_attach_would_take_is_refused(
    line: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ticket", "mint", *line.split()]) == Exit.USAGE
    printed = capsys.readouterr()
    assert printed.out == ""
    assert said in printed.err


def test_a_ticket_too_long_for_a_console_is_minted_with_a_note(capsys: pytest.CaptureFixture[str]) -> None:
    scopes = " ".join(f"--scope /worker/worker-{number}:read" for number in range(4))
    assert main(["ticket", "mint", "--role", "queen", *scopes.split()]) == Exit.OK
    printed = capsys.readouterr()

    assert peek(printed.out.strip()).claims.role == "queen"
    assert "a console takes tickets of 224 characters" in printed.err


def test_show_tells_every_claim_and_verifies_the_seal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ticket = Ticket(
        "worker-gpu",
        1_000_000,
        ops=64,
        ttl_s=120,
        subject="worker-2",
        scopes=(Scope("/gpu", Verb.READ_WRITE, 3), Scope("/log", Verb.READ)),
        quotas=Quotas(4096, 0, 2),
    )
    token = mint(ticket, "worker-gpu")
    path = tmp_path / "ticket"
    path.write_text(f"{token}\n")
    assert main(["ticket", "show", str(path)]) == Exit.OK
    said = capsys.readouterr().out

    assert [line.split(maxsplit=1) for line in said.splitlines()][1:] == [
        ["role", "worker-gpu"],
        ["subject", "worker-2"],
        ["issued", "1970-01-01T00:16:40Z"],
        ["expires", "1970-01-01T00:18:40Z"],
        ["ttl_s", "120"],
        ["ticks", "unlimited"],
        ["ops", "64"],
        ["scope", "/gpu read-write 3/s"],
        ["scope", "/log read"],
        ["bandwidth_bytes", "4096"],
        ["cursor_resumes", "as the manifest says"],
        ["cursor_advances", "2"],
        ["verified", "yes"],
        ["EXPIRED"],
    ]
    seal = token.rpartition(".")[2]
    assert seal not in said


def test_show_as_json_has_the_same_facts(capsys: pytest.CaptureFixture[str]) -> None:
    token = mint(Ticket("queen", 1_800_000_000_123, scopes=(Scope("/log", Verb.READ),)), "bootstrap")
    assert main(["ticket", "show", "--json", token]) == Exit.OK
    facts = json.loads(capsys.readouterr().out)

    assert facts | {"fingerprint": ""} == {
        "fingerprint": "",
        "role": "queen",
        "subject": None,
        "issued": "2027-01-15T08:00:00Z",
        "expires": None,
        "expired": False,
        "ttl_s": None,
        "ticks": None,
        "ops": None,
        "scopes": [{"path": "/log", "verb": "read", "rate_per_s": 0}],
        "quotas": None,
        "verified": True,
        "doubt": None,
    }


def test_a_foreign_ticket_is_shown_as_unverified(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    token = mint(Ticket("queen", 0), "somebody else's")
    (tmp_path / "secret").write_text("of my own")
    by_default = main(["ticket", "show", token])
    said = capsys.readouterr().out
    by_name = main(["ticket", "show", "--secret-file", str(tmp_path / "secret"), token])

    assert (by_default, by_name) == (Exit.OK, Exit.FAILED)
    assert "NO: not made with the secret for queen" in said


@pytest.mark.parametrize(
    "token", ["cohesix-ticket-", "cohesix-ticket-00.00", "cohesix-ticket-zz.zz", "cohesix-ticket-0100"]
)
def test_a_malformed_ticket_is_refused(token: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ticket", "show", token]) == Exit.FAILED
    assert "ticket" in capsys.readouterr().err


def test_a_time_beyond_the_calendar_is_shown_as_a_number(capsys: pytest.CaptureFixture[str]) -> None:
    token = mint(Ticket("queen", 2**64 - 1, ttl_s=2**64 - 1), "bootstrap")

    assert main(["ticket", "show", token]) == Exit.OK
    assert f"{2**64 - 1} ms" in capsys.readouterr().out
