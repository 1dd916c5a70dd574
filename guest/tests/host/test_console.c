/* The console against a small hive: what is typed, what is answered, what the hive's log hears of. That its answers are
 * those of the hive's own console is shown by tests/guest/test_host_core.py. */
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "check.h"
#include "core/console.h"
#include "small_hive.h"

#define WORKER_TICKET \
    "cohesix-ticket-01010fe80300000000000010270000000000002c010000000000000800776f726b65722d3152390b06a201000000000000.54"
#define WORKER_TICKET_EXPIRES_MS UINT64_C(1795398028594) /* issued, and 300 s */

static struct small_hive hive;
static struct console console;
static char shown[200000], audited[40000];
static size_t shown_size;
static uint64_t unix_now;

static void forget_shown(void)
{
    shown_size = 0;
    shown[0] = '\0';
}

static void put(void *context, const char *bytes, size_t count)
{
    (void)context;
    CHECK(shown_size + count < sizeof shown);
    memcpy(shown + shown_size, bytes, count);
    shown_size += count;
    shown[shown_size] = '\0';
}

static const struct sink sink = {.put = put};

static void describe(const char *what, void (*line)(const char *text))
{
    line(what);
    line("second line");
}

static void audit(const char *line)
{
    strcat(audited, line);
    strcat(audited, "\n");
}

static uint64_t unix_ms(void)
{
    return unix_now;
}

static const struct console_node node = {.describe = describe, .audit = audit, .unix_ms = unix_ms};

static void begin(void)
{
    forget_shown();
    audited[0] = '\0';
    unix_now = 0;
    hive_begin(&hive);
    hive_add(&hive, "/proc", 0);
    hive_add(&hive, "/proc/boot", "Cohesix boot: root-task online\nmanifest.schema=1.5\n");
    hive_add(&hive, "/log", 0);
    hive_add(&hive, "/log/queen.log", "one\n[two]\nthree\n");
    hive_add(&hive, "/queen", 0);
    hive_add(&hive, "/queen/ctl", "");
    console_begin(&console, &hive.client, &hive.host, "", &node, &sink, false);
}

/* Type `line`, and return what was shown up to the next prompt. */
static const char *answer(const char *line)
{
    forget_shown();
    while (*line != '\0') {
        console_take(&console, (uint8_t)*line++);
    }
    CHECK(console_take(&console, '\r'));
    size_t prompt = strlen(CONSOLE_PROMPT);
    CHECK(shown_size >= prompt && strcmp(shown + shown_size - prompt, CONSOLE_PROMPT) == 0);
    shown[shown_size - prompt] = '\0';
    return shown;
}

static void begin_as_queen(void)
{
    begin();
    EQUAL_TEXT(answer("attach queen ticket"), "OK ATTACH role=queen\n");
}

TEST(test_an_empty_line_gives_a_prompt)
{
    begin();
    EQUAL_TEXT(answer(""), "");
}

TEST(test_the_node_answers_without_anybody_attached)
{
    begin();
    hive.silent = true;
    EQUAL_TEXT(answer("PING"), "OK PING reply=pong\nPONG\n");
    EQUAL_TEXT(answer("bi"), "OK BOOTINFO\nbi\nsecond line\n");
    EQUAL_TEXT(answer("caps"), "OK CAPS\ncaps\nsecond line\n");
    EQUAL_TEXT(answer("mem"), "OK MEM\nmem\nsecond line\n");
    EQUAL_TEXT(answer("test"), "ERR TEST reason=policy detail=host-only\n");
    EQUAL_TEXT(answer("netstats"), "ERR NETSTATS reason=policy detail=unsupported\n");
    EQUAL_TEXT(answer("cachelog 5"), "ERR CACHELOG reason=policy detail=unsupported\n");
    CHECK(text_starts(answer("help"), "OK HELP\nCommands:\n  help "));
    EQUAL_TEXT(answer("quit"), "OK QUIT\n");
    EQUAL_TEXT(audited, "");
}

TEST(test_what_needs_an_attach_is_refused_and_audited)
{
    begin();
    EQUAL_TEXT(answer("cat /proc/boot"), "ERR CAT reason=policy detail=unauthenticated\n");
    EQUAL_TEXT(answer("log"), "ERR LOG reason=policy detail=unauthenticated\n");
    EQUAL_TEXT(audited, "denied who=console ticket=none op=CAT path=/proc/boot error=EPERM reason=unauthenticated\n"
                        "denied who=console ticket=none op=LOG path=- error=EPERM reason=unauthenticated\n");
}

TEST(test_lines_that_are_no_commands_are_refused)
{
    begin();
    EQUAL_TEXT(answer("reboot"), "ERR PARSE reason=policy detail=unsupported console command\n");
    EQUAL_TEXT(answer("cat"), "ERR PARSE reason=policy detail=missing required argument: path\n");
    EQUAL_TEXT(answer("cat /a\xff"), "ERR PARSE reason=policy detail=console line is not valid UTF-8\n");
    for (unsigned i = 0; i < 300; i++) {
        console_take(&console, 'x');
    }
    EQUAL_TEXT(answer(""), "ERR PARSE reason=policy detail=console line exceeded maximum length\n");
    EQUAL_TEXT(answer("ping"), "OK PING reply=pong\nPONG\n");
}

TEST(test_a_ticket_is_presented_to_the_hive)
{
    begin();
    EQUAL_TEXT(answer("attach queen some-ticket"), "OK ATTACH role=queen\n");
    EQUAL_TEXT(hive.uname, "queen");
    EQUAL_TEXT(hive.aname, "some-ticket");
    EQUAL_TEXT(answer("attach worker-heartbeat " WORKER_TICKET), "OK ATTACH role=worker-heartbeat\n");
    EQUAL_TEXT(hive.uname, "worker-heartbeat:worker-1");
    EQUAL_TEXT(answer("spawn {\"spawn\":\"heartbeat\",\"ticks\":1}"), "ERR SPAWN reason=policy detail=unauthenticated\n");
    EQUAL(hive_open_fids(&hive), 2); /* the first attach is gone */
    answer("quit");
    EQUAL(hive_open_fids(&hive), 1);
    EQUAL_TEXT(answer("ls /"), "ERR LS reason=policy detail=unauthenticated\n");
}

TEST(test_a_worker_without_a_ticket_that_names_it_is_denied)
{
    begin();
    unsigned long before = hive.server.total;
    EQUAL_TEXT(answer("attach worker-heartbeat"), "ERR ATTACH reason=policy detail=denied\n");
    EQUAL(hive.server.total, before);
}

TEST(test_refused_attaches_are_throttled_and_then_blocked)
{
    begin();
    hive.attach_error = EPERM;
    EQUAL_TEXT(answer("attach queen x"), "ERR ATTACH reason=policy detail=denied\n");
    EQUAL_TEXT(answer("attach queen x"), "ERR ATTACH reason=quota detail=throttled delay_ms=250\n");
    hive.now_ms += 249;
    EQUAL_TEXT(answer("attach queen x"), "ERR ATTACH reason=quota detail=throttled delay_ms=1\n");
    hive.now_ms += 1;
    EQUAL_TEXT(answer("attach queen x"), "ERR ATTACH reason=policy detail=denied\n");
    hive.now_ms += 500;
    EQUAL_TEXT(answer("attach queen x"), "ERR ATTACH reason=quota detail=rate-limited delay_ms=90000\n");
    hive.attach_error = 0;
    hive.now_ms += 89999;
    EQUAL_TEXT(answer("attach queen x"), "ERR ATTACH reason=quota detail=rate-limited delay_ms=1\n");
    hive.now_ms += 1;
    EQUAL_TEXT(answer("attach queen x"), "OK ATTACH role=queen\n");
    EQUAL_TEXT(audited, "denied who=console ticket=none op=ATTACH path=- error=EAGAIN reason=throttled delay_ms=250\n"
                        "denied who=console ticket=none op=ATTACH path=- error=EAGAIN reason=throttled delay_ms=1\n"
                        "denied who=console ticket=none op=ATTACH path=- error=EAGAIN reason=rate-limited delay_ms=1\n");
}

TEST(test_a_storm_of_attaches_costs_the_hive_nothing)
{
    begin();
    hive.attach_error = EPERM;
    answer("attach queen x");
    unsigned long before = hive.server.total;
    for (unsigned i = 0; i < 200; i++) {
        CHECK(text_starts(answer("attach queen x"), "ERR ATTACH reason=quota detail=throttled"));
    }
    EQUAL(hive.server.total, before);
}

TEST(test_an_unknown_role_is_denied_without_asking_the_hive)
{
    begin();
    unsigned long before = hive.server.total;
    EQUAL_TEXT(answer("attach king"), "ERR ATTACH reason=policy detail=invalid-role\n");
    EQUAL(hive.server.total, before);
    EQUAL_TEXT(audited, "denied who=console ticket=none op=ATTACH path=- error=EPERM reason=invalid role 'king'\n");
}

TEST(test_a_refused_ticket_that_has_expired_is_called_so)
{
    begin();
    hive.attach_error = EPERM;
    unix_now = WORKER_TICKET_EXPIRES_MS;
    EQUAL_TEXT(answer("attach worker-heartbeat " WORKER_TICKET), "ERR ATTACH reason=quota detail=expired\n");
    hive.now_ms += 1000;
    unix_now--;
    EQUAL_TEXT(answer("attach worker-heartbeat " WORKER_TICKET), "ERR ATTACH reason=policy detail=denied\n");
}

TEST(test_a_hive_that_does_not_answer_is_no_fault_of_the_ticket)
{
    begin();
    hive.silent = true;
    EQUAL_TEXT(answer("attach queen x"), "ERR ATTACH reason=busy detail=attach-timeout error=attach handshake timed out\n");
    p9_client_down(&hive.client, status_error(EIO), hive.now_ms);
    EQUAL_TEXT(answer("attach queen x"), "ERR ATTACH reason=cut detail=root-unreachable\n");
    hive.silent = false;
    hive_pass(&hive, 1000);
    EQUAL_TEXT(answer("attach queen x"), "OK ATTACH role=queen\n");
}

TEST(test_ten_refusals_in_a_row_end_an_earlier_attach)
{
    begin_as_queen();
    hive.attach_error = EPERM;
    for (unsigned i = 0; i < 9; i++) {
        answer("attach queen x");
        CHECK(console.attach.attached);
    }
    answer("attach queen x");
    CHECK(!console.attach.attached);
    EQUAL(hive_open_fids(&hive), 1);
}

TEST(test_files_are_shown)
{
    begin_as_queen();
    EQUAL_TEXT(answer("cat /proc/boot"),
               "OK CAT path=/proc/boot data=Cohesix boot: root-task online|manifest.schema=1.5\n"
               "Cohesix boot: root-task online\nmanifest.schema=1.5\nEND\n");
    EQUAL_TEXT(answer("cat /log/queen.log"), "OK CAT path=/log/queen.log data=one|three\none\n[two]\nthree\nEND\n");
    EQUAL_TEXT(answer("tail /log/queen.log"), "OK TAIL path=/log/queen.log\none\n[two]\nthree\nEND\n");
    EQUAL_TEXT(answer("log"), "OK LOG\none\n[two]\nthree\nEND\n");
    EQUAL_TEXT(answer("ls /"), "OK LS path=/ entries=3\nproc\nlog\nqueen\nEND\n");
    EQUAL(hive_open_fids(&hive), 2);
}

TEST(test_a_long_log_is_shown_from_a_whole_line_on)
{
    begin_as_queen();
    struct hive_file *log = hive_file(&hive, "/log/queen.log");
    log->size = 0;
    for (unsigned i = 0; log->size < CONTENT_BYTES + 100; i++) {
        log->size += (size_t)sprintf(log->content + log->size, "line %u\n", i);
    }
    const char *said = answer("log");
    CHECK(text_starts(said, "OK LOG\nline 1"));
    CHECK(strstr(said, "\nEND\n") != 0);
    CHECK(strlen(said) < CONTENT_BYTES + 20);
    EQUAL_TEXT(answer("cat /log/queen.log"),
               "ERR CAT reason=quota detail=buffer-full path=/log/queen.log error=buffer full\n");
}

TEST(test_a_ring_that_has_wrapped_is_read_from_its_oldest_byte)
{
    begin_as_queen();
    struct hive_file *log = hive_file(&hive, "/log/queen.log");
    memset(log->content, '\n', HIVE_CONTENT);
    memcpy(log->content, "oldest\nnewest\n", 14);
    log->size = HIVE_CONTENT;
    log->base = HIVE_CONTENT - 14; /* the server gives the oldest bytes to who reads from 0 */
    CHECK(text_starts(answer("tail /log/queen.log"), "OK TAIL path=/log/queen.log\noldest\nnewest\n"));
    log->base = 0; /* one that does not tell gives line feeds for lost bytes */
    EQUAL_TEXT(answer("tail /log/queen.log"), "OK TAIL path=/log/queen.log\nEND\n");
}

TEST(test_names_are_escaped)
{
    begin_as_queen();
    hive_add(&hive, "/a\x1b[2J\xc2\x9b", 0);
    hive_add(&hive, "/\xc3\xbc\xff", 0);
    EQUAL_TEXT(answer("ls /"), "OK LS path=/ entries=5\nproc\nlog\nqueen\na\\x1b[2J\\x9b\n\xc3\xbc\xef\xbf\xbd\nEND\n");
}

TEST(test_refusals_of_the_hive_have_their_words)
{
    begin_as_queen();
    EQUAL_TEXT(answer("cat /nope"), "ERR CAT reason=policy detail=invalid-path path=/nope error=invalid path\n");
    EQUAL_TEXT(answer("cat /proc"), "ERR CAT reason=policy detail=invalid-path path=/proc error=invalid path\n");
    EQUAL_TEXT(answer("ls /proc/boot"), "ERR LS reason=policy detail=invalid-path path=/proc/boot error=invalid path\n");
    hive_file(&hive, "/proc/boot")->open_error = EPERM;
    EQUAL_TEXT(answer("echo /proc/boot x"), "ERR ECHO reason=policy detail=denied path=/proc/boot error=EPERM\n");
    hive_file(&hive, "/queen/ctl")->write_error = ENOENT;
    EQUAL_TEXT(answer("kill worker-99"),
               "OK KILL id=worker-99\nERR KILL reason=policy detail=invalid-path error=invalid path\n");
    EQUAL_TEXT(answer("cat /../x"), "ERR CAT reason=policy detail=invalid-path path=/../x error=invalid path\n");
    EQUAL_TEXT(answer("cat proc"), "ERR CAT reason=policy detail=invalid-path path=proc error=invalid path\n");
    EQUAL_TEXT(answer("cat /1/2/3/4/5/6/7/8/9"),
               "ERR CAT reason=policy detail=invalid-path path=/1/2/3/4/5/6/7/8/9 error=invalid path\n");
    EQUAL_TEXT(audited, "denied who=queen ticket=none op=CAT path=/../x error=EINVAL reason=no path\n"
                        "denied who=queen ticket=none op=CAT path=proc error=EINVAL reason=no path\n"
                        "denied who=queen ticket=none op=CAT path=/1/2/3/4/5/6/7/8/9 error=EINVAL reason=no path\n");
    EQUAL(hive_open_fids(&hive), 2);
}

TEST(test_lines_are_appended_whole)
{
    begin_as_queen();
    hive_file(&hive, "/log/queen.log")->size = 0;
    EQUAL_TEXT(answer("echo /log/queen.log  two  blanks "), "OK ECHO path=/log/queen.log bytes=11\n");
    EQUAL_BYTES(hive_file(&hive, "/log/queen.log")->content, 12, "two  blanks\n");
}

TEST(test_commands_reach_the_queen)
{
    begin_as_queen();
    struct hive_file *control = hive_file(&hive, "/queen/ctl");
    EQUAL_TEXT(answer("spawn {\"spawn\":\"heartbeat\",\"ticks\":1}"),
               "OK SPAWN payload={\"spawn\":\"heartbeat\",\"ticks\":1}\n");
    EQUAL_BYTES(control->content, control->size, "{\"spawn\":\"heartbeat\",\"ticks\":1}\n");
    control->size = 0;
    EQUAL_TEXT(answer("kill wor\"ker\\1"), "OK KILL id=wor\"ker\\1\n");
    EQUAL_BYTES(control->content, control->size, "{\"kill\":\"wor\\\"ker\\\\1\"}\n");
}

TEST(test_spawn_gives_no_other_command)
{
    static const char *const others[] = {
        "spawn {\"kill\":\"worker-1\"}",  "spawn {\"a\":{\"spawn\":1},\"kill\":\"worker-1\"}",
        "spawn { \"kill\" : \"spawn\"}", "spawn {\"kill\":\"\\\"spawn\\\":1\"}",
        "spawn {\"budget\":{}}",         "spawn {\"bind\":{\"from\":\"/a\",\"to\":\"/b\"}}",
        "spawn {\"mount\":{}}",          "spawn {\"\\u006bill\":\"worker-1\"}",
    };

    begin_as_queen();
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        CHECK(strstr(answer(others[i]), "\nERR SPAWN reason=policy detail=invalid-payload error=invalid payload\n") != 0);
        EQUAL(hive_file(&hive, "/queen/ctl")->size, 0);
    }
}

TEST(test_what_is_no_command_is_left_to_the_hive)
{
    begin_as_queen();
    hive_file(&hive, "/queen/ctl")->write_error = EINVAL;
    EQUAL_TEXT(answer("spawn nonsense"),
               "OK SPAWN payload=nonsense\nERR SPAWN reason=policy detail=invalid-payload error=invalid payload\n");
}

TEST(test_an_attach_outlives_a_restart_of_the_hive)
{
    begin_as_queen();
    hive_restart(&hive);
    EQUAL_TEXT(answer("cat /proc/boot"),
               "ERR CAT reason=cut detail=root-unreachable path=/proc/boot\n");
    hive_pass(&hive, 1000);
    EQUAL(hive.client.generation, 2);
    hive.aname[0] = '\0';
    CHECK(text_starts(answer("cat /proc/boot"), "OK CAT"));
    EQUAL_TEXT(hive.aname, "ticket");
    EQUAL(hive_open_fids(&hive), 2);
}

TEST(test_without_a_session_the_root_is_unreachable)
{
    begin_as_queen();
    p9_client_down(&hive.client, status_error(EIO), hive.now_ms);
    EQUAL_TEXT(answer("cat /proc/boot"), "ERR CAT reason=cut detail=root-unreachable path=/proc/boot\n");
    EQUAL_TEXT(answer("ping"), "OK PING reply=pong\nPONG\n");
}

TEST(test_without_a_transport_the_root_is_unreachable)
{
    static struct p9_client none;

    begin();
    console_begin(&console, &none, &hive.host, "", &node, &sink, false);
    EQUAL_TEXT(answer("attach queen"), "ERR ATTACH reason=cut detail=root-unreachable\n");
}

/* -- over virtio-9p, where the identity is that of the mount --------------------------------------------------------- */

TEST(test_on_a_queens_mount_everybody_is_the_queen)
{
    begin();
    hive.server.transport.carries_identity = false;
    unsigned fids = hive_open_fids(&hive);
    EQUAL_TEXT(answer("attach worker-heartbeat"), "ERR ATTACH reason=policy detail=denied\n");
    hive.now_ms += 250;
    EQUAL_TEXT(answer("attach queen"), "OK ATTACH role=queen\n");
    CHECK(text_starts(answer("cat /proc/boot"), "OK CAT"));
    answer("quit");
    EQUAL(hive_open_fids(&hive), fids);
    EQUAL_TEXT(audited, "denied who=console ticket=none op=ATTACH path=- error=EPERM "
                        "reason=the mount is not of role worker-heartbeat\n");
}

TEST(test_on_a_workers_mount_nobody_is_the_queen)
{
    begin();
    hive.server.transport.carries_identity = false;
    hive_remove(&hive, "/queen/ctl");
    EQUAL_TEXT(answer("attach queen"), "ERR ATTACH reason=policy detail=denied\n");
    hive.now_ms += 250;
    EQUAL_TEXT(answer("attach worker-heartbeat"), "OK ATTACH role=worker-heartbeat\n");
    EQUAL_TEXT(answer("log"), "ERR LOG reason=policy detail=unauthenticated\n");
    CHECK(text_starts(answer("cat /proc/boot"), "OK CAT"));
}

TEST(test_a_ticket_that_nobody_could_verify_is_refused)
{
    begin();
    hive.server.transport.carries_identity = false;
    EQUAL_TEXT(answer("attach queen ticket"), "ERR ATTACH reason=policy detail=unsupported error=unsupported\n");
    EQUAL_TEXT(audited, "denied who=console ticket=none op=ATTACH path=- error=EOPNOTSUPP "
                        "reason=tickets do not travel over fake\n");
}

/* -- the terminal ---------------------------------------------------------------------------------------------------- */

TEST(test_a_line_from_elsewhere_leaves_what_is_typed)
{
    begin();
    console_take(&console, 'p');
    console_take(&console, 'i');
    forget_shown();
    console_interrupt(&console, "tick 7", 6);
    EQUAL_TEXT(shown, "\r\x1b[Ktick 7\ncohesix> pi");
    EQUAL_TEXT(answer("ng"), "OK PING reply=pong\nPONG\n");
}

TEST(test_a_line_from_elsewhere_in_an_answer_can_be_told_from_it)
{
    begin();
    forget_shown();
    console.busy = true;
    console_interrupt(&console, "tick 7", 6);
    console.busy = false;
    EQUAL_TEXT(shown, "\r\x1b[Ktick 7\n");
}

TEST(test_a_line_from_elsewhere_does_not_bring_back_the_last_command)
{
    begin();
    answer("bi");
    forget_shown();
    console_interrupt(&console, "tick 2", 6);
    EQUAL_TEXT(shown, "\r\x1b[Ktick 2\ncohesix> ");
    EQUAL_TEXT(answer("caps"), "OK CAPS\ncaps\nsecond line\n");
}

TEST(test_what_is_typed_is_echoed)
{
    begin();
    console_begin(&console, &hive.client, &hive.host, "", &node, &sink, true);
    EQUAL_TEXT(answer("pinn\x7fg\x01"), "pinn\b \bg\a\nOK PING reply=pong\nPONG\n");
}
