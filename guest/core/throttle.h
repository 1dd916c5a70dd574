/* How often a peer may present credentials: ninedoor/console/throttle.py for the one peer of a serial line.
 *
 * After each failure the next attempt has to wait: 250 ms, and twice as long each time up to 64 s. The third failure
 * within 60 s blocks for 90 s. Nothing waits here: an attempt that comes too early is answered at once, before its
 * credentials are looked at. */
#ifndef NINEDOOR_CORE_THROTTLE_H
#define NINEDOOR_CORE_THROTTLE_H

#include <stdint.h>

enum {
    THROTTLE_BACKOFF_MS = 250,
    THROTTLE_SHIFTS = 8, /* the wait after failure n (from 0) is 250 ms * 2^min(n, 8) */
    THROTTLE_FAILURES = 3,
    THROTTLE_WINDOW_MS = 60000,
    THROTTLE_COOLDOWN_MS = 90000,
};

struct throttle {
    unsigned in_a_row, in_window;
    uint64_t window_from, wait_until, blocked_until; /* ms */
};

/* Why an attempt may not be made now. */
struct denial {
    const char *detail; /* "throttled", "rate-limited"; null: it may */
    uint64_t delay_ms;  /* until the next may */
};

struct denial throttle_check(const struct throttle *throttle, uint64_t now_ms);

/* An attempt that was let through failed. What to answer where that blocks the peer; else null, and the failure is
 * answered as itself. */
struct denial throttle_failed(struct throttle *throttle, uint64_t now_ms);

/* An attempt succeeded: what was counted is forgotten. */
void throttle_succeeded(struct throttle *throttle);

#endif
