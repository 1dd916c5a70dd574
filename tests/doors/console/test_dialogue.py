"""What may be said when, and what is answered: every verb in every state."""

import errno
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor import limits
from ninedoor.config import Role, TicketLimits
from ninedoor.console.commands import COMMANDS
from ninedoor.console.grammar import LINE_TOO_LONG, VERBS, GrammarError
from ninedoor.console.help import HELP_LINES
from ninedoor.doors.console.dialogue import QUIT, State
from ninedoor.errors import P9Error
from ninedoor.policy.tickets import Quotas, Scope, Ticket, Verb, fingerprint, mint, unix_ms
from tests.deployment import BOOT_LINES, CONFIG, SECRETS, START, log_lines, ticket
from tests.doors.console.harness import TOKEN, Desk, Person

WORKER: Role = "worker-heartbeat"
EXPIRED = ticket("queen", ttl_s=0)
FORGED = ticket("queen")[:-1] + ("0" if ticket("queen")[-1] != "0" else "1")
DENIED = "ERR ATTACH reason=policy detail=denied"

LINES = {
    "help": "help",
    "bi": "bi",
    "caps": "caps",
    "mem": "mem",
    "ping": "ping",
    "test": "test",
    "nettest": "nettest",
    "netstats": "netstats",
    "log": "log",
    "cachelog": "cachelog 5",
    "tail": "tail /proc/boot",
    "cat": "cat /proc/boot",
    "ls": "ls /proc",
    "echo": "echo /log/queen.log hello",
    "attach": "attach queen",
    "spawn": 'spawn {"spawn":"heartbeat","ticks":5}',
    "kill": "kill worker-1",
    "quit": "quit",
}
"""Each verb once, with what it needs."""

OPEN_TO_ALL = {
    "help",
    "bi",
    "caps",
    "mem",
    "ping",
    "test",
    "nettest",
    "netstats",
    "cachelog",
    "attach",
    "quit",
}
QUEENS = {"log", "spawn", "kill"}


@pytest.fixture
def desk() -> Desk:
    return Desk()


def worker(desk: Desk) -> Person:
    """Somebody attached as worker-1, which lives."""
    desk.spawn()
    person = desk.person("tcp:127.0.0.9:1")
    assert person.says(f"attach {WORKER} {ticket(WORKER, 'worker-1')}") == [f"OK ATTACH role={WORKER}"]
    return person


# -- every verb in every state


def test_there_is_a_line_for_every_verb() -> None:
    assert LINES.keys() == VERBS.keys()


@pytest.mark.parametrize("verb", LINES)
def test_before_the_token_nothing_else_is_heard(desk: Desk, verb: str) -> None:
    person = desk.person(token=TOKEN)

    assert person.says(LINES[verb]) == ["ERR AUTH reason=expected-token"]
    assert person.ends
    assert not desk.app.counters.sessions


@pytest.mark.parametrize("verb", LINES)
def test_before_an_attach_what_needs_one_is_refused(desk: Desk, verb: str) -> None:
    answer = desk.person().says(LINES[verb])

    label = VERBS[verb].label
    if verb in OPEN_TO_ALL - {"test"}:
        assert answer[0].startswith(f"OK {label}")
        assert desk.denials == []
    elif verb == "test":
        assert answer == ["ERR TEST reason=policy detail=host-only"]
    else:
        assert answer == [f"ERR {label} reason=policy detail=unauthenticated"]
        assert [line.split(" path")[0] for line in desk.denials] == [
            f"who=tcp:127.0.0.1:1 ticket=none op={label}"
        ]


@pytest.mark.parametrize("verb", LINES)
def test_the_queen_may_say_everything(desk: Desk, verb: str) -> None:
    desk.spawn()
    person = desk.queen()

    answer = person.says(LINES[verb])

    assert answer[0].startswith(f"OK {VERBS[verb].label}" if verb != "test" else "ERR TEST")
    assert (answer[-1] == "END") is (VERBS[verb].body == "stream")
    assert (person.ends == QUIT) is (verb == "quit")
    assert desk.denials == []


@pytest.mark.parametrize("verb", LINES)
def test_a_worker_may_not_say_what_is_the_queens(desk: Desk, verb: str) -> None:
    answer = worker(desk).says(LINES[verb])

    label = VERBS[verb].label
    if verb in QUEENS:
        assert answer == [f"ERR {label} reason=policy detail=unauthenticated"]
        assert "who=worker-heartbeat:worker-1" in desk.denials[-1]
        assert f"op={label}" in desk.denials[-1]
    elif verb == "echo":
        assert answer == ["ERR ECHO reason=policy detail=denied"]
    else:
        assert answer[0].startswith(f"OK {label}" if verb != "test" else "ERR TEST")


def test_verbs_are_understood_in_any_case(desk: Desk) -> None:
    assert desk.person().says("PING", "Ping") == ["OK PING reply=pong", "PONG"] * 2


def test_texts_follow_their_acknowledgement_without_an_end(desk: Desk) -> None:
    person = desk.person()

    assert person.says("help") == ["OK HELP", *HELP_LINES]
    assert person.says("bi") == ["OK BOOTINFO", *BOOT_LINES]
    assert person.says("cachelog") == ["OK CACHELOG", "cachelog entries=0"]


def test_long_texts_are_split_like_any_other() -> None:
    desk = Desk(replace(CONFIG, boot_lines=("x" * 300, "END", "key=value")))

    assert desk.person().says("bi") == ["OK BOOTINFO", "x" * 256, "x" * 44, "END ", "key=value"]


# -- what is no command


@pytest.mark.parametrize(
    ("entry", "answer"),
    [
        ("", "ERR PARSE reason=policy detail=empty command"),
        ("x" * 256, "ERR PARSE reason=policy detail=unsupported console command"),
        ("AUTH again", "ERR PARSE reason=policy detail=unsupported console command"),
        ("cat", "ERR PARSE reason=policy detail=missing required argument: path"),
        ("ls \ufffd", "ERR PARSE reason=policy detail=console line is not valid UTF-8"),
        (GrammarError(LINE_TOO_LONG), f"ERR PARSE reason=policy detail={LINE_TOO_LONG}"),
        (None, "ERR FRAME reason=invalid-length"),
    ],
)
def test_what_is_no_command_changes_nothing(
    desk: Desk, entry: str | GrammarError | None, answer: str
) -> None:
    for person in (desk.person(), desk.queen()):
        state = person.dialogue.state

        assert person.says(entry) == [answer]
        assert (person.dialogue.state, person.ends) == (state, "")
    assert desk.denials == []


@given(st.text(max_size=300))
def test_no_line_is_left_unanswered_or_breaks_anything(line: str) -> None:
    desk = Desk()
    for person in (desk.person(token=TOKEN), desk.person("tcp:127.0.0.2:1"), desk.queen()):
        answer = person.says(line)

        assert answer
        assert answer[0].startswith(("OK ", "ERR "))
        assert all(len(each.encode(errors="surrogatepass")) <= limits.CONSOLE_LINE_MAX for each in answer)
        person.dialogue.close()
    assert not desk.app.counters.sessions


def test_a_bug_is_one_answer(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_arguments: object) -> list[str]:
        raise ZeroDivisionError

    monkeypatch.setitem(COMMANDS, "cat", broken)
    person = desk.queen()

    assert person.says("cat /proc/boot") == ["ERR CAT reason=cut path=/proc/boot error=EIO"]
    assert person.says("ping") == ["OK PING reply=pong", "PONG"]
    assert caplog.messages == ["bug in CAT"]
    caplog.clear()


# -- the token


def test_the_token_opens_the_console_and_attaches_nobody(desk: Desk) -> None:
    person = desk.person(token=TOKEN)

    assert person.says(f"AUTH {TOKEN}") == ["OK AUTH"]
    assert (person.dialogue.state, person.ends) == (State.OPEN, "")
    assert not desk.app.counters.sessions


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("AUTH wrong", "invalid-length"),
        ("AUTH " + "x" * len(TOKEN), "invalid-token"),
        ("auth " + TOKEN, "expected-token"),
        ("", "expected-token"),
        ("GET / HTTP/1.1", "expected-token"),
    ],
)
def test_a_wrong_token_is_told_logged_once_and_ends_it(desk: Desk, line: str, reason: str) -> None:
    person = desk.person(token=TOKEN)

    assert person.says(line) == [f"ERR AUTH reason={reason}"]
    assert person.ends == "not authenticated"
    assert desk.denials == [f"who=tcp:127.0.0.1:1 ticket=none op=AUTH path=- error=EPERM reason={reason}"]
    assert TOKEN not in "".join(log_lines(desk.app))


def test_wrong_tokens_cost_waits_and_then_a_block(desk: Desk) -> None:
    def attempt(line: str = "AUTH x") -> str:
        return desk.person(token=TOKEN).says(line)[0]

    assert attempt() == "ERR AUTH reason=invalid-length"
    assert attempt(f"AUTH {TOKEN}") == "ERR AUTH reason=quota detail=throttled delay_ms=250"
    desk.clock.now += 0.25
    assert attempt() == "ERR AUTH reason=invalid-length"
    desk.clock.now += 0.5
    assert attempt() == "ERR AUTH reason=quota detail=rate-limited delay_ms=90000"
    assert attempt(f"AUTH {TOKEN}") == "ERR AUTH reason=quota detail=rate-limited delay_ms=90000"
    desk.clock.now += 90
    assert attempt(f"AUTH {TOKEN}") == "OK AUTH"
    assert len(desk.denials) == 5


def test_the_right_token_does_not_open_a_full_house(desk: Desk) -> None:
    person = desk.person(token=TOKEN, has_room=lambda: False)

    assert person.says(f"AUTH {TOKEN}") == ["ERR AUTH reason=busy detail=clients"]
    assert person.ends == "too many clients"
    assert desk.person(token=TOKEN, has_room=lambda: False).says("AUTH no") == [
        "ERR AUTH reason=invalid-length"
    ]


def test_showing_the_token_again_does_not_forgive_wrong_tickets(desk: Desk) -> None:
    for _ in range(2):
        person = desk.person(token=TOKEN)
        assert person.says(f"AUTH {TOKEN}", f"attach queen {FORGED}") == ["OK AUTH", DENIED]
        desk.clock.now += 1
    person = desk.person(token=TOKEN)

    assert person.says(f"AUTH {TOKEN}", f"attach queen {FORGED}") == [
        "OK AUTH",
        "ERR ATTACH reason=quota detail=rate-limited delay_ms=90000",
    ]


# -- attaching


def test_a_trusted_visitor_may_be_the_queen_without_a_ticket(desk: Desk) -> None:
    assert desk.person(trusted=True).says("attach queen") == ["OK ATTACH role=queen"]
    assert desk.person("unix:9:1", trusted=False).says("attach queen") == [DENIED]
    assert desk.person("unix:8:1", trusted=False).says(f"attach queen {ticket('queen')}") == [
        "OK ATTACH role=queen"
    ]


def test_a_worker_is_whom_its_ticket_names(desk: Desk) -> None:
    worker(desk)

    assert desk.app.counters.sessions.labels() == ["worker-heartbeat:worker-1"]


@pytest.mark.parametrize(
    ("arguments", "who", "error"),
    [
        (WORKER, f"{WORKER}:", "EINVAL"),
        (f"{WORKER} nonsense", f"{WORKER}:", "EINVAL"),
        (f"{WORKER} {ticket('queen')}", f"{WORKER}:", "EINVAL"),
        (f"{WORKER} {ticket('worker-gpu', 'worker-1')}", f"{WORKER}:worker-1", "EPERM"),
        (f"{WORKER} {ticket(WORKER, 'worker-99')}", f"{WORKER}:worker-99", "ENOENT"),
        (f"queen {ticket(WORKER, 'worker-1')}", "queen", "EPERM"),
        (f"queen {FORGED}", "queen", "EPERM"),
        (f"worker-gpu {ticket('worker-gpu', 'worker-1')}", "worker-gpu:worker-1", "EINVAL"),
    ],
)
def test_a_ticket_that_does_not_fit_is_denied_and_logged_once(
    desk: Desk, arguments: str, who: str, error: str
) -> None:
    desk.spawn()
    person = desk.person()

    assert person.says(f"attach {arguments}") == [DENIED]
    assert person.dialogue.state is State.OPEN
    assert len(desk.denials) == 1
    assert desk.denials[0].startswith(f"who={who} ")
    assert f" error={error} " in desk.denials[0]
    assert not desk.app.counters.sessions
    assert "cohesix-ticket" not in "".join(log_lines(desk.app))


@pytest.mark.parametrize("role", ["wizard", "Queen", "nobody", "worker", "queen:x"])
def test_a_role_that_is_none_never_gets_to_the_gate(desk: Desk, role: str) -> None:
    """For a trusted peer the gate would take such a name for the queen's."""
    assert desk.person().says(f"attach {role}") == ["ERR ATTACH reason=policy detail=invalid-role"]
    assert desk.denials == [
        f"who=tcp:127.0.0.1:1 ticket=none op=ATTACH path=- error=EPERM reason=invalid role {role!r}"
    ]


def test_an_expired_ticket_costs_no_wait(desk: Desk) -> None:
    person = desk.person()
    expired = "ERR ATTACH reason=quota detail=expired"

    assert person.says(*[f"attach queen {EXPIRED}"] * 5) == [expired] * 5
    assert person.says(f"attach queen {ticket('queen')}") == ["OK ATTACH role=queen"]
    assert len(desk.denials) == 5


def test_wrong_tickets_cost_waits_and_then_a_block(desk: Desk) -> None:
    person = desk.person()
    wrong, right = f"attach queen {FORGED}", f"attach queen {ticket('queen')}"

    assert person.says(wrong, right) == [DENIED, "ERR ATTACH reason=quota detail=throttled delay_ms=250"]
    desk.clock.now += 0.25
    assert person.says(wrong, right) == [DENIED, "ERR ATTACH reason=quota detail=throttled delay_ms=500"]
    desk.clock.now += 0.5
    blocked = "ERR ATTACH reason=quota detail=rate-limited delay_ms=90000"
    assert person.says(wrong, right) == [blocked, blocked]
    desk.clock.now += 90
    assert person.says(right) == ["OK ATTACH role=queen"]

    assert len(desk.denials) == 6
    assert desk.denials[1] == (
        f"who=tcp:127.0.0.1:1 ticket={fingerprint(ticket('queen'))} op=ATTACH path=- error=EAGAIN "
        "reason=throttled delay_ms=250"
    )


def test_ten_refused_attaches_in_a_row_end_it(desk: Desk) -> None:
    person = desk.person()
    for _ in range(limits.CONSOLE_ATTEMPTS_MAX - 1):
        person.says("attach wizard", "ping")
        assert not person.ends
    person.says("attach wizard")

    assert person.ends == "10 attaches in a row were refused"


def test_an_attach_that_is_granted_starts_the_count_anew(desk: Desk) -> None:
    person = desk.person()
    for _ in range(3):
        desk.clock.now += 1000
        person.says(*[f"attach queen {EXPIRED}"] * (limits.CONSOLE_ATTEMPTS_MAX - 1), "attach queen")

    assert not person.ends


def test_a_second_attach_takes_the_place_of_the_first(desk: Desk) -> None:
    desk.spawn()
    person = desk.queen()
    person.says('echo /queen/ctl {"bind":{"from":"/log","to":"/mine"}}')
    assert person.says("ls /mine") == ["OK LS path=/mine entries=1", "queen.log", "END"]

    assert person.says(f"attach {WORKER} {ticket(WORKER, 'worker-1')}") == [f"OK ATTACH role={WORKER}"]
    assert desk.app.counters.sessions.labels() == ["worker-heartbeat:worker-1"]
    assert person.says("log") == ["ERR LOG reason=policy detail=unauthenticated"]

    assert person.says("attach queen") == ["OK ATTACH role=queen"]
    assert person.says("ls /mine") == [
        "ERR LS reason=policy detail=invalid-path path=/mine error=invalid path"
    ]
    assert desk.app.counters.sessions.labels() == ["queen"]


def test_an_attach_that_is_refused_leaves_the_one_before(desk: Desk) -> None:
    person = desk.queen()

    assert person.says(f"attach queen {FORGED}") == [DENIED]
    assert person.says("ls /log")[0] == "OK LS path=/log entries=1"
    assert desk.app.counters.sessions.labels() == ["queen"]


def test_a_hive_with_too_many_sessions_is_nobodys_fault(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SESSIONS_MAX", 0)
    person = desk.person()
    full = "ERR ATTACH reason=quota detail=buffer-full error=buffer full"

    assert person.says("attach queen", "attach queen") == [full, full]
    monkeypatch.undo()
    assert person.says("attach queen") == ["OK ATTACH role=queen"]


def test_quitting_and_closing_end_the_session(desk: Desk) -> None:
    person = desk.queen()

    assert person.says("quit") == ["OK QUIT"]
    assert person.ends == QUIT
    person.dialogue.close()
    person.dialogue.close()
    assert not desk.app.counters.sessions


def test_a_revoked_worker_is_cut_off(desk: Desk) -> None:
    person = worker(desk)
    desk.spawn('{"kill":"worker-1"}')

    assert person.says("cat /proc/boot") == ["ERR CAT reason=cut path=/proc/boot error=ESTALE"]
    assert person.says("attach queen", "ls /worker") == [
        "OK ATTACH role=queen",
        "OK LS path=/worker entries=0",
        "END",
    ]


def test_a_store_that_fails_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    person = desk.queen()

    def full(*_arguments: object) -> None:
        raise P9Error(errno.ENOSPC, "no room")

    monkeypatch.setattr(desk.app.hive, "_record", full)

    assert person.says("echo /log/queen.log hello") == [
        "ERR ECHO reason=quota detail=buffer-full path=/log/queen.log error=buffer full"
    ]


# -- tickets at work


def scoped(*scopes: Scope, secret: str = SECRETS["queen"], **quotas: int) -> str:
    claims = Ticket("queen", unix_ms(START), scopes=scopes, quotas=Quotas(**quotas) if quotas else None)
    return mint(claims, secret)


def test_scopes_rates_and_quotas_read_as_the_originals_scripts_expect() -> None:
    desk = Desk(replace(CONFIG, ticket_limits=TicketLimits()))
    desk.spawn()
    path = "/worker/worker-1/telemetry"
    token = scoped(
        Scope("/log", Verb.READ, 1),
        Scope("/queen", Verb.WRITE),
        Scope("/worker", Verb.WRITE),
        cursor_advances=1,
    )
    person = desk.person()
    assert person.says(f"attach queen {token}") == ["OK ATTACH role=queen"]

    assert person.says("echo /log/queen.log forbidden") == [
        "ERR ECHO reason=policy path=/log/queen.log error=EPERM"
    ]
    assert person.says(f"echo {path} {'x' * 90}") == [f"OK ECHO path={path} bytes=90"]
    answer = person.says("cat /log/queen.log")
    assert answer[0].startswith("OK CAT path=/log/queen.log data=")
    assert answer[-1] == "END"
    assert person.says("cat /log/queen.log") == ["ERR CAT reason=quota path=/log/queen.log error=ELIMIT"]
    desk.clock.now += 1
    assert person.says("tail /log/queen.log")[0] == "OK TAIL path=/log/queen.log"
    assert person.says(f"cat {path}") == [f"ERR CAT reason=policy path={path} error=EPERM"]


def test_a_quota_is_asked_for_no_more_than_the_file_has() -> None:
    desk = Desk()
    person = desk.person()
    size = len("".join(f"{line}\n" for line in BOOT_LINES))
    person.says(f"attach queen {scoped(Scope('/proc', Verb.READ), bandwidth_bytes=size + 1)}")

    assert person.says("cat /proc/boot")[-1] == "END"
    assert person.says("cat /proc/boot") == ["ERR CAT reason=quota path=/proc/boot error=ELIMIT"]


def test_two_people_have_roles_and_binds_of_their_own(desk: Desk) -> None:
    queen, other = desk.queen(), worker(desk)
    queen.says('echo /queen/ctl {"bind":{"from":"/log","to":"/proc/log"}}')

    assert "log" in queen.says("ls /proc")
    assert other.says("ls /proc") == ["OK LS path=/proc entries=1", "boot", "END"]
    assert queen.says("ls /worker") == ["OK LS path=/worker entries=1", "worker-1", "END"]
    assert other.says("ls /worker") == ["ERR LS reason=policy detail=denied"]
