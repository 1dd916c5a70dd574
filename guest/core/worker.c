#include "core/worker.h"

#include "bytes.h"
#include "format.h"

#define BOOT "/proc/boot"

enum { PATH = 64 };

void worker_begin(struct worker *worker, struct p9_client *client, const struct p9_host *host, const char *export,
                  const char *id, uint64_t period_ms, uint64_t mark, void (*tell)(const char *line))
{
    *worker = (struct worker){
        .because = status_error(ENOTCONN),
        .client = client,
        .host = host,
        .export = export,
        .tell = tell,
        .period_ms = period_ms,
        .registers = id[0] == '\0',
        .registration = {.mark = mark},
    };
    text_format(worker->id, sizeof worker->id, "%s", id);
}

static void tell(const struct worker *worker, const char *what, status why)
{
    char line[WORKER_LINE];
    const char *id = worker->id[0] != '\0' ? worker->id : "worker";

    if (failed(why)) {
        text_format(line, sizeof line, "%s %s error=%s beats=%lu", id, what, error_name(why.error),
                    (unsigned long)worker->beats);
    } else {
        text_format(line, sizeof line, "%s %s beats=%lu", id, what, (unsigned long)worker->beats);
    }
    worker->tell(line);
}

static status own_tree(const struct worker *worker, struct p9_tree *tree)
{
    return p9_tree_own(tree, worker->client, worker->host, worker->export);
}

static status register_itself(struct worker *worker, const struct p9_tree *tree)
{
    status asked = registration_ask(&worker->registration, tree, worker->id);

    if (!failed(asked)) {
        worker->beats = 0;
        tell(worker, "registered", status_ok());
    }
    return asked;
}

static void close_telemetry(struct worker *worker)
{
    if (worker->open) {
        p9_close(&worker->telemetry);
        worker->open = false;
    }
}

static status open_telemetry(struct worker *worker)
{
    char path[PATH];
    struct p9_tree tree;
    status result = own_tree(worker, &tree);

    if (!failed(result) && worker->id[0] == '\0') {
        result = register_itself(worker, &tree);
    }
    if (failed(result)) {
        return result;
    }
    size_t size = text_format(path, sizeof path, "/worker/%s/telemetry", worker->id);
    result = p9_open(&worker->telemetry, &tree, path, size, P9_WRONLY | P9_O_APPEND);
    worker->open = !failed(result);
    return result;
}

static status beat(struct worker *worker)
{
    char line[WORKER_LINE];
    status result = worker->open ? status_ok() : open_telemetry(worker);

    if (failed(result)) {
        return result;
    }
    size_t size = text_format(line, sizeof line, "heartbeat %lu\n", (unsigned long)worker->beats + 1);
    result = p9_append(&worker->telemetry, line, size);
    if (!failed(result) || result.error == ETIMEDOUT) {
        worker->beats++;
    }
    return result;
}

static bool is_refusal(status result)
{
    return result.error == EPERM || result.error == EACCES || result.error == ENOENT || result.error == ESTALE;
}

/* Whether somebody who decides answers: with /proc/boot itself, or with a refusal of it. */
static bool hive_is_there(const struct worker *worker)
{
    struct p9_tree tree;
    status reached = own_tree(worker, &tree);

    if (!failed(reached)) {
        reached = p9_reach(&tree, BOOT, sizeof BOOT - 1);
    }
    return !failed(reached) || reached.error == EPERM || reached.error == ESTALE;
}

/* The hive has no such worker any more. One that a queen had made is made anew if the hive lost it in a restart. */
static void end(struct worker *worker, status why)
{
    bool restarted = worker->away || worker->generation != worker->client->generation;

    if (worker->registers && restarted && worker->id[0] != '\0') {
        tell(worker, "is gone after a restart of the hive", why);
        worker->id[0] = '\0';
        registration_renew(&worker->registration);
        return;
    }
    worker->stopped = true;
    worker->because = why;
    tell(worker, "stopped", why);
}

static void wait(struct worker *worker, status why)
{
    if (why.error != worker->because.error) {
        tell(worker, "waits", why);
    }
    worker->because = why;
    worker->away |= why.error == ENOTCONN;
}

static void refused(struct worker *worker, status why)
{
    close_telemetry(worker);
    if (!hive_is_there(worker)) {
        wait(worker, status_error(ENOTCONN));
        return;
    }
    /* The hive may have come back in between; then the file is there again, and the first refusal was not its own. */
    status again = open_telemetry(worker);
    if (is_refusal(again)) {
        end(worker, why);
    } else {
        wait(worker, failed(again) ? again : why);
    }
}

/* An attach as this worker was refused: there is nothing left that it could be refused again. */
static bool is_barred(const struct worker *worker)
{
    return !worker->registers && worker->client->state == P9_DOWN && worker->client->refused;
}

static void do_beat(struct worker *worker)
{
    if (is_barred(worker)) {
        end(worker, is_refusal(worker->because) ? worker->because : worker->client->down_because);
        return;
    }
    status result = beat(worker);
    if (!failed(result)) {
        if (failed(worker->because)) {
            tell(worker, "beats", status_ok());
        }
        worker->because = status_ok();
        worker->away = false;
        worker->generation = worker->client->generation;
    } else if (is_refusal(result)) {
        refused(worker, result);
    } else if (result.error == ETIMEDOUT) {
        wait(worker, result); /* the file stays open: it is the answer that is late */
    } else {
        close_telemetry(worker);
        wait(worker, result);
    }
}

void worker_turn(struct worker *worker)
{
    uint64_t now_ms = worker->host->now_ms(worker->host->context);

    if (worker->stopped || now_ms < worker->next_ms) {
        return;
    }
    do_beat(worker);
    worker->next_ms += worker->period_ms;
    if (worker->next_ms <= now_ms) { /* the first, or late: what was missed is not made up for */
        worker->next_ms = now_ms + worker->period_ms;
    }
}

uint64_t worker_deadline(const struct worker *worker)
{
    return worker->stopped ? UINT64_MAX : worker->next_ms;
}
