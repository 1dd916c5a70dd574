/* The console of the guest: lines in, acknowledgements and bodies out, as the hive's own console gives them; but for
 * who refused. The hive's console sees whether a role, a ticket or the node did, and words EPERM and EDQUOT accordingly;
 * a reply of 9P carries the errno alone, and here they all read as the node's.
 *
 * What needs the hive travels there in 9P with the identity of whoever attached (attach.h); the rest the node answers
 * itself. One command is carried out at a time; while it waits for the hive, the host lets everything else go on. */
#ifndef NINEDOOR_CORE_CONSOLE_H
#define NINEDOOR_CORE_CONSOLE_H

#include "core/attach.h"
#include "core/body.h"
#include "core/content.h"
#include "core/line.h"

#define CONSOLE_PROMPT "cohesix> "

/* What the node tells of itself. */
struct console_node {
    /* Give the lines of `what`, "bi", "caps" or "mem", to `line`. */
    void (*describe)(const char *what, void (*line)(const char *text));
    /* A line for the hive's log: somebody was denied something. */
    void (*audit)(const char *line);
    uint64_t (*unix_ms)(void);
};

struct console {
    struct line_editor editor;
    struct attach attach;
    const struct console_node *node;
    const struct sink *out;
    bool busy; /* a line is being carried out */
    struct content content;
};

/* `out` gets everything that is to be seen, with LF for a line end; `echo` whether that includes what is typed. */
void console_begin(struct console *console, struct p9_client *client, const struct p9_host *host, const char *export,
                   const struct console_node *node, const struct sink *out, bool echo);

void console_prompt(struct console *console);

/* Take one byte of input. Returns whether it ended a line, which then was carried out. */
bool console_take(struct console *console, uint8_t byte);

/* Print a line that has nothing to do with the console above the one being typed. */
void console_interrupt(struct console *console, const char *line, size_t size);

#endif
