/* A heartbeat worker: every period it appends `heartbeat <n>` to its telemetry in the hive, until the hive revokes it.
 *
 * It has its id from the start, when the guest attached as that worker; else, as a queen, it has the hive make one
 * (registration.h).
 *
 * What ends a worker is a refusal by a hive that is there: EPERM, ENOENT or ESTALE, twice, with an answer about
 * /proc/boot between the two. Anything else, a hive that is away in the first place, only makes it wait: it opens its
 * file anew in the next period. A heartbeat whose outcome is not known is not sent again. */
#ifndef NINEDOOR_CORE_WORKER_H
#define NINEDOOR_CORE_WORKER_H

#include "core/registration.h"

enum { WORKER_LINE = 96 }; /* bytes of a line for the log */

struct worker {
    char id[WORKER_ID + 1]; /* "" until it is registered */
    uint64_t beats;         /* heartbeats that were acknowledged or may have been taken */
    bool stopped;
    status because;         /* why it stopped, or waits; success while it runs */

    /* Private. */
    struct p9_client *client;
    const struct p9_host *host;
    const char *export;
    void (*tell)(const char *line);
    uint64_t period_ms, next_ms;
    bool registers; /* the id was not given */
    struct registration registration;
    bool away;           /* the hive was, since the last heartbeat */
    uint32_t generation; /* of the session, at the last heartbeat */
    bool open;
    struct p9_file telemetry;
};

/* `id` "" has the hive make the worker; no other worker of the hive has `mark`, or a number after it, as its budget.
 * `tell` takes lines for the log. */
void worker_begin(struct worker *worker, struct p9_client *client, const struct p9_host *host, const char *export,
                  const char *id, uint64_t period_ms, uint64_t mark, void (*tell)(const char *line));

/* Do what is due. Waits for replies. */
void worker_turn(struct worker *worker);

/* When it is due again, UINT64_MAX once stopped. */
uint64_t worker_deadline(const struct worker *worker);

#endif
