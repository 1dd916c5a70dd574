/* Heartbeats, and all the ways in which they end, pause or begin again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "check.h"
#include "core/worker.h"
#include "small_hive.h"

enum { PERIOD = 1000 };

static struct small_hive hive;
static struct worker worker;
static char told[2000];

static void tell(const char *line)
{
    strncat(told, line, sizeof told - strlen(told) - 2);
    strcat(told, "\n");
}

/* /queen/ctl of a hive: spawns what is asked for, and says so in the log. */
static void control(struct small_hive *small, struct hive_file *file, const char *data, size_t size)
{
    static unsigned number;
    struct hive_file *log = hive_file(small, "/log/queen.log");
    char path[64];
    unsigned long ops;

    if (strcmp(file->path, "/queen/ctl") != 0) {
        return;
    }
    EQUAL(sscanf(data, "{\"spawn\":\"heartbeat\",\"ticks\":0,\"budget\":{\"ops\":%lu}}", &ops), 1);
    EQUAL(data[size - 1], '\n');
    number = small->file_count; /* any number */
    log->size += (size_t)sprintf(log->content + log->size, "denied who=x reason=y\nspawned worker-%u ticks=0 ttl=∞ ops=%lu\n",
                                 number, ops);
    snprintf(path, sizeof path, "/worker/worker-%u", number);
    hive_add(small, path, 0);
    strcat(path, "/telemetry");
    hive_add(small, path, "");
}

static void add_common(void)
{
    told[0] = '\0';
    hive_begin(&hive);
    hive.on_write = control;
    hive_add(&hive, "/proc", 0);
    hive_add(&hive, "/proc/boot", "boot\n");
    hive_add(&hive, "/worker", 0);
    hive_add(&hive, "/log", 0);
    hive_add(&hive, "/log/queen.log", "lifecycle transition old=BOOTING new=ONLINE reason=boot-complete\n");
    hive_add(&hive, "/queen", 0);
    hive_add(&hive, "/queen/ctl", "");
}

static void begin_as(const char *id)
{
    add_common();
    if (id[0] != '\0') {
        hive_add(&hive, "/worker/worker-1", 0);
        hive_add(&hive, "/worker/worker-1/telemetry", "");
    }
    worker_begin(&worker, &hive.client, &hive.host, "", id, PERIOD, 4711, tell);
}

/* One period, with what a pump does in it. */
static void period(void)
{
    worker_turn(&worker);
    hive_pass(&hive, PERIOD);
}

static void periods(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        period();
    }
}

static const char *telemetry(void)
{
    static char content[HIVE_CONTENT + 1];
    char path[64];

    snprintf(path, sizeof path, "/worker/%s/telemetry", worker.id);
    struct hive_file *file = hive_file(&hive, path);
    memcpy(content, file->content, file->size);
    content[file->size] = '\0';
    return content;
}

TEST(test_a_worker_appends_a_numbered_line_each_period)
{
    begin_as("worker-1");
    periods(3);
    EQUAL_TEXT(telemetry(), "heartbeat 1\nheartbeat 2\nheartbeat 3\n");
    EQUAL(hive.latest_flags, P9_WRONLY | P9_O_APPEND);
    EQUAL_TEXT(told, "worker-1 beats beats=1\n");
    EQUAL(hive_open_fids(&hive), 2); /* the root and the telemetry */
}

TEST(test_turns_before_the_time_do_nothing)
{
    begin_as("worker-1");
    worker_turn(&worker);
    worker_turn(&worker);
    EQUAL(worker_deadline(&worker), hive.now_ms + PERIOD);
    EQUAL_TEXT(telemetry(), "heartbeat 1\n");
}

TEST(test_missed_periods_are_not_made_up_for)
{
    begin_as("worker-1");
    worker_turn(&worker);
    hive_pass(&hive, 10 * PERIOD);
    worker_turn(&worker);
    worker_turn(&worker);
    EQUAL_TEXT(telemetry(), "heartbeat 1\nheartbeat 2\n");
}

TEST(test_a_queen_has_its_worker_made_and_finds_its_id)
{
    begin_as("");
    periods(2);
    CHECK(text_starts(worker.id, "worker-"));
    EQUAL_TEXT(telemetry(), "heartbeat 1\nheartbeat 2\n");
    CHECK(strstr(told, " registered beats=0\n") != 0);
}

TEST(test_the_id_is_found_in_a_long_log)
{
    begin_as("");
    struct hive_file *log = hive_file(&hive, "/log/queen.log");
    memset(log->content, 'x', 20000);
    log->size = 20000;
    period();
    CHECK(text_starts(worker.id, "worker-"));
}

static void control_with_noise(struct small_hive *small, struct hive_file *file, const char *data, size_t size)
{
    struct hive_file *log = hive_file(small, "/log/queen.log");

    if (strcmp(file->path, "/queen/ctl") == 0) {
        for (unsigned i = 0; i < 300; i++) {
            log->size += (size_t)sprintf(log->content + log->size, "spawned worker-900%u ticks=0 ttl=300 ops=4710\n", i);
        }
        memset(log->content + log->size, 'y', 700); /* a line longer than any of ours */
        log->size += 700;
        log->content[log->size++] = '\n';
    }
    control(small, file, data, size);
}

TEST(test_the_id_is_found_among_workers_of_others)
{
    begin_as("");
    hive.on_write = control_with_noise;
    period();
    CHECK(text_starts(worker.id, "worker-"));
    CHECK(strncmp(worker.id, "worker-900", 10) != 0);
}

TEST(test_a_spawn_of_unknown_outcome_is_looked_for_before_it_is_repeated)
{
    begin_as("");
    hive.silent_type = P9_TWRITE;
    worker_turn(&worker);
    RESULT(worker.because, ETIMEDOUT);
    EQUAL_TEXT(worker.id, "");
    hive.silent_type = 0;
    /* it had been taken after all */
    static const char command[] = "{\"spawn\":\"heartbeat\",\"ticks\":0,\"budget\":{\"ops\":4711}}\n";
    control(&hive, hive_file(&hive, "/queen/ctl"), command, sizeof command - 1);
    hive_pass(&hive, 20000);
    unsigned before = hive.file_count;
    period();
    EQUAL(hive.file_count, before);
    CHECK(text_starts(worker.id, "worker-"));
}

TEST(test_a_refused_registration_stops_a_worker)
{
    begin_as("");
    hive_file(&hive, "/queen/ctl")->open_error = EPERM;
    period();
    CHECK(worker.stopped);
    RESULT(worker.because, EPERM);
    EQUAL(worker_deadline(&worker), UINT64_MAX);
    EQUAL_TEXT(told, "worker stopped error=EPERM beats=0\n");
}

static void kill_worker(unsigned error)
{
    struct hive_file *file = hive_file(&hive, "/worker/worker-1/telemetry");

    file->write_error = error;
    hive_remove(&hive, "/worker/worker-1/telemetry");
    hive_remove(&hive, "/worker/worker-1");
}

TEST(test_a_revoked_worker_stops_with_the_errno_of_the_refusal)
{
    static const unsigned errors[] = {ESTALE, ENOENT, EPERM};

    for (size_t i = 0; i < ARRAY_LENGTH(errors); i++) {
        char line[100];

        begin_as("worker-1");
        periods(2);
        kill_worker(errors[i]);
        period();
        CHECK(worker.stopped);
        RESULT(worker.because, errors[i]);
        snprintf(line, sizeof line, "worker-1 beats beats=1\nworker-1 stopped error=%s beats=2\n",
                 error_name(errors[i]));
        EQUAL_TEXT(told, line);
        unsigned long before = hive.server.total;
        periods(3);
        EQUAL(hive.server.total, before);
        EQUAL(hive_open_fids(&hive), 1);
    }
}

TEST(test_a_worker_that_a_queen_made_stops_when_it_is_killed)
{
    begin_as("");
    periods(2);
    char path[64];
    snprintf(path, sizeof path, "/worker/%s/telemetry", worker.id);
    hive_file(&hive, path)->write_error = ESTALE;
    hive_remove(&hive, path);
    period();
    CHECK(worker.stopped);
    RESULT(worker.because, ESTALE);
}

TEST(test_a_closed_gate_makes_a_worker_wait)
{
    begin_as("worker-1");
    period();
    hive_file(&hive, "/worker/worker-1/telemetry")->write_error = EPERM;
    periods(2);
    CHECK(!worker.stopped);
    RESULT(worker.because, EPERM);
    hive_file(&hive, "/worker/worker-1/telemetry")->write_error = 0;
    period();
    EQUAL_TEXT(told, "worker-1 beats beats=1\nworker-1 waits error=EPERM beats=1\nworker-1 beats beats=2\n");
}

TEST(test_a_full_ring_or_quota_makes_a_worker_wait)
{
    begin_as("worker-1");
    period();
    hive_file(&hive, "/worker/worker-1/telemetry")->write_error = EDQUOT;
    periods(3);
    CHECK(!worker.stopped);
    EQUAL_TEXT(told, "worker-1 beats beats=1\nworker-1 waits error=EDQUOT beats=1\n");
}

TEST(test_the_hive_restarted_the_worker_goes_on)
{
    begin_as("worker-1");
    periods(2);
    hive_restart(&hive);
    periods(4);
    CHECK(!worker.stopped);
    EQUAL(hive.client.generation, 2);
    CHECK(strstr(telemetry(), "heartbeat 3\n") != 0);
    CHECK(strstr(told, "worker-1 waits error=EINVAL beats=2\nworker-1 beats beats=3\n") != 0);
    EQUAL(hive_open_fids(&hive), 2);
}

TEST(test_a_hive_that_lost_the_worker_in_a_restart_makes_another)
{
    char before[WORKER_ID + 1];

    begin_as("");
    periods(2);
    strcpy(before, worker.id);
    hive_restart(&hive);
    add_common();
    worker.client = &hive.client; /* the same object: the session of the new hive */
    hive.client.generation = 2;
    worker.open = false;
    worker.next_ms = 0; /* the clock is that of the new hive, too */
    periods(3);
    CHECK(!worker.stopped);
    CHECK(worker.id[0] != '\0');
    EQUAL(worker.registration.mark, 4712);
    CHECK(worker.beats >= 1);
    CHECK(strstr(told, "is gone after a restart of the hive error=ENOENT") != 0);
}

/* What a guest on virtio-9p sees while the daemon is down: the directory of the mount is there and empty. */
TEST(test_an_unmounted_hive_makes_the_worker_wait)
{
    begin_as("worker-1");
    periods(2);
    hive.server.transport.carries_identity = false;
    hive_file(&hive, "/worker/worker-1/telemetry")->write_error = ENOTCONN;
    period();
    RESULT(worker.because, ENOTCONN);
    unsigned files = hive.file_count;
    hive.file_count = 1; /* the root only */
    periods(3);
    CHECK(!worker.stopped);
    hive.file_count = files;
    hive_file(&hive, "/worker/worker-1/telemetry")->write_error = 0;
    periods(2);
    CHECK(strstr(telemetry(), "heartbeat 3\nheartbeat 4\n") != 0);
    EQUAL_TEXT(told, "worker-1 beats beats=1\nworker-1 waits error=ENOTCONN beats=2\nworker-1 beats beats=3\n");
}

TEST(test_a_heartbeat_of_unknown_outcome_is_not_repeated)
{
    begin_as("worker-1");
    hive.server.transport.patience_ms = 60000;
    period();
    hive.silent_type = P9_TWRITE;
    worker_turn(&worker);
    RESULT(worker.because, ETIMEDOUT);
    hive.silent_type = 0;
    hive_pass(&hive, PERIOD);
    periods(2);
    EQUAL_TEXT(telemetry(), "heartbeat 1\nheartbeat 3\nheartbeat 4\n");
}

TEST(test_a_worker_whose_attach_is_refused_stops)
{
    begin_as("worker-1");
    periods(2);
    hive_restart(&hive);
    hive.attach_error = EPERM;
    periods(4);
    CHECK(worker.stopped);
    RESULT(worker.because, EPERM);
}

TEST(test_without_a_session_a_worker_waits)
{
    begin_as("worker-1");
    p9_client_down(&hive.client, status_error(EIO), hive.now_ms);
    hive.silent = true;
    periods(3);
    CHECK(!worker.stopped);
    RESULT(worker.because, ENOTCONN);
    hive.silent = false;
    periods(6);
    CHECK(worker.beats > 0);
}
