#include "core/throttle.h"

struct denial throttle_check(const struct throttle *throttle, uint64_t now_ms)
{
    if (now_ms < throttle->blocked_until) {
        return (struct denial){"rate-limited", throttle->blocked_until - now_ms};
    }
    if (now_ms < throttle->wait_until) {
        return (struct denial){"throttled", throttle->wait_until - now_ms};
    }
    return (struct denial){0};
}

struct denial throttle_failed(struct throttle *throttle, uint64_t now_ms)
{
    unsigned shifts = throttle->in_a_row < THROTTLE_SHIFTS ? throttle->in_a_row : THROTTLE_SHIFTS;

    throttle->wait_until = now_ms + ((uint64_t)THROTTLE_BACKOFF_MS << shifts);
    throttle->in_a_row++;
    if (throttle->in_window == 0 || now_ms - throttle->window_from > THROTTLE_WINDOW_MS) {
        throttle->window_from = now_ms;
        throttle->in_window = 0;
    }
    throttle->in_window++;
    if (throttle->in_window < THROTTLE_FAILURES) {
        return (struct denial){0};
    }
    throttle->blocked_until = now_ms + THROTTLE_COOLDOWN_MS; /* outlasts the window: the next begins a new one */
    return (struct denial){"rate-limited", THROTTLE_COOLDOWN_MS};
}

void throttle_succeeded(struct throttle *throttle)
{
    *throttle = (struct throttle){0};
}
