/* The event pump. See events.h for its rules; this file is the only one that lets the machine sleep. */
#include "events.h"

#include "log.h"
#include "platform.h"
#include "root/machine.h"
#include "root/pump.h"

enum { EARLY = 64 }; /* how much of the time between wake-ups is "a little" */

struct member {
    const char *name;
    source_turn *turn;
    void *self;
    unsigned budget;
    bool ready, running;
    uint64_t deadline_ns;
    struct source_counters counters;
};

static struct member members[SOURCES];
static message_handler *answer;

void pump_add(enum source source, const char *name, source_turn *turn, void *self, unsigned budget)
{
    struct member *member = &members[source];

    ASSERT(member->turn == 0);
    member->name = name;
    member->turn = turn;
    member->self = self;
    member->budget = budget;
    log_audit("event-pump: init %s", name);
}

void pump_on_message(message_handler *handler)
{
    answer = handler;
}

void pump_ready(enum source source)
{
    members[source].ready = true;
}

void pump_deadline(enum source source, uint64_t deadline_ns)
{
    members[source].deadline_ns = deadline_ns;
}

void pump_counters(enum source source, struct source_counters *counters)
{
    *counters = members[source].counters;
}

const char *pump_name(enum source source)
{
    return members[source].name == 0 ? "" : members[source].name;
}

/* Where wake-ups come once a second, one that comes a little early is as near to a deadline as they get: the one
 * before was a little early, too, and the deadline was reckoned from there. */
static uint64_t due_ns(void)
{
    return time_now_ns() + time_wake_ns() / EARLY;
}

static void expire_deadlines(void)
{
    uint64_t due = due_ns();

    for (unsigned i = 0; i < SOURCES; i++) {
        if (members[i].deadline_ns != 0 && members[i].deadline_ns <= due) {
            members[i].deadline_ns = 0;
            members[i].ready = true;
        }
    }
}

/* One turn for each ready source that is not already in one. True: something is still ready. */
static bool turn_all(void)
{
    bool more = false;

    expire_deadlines();
    for (unsigned i = 0; i < SOURCES; i++) {
        struct member *member = &members[i];

        if (!member->ready || member->running || member->turn == 0) {
            continue;
        }
        member->ready = false; /* before the turn: what happens during it must not be lost */
        member->running = true;
        member->counters.wakeups++;
        if (member->turn(member->self, member->budget)) {
            member->counters.exhausted++;
            member->ready = true;
        }
        member->running = false;
    }
    for (unsigned i = 0; i < SOURCES; i++) {
        more |= members[i].ready && !members[i].running && members[i].turn != 0;
    }
    return more;
}

/* The earliest deadline of all, and of `limit_ns` if that is not 0; 0 if there is none. A source inside its turn is
 * counted too: its deadline makes it ready, and it runs when its turn is over. */
static uint64_t first_deadline(uint64_t limit_ns)
{
    uint64_t first = limit_ns;

    for (unsigned i = 0; i < SOURCES; i++) {
        uint64_t deadline = members[i].deadline_ns;

        if (deadline != 0 && (first == 0 || deadline < first)) {
            first = deadline;
        }
    }
    return first;
}

static void wait(bool sleep, uint64_t limit_ns)
{
    struct message message;

    if (sleep) {
        machine_wake_at(first_deadline(limit_ns));
    }
    if (machine_wait(sleep, &message)) {
        members[SOURCE_IPC].counters.wakeups++; /* one message is a turn of its own */
        answer(&message);                       /* at once: it may have to be answered before the next wait */
    }
}

bool pump_until(bool (*done)(void *self), void *self, uint64_t deadline_ns)
{
    while (!done(self)) {
        bool more = turn_all();

        if (done(self)) {
            break;
        }
        if (deadline_ns <= due_ns()) {
            return false;
        }
        wait(!more, deadline_ns);
    }
    return true;
}

void pump_run(void)
{
    for (;;) {
        bool more = turn_all();

        wait(!more, 0);
    }
}
