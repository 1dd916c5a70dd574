/* One 9P2000.L session over a transport that may fail: tags, fids, time limits, and getting back in.
 *
 * Every request has a slot, a tag of its own (p9_slots.h) and a time limit. Replies are matched by tag, in any order.
 * Fids count upwards and are never used twice in a session. p9_client.c sends and takes in; p9_session.c makes the
 * session and keeps it.
 *
 * The session is made by p9_client_poll(): version, attach, and again after a failure, with growing pauses. Each time
 * `generation` grows, and what was obtained under an older one (fids, requests) is void. When the hive answers a
 * request with an error that a restarted hive would give to a session it does not know, the root fid is probed, and
 * the session made anew if that fails too.
 *
 * Nothing here waits: time comes in as `now_ms`, any monotonic clock in milliseconds. */
#ifndef NINEDOOR_CORE_P9_CLIENT_H
#define NINEDOOR_CORE_P9_CLIENT_H

#include "core/p9_slots.h"

enum {
    P9_REPLY_MS = 3000,          /* time limit of a reply; a clock may step by a whole second */
    P9_RETRY_FIRST_MS = 250,     /* pause before the session is made anew, doubled each time … */
    P9_RETRY_MOST_MS = 2000,     /* … up to this */
    P9_REFUSED_RETRY_MS = 30000, /* pause after a refused attach: each is a line in the hive's log */
    P9_ORPHANS = 8,              /* fids that nobody holds any more and that are still to be clunked */
    P9_BATCH = 8,                /* frames taken in one poll: whoever sends more must not hold up the rest */
};

enum p9_state {
    P9_DOWN,        /* waiting for retry_at */
    P9_NEGOTIATING, /* Tversion is on its way */
    P9_ATTACHING,   /* Tattach is */
    P9_READY,
};

struct p9_counters {
    uint64_t requests, replies;
    uint64_t timeouts; /* requests given up */
    uint64_t late;     /* replies thrown away by tag */
    uint64_t malformed;
    uint64_t sessions; /* times the session was made */
};

struct p9_client {
    struct p9_transport *transport; /* null before p9_client_begin(): all zero is a client that has no session */
    const char *uname, *aname;
    enum p9_state state;
    uint32_t generation;
    uint32_t root;       /* fid of the export's root, while P9_READY */
    uint32_t payload;    /* most bytes of one Tread or Twrite, by the msize agreed on */
    status down_because; /* why it is not P9_READY */
    bool refused;        /* … and that was the hive's own answer to the attach */
    struct p9_counters counters;

    /* Private. */
    struct p9_slots slots;
    uint32_t next_fid;
    uint32_t orphans[P9_ORPHANS];
    unsigned orphan_count;
    struct p9_call own; /* version, attach, probe, clunk of an orphan */
    bool own_busy, suspect;
    uint64_t retry_at;
    uint32_t retry_pause_ms;
};

/* `uname` and `aname` (a ticket or "") stay the caller's and must last. The session is made by the polls to come. */
void p9_client_begin(struct p9_client *client, struct p9_transport *transport, const char *uname, const char *aname);

/* Take replies in, expire, and drive the session. To be called when the transport may have something, and at
 * p9_client_deadline(). Returns whether there may be more to take in at once. */
bool p9_client_poll(struct p9_client *client, uint64_t now_ms);

/* When to call p9_client_poll() next if nothing arrives. */
uint64_t p9_client_deadline(const struct p9_client *client);

/* Whether names and tickets of an attach reach the hive. Not without a transport. */
bool p9_client_carries_identity(const struct p9_client *client);

/* A fid that was never used in this session. */
uint32_t p9_client_fid(struct p9_client *client);

/* Begin a request: `*slot` is free, and its buffer is to be filled with a message that carries `*tag`, and given to
 * p9_client_send() before anything else happens. ENOTCONN: no session, or not that of `generation`. EBUSY: no slot is
 * free now. */
status p9_client_claim(struct p9_client *client, uint32_t generation, unsigned *slot, uint16_t *tag);

/* Send the `size` bytes that now are in the buffer of `slot`, to be answered in `call`, of which question, into and
 * creates are set. EMSGSIZE: size is 0, the message did not fit. ENXIO, and the session is down. */
status p9_client_send(struct p9_client *client, unsigned slot, uint16_t tag, size_t size, struct p9_call *call,
                      uint64_t now_ms);

/* Stop waiting for `call`, which then is done with `why`. */
void p9_client_give_up(struct p9_client *client, struct p9_call *call, status why);

/* `fid` of this session is no longer needed: clunk it at the next opportunity. */
void p9_client_orphan(struct p9_client *client, uint32_t fid, uint64_t now_ms);

/* The session is void: make it anew after a pause. */
void p9_client_down(struct p9_client *client, status why, uint64_t now_ms);

#endif
