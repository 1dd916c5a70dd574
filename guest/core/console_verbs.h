/* The verbs of the console that ask the hive, and what all verbs write their answers with. Private to the console. */
#ifndef NINEDOOR_CORE_CONSOLE_VERBS_H
#define NINEDOOR_CORE_CONSOLE_VERBS_H

#include "core/console.h"

void console_put_line(struct console *console, const char *text, size_t size);
void console_put_text(struct console *console, const char *text);
void console_put_ack(struct console *console, const struct acknowledgement *ack);

/* CAT, TAIL and LOG. */
void console_show(struct console *console, enum verb_id verb, struct word path);
void console_list(struct console *console, struct word path);
void console_echo(struct console *console, struct word path, struct word payload);
void console_spawn(struct console *console, struct word payload);
void console_kill(struct console *console, struct word worker);

#endif
