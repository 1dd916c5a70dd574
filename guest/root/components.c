/* Supervision. A component that faults, calls too often, or neither calls nor rests for too long, is reported, taken
 * back entirely and started again after a pause, a few times; then it stays away. Nothing else notices: the root task
 * goes on turning its pump meanwhile. */
#include "root/components.h"

#include "bytes.h"
#include "component/abi.h"
#include "cpio.h"
#include "format.h"
#include "log.h"
#include "platform.h"
#include "root/machine.h"
#include "root/pump.h"

#define SECOND_NS 1000000000ull
#define SILENCE_NS (3 * SECOND_NS) /* longest that a component may compute without a word */
#define PAUSE_NS (1 * SECOND_NS)   /* between its end and its next start */

enum {
    USER = 0,
    MISBEHAVE = 1,
    STARTS_MOST = 3,
    CALLS_MOST = 64, /* in a second: each is answered before anything else runs */
    SETTING_ROOM = 16,
};

enum state {
    ABSENT,  /* never started, or given up */
    RUNNING, /* deadline: until when it has to say something */
    RESTING, /* waits for nothing, and costs nothing */
    STOPPED, /* has failed; to be taken back */
    PAUSED,  /* taken back; deadline: when it starts again */
};

struct supervised {
    const char *name; /* of its program in the root file system */
    enum state state;
    unsigned starts;
    uint64_t argument;
    uint64_t deadline_ns;
    uint64_t counted_from_ns; /* `calls` are those of the second from then on */
    unsigned calls;
};

/* The archive that the build links in (root/rootfs.S). */
extern const uint8_t rootfs_begin[], rootfs_end[];

static struct supervised components[COMPONENTS] = {
    [USER] = {.name = "user-component"},
    [MISBEHAVE] = {.name = "misbehave"},
};

static status launch(unsigned number, uint64_t argument)
{
    const uint8_t *program;
    size_t size;
    status result =
        cpio_find(rootfs_begin, (size_t)(rootfs_end - rootfs_begin), components[number].name, &program, &size);

    return failed(result) ? result : component_start(number, program, size, argument);
}

/* The earliest deadline of any component is that of the source. */
static void set_deadline(void)
{
    uint64_t first = 0;

    for (unsigned i = 0; i < COMPONENTS; i++) {
        const struct supervised *component = &components[i];

        if ((component->state == RUNNING || component->state == PAUSED) &&
            (first == 0 || component->deadline_ns < first)) {
            first = component->deadline_ns;
        }
    }
    pump_deadline(SOURCE_IPC, first);
}

static void start(unsigned number)
{
    struct supervised *component = &components[number];
    uint64_t argument = component->argument;
    status result;

    component->starts++;
    if (number == USER) {
        argument += component->starts; /* it says PING with the number of its start */
    }
    result = launch(number, argument);
    if (failed(result)) {
        component->state = ABSENT;
        log_event("component %s failed to start: %s seL4_Error=%u", component->name, error_name(result.error),
                  result.kernel);
        return;
    }
    component->state = RUNNING;
    component->deadline_ns = time_now_ns() + SILENCE_NS;
    log_line("spawned %s endpoint %u", component->name, component->starts);
}

static void take_back(unsigned number)
{
    struct supervised *component = &components[number];
    status result = component_destroy(number);

    if (failed(result)) {
        component->state = ABSENT;
        log_event("component %s could not be revoked: seL4_Error=%u", component->name, result.kernel);
    } else if (component->starts < STARTS_MOST) {
        component->state = PAUSED;
        component->deadline_ns = time_now_ns() + PAUSE_NS;
        log_event("component %s revoked, starts again", component->name);
    } else {
        component->state = ABSENT;
        log_event("component %s revoked for good after %u starts", component->name, component->starts);
    }
}

static bool turn(void *self, unsigned budget)
{
    (void)self;
    (void)budget; /* there are few enough to look at all of them */
    for (unsigned i = 0; i < COMPONENTS; i++) {
        struct supervised *component = &components[i];
        bool passed = component->deadline_ns <= time_now_ns();

        if (component->state == RUNNING && passed) {
            log_event("component %s fault silent for %lu s", component->name, (unsigned long)(SILENCE_NS / SECOND_NS));
            component->state = STOPPED;
        }
        if (component->state == STOPPED) {
            take_back(i);
        } else if (component->state == PAUSED && passed) {
            start(i);
        }
    }
    set_deadline();
    return false;
}

static void report(const struct message *message)
{
    static const char *const kinds[] = {
        [FAULT_MEMORY] = "memory",
        [FAULT_CAPABILITY] = "capability",
        [FAULT_SYSCALL] = "system call",
        [FAULT_EXCEPTION] = "exception",
    };

    log_event("component %s fault %s pc=0x%lx address=0x%lx", components[message->component].name,
              kinds[message->fault], message->instruction, message->address);
}

static bool calls_too_often(struct supervised *component)
{
    uint64_t now = time_now_ns();

    if (now - component->counted_from_ns >= SECOND_NS) {
        component->counted_from_ns = now;
        component->calls = 0;
    }
    return ++component->calls > CALLS_MOST;
}

static void answer(const struct message *message)
{
    struct supervised *component = &components[message->component];

    component->deadline_ns = time_now_ns() + SILENCE_NS;
    if (message->fault != FAULT_NONE) {
        component->state = STOPPED;
        report(message);
    } else if (calls_too_often(component)) {
        component->state = STOPPED;
        log_event("component %s fault more than %u calls in a second", component->name, CALLS_MOST);
    } else if (message->label == CALL_PING) {
        log_plain("PING %lu", message->words[0]);
        machine_reply(message->label, message->words);
    } else if (message->label == CALL_PONG) {
        log_plain("PONG %lu", message->words[0]);
        machine_reply(message->label, message->words);
    } else if (message->label == CALL_REST) {
        component->state = RESTING;
    } else {
        component->state = STOPPED;
        log_event("component %s fault unknown call %lu", component->name, message->label);
    }
    pump_ready(SOURCE_IPC);
}

void components_handle(void)
{
    pump_add(SOURCE_IPC, "ipc", turn, 0, COMPONENTS);
    pump_on_message(answer);
}

static bool user_rests(void *self)
{
    (void)self;
    return components[USER].state != RUNNING;
}

static void start_misbehaving(void)
{
    static const struct {
        const char *way;
        uint64_t argument;
    } ways[] = {
        {"memory", MISBEHAVE_MEMORY}, {"capability", MISBEHAVE_CAPABILITY}, {"spin", MISBEHAVE_SPIN},
        {"die", MISBEHAVE_DIE},       {"code", MISBEHAVE_CODE},             {"flood", MISBEHAVE_FLOOD},
    };
    char wanted[SETTING_ROOM];

    if (failed(boot_setting("misbehave", wanted, sizeof wanted))) {
        return;
    }
    for (unsigned i = 0; i < ARRAY_LENGTH(ways); i++) {
        if (text_equal(wanted, ways[i].way)) {
            components[MISBEHAVE].argument = ways[i].argument;
            start(MISBEHAVE);
            return;
        }
    }
    log_line("boot setting misbehave=%s: no such way", wanted);
}

void components_start(void)
{
    components[USER].argument = RUN_PING;
    start(USER);
    set_deadline();
    (void)pump_until(user_rests, 0, time_now_ns() + SILENCE_NS);
    start_misbehaving();
    set_deadline();
}

bool components_probe(uint64_t argument)
{
    struct message message;
    bool readable;

    if (failed(launch(USER, argument))) {
        return false;
    }
    while (!machine_wait(true, &message)) {
    }
    readable = message.fault == FAULT_NONE && message.label == CALL_COUNT;
    return !failed(component_destroy(USER)) && readable;
}

void components_describe(void (*line)(const char *text))
{
    static const char *const states[] = {
        [ABSENT] = "absent", [RUNNING] = "running", [RESTING] = "resting", [STOPPED] = "stopped", [PAUSED] = "paused",
    };

    for (unsigned i = 0; i < COMPONENTS; i++) {
        char text[LOG_LINE];

        (void)text_format(text, sizeof text, "component %s state=%s starts=%u", components[i].name,
                          states[components[i].state], components[i].starts);
        line(text);
    }
}
