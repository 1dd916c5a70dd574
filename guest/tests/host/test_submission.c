/* A job that is handed in, watched, and told of until its end. */
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "check.h"
#include "core/submission.h"
#include "small_hive.h"

#define JOB "/gpu/GPU-0/job"
#define STATUS "/gpu/GPU-0/status"
#define QUEUED "{\"job\":\"j\",\"state\":\"QUEUED\",\"detail\":\"accepted\"}\n"
#define RUNNING "{\"job\":\"j\",\"state\":\"RUNNING\",\"detail\":\"scheduled\"}\n"
#define OK "{\"job\":\"j\",\"state\":\"OK\",\"detail\":\"completed\"}\n"
#define BREADCRUMB "{\"schema\":\"gpu-breadcrumb/v1\",\"event\":\"START\",\"command\":\"x\",\"status\":\"RUNNING\"}\n"

enum { PERIOD = 1000 };

static struct small_hive hive;
static struct submission submission;
static char told[4000];

static void tell(const char *line)
{
    strncat(told, line, sizeof told - strlen(told) - 2);
    strcat(told, "\n");
}

static void add(const char *line)
{
    struct hive_file *file = hive_file(&hive, STATUS);

    memcpy(file->content + file->size, line, strlen(line));
    file->size += strlen(line);
}

/* What a hive says to a job. */
static void accept(struct small_hive *small, struct hive_file *file, const char *data, size_t size)
{
    (void)small;
    (void)data;
    (void)size;
    if (strcmp(file->path, JOB) == 0) {
        add(QUEUED);
    }
}

static void begin(void)
{
    told[0] = '\0';
    hive_begin(&hive);
    hive.on_write = accept;
    hive_add(&hive, "/gpu", 0);
    hive_add(&hive, "/gpu/GPU-0", 0);
    hive_add(&hive, JOB, "");
    hive_add(&hive, STATUS, RUNNING OK); /* of an earlier one */
    submission_begin(&submission, &hive.client, &hive.host, "", "GPU-0", "{\"job\":\"j\"}", PERIOD, tell);
}

static void periods(unsigned count)
{
    while (count-- > 0) {
        submission_turn(&submission);
        hive_pass(&hive, PERIOD);
    }
}

TEST(test_a_job_is_written_once_and_told_of_until_its_end)
{
    begin();
    periods(3);
    struct hive_file *job = hive_file(&hive, JOB);
    EQUAL(job->size, sizeof "{\"job\":\"j\"}\n" - 1);
    CHECK(memcmp(job->content, "{\"job\":\"j\"}\n", job->size) == 0);
    EQUAL_TEXT(told, "job submitted\n{\"job\":\"j\",\"state\":\"QUEUED\",\"detail\":\"accepted\"}\n");
    add(BREADCRUMB RUNNING);
    periods(1);
    add(OK "{\"job\":\"k\",\"state\":\"QUEUED\",\"detail\":\"another's\"}\n");
    periods(3);
    EQUAL_TEXT(told, "job submitted\n" QUEUED RUNNING OK);
    CHECK(submission.ended);
    EQUAL(submission_deadline(&submission), UINT64_MAX);
    EQUAL(hive_open_fids(&hive), 1); /* the root */
}

TEST(test_half_a_line_waits_for_its_other_half)
{
    begin();
    periods(2);
    add("{\"job\":\"j\",\"state\":\"ERR\",");
    periods(2);
    EQUAL_TEXT(told, "job submitted\n" QUEUED);
    add("\"detail\":\"\"}\n");
    periods(2);
    CHECK(submission.ended);
}

TEST(test_the_end_of_the_lease_is_the_end)
{
    begin();
    periods(1);
    add("{\"job\":\"worker-1\",\"state\":\"LEASE-ENDED\",\"detail\":\"ticket ttl expired\"}\n");
    periods(1);
    CHECK(submission.ended);
}

TEST(test_a_refusal_is_told_and_not_tried_again)
{
    begin();
    hive_file(&hive, JOB)->write_error = EINVAL;
    periods(3);
    EQUAL_TEXT(told, "job refused error=EINVAL\n");
    CHECK(submission.ended);
}

TEST(test_a_busy_gpu_is_tried_again)
{
    begin();
    hive_file(&hive, JOB)->write_error = EBUSY;
    periods(3);
    hive_file(&hive, JOB)->write_error = 0;
    periods(1);
    EQUAL_TEXT(told, "job waits error=EBUSY\njob submitted\n");
}

TEST(test_a_job_of_unknown_fate_is_not_written_again)
{
    begin();
    hive.server.transport.patience_ms = 60000;
    hive.silent_type = P9_TWRITE;
    submission_turn(&submission);
    CHECK(submission.submitted);
    hive.silent_type = 0;
    hive_pass(&hive, PERIOD);
    periods(3);
    EQUAL(hive_file(&hive, JOB)->size, 0);
}

TEST(test_a_line_longer_than_any_is_passed_over)
{
    char line[SUBMISSION_LINE + 100];

    begin();
    periods(1);
    memset(line, 'x', sizeof line - 2);
    memcpy(line + sizeof line - 2, "\n", 2);
    add(line);
    add(OK);
    periods(3);
    CHECK(submission.ended);
}

TEST(test_without_a_session_it_waits)
{
    begin();
    p9_client_down(&hive.client, status_error(EIO), hive.now_ms);
    hive.silent = true;
    periods(2);
    EQUAL_TEXT(told, "job waits error=ENOTCONN\n");
    hive.silent = false;
    periods(8);
    CHECK(submission.submitted);
}
