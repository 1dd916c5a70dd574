/* Who sits at the console, and how the hive is told.
 *
 * Where names and tickets reach the hive (virtio-console), an attach is a Tattach of its own with the presented ticket,
 * and the hive decides. Through QEMU's server they do not: there everybody is whom the mount belongs to. An attach then
 * succeeds as queen only if the mount is a queen's, which is whether it shows /queen/ctl, and as a worker only if it is
 * not; a presented ticket is refused, since nobody could verify it. */
#ifndef NINEDOOR_CORE_ATTACH_H
#define NINEDOOR_CORE_ATTACH_H

#include "core/acknowledgement.h"
#include "core/p9_file.h"
#include "core/throttle.h"

enum {
    ATTACH_UNAME = 96,    /* role, colon, subject */
    ATTACH_REASON = 64,   /* why one was denied, for the log */
    ATTACH_ATTEMPTS = 10, /* refused in a row, after which an earlier attach ends: CONSOLE_ATTEMPTS_MAX */
};

/* Someone's attach, as long as it lasts. */
struct attach {
    struct p9_client *client;
    const struct p9_host *host;
    const char *export;
    bool attached, queen;
    struct p9_tree tree; /* of its own where the transport carries it, else that of the client */
    char uname[ATTACH_UNAME], ticket[GRAMMAR_TICKET + 1]; /* to attach anew after a restart of the hive */
    struct throttle throttle;
    unsigned refused_in_a_row;
};

void attach_begin(struct attach *attach, struct p9_client *client, const struct p9_host *host, const char *export);

/* Carry out ATTACH with `role` and `ticket` (size 0: none), and put the answer together. `unix_ms` tells whether a
 * refused ticket has expired. A refusal leaves an earlier attach as it was. What was denied without the hive's knowing
 * is told in `reason`, "" else, and in the result as an error; a ticket never is. */
status attach_present(struct attach *attach, struct word role, struct word ticket, uint64_t unix_ms,
                      struct acknowledgement *ack, char reason[ATTACH_REASON]);

/* The tree to work in: made anew if the session was. ENOTCONN: no session. EPERM: nobody is attached. */
status attach_tree(struct attach *attach, struct p9_tree *tree);

void attach_end(struct attach *attach);

#endif
