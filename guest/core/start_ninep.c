/* The hive's side of the root task: one source takes replies in and drives the session, another does what needs it. */
#include "bytes.h"
#include "core/core.h"
#include "core/link.h"
#include "core/submission.h"
#include "core/worker.h"
#include "events.h"
#include "format.h"
#include "hal.h"
#include "log.h"
#include "platform.h"

#define BOOT "/proc/boot"
#define QUEEN_LOG "/log/queen.log"

enum {
    NS_PER_MS = 1000000,
    PERIOD_MS = 1000,
    PERIOD_MOST_MS = 3600000,
    LOG_RETRY_MS = 1000,
    FRAMES = P9_BATCH, /* budget of a turn */
    LINES = 4,
    MARKS = 1000,      /* marks of one worker, one for each time it is registered */
};

static struct worker workers[NINEP_WORKERS];
static unsigned worker_count;
static struct submission submission;
static char job[SUBMISSION_JOB], gpu[SUBMISSION_GPU];
static uint32_t greeted; /* generation of the session that was last told of */
static uint16_t told;    /* why there was none, when that was last told */

static uint64_t now_ms(void *context)
{
    (void)context;
    return time_now_ns() / NS_PER_MS;
}

static void wait(void *context, bool (*done)(void *subject), void *subject, uint64_t deadline_ms)
{
    (void)context;
    pump_until(done, subject, deadline_ms * NS_PER_MS);
}

static void wake_at(enum source source, uint64_t at_ms)
{
    if (at_ms != UINT64_MAX) {
        pump_deadline(source, at_ms * NS_PER_MS);
    }
}

/* -- SOURCE_VIRTIO: replies and the session ------------------------------------------------------------------------ */

static void tell_state(const struct p9_client *client)
{
    if (client->state == P9_READY) {
        told = 0;
        if (client->generation != greeted) {
            pump_ready(SOURCE_NINEP);
        }
    } else if (client->state == P9_DOWN && client->down_because.error != told) {
        told = client->down_because.error;
        log_line("ninep: no session: %s%s", error_name(told), client->refused ? " (attach refused)" : "");
    }
}

static bool take_replies(void *self, unsigned budget)
{
    struct p9_client *client = &hive_link.client;

    (void)self;
    (void)budget; /* P9_BATCH, which the client keeps to */
    client->transport->interrupt(client->transport);
    bool more = p9_client_poll(client, now_ms(0));
    hal_interrupt_done(SOURCE_VIRTIO);
    tell_state(client);
    wake_at(SOURCE_VIRTIO, p9_client_deadline(client));
    return more;
}

/* -- SOURCE_NINEP: what needs the hive ----------------------------------------------------------------------------- */

/* The first line of /proc/boot, to show whom we are talking to. */
static void greet(void)
{
    char line[LOG_LINE] = "";
    struct p9_tree tree;
    struct p9_file boot;
    uint32_t count = 0;

    greeted = hive_link.client.generation;
    log_line("ninep: session %u over %s as %s", greeted, hive_link.client.transport->name, hive_link.uname);
    status result = p9_tree_own(&tree, &hive_link.client, &hive_link.host, hive_link.export);
    if (!failed(result)) {
        result = p9_open(&boot, &tree, BOOT, sizeof BOOT - 1, P9_RDONLY);
    }
    if (!failed(result)) {
        result = p9_read(&boot, 0, (uint8_t *)line, sizeof line - 1, &count);
        p9_close(&boot);
    }
    if (failed(result)) {
        log_line("ninep: " BOOT " error=%s", error_name(result.error));
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (line[i] < ' ' || line[i] > '~') { /* up to the line's end, or what could drive a terminal */
            line[i] = '\0';
        }
    }
    log_line("ninep: " BOOT ": %s", line);
}

/* Write the oldest lines that wait to the hive's log. A guest that may not write there has none to write. */
static bool forward_log(void)
{
    char line[LOG_LINE + 1];
    unsigned long number;

    for (unsigned i = 0; i < LINES; i++) {
        struct p9_tree tree;

        if (!log_queue_copy(line, &number)) {
            return true;
        }
        size_t size = strlen(line);
        line[size] = '\n';
        status result = p9_tree_own(&tree, &hive_link.client, &hive_link.host, hive_link.export);
        if (!failed(result)) {
            result = p9_append_to(&tree, QUEEN_LOG, line, size + 1);
        }
        if (failed(result) && result.error != EPERM && result.error != EACCES) {
            return true; /* the next retry, not at once */
        }
        log_queue_done(number);
    }
    return false;
}

static bool do_work(void *self, unsigned budget)
{
    uint64_t next_ms = UINT64_MAX;
    char line[LOG_LINE];
    unsigned long number;

    (void)self;
    (void)budget; /* a heartbeat of each worker, and LINES of the log */
    if (hive_link.client.state == P9_READY && hive_link.client.generation != greeted) {
        greet();
    }
    for (unsigned i = 0; i < worker_count; i++) {
        worker_turn(&workers[i]);
        next_ms = worker_deadline(&workers[i]) < next_ms ? worker_deadline(&workers[i]) : next_ms;
    }
    if (job[0] != '\0') {
        submission_turn(&submission);
        next_ms = submission_deadline(&submission) < next_ms ? submission_deadline(&submission) : next_ms;
    }
    bool done = forward_log();
    if (done && log_queue_copy(line, &number) && next_ms > now_ms(0) + LOG_RETRY_MS) {
        next_ms = now_ms(0) + LOG_RETRY_MS;
    }
    wake_at(SOURCE_NINEP, next_ms);
    return !done;
}

static void tell(const char *line)
{
    log_event("%s", line);
}

static unsigned long number_setting(const char *name, unsigned long most, unsigned long otherwise)
{
    char text[24];
    unsigned long number;

    if (failed(boot_setting(name, text, sizeof text))) {
        return otherwise;
    }
    if (!text_number(text, most, &number)) {
        log_line("ninep: setting %s=%s is no number up to %lu: %lu is used", name, text, most, otherwise);
        return otherwise;
    }
    return number;
}

/* A number that no other guest of the hive is likely to have: seconds, and what the clock shows below them. */
static uint64_t first_mark(void)
{
    return (time_unix_s() & 0x3fffffff) << 22 | (time_now_ns() / 16 & 0x3fffff);
}

/* A guest that has a job hands that in, and sends no heartbeats. */
static bool make_submission(uint64_t period_ms)
{
    if (failed(boot_setting("job", job, sizeof job)) || job[0] == '\0') {
        return false;
    }
    if (failed(boot_setting("gpu", gpu, sizeof gpu)) || gpu[0] == '\0') {
        text_format(gpu, sizeof gpu, "GPU-0");
    }
    submission_begin(&submission, &hive_link.client, &hive_link.host, hive_link.export, gpu, job, period_ms, tell);
    return true;
}

static void make_workers(void)
{
    const char *id = hive_link.uname;
    uint64_t period_ms = number_setting("period-ms", PERIOD_MOST_MS, PERIOD_MS);
    uint64_t mark = first_mark();

    period_ms = period_ms > 0 ? period_ms : PERIOD_MS;
    if (make_submission(period_ms)) {
        return;
    }

    while (*id != '\0' && *id != ':') {
        id++;
    }
    id += *id == ':';
    worker_count = *id != '\0' ? 1 : (unsigned)number_setting("workers", NINEP_WORKERS, 1);
    for (unsigned i = 0; i < worker_count; i++) {
        worker_begin(&workers[i], &hive_link.client, &hive_link.host, hive_link.export, id,
                     period_ms, mark + i * MARKS, tell);
    }
}

void ninep_start(void)
{
    struct p9_transport *transport = 0;

    /* First of all: the console asks for the time, with a hive or without. */
    hive_link.host = (struct p9_host){.now_ms = now_ms, .wait = wait};
    status found = link_find(&transport);
    if (failed(found)) {
        log_line("ninep: no transport: %s seL4_Error=%u", error_name(found.error), found.kernel);
        return;
    }
    p9_client_begin(&hive_link.client, transport, hive_link.uname, hive_link.ticket);
    pump_add(SOURCE_VIRTIO, "virtio", take_replies, 0, FRAMES);
    pump_add(SOURCE_NINEP, "ninep", do_work, 0, LINES);
    make_workers();
    pump_ready(SOURCE_VIRTIO);
    pump_ready(SOURCE_NINEP);
}
