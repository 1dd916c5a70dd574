/* Having the hive make a worker, and finding out its id.
 *
 * A queen spawns by a command, which no answer comes to but success. The id is in the hive's log, in a line that tells
 * the budget of operations too; so a budget that nobody else gives is the mark by which the line is found. The worker
 * has no ticks: the hive then runs no task of its own for it, and what a queen appends for it costs none. A command
 * whose outcome is not known is not repeated before the log was searched for what it may have done. */
#ifndef NINEDOOR_CORE_REGISTRATION_H
#define NINEDOOR_CORE_REGISTRATION_H

#include "core/p9_file.h"

enum { WORKER_ID = 32 }; /* bytes of an id: CONSOLE_ID_MAX of ninedoor/limits.py */

struct registration {
    uint64_t mark;
    bool asked;          /* a command may have been taken */
    uint64_t log_before; /* size of the log before it */
};

/* Get an id into `id`. EAGAIN: the hive took the command, and its log does not tell of it yet. */
status registration_ask(struct registration *registration, const struct p9_tree *tree, char id[WORKER_ID + 1]);

/* The worker is gone: the next one needs another mark, since the log may still tell of this one. */
void registration_renew(struct registration *registration);

#endif
