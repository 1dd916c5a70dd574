"""`ninedoor ticket mint` and `ninedoor ticket show`."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace

from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.locate import manifest_path
from ninedoor.cli.secretfiles import read_secret, read_token
from ninedoor.errors import ManifestError, TicketError
from ninedoor.limits import TICKET_CHARS_MAX
from ninedoor.manifest.load import load
from ninedoor.manifest.secrets import SAMPLE_SECRETS
from ninedoor.policy.claims import breach
from ninedoor.policy.expiry import moment
from ninedoor.policy.minting import DEFAULT_BUDGETS, new_ticket
from ninedoor.policy.roles import QUEEN
from ninedoor.policy.tickets import (
    PREFIX,
    Scope,
    Ticket,
    Verb,
    decode_any,
    derive_key,
    fingerprint,
    mint,
    peek,
)

_VERBS = {verb.text: verb for verb in Verb}


def mint_ticket(arguments: argparse.Namespace) -> int:
    """Print a new token. Refuses one that the manifest's own limits would refuse at attach."""
    try:
        ticket = _requested(arguments)
        if arguments.secret_file is not None:
            secret = read_secret(arguments.secret_file)
        else:
            config = load(manifest_path(arguments.manifest)).config
            problem = breach(ticket, config.ticket_limits)
            if problem is not None:
                raise CommandFailure(Exit.USAGE, f"the manifest's ticket_limits refuse this: {problem}")
            secret = _first(config.secrets.get(ticket.role, ()), ticket.role)
        token = mint(ticket, secret)
    except TicketError as failure:
        raise CommandFailure(Exit.USAGE, str(failure)) from None
    if len(token) > TICKET_CHARS_MAX:
        sys.stderr.write(
            f"ninedoor ticket mint: note: a console takes tickets of {TICKET_CHARS_MAX} characters, "
            f"this one has {len(token)}\n"
        )
    if secret in SAMPLE_SECRETS:
        sys.stderr.write(
            "ninedoor ticket mint: WARNING: signed with a published sample secret, with which anybody can "
            "mint tickets; `ninedoor init` writes a manifest with secrets of its own\n"
        )
    sys.stdout.write(f"{token}\n")
    return Exit.OK


def show_ticket(arguments: argparse.Namespace) -> int:
    """Print what a token claims and whether its seal is genuine. FAILED when the secret or manifest that was
    named did not make it."""
    token = arguments.source if arguments.source.startswith(PREFIX) else read_token(arguments.source)
    try:
        claims = peek(token).claims
    except TicketError as failure:
        raise CommandFailure(Exit.FAILED, str(failure)) from None
    doubt = _doubt(token, claims, arguments)
    facts = describe(token, claims, time.time()) | {"verified": doubt is None, "doubt": doubt}
    if arguments.json:
        sys.stdout.write(json.dumps(facts, indent=2) + "\n")
    else:
        sys.stdout.write(_sheet(claims, facts))
    named = arguments.secret_file is not None or arguments.manifest is not None
    return Exit.FAILED if doubt is not None and named else Exit.OK


def describe(token: str, claims: Ticket, now: float) -> dict[str, object]:
    """The claims by name, for printing; a budget that is not limited is None. Holds neither seal nor
    secret."""
    expires = claims.expires_at_ms
    return {
        "fingerprint": fingerprint(token),
        "role": claims.role,
        "subject": claims.subject,
        "issued": moment(claims.issued_at_ms),
        "expires": None if expires is None else moment(expires),
        "expired": expires is not None and now * 1000 >= expires,
        "ttl_s": claims.ttl_s,
        "ticks": claims.ticks,
        "ops": claims.ops,
        "scopes": [
            {"path": scope.path, "verb": scope.verb.text, "rate_per_s": scope.rate_per_s}
            for scope in claims.scopes
        ],
        "quotas": None if claims.quotas is None else claims.quotas._asdict(),
    }


def _requested(arguments: argparse.Namespace) -> Ticket:
    if arguments.role != QUEEN and not arguments.subject:
        raise CommandFailure(
            Exit.USAGE, "worker roles require a subject identity: name the worker with --subject ID"
        )
    given = vars(arguments)
    defaults = DEFAULT_BUDGETS[arguments.role]
    budget = defaults._replace(**{name: given[name] for name in defaults._fields if name in given})
    scopes = tuple(Scope(path, _VERBS[verb], rate) for path, verb, rate in arguments.scopes)
    return replace(new_ticket(arguments.role, arguments.subject, time.time(), budget), scopes=scopes)


def _first(secrets: Sequence[str], role: str) -> str:
    if not secrets:
        raise TicketError(f"the manifest has no ticket secret for role {role}")
    return secrets[0]


def _doubt(token: str, claims: Ticket, arguments: argparse.Namespace) -> str | None:
    """Why the token cannot be called genuine, None when it can."""
    if arguments.secret_file is not None:
        secrets: Sequence[str] = (read_secret(arguments.secret_file),)
        source = arguments.secret_file
    else:
        path = manifest_path(arguments.manifest)
        try:
            secrets = load(path).config.secrets.get(claims.role, ())
        except ManifestError as failure:
            if arguments.manifest is not None:
                raise
            return f"{failure.problems[0]}"
        source = str(path)
    try:
        decode_any(token, map(derive_key, secrets))
    except TicketError:
        return f"not made with the secret for {claims.role} in {source}"
    return None


def _sheet(claims: Ticket, facts: dict[str, object]) -> str:
    """`facts` for people, one a line."""
    rows = [(name, facts[name]) for name in ("fingerprint", "role", "subject", "issued", "expires")]
    rows += [
        (name, "unlimited" if facts[name] is None else facts[name]) for name in ("ttl_s", "ticks", "ops")
    ]
    for path, verb, rate in claims.scopes:
        rows.append(("scope", f"{path} {verb.text}{f' {rate}/s' if rate else ''}"))
    if claims.quotas is not None:
        rows += [(name, value or "as the manifest says") for name, value in claims.quotas._asdict().items()]
    rows.append(("verified", "yes" if facts["verified"] else f"NO: {facts['doubt']}"))
    if facts["expired"]:
        rows.append(("", "EXPIRED"))
    return "".join(f"{name:<16} {'-' if value is None else value}\n" for name, value in rows)
