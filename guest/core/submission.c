#include "core/submission.h"

#include "bytes.h"
#include "format.h"

enum { PATH = SUBMISSION_GPU + 16 };

void submission_begin(struct submission *submission, struct p9_client *client, const struct p9_host *host,
                      const char *export, const char *gpu, const char *job, uint64_t period_ms,
                      void (*tell)(const char *line))
{
    *submission = (struct submission){
        .client = client,
        .host = host,
        .export = export,
        .gpu = gpu,
        .job = job,
        .period_ms = period_ms,
        .tell = tell,
    };
}

static status open_file(const struct submission *submission, struct p9_file *file, const char *name, uint32_t flags)
{
    char path[PATH];
    struct p9_tree tree;
    size_t size = text_format(path, sizeof path, "/gpu/%s/%s", submission->gpu, name);
    status result = p9_tree_own(&tree, submission->client, submission->host, submission->export);

    return failed(result) ? result : p9_open(file, &tree, path, size, flags);
}

/* Where the status ends before the job is there. */
static status find_end(struct submission *submission)
{
    uint64_t base;
    struct p9_file file;
    status result = open_file(submission, &file, "status", P9_RDONLY);

    if (!failed(result)) {
        result = p9_extent(&file, &base, &submission->offset);
        p9_close(&file);
    }
    return result;
}

static status submit(struct submission *submission)
{
    char line[SUBMISSION_JOB + 1];
    struct p9_file file;
    size_t size = text_format(line, sizeof line, "%s\n", submission->job);
    status result = find_end(submission);

    if (!failed(result)) {
        result = open_file(submission, &file, "job", P9_WRONLY | P9_O_APPEND);
    }
    if (!failed(result)) {
        result = p9_append(&file, line, size);
        submission->submitted = !failed(result) || result.error == ETIMEDOUT;
        p9_close(&file);
    }
    if (submission->submitted) {
        submission->tell("job submitted");
    }
    return submission->submitted ? status_ok() : result;
}

/* Whether `line` has `needle` in it. */
static bool says(const char *line, const char *needle)
{
    size_t length = strlen(needle), size = strlen(line);

    for (size_t at = 0; at + length <= size; at++) {
        if (memcmp(line + at, needle, length) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_the_end(const char *line)
{
    return says(line, "\"state\":\"OK\"") || says(line, "\"state\":\"ERR\"") || says(line, "\"state\":\"LEASE-ENDED\"");
}

/* Pass on the whole lines of `part` that are about jobs; returns how many bytes they and the others are. */
static uint32_t pass_on(struct submission *submission, char *part, uint32_t size)
{
    uint32_t start = 0;

    for (uint32_t end = 0; end < size && !submission->ended; end++) {
        if (part[end] == '\n') {
            part[end] = '\0';
            if (says(part + start, "{\"job\":")) {
                submission->tell(part + start);
                submission->ended = is_the_end(part + start);
            }
            start = end + 1;
        }
    }
    return start == 0 && size == SUBMISSION_LINE ? size : start; /* no line of a status is so long */
}

static status watch(struct submission *submission)
{
    char part[SUBMISSION_LINE];
    uint32_t size = 0, taken = 0;
    struct p9_file file;
    status result = open_file(submission, &file, "status", P9_RDONLY);

    if (failed(result)) {
        return result;
    }
    do {
        result = p9_read(&file, submission->offset, (uint8_t *)part, sizeof part, &size);
        taken = failed(result) ? 0 : pass_on(submission, part, size);
        submission->offset += taken;
    } while (taken > 0 && !submission->ended);
    p9_close(&file);
    return result;
}

/* What another try would only meet again. */
static bool is_final(status result)
{
    return result.error == EPERM || result.error == EACCES || result.error == ENOENT || result.error == ESTALE
           || result.error == EINVAL || result.error == EMSGSIZE;
}

static void tell_why(struct submission *submission, status result)
{
    char line[64];

    if (result.error != submission->because.error) {
        text_format(line, sizeof line, "job %s error=%s", submission->ended ? "refused" : "waits",
                    error_name(result.error));
        submission->tell(line);
    }
    submission->because = result;
}

void submission_turn(struct submission *submission)
{
    uint64_t now_ms = submission->host->now_ms(submission->host->context);

    if (submission->ended || now_ms < submission->next_ms) {
        return;
    }
    status result = submission->submitted ? watch(submission) : submit(submission);
    if (failed(result)) {
        submission->ended = is_final(result);
        tell_why(submission, result);
    } else {
        submission->because = status_ok();
    }
    submission->next_ms = now_ms + submission->period_ms;
}

uint64_t submission_deadline(const struct submission *submission)
{
    return submission->ended ? UINT64_MAX : submission->next_ms;
}
