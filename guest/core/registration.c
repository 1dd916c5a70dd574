#include "core/registration.h"

#include "bytes.h"
#include "format.h"

#define CONTROL "/queen/ctl"
#define LOG "/log/queen.log"
#define SPAWNED "spawned "

enum {
    COMMAND = 96,
    LOG_PART = 512, /* bytes of the log looked at in one go; no line of ours is so long */
};

/* Where `needle` begins in `text`; null if it is not there. */
static const char *find(const char *text, size_t size, const char *needle)
{
    size_t length = strlen(needle);

    for (size_t at = 0; at + length <= size; at++) {
        if (memcmp(text + at, needle, length) == 0) {
            return text + at;
        }
    }
    return 0;
}

/* Take the id from a line `spawned <id> … ops=<mark>`; false if `line` is another one. */
static bool take_id(uint64_t mark, const char *line, size_t size, char id[WORKER_ID + 1])
{
    char tail[32];
    size_t length = 0;
    size_t tail_size = text_format(tail, sizeof tail, " ops=%lu", (unsigned long)mark);
    const char *start = find(line, size, SPAWNED);

    if (start == 0 || size < tail_size || memcmp(line + size - tail_size, tail, tail_size) != 0) {
        return false;
    }
    start += sizeof SPAWNED - 1;
    while (start + length < line + size && start[length] != ' ') {
        length++;
    }
    if (length == 0 || length > WORKER_ID) {
        return false;
    }
    memcpy(id, start, length);
    id[length] = '\0';
    return true;
}

/* Look at the whole lines in `part`; returns how many bytes they are. */
static uint32_t search(uint64_t mark, const char *part, uint32_t size, char id[WORKER_ID + 1])
{
    uint32_t start = 0;

    for (uint32_t end = 0; end < size && id[0] == '\0'; end++) {
        if (part[end] == '\n') {
            take_id(mark, part + start, end - start, id);
            start = end + 1;
        }
    }
    return start == 0 && size == LOG_PART ? size : start;
}

/* Look for our mark in what the log got since before we asked. */
static status look_for_id(const struct registration *registration, const struct p9_tree *tree, char id[WORKER_ID + 1])
{
    uint64_t offset = registration->log_before;
    uint32_t have = 0, more = 0;
    char part[LOG_PART];
    struct p9_file log;
    status result = p9_open(&log, tree, LOG, sizeof LOG - 1, P9_RDONLY);

    if (failed(result)) {
        return result;
    }
    do {
        result = p9_read(&log, offset + have, (uint8_t *)part + have, LOG_PART - have, &more);
        have += more;
        uint32_t searched = search(registration->mark, part, have, id);
        memmove(part, part + searched, have - searched);
        offset += searched;
        have -= searched;
    } while (!failed(result) && more > 0 && id[0] == '\0');
    p9_close(&log);
    return result;
}

static status log_size(const struct p9_tree *tree, uint64_t *size)
{
    struct p9_file log;
    uint64_t base;
    status result = p9_open(&log, tree, LOG, sizeof LOG - 1, P9_RDONLY);

    if (!failed(result)) {
        result = p9_extent(&log, &base, size);
        p9_close(&log);
    }
    return result;
}

static status spawn(struct registration *registration, const struct p9_tree *tree)
{
    char command[COMMAND];
    size_t size = text_format(command, sizeof command,
                              "{\"spawn\":\"heartbeat\",\"ticks\":0,\"budget\":{\"ops\":%lu}}\n",
                              (unsigned long)registration->mark);
    status result = log_size(tree, &registration->log_before);

    if (failed(result)) {
        return result;
    }
    registration->asked = true;
    return p9_append_to(tree, CONTROL, command, size);
}

status registration_ask(struct registration *registration, const struct p9_tree *tree, char id[WORKER_ID + 1])
{
    status result = status_ok();

    id[0] = '\0';
    if (registration->asked) {
        result = look_for_id(registration, tree, id);
    }
    if (!failed(result) && id[0] == '\0') {
        result = spawn(registration, tree);
        if (!failed(result)) {
            result = look_for_id(registration, tree, id);
        }
    }
    if (id[0] != '\0') {
        registration->asked = false;
        return status_ok();
    }
    return failed(result) ? result : status_error(EAGAIN);
}

void registration_renew(struct registration *registration)
{
    registration->mark++;
    registration->asked = false;
}
