/* Lines of the root task. All go to the serial line; what a queen should know is also kept, bounded, until the 9P
 * client has written it to /log/queen.log. */
#ifndef NINEDOOR_LOG_H
#define NINEDOOR_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum {
    LOG_LINE = 256,  /* bytes of one line, cut beyond */
    LOG_QUEUE = 16,  /* lines kept for /log/queen.log; then the oldest is dropped and counted */
};

/* "[ninedoor:root-task] …" */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* "[INFO audit] …" */
void log_audit(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The line as it is: tick, PING, PONG. */
void log_plain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* log_line, and queued for /log/queen.log; pumps SOURCE_NINEP ready. */
void log_event(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Queued for /log/queen.log and not printed: refusals, which must not stir up the console they answer. */
void log_quiet(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Copy the oldest queued line, without prefix and line feed, and tell its number; false if none waits. It stays in
 * the queue until log_queue_done() is told that number: a write that failed is tried again. A full queue drops its
 * oldest line meanwhile, and log_queue_done() of a line that is gone changes nothing. */
bool log_queue_copy(char line[LOG_LINE], unsigned long *number);
void log_queue_done(unsigned long number);
unsigned long log_queue_dropped(void);

/* Everything printed by the root task passes `sink` if one is set, else goes straight to serial_write. The console
 * sets one that lifts a half-typed line out of the way and puts it back after. `line` has no line feed. */
void log_sink(void (*sink)(const char *line, size_t length));

#endif
